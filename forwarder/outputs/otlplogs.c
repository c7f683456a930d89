/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OTLP logs over HTTP as JSON (opentelemetry.io, "OTLP Specification" 1.x), many in a request.
 * Ours: the severity follows the priority, and the fields are attributes.
 */
#include <errno.h>
#include <json-c/linkhash.h>
#include <math.h>

#include "base/memory.h"
#include "forwarder/alert-text.h"
#include "forwarder/output.h"

#define BATCH 500

struct otlplogs {
	struct output_settings common;
	char *endpoint, *protocol, *headers;
};

static const struct setting rows[] = {
	OUTPUT_ROW_TEXT(otlplogs, endpoint, "endpoint", NULL,
		"Address, such as http://collector:4318/v1/logs; switches the output on"),
	OUTPUT_ROW_TEXT(otlplogs, protocol, "protocol", NULL,
		"JSON over HTTP is what is sent, which takers of http/protobuf take too; grpc is "
		"refused"),
	OUTPUT_ROW_SECRET(
		otlplogs, headers, "headers", "Headers to add, such as api-key=secret,tenant=a"),
	OUTPUT_ROW_IGNORED("timeout", "10000", "a request has 30 s"),
	OUTPUT_ROW_IGNORED("synced", "false", "alerts wait in the journal until they are taken"),
	OUTPUT_ROW_IGNORED("extraenvvars", NULL, "there is no SDK that would read them"),
	OUTPUT_ROW_IGNORED("tls", "false", "the endpoint says https"),
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
	return is_set(((const struct otlplogs *)settings)->endpoint);
}

static int check(const void *settings, struct error *err)
{
	const struct otlplogs *logs = settings;

	if (is_set(logs->protocol) && !strcmp(logs->protocol, "grpc"))
		return error_set(err, -EINVAL,
			"otlp.logs.protocol grpc is not spoken; give the collector's HTTP port "
			"(4318) as otlp.logs.endpoint and http/json as protocol");
	return check_url("otlp.logs.endpoint", logs->endpoint, err);
}

static size_t batch(const void *settings)
{
	(void)settings;
	return BATCH;
}

static void add_string(struct json_writer *json, const char *key, struct text value)
{
	json_begin_object(json);
	json_key(json, "key");
	json_add_string(json, key);
	json_key(json, "value");
	json_begin_object(json);
	json_key(json, "stringValue");
	json_add_text(json, value);
	json_end(json);
	json_end(json);
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
	add_string(json, "uuid", text_of(alert->uuid));
	add_string(json, "priority", text_of(priority_name(alert->priority)));
	add_string(json, "source", text_of(alert->source));
	add_string(json, "rule", text_of(alert->rule));
	if (is_set(alert->hostname))
		add_string(json, "hostname", text_of(alert->hostname));
	if (tags.length)
		add_string(json, "tags", buffer_text(&tags));
	if (alert->fields)
		add_fields(json, alert->fields);
	json_end(json);
	buffer_done(&tags);
}

static void add_record(struct json_writer *json, const struct alert *alert)
{
	char time[32];

	snprintf(time, sizeof(time), "%lld", (long long)alert->time_ns);
	json_begin_object(json);
	json_key(json, "timeUnixNano");
	json_add_string(json, time);
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

static void add_resource(struct json_writer *json)
{
	json_key(json, "resource");
	json_begin_object(json);
	json_key(json, "attributes");
	json_begin_array(json);
	add_string(json, "service.name", TEXT("falco"));
	add_string(json, "service.version", TEXT("v0.1.0"));
	json_end(json);
	json_end(json);
}

/* The endpoint may leave out the path. */
static void add_address(struct buffer *url, struct text endpoint)
{
	ptrdiff_t scheme = text_find(endpoint, TEXT("://"));
	struct text rest = text_slice(endpoint, (size_t)scheme + 3, endpoint.length);

	buffer_add_text(url, endpoint);
	if (text_find(rest, TEXT("/")) < 0)
		buffer_add_string(url, "/v1/logs");
}

/* "a=b,c=d" */
static void add_headers(struct request *request, const char *headers)
{
	struct text rest = text_of(headers), pair, name;

	while (text_split(&rest, ',', &pair)) {
		_cleanup_(freep) char *key = NULL;

		pair = text_trim(pair);
		if (!text_split(&pair, '=', &name) || !name.length)
			continue;
		key = text_to_string(text_trim(name));
		request_header(request, key, text_trim(pair));
	}
}

static void compose(const struct messages *messages, const void *settings, struct request *request)
{
	const struct otlplogs *logs = settings;
	struct json_writer json;

	add_address(&request->url, text_of(logs->endpoint));
	request_header(request, "Content-Type", TEXT("application/json"));
	add_headers(request, logs->headers);
	json_writer_init(&json, &request->body);
	json_begin_object(&json);
	json_key(&json, "resourceLogs");
	json_begin_array(&json);
	json_begin_object(&json);
	add_resource(&json);
	json_key(&json, "scopeLogs");
	json_begin_array(&json);
	json_begin_object(&json);
	json_key(&json, "logRecords");
	json_begin_array(&json);
	for (size_t i = 0; i < messages->count; i++)
		add_record(&json, messages->items[i].alert);
	while (json.depth)
		json_end(&json);
}

/*
 * 200 may mean that some were rejected ("Partial Success"), without saying which: then each goes
 * alone, and the one that is rejected becomes a dead letter. The others arrive twice, with the
 * same uuid.
 */
static enum verdict verdict(const struct http_answer *answer)
{
	_cleanup_(json_putp) struct json_object *root = NULL;
	struct json_object *partial, *rejected;

	if (verdict_of_answer(answer) != VERDICT_SENT ||
		json_parse(buffer_text(&answer->body), &root, NULL, NULL) < 0)
		return verdict_of_answer(answer);
	partial = json_get(root, "partialSuccess");
	rejected = json_get(partial, "rejectedLogRecords");
	return rejected && json_object_get_int64(rejected) > 0 ? VERDICT_ALERT_REFUSED
							       : VERDICT_SENT;
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
	.verdict = verdict,
};
