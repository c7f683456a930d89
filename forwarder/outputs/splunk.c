/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Splunk's HTTP Event Collector, which takes many events one behind the other.
 */
#include "base/memory.h"
#include "forwarder/output.h"

/* Well below 1 MB with alerts of the usual size; what is too large is answered 413, and split. */
#define BATCH 100

struct splunk {
	struct output_settings common;
	char *host, *token;
	struct text_map headers;
};

static const struct setting rows[] = {
	OUTPUT_ROW_TEXT(splunk, host, "host", NULL,
		"Address of the collector, such as https://splunk:8088/services/collector/event; "
		"switches the output on"),
	OUTPUT_ROW_SECRET(splunk, token, "token", "Token of the collector"),
	OUTPUT_ROW_HEADERS(splunk, headers),
	OUTPUT_ROW_PRIORITY,
	OUTPUT_ROWS_HTTP,
};

static bool is_enabled(const void *settings)
{
	return is_set(((const struct splunk *)settings)->host);
}

static int check(const void *settings, struct error *err)
{
	return check_url("splunk.host", ((const struct splunk *)settings)->host, err);
}

static size_t batch(const void *settings)
{
	(void)settings;
	return BATCH;
}

static void compose(const struct messages *messages, const void *settings, struct request *request)
{
	const struct splunk *splunk = settings;

	buffer_add_string(&request->url, splunk->host);
	request_json(request);
	if (is_set(splunk->token))
		request_header_printf(request, "Authorization", "Splunk %s", splunk->token);
	request_headers(request, &splunk->headers);
	for (size_t i = 0; i < messages->count; i++) {
		buffer_add_string(&request->body, i ? "\n{\"event\":" : "{\"event\":");
		buffer_add_text(&request->body, messages->items[i].raw);
		buffer_add_string(&request->body, ",\"sourcetype\":\"falcosidekick\"}");
	}
}

const struct output output_splunk = {
	.name = "splunk",
	.title = "Splunk",
	.about = "Sends alerts to Splunk's HTTP Event Collector",
	.rows = rows,
	.row_count = COUNT_OF(rows),
	.settings_size = sizeof(struct splunk),
	.is_enabled = is_enabled,
	.check = check,
	.batch = batch,
	.compose = compose,
};
