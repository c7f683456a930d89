/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Node-RED: the raw event, to an "http in" node.
 */
#include "base/memory.h"
#include "forwarder/output.h"

struct nodered {
	struct output_settings common;
	char *address, *user, *password;
	struct text_map headers;
};

static const struct setting rows[] = {
	OUTPUT_ROW_TEXT(
		nodered, address, "address", NULL, "Address of the node; switches the output on"),
	OUTPUT_ROW_TEXT(nodered, user, "user", NULL, "User of basic authentication"),
	OUTPUT_ROW_SECRET(nodered, password, "password", "Its password"),
	OUTPUT_ROW_HEADERS(nodered, headers),
	OUTPUT_ROW_PRIORITY,
	OUTPUT_ROWS_HTTP,
};

static bool is_enabled(const void *settings)
{
	const struct nodered *nodered = settings;

	return is_set(nodered->address);
}

static int check(const void *settings, struct error *err)
{
	const struct nodered *nodered = settings;

	return check_url("nodered.address", nodered->address, err);
}

static void compose(const struct messages *messages, const void *settings, struct request *request)
{
	const struct nodered *nodered = settings;

	buffer_add_string(&request->url, nodered->address);
	request_json(request);
	request_basic(request, nodered->user, nodered->password);
	request_headers(request, &nodered->headers);
	buffer_add_text(&request->body, messages->items[0].raw);
}

const struct output output_nodered = {
	.name = "nodered",
	.title = "NodeRed",
	.about = "Posts each alert to an http-in node of Node-RED",
	.rows = rows,
	.row_count = COUNT_OF(rows),
	.settings_size = sizeof(struct nodered),
	.is_enabled = is_enabled,
	.check = check,
	.compose = compose,
};
