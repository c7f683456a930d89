/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Quickwit: raw events, a line each. The index must be there.
 */
#include "base/memory.h"
#include "forwarder/output.h"

struct quickwit {
	struct output_settings common;
	char *host, *endpoint, *index;
	struct text_map headers;
};

static const struct setting rows[] = {
	OUTPUT_ROW_TEXT(quickwit, host, "hostport", NULL,
		"Address, such as http://quickwit:7280; switches the output on"),
	OUTPUT_ROW_TEXT(quickwit, endpoint, "apiendpoint", "api/v1", "Path of the API"),
	OUTPUT_ROW_TEXT(quickwit, index, "index", "falco", "Index"),
	OUTPUT_ROW_IGNORED("version", "0.7", "the index is made in Quickwit"),
	OUTPUT_ROW_IGNORED("autocreateindex", "false", "the index is made in Quickwit"),
	OUTPUT_ROW_HEADERS(quickwit, headers),
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
	const struct quickwit *quickwit = settings;

	return is_set(quickwit->host);
}

static int check(const void *settings, struct error *err)
{
	const struct quickwit *quickwit = settings;

	return check_url("quickwit.hostport", quickwit->host, err);
}

static void compose(const struct messages *messages, const void *settings, struct request *request)
{
	const struct quickwit *quickwit = settings;
	struct text endpoint = text_of(quickwit->endpoint);

	request_url(request, quickwit->host, text_starts_with(endpoint, TEXT("/")) ? "" : "/");
	buffer_printf(&request->url, "%s/%s/ingest", quickwit->endpoint, quickwit->index);
	request_json(request);
	request_headers(request, &quickwit->headers);
	for (size_t i = 0; i < messages->count; i++) {
		if (i)
			buffer_add_char(&request->body, '\n');
		buffer_add_text(&request->body, messages->items[i].raw);
	}
}

const struct output output_quickwit = {
	.name = "quickwit",
	.title = "Quickwit",
	.about = "Stores alerts in Quickwit",
	.rows = rows,
	.row_count = COUNT_OF(rows),
	.settings_size = sizeof(struct quickwit),
	.is_enabled = is_enabled,
	.check = check,
	.batch = batch,
	.compose = compose,
};
