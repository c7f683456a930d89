/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Datadog's logs: the raw event as a log's message, many in a request.
 */
#include "base/memory.h"
#include "forwarder/alert-text.h"
#include "forwarder/output.h"

/* docs.datadoghq.com, "Send logs": 1000 logs and 5 MB a request; half, for 4 MB of alerts. */
#define BATCH 500

struct datadoglogs {
	struct output_settings common;
	char *api_key, *host, *service;
};

static const struct setting rows[] = {
	OUTPUT_ROW_SECRET(datadoglogs, api_key, "apikey", "API key; switches the output on"),
	OUTPUT_ROW_TEXT(datadoglogs, host, "host", "https://http-intake.logs.datadoghq.com/",
		"Address of the site's log intake"),
	OUTPUT_ROW_TEXT(datadoglogs, service, "service", NULL, "Service that the logs belong to"),
	OUTPUT_ROW_PRIORITY,
	OUTPUT_ROWS_HTTP,
};

static bool is_enabled(const void *settings)
{
	return is_set(((const struct datadoglogs *)settings)->api_key);
}

static int check(const void *settings, struct error *err)
{
	return check_url("datadoglogs.host", ((const struct datadoglogs *)settings)->host, err);
}

static size_t batch(const void *settings)
{
	(void)settings;
	return BATCH;
}

static void add(struct json_writer *json, const char *key, struct text value)
{
	if (!value.length)
		return;
	json_key(json, key);
	json_add_text(json, value);
}

static void add_log(
	struct json_writer *json, const struct message *message, const struct datadoglogs *logs)
{
	struct buffer tags;

	buffer_init(&tags, ALERT_MAX);
	alert_tags_text(&tags, message->alert, ",");
	json_begin_object(json);
	add(json, "ddsource", TEXT("falco"));
	add(json, "ddtags", buffer_text(&tags));
	add(json, "hostname", text_of(message->alert->hostname));
	add(json, "message", message->raw);
	add(json, "service", text_of(logs->service));
	json_end(json);
	buffer_done(&tags);
}

static void compose(const struct messages *messages, const void *settings, struct request *request)
{
	const struct datadoglogs *logs = settings;
	struct json_writer json;

	request_url(request, logs->host, "/api/v2/logs");
	request_json(request);
	request_header(request, "DD-API-KEY", text_of(logs->api_key));
	json_writer_init(&json, &request->body);
	json_begin_array(&json);
	for (size_t i = 0; i < messages->count; i++)
		add_log(&json, &messages->items[i], logs);
	json_end(&json);
}

const struct output output_datadoglogs = {
	.name = "datadoglogs",
	.title = "DatadogLogs",
	.about = "Sends alerts as logs to Datadog",
	.rows = rows,
	.row_count = COUNT_OF(rows),
	.settings_size = sizeof(struct datadoglogs),
	.reads_alerts = true,
	.is_enabled = is_enabled,
	.check = check,
	.batch = batch,
	.compose = compose,
};
