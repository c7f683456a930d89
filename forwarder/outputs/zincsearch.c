/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ZincSearch: the raw event as a document.
 */
#include "base/memory.h"
#include "forwarder/output.h"

struct zincsearch {
	struct output_settings common;
	char *host, *index, *username, *password;
};

static const struct setting rows[] = {
	OUTPUT_ROW_TEXT(zincsearch, host, "hostport", NULL,
		"Address, such as http://zincsearch:4080; switches the output on"),
	OUTPUT_ROW_TEXT(zincsearch, index, "index", "falco", "Index"),
	OUTPUT_ROW_TEXT(zincsearch, username, "username", NULL, "User"),
	OUTPUT_ROW_SECRET(zincsearch, password, "password", "Its password"),
	OUTPUT_ROW_PRIORITY,
	OUTPUT_ROWS_HTTP,
};

static bool is_enabled(const void *settings)
{
	const struct zincsearch *zincsearch = settings;

	return is_set(zincsearch->host);
}

static int check(const void *settings, struct error *err)
{
	const struct zincsearch *zincsearch = settings;

	return check_url("zincsearch.hostport", zincsearch->host, err);
}

static void compose(const struct messages *messages, const void *settings, struct request *request)
{
	const struct zincsearch *zincsearch = settings;

	request_url(request, zincsearch->host, "/api/");
	buffer_printf(&request->url, "%s/_doc", zincsearch->index);
	request_json(request);
	request_basic(request, zincsearch->username, zincsearch->password);
	buffer_add_text(&request->body, messages->items[0].raw);
}

const struct output output_zincsearch = {
	.name = "zincsearch",
	.title = "ZincSearch",
	.about = "Stores alerts in ZincSearch",
	.rows = rows,
	.row_count = COUNT_OF(rows),
	.settings_size = sizeof(struct zincsearch),
	.is_enabled = is_enabled,
	.check = check,
	.compose = compose,
};
