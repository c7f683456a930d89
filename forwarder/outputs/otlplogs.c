/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OTLP logs, many in a request. Ours: the severity follows the priority, and the fields are
 * attributes.
 */
#include <json-c/linkhash.h>
#include <math.h>

#include "base/memory.h"
#include "forwarder/alert-text.h"
#include "forwarder/otlp.h"

#define BATCH 500

struct otlplogs {
	struct otlp otlp;
};

static const struct setting rows[] = {
	OTLP_ROWS(otlplogs, "/v1/logs"),
	OUTPUT_ROW_PRIORITY,
	OUTPUT_ROWS_HTTP,
};

/* opentelemetry.io, "Logs Data Model", appendix B: syslog's severities. */
static const struct {
	int number;
	const char *text;
} severities[] = {
	[PRIORITY_EMERGENCY] = { 21, "FATAL" },
	[PRIORITY_ALERT] = { 19, "ERROR3" },
	[PRIORITY_CRITICAL] = { 18, "ERROR2" },
	[PRIORITY_ERROR] = { 17, "ERROR" },
	[PRIORITY_WARNING] = { 13, "WARN" },
	[PRIORITY_NOTICE] = { 10, "INFO2" },
	[PRIORITY_INFORMATIONAL] = { 9, "INFO" },
	[PRIORITY_DEBUG] = { 5, "DEBUG" },
	[PRIORITY_NONE] = { 9, "INFO" },
};

static bool is_enabled(const void *settings)
{
	return is_set(((const struct otlplogs *)settings)->otlp.endpoint);
}

static int check(const void *settings, struct error *err)
{
	return otlp_check(settings, &otlp_logs, err);
}

static size_t batch(const void *settings)
{
	(void)settings;
	return BATCH;
}

static void add_any_value(struct json_writer *json, struct json_object *value)
{
	struct text text = field_text(value);
	int64_t number;

	json_begin_object(json);
	if (json_object_is_type(value, json_type_boolean)) {
		json_key(json, "boolValue");
		json_add_value(json, value);
	} else if (json_object_is_type(value, json_type_int) && !text_to_i64(text, &number)) {
		json_key(json, "intValue"); /* 64 bits are text in protobuf's JSON */
		json_add_text(json, text);
	} else if (json_object_is_type(value, json_type_double) &&
		   isfinite(json_object_get_double(value))) {
		json_key(json, "doubleValue");
		json_add_value(json, value);
	} else {
		json_key(json, "stringValue"); /* also numbers that no other type holds */
		json_add_text(json, text);
	}
	json_end(json);
}

static void add_fields(struct json_writer *json, struct json_object *fields)
{
	json_object_object_foreach(fields, name, value)
	{
		if (!value)
			continue;
		json_begin_object(json);
		json_key(json, "key");
		json_add_string(json, name);
		json_key(json, "value");
		add_any_value(json, value);
		json_end(json);
	}
}

static void add_attributes(struct json_writer *json, const struct alert *alert)
{
	struct buffer tags;

	buffer_init(&tags, ALERT_MAX);
	alert_tags_text(&tags, alert, ",");
	json_key(json, "attributes");
	json_begin_array(json);
	otlp_add_string(json, "uuid", text_of(alert->uuid));
	otlp_add_string(json, "priority", text_of(priority_name(alert->priority)));
	otlp_add_string(json, "source", text_of(alert->source));
	otlp_add_string(json, "rule", text_of(alert->rule));
	if (is_set(alert->hostname))
		otlp_add_string(json, "hostname", text_of(alert->hostname));
	if (tags.length)
		otlp_add_string(json, "tags", buffer_text(&tags));
	if (alert->fields)
		add_fields(json, alert->fields);
	json_end(json);
	buffer_done(&tags);
}

static void add_record(struct json_writer *json, const struct alert *alert)
{
	json_begin_object(json);
	otlp_add_number(json, "timeUnixNano", alert->time_ns);
	json_key(json, "severityNumber");
	json_add_i64(json, severities[alert->priority].number);
	json_key(json, "severityText");
	json_add_string(json, severities[alert->priority].text);
	json_key(json, "body");
	json_begin_object(json);
	json_key(json, "stringValue");
	json_add_text(json, text_of(alert->output));
	json_end(json);
	add_attributes(json, alert);
	json_end(json);
}

static void compose(const struct messages *messages, const void *settings, struct request *request)
{
	struct json_writer json;

	json_writer_init(&json, &request->body);
	otlp_begin(&json, "resourceLogs", "scopeLogs", "logRecords");
	for (size_t i = 0; i < messages->count; i++)
		add_record(&json, messages->items[i].alert);
	while (json.depth)
		json_end(&json);
	otlp_finish(request, settings, &otlp_logs);
}

const struct output output_otlplogs = {
	.name = "otlplogs",
	.key = "otlp.logs",
	.title = "OTLPLogs",
	.about = "Sends alerts as logs to an OpenTelemetry collector",
	.rows = rows,
	.row_count = COUNT_OF(rows),
	.settings_size = sizeof(struct otlplogs),
	.reads_alerts = true,
	.is_enabled = is_enabled,
	.check = check,
	.batch = batch,
	.compose = compose,
	.verdict = otlp_verdict,
};
