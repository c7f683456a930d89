/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sumo Logic: the raw event, to an HTTP source.
 */
#include "base/memory.h"
#include "forwarder/output.h"

struct sumologic {
	struct output_settings common;
	char *receiver_url, *category, *host, *name;
};

static const struct setting rows[] = {
	OUTPUT_ROW_SECRET(sumologic, receiver_url, "receiverurl",
		"Address of the HTTP source; switches the output on"),
	OUTPUT_ROW_TEXT(sumologic, category, "sourcecategory", NULL,
		"Source category in place of the source's own"),
	OUTPUT_ROW_TEXT(
		sumologic, host, "sourcehost", NULL, "Source host in place of the source's own"),
	OUTPUT_ROW_TEXT(sumologic, name, "name", NULL, "Source name in place of the source's own"),
	OUTPUT_ROW_PRIORITY,
	OUTPUT_ROWS_HTTP,
};

static void add_if_set(struct request *request, const char *name, const char *value)
{
	if (is_set(value))
		request_header(request, name, text_of(value));
}

static bool is_enabled(const void *settings)
{
	const struct sumologic *sumologic = settings;

	return is_set(sumologic->receiver_url);
}

static int check(const void *settings, struct error *err)
{
	const struct sumologic *sumologic = settings;

	return check_url("sumologic.receiverurl", sumologic->receiver_url, err);
}

static void compose(const struct messages *messages, const void *settings, struct request *request)
{
	const struct sumologic *sumologic = settings;

	buffer_add_string(&request->url, sumologic->receiver_url);
	request_json(request);
	add_if_set(request, "X-Sumo-Category", sumologic->category);
	add_if_set(request, "X-Sumo-Host", sumologic->host);
	add_if_set(request, "X-Sumo-Name", sumologic->name);
	buffer_add_text(&request->body, messages->items[0].raw);
}

const struct output output_sumologic = {
	.name = "sumologic",
	.title = "SumoLogic",
	.about = "Posts each alert to a collector of Sumo Logic",
	.rows = rows,
	.row_count = COUNT_OF(rows),
	.settings_size = sizeof(struct sumologic),
	.is_enabled = is_enabled,
	.check = check,
	.compose = compose,
};
