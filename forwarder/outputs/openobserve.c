/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OpenObserve: raw events, a line each.
 */
#include "base/memory.h"
#include "forwarder/output.h"

struct openobserve {
	struct output_settings common;
	char *host, *organization, *stream, *username, *password;
	struct text_map headers;
};

static const struct setting rows[] = {
	OUTPUT_ROW_TEXT(openobserve, host, "hostport", NULL,
		"Address, such as http://openobserve:5080; switches the output on"),
	OUTPUT_ROW_TEXT(openobserve, organization, "organizationname", "default", "Organization"),
	OUTPUT_ROW_TEXT(openobserve, stream, "streamname", "falco", "Stream"),
	OUTPUT_ROW_TEXT(openobserve, username, "username", NULL, "User"),
	OUTPUT_ROW_SECRET(openobserve, password, "password", "Its password"),
	OUTPUT_ROW_HEADERS(openobserve, headers),
	OUTPUT_ROW_PRIORITY,
	OUTPUT_ROWS_HTTP,
};

static size_t batch(const void *settings)
{
	(void)settings;
	return 200;
}

static bool is_enabled(const void *settings)
{
	const struct openobserve *openobserve = settings;

	return is_set(openobserve->host);
}

static int check(const void *settings, struct error *err)
{
	const struct openobserve *openobserve = settings;

	return check_url("openobserve.hostport", openobserve->host, err);
}

static void compose(const struct messages *messages, const void *settings, struct request *request)
{
	const struct openobserve *openobserve = settings;

	request_url(request, openobserve->host, "/api/");
	buffer_printf(
		&request->url, "%s/%s/_multi", openobserve->organization, openobserve->stream);
	request_json(request);
	request_basic(request, openobserve->username, openobserve->password);
	request_headers(request, &openobserve->headers);
	for (size_t i = 0; i < messages->count; i++) {
		if (i)
			buffer_add_char(&request->body, '\n');
		buffer_add_text(&request->body, messages->items[i].raw);
	}
}

const struct output output_openobserve = {
	.name = "openobserve",
	.title = "OpenObserve",
	.about = "Stores alerts in OpenObserve",
	.rows = rows,
	.row_count = COUNT_OF(rows),
	.settings_size = sizeof(struct openobserve),
	.is_enabled = is_enabled,
	.check = check,
	.batch = batch,
	.compose = compose,
};
