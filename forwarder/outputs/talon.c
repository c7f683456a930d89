/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Falco Talon, which responds to alerts: the raw event.
 */
#include "base/memory.h"
#include "forwarder/output.h"

struct talon {
	struct output_settings common;
	char *address;
};

static const struct setting rows[] = {
	OUTPUT_ROW_TEXT(talon, address, "address", NULL,
		"Address of Talon, such as http://talon:2803; switches the output on"),
	OUTPUT_ROW_PRIORITY,
	OUTPUT_ROWS_HTTP,
};

static bool is_enabled(const void *settings)
{
	const struct talon *talon = settings;

	return is_set(talon->address);
}

static int check(const void *settings, struct error *err)
{
	const struct talon *talon = settings;

	return check_url("talon.address", talon->address, err);
}

static void compose(const struct messages *messages, const void *settings, struct request *request)
{
	const struct talon *talon = settings;

	buffer_add_string(&request->url, talon->address);
	request_json(request);
	buffer_add_text(&request->body, messages->items[0].raw);
}

const struct output output_talon = {
	.name = "talon",
	.title = "Talon",
	.about = "Posts each alert to Falco Talon",
	.rows = rows,
	.row_count = COUNT_OF(rows),
	.settings_size = sizeof(struct talon),
	.is_enabled = is_enabled,
	.check = check,
	.compose = compose,
};
