/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Datadog's events. The key goes into a header, so that no log shows it. date_happened is left
 * out: Datadog refuses events older than 18 hours (docs.datadoghq.com, "Post an event"), and an
 * alert that waited longer is still one.
 */
#include "base/memory.h"
#include "forwarder/alert-text.h"
#include "forwarder/output.h"

#define TEXT_MAX_CHARS 4000 /* the same page */

struct datadog {
	struct output_settings common;
	char *api_key, *host;
};

static const struct setting rows[] = {
	OUTPUT_ROW_SECRET(datadog, api_key, "apikey", "API key; switches the output on"),
	OUTPUT_ROW_TEXT(datadog, host, "host", "https://api.datadoghq.com",
		"Address of the site's API, such as https://api.datadoghq.eu"),
	OUTPUT_ROW_PRIORITY,
	OUTPUT_ROWS_HTTP,
};

static const char *const alert_types[] = {
	[PRIORITY_EMERGENCY] = "error",
	[PRIORITY_ALERT] = "error",
	[PRIORITY_CRITICAL] = "error",
	[PRIORITY_ERROR] = "error",
	[PRIORITY_WARNING] = "warning",
	[PRIORITY_NOTICE] = "info",
	[PRIORITY_INFORMATIONAL] = "info",
	[PRIORITY_DEBUG] = "info",
	[PRIORITY_NONE] = "info",
};

static const enum fact_kind order[] = { FACT_STRING_FIELDS, FACT_SOURCE, FACTS_END };

static bool is_enabled(const void *settings)
{
	return is_set(((const struct datadog *)settings)->api_key);
}

static int check(const void *settings, struct error *err)
{
	return check_url("datadog.host", ((const struct datadog *)settings)->host, err);
}

static void add_tag(struct json_writer *json, struct text name, struct text value)
{
	struct buffer tag;

	buffer_init(&tag, ALERT_MAX);
	buffer_add_text(&tag, name);
	buffer_add_char(&tag, ':');
	buffer_add_text(&tag, value);
	json_add_text(json, buffer_text(&tag));
	buffer_done(&tag);
}

static void add_tags(struct json_writer *json, const struct alert *alert)
{
	struct facts facts;

	facts_init(&facts, alert, order, ",");
	json_key(json, "tags");
	json_begin_array(json);
	for (size_t i = 0; i < facts.count; i++)
		add_tag(json, facts.items[i].name, facts.items[i].value);
	add_tag(json, TEXT("source"), TEXT("falco"));
	if (is_set(alert->hostname))
		add_tag(json, TEXT("hostname"), text_of(alert->hostname));
	for (size_t i = 0; i < alert->tag_count; i++)
		json_add_string(json, alert->tags[i]);
	json_end(json);
	facts_done(&facts);
}

static void compose(const struct messages *messages, const void *settings, struct request *request)
{
	const struct datadog *datadog = settings;
	const struct alert *alert = messages->items[0].alert;
	char fingerprint[FINGERPRINT_LENGTH + 1];
	struct json_writer json;

	alert_fingerprint(alert, fingerprint);
	request_url(request, datadog->host, "/api/v1/events");
	request_json(request);
	request_header(request, "DD-API-KEY", text_of(datadog->api_key));
	json_writer_init(&json, &request->body);
	json_begin_object(&json);
	json_key(&json, "title");
	json_add_string(&json, alert->rule ? alert->rule : "");
	json_key(&json, "text");
	json_add_cut(&json, text_of(alert->output), TEXT_MAX_CHARS);
	json_key(&json, "alert_type");
	json_add_string(&json, alert_types[alert->priority]);
	json_key(&json, "priority");
	json_add_string(&json, alert->priority <= PRIORITY_NOTICE ? "normal" : "low");
	json_key(&json, "source_type_name");
	json_add_string(&json, "falco");
	if (is_set(alert->hostname)) {
		json_key(&json, "host");
		json_add_string(&json, alert->hostname);
	}
	json_key(&json, "aggregation_key");
	json_add_string(&json, fingerprint);
	add_tags(&json, alert);
	json_end(&json);
}

const struct output output_datadog = {
	.name = "datadog",
	.title = "Datadog",
	.about = "Posts each alert as an event of Datadog",
	.rows = rows,
	.row_count = COUNT_OF(rows),
	.settings_size = sizeof(struct datadog),
	.reads_alerts = true,
	.is_enabled = is_enabled,
	.check = check,
	.compose = compose,
};
