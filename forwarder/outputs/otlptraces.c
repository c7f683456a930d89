/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OTLP traces: a span for each alert about system calls. Alerts about one pod (else container, else
 * host) share a trace, whose id is the FNV-1a hash, of 128 bits, of its name (draft-eastlake-fnv).
 * Ours: the span's id is of the alert's uuid, so that one that is sent again is the same span.
 */
#include <json-c/linkhash.h>

#include "base/clock.h"
#include "base/memory.h"
#include "forwarder/alert-text.h"
#include "forwarder/otlp.h"

#define BATCH	    500
#define SPAN_SERVER 2 /* opentelemetry.proto.trace.v1.Span.SpanKind */
#define SPAN_DIGITS 16

struct otlptraces {
	struct otlp otlp;
	int64_t duration_ms;
};

static const struct setting rows[] = {
	OTLP_ROWS(otlptraces, "/v1/traces"),
	OUTPUT_ROW_INTEGER(otlptraces, duration_ms, "duration", "1000", 0, 86400000,
		"How long a span is said to last, in milliseconds"),
	OUTPUT_ROW_PRIORITY,
	OUTPUT_ROWS_HTTP,
};

static bool is_enabled(const void *settings)
{
	return is_set(((const struct otlptraces *)settings)->otlp.endpoint);
}

static int check(const void *settings, struct error *err)
{
	return otlp_check(settings, &otlp_traces, err);
}

static size_t batch(const void *settings)
{
	(void)settings;
	return BATCH;
}

static void write_hash(struct buffer *out, struct text text)
{
	const unsigned __int128 prime = (unsigned __int128)1 << 88 | 0x13b;
	unsigned __int128 hash = (unsigned __int128)0x6c62272e07bb0142 << 64 | 0x62b821756295c58d;

	for (size_t i = 0; i < text.length; i++)
		hash = (hash ^ (unsigned char)text.data[i]) * prime;
	buffer_printf(
		out, "%016llx%016llx", (unsigned long long)(hash >> 64), (unsigned long long)hash);
}

/* What the trace is about; nothing when that is not known. */
static void write_subject(struct buffer *out, const struct alert *alert)
{
	struct text name_space = alert_field(alert, "k8s.ns.name");
	struct text pod = alert_field(alert, "k8s.pod.name");
	struct text container = alert_field(alert, "container.id");

	if (name_space.length && pod.length)
		buffer_printf(
			out, TEXT_FORMAT ":" TEXT_FORMAT, TEXT_PRINT(name_space), TEXT_PRINT(pod));
	else if (container.length && !text_is(container, "host"))
		buffer_add_text(out, container);
	else
		buffer_add_text(out, alert_field(alert, "evt.hostname"));
}

static bool takes(const struct alert *alert)
{
	struct text source = text_of(alert->source);
	struct buffer subject;
	bool has_subject;

	buffer_init(&subject, ALERT_MAX);
	write_subject(&subject, alert);
	has_subject = subject.length > 0;
	buffer_done(&subject);
	return has_subject && (text_is(source, "syscall") || text_is(source, "syscalls"));
}

static void add_ids(struct json_writer *json, const struct alert *alert)
{
	struct buffer subject, trace, span;

	buffer_init(&subject, ALERT_MAX);
	buffer_init(&trace, 64);
	buffer_init(&span, SPAN_DIGITS);
	write_subject(&subject, alert);
	write_hash(&trace, buffer_text(&subject));
	for (const char *c = alert->uuid; *c; c++)
		if (*c != '-')
			buffer_add_char(&span, *c);
	json_key(json, "traceId");
	json_add_text(json, buffer_text(&trace));
	json_key(json, "spanId");
	json_add_text(json, buffer_text(&span));
	buffer_done(&subject);
	buffer_done(&trace);
	buffer_done(&span);
}

static void add_tags(struct json_writer *json, const struct alert *alert)
{
	json_begin_object(json);
	json_key(json, "key");
	json_add_string(json, "tags");
	json_key(json, "value");
	json_begin_object(json);
	json_key(json, "arrayValue");
	json_begin_object(json);
	json_key(json, "values");
	json_begin_array(json);
	for (size_t i = 0; i < alert->tag_count; i++) {
		json_begin_object(json);
		json_key(json, "stringValue");
		json_add_string(json, alert->tags[i]);
		json_end(json);
	}
	json_end(json);
	json_end(json);
	json_end(json);
	json_end(json);
}

static void add_attributes(struct json_writer *json, const struct alert *alert)
{
	json_key(json, "attributes");
	json_begin_array(json);
	otlp_add_string(json, "uuid", text_of(alert->uuid));
	otlp_add_string(json, "source", text_of(alert->source));
	otlp_add_string(json, "priority", text_of(priority_name(alert->priority)));
	otlp_add_string(json, "rule", text_of(alert->rule));
	if (is_set(alert->hostname))
		otlp_add_string(json, "hostname", text_of(alert->hostname));
	if (alert->tag_count)
		add_tags(json, alert);
	if (alert->fields) {
		json_object_object_foreach(alert->fields, name, value)
		{
			if (value)
				otlp_add_string(json, name, field_text(value));
		}
	}
	json_end(json);
}

static void add_span(struct json_writer *json, const struct alert *alert, int64_t duration_ms)
{
	json_begin_object(json);
	add_ids(json, alert);
	json_key(json, "name");
	json_add_string(json, alert->rule);
	json_key(json, "kind");
	json_add_i64(json, SPAN_SERVER);
	otlp_add_number(json, "startTimeUnixNano", alert->time_ns);
	otlp_add_number(json, "endTimeUnixNano", alert->time_ns + duration_ms * NS_PER_MS);
	add_attributes(json, alert);
	json_key(json, "events");
	json_begin_array(json);
	json_begin_object(json);
	otlp_add_number(json, "timeUnixNano", alert->time_ns);
	json_key(json, "name");
	json_add_string(json, alert->output);
	json_end(json);
	json_end(json);
	json_end(json);
}

static void compose(const struct messages *messages, const void *settings, struct request *request)
{
	const struct otlptraces *traces = settings;
	struct json_writer json;

	json_writer_init(&json, &request->body);
	otlp_begin(&json, "resourceSpans", "scopeSpans", "spans");
	for (size_t i = 0; i < messages->count; i++)
		add_span(&json, messages->items[i].alert, traces->duration_ms);
	while (json.depth)
		json_end(&json);
	otlp_finish(request, settings, &otlp_traces);
}

const struct output output_otlptraces = {
	.name = "otlptraces",
	.key = "otlp.traces",
	.title = "OTLPTraces",
	.about = "Sends alerts about system calls as spans to an OpenTelemetry collector",
	.rows = rows,
	.row_count = COUNT_OF(rows),
	.settings_size = sizeof(struct otlptraces),
	.reads_alerts = true,
	.takes = takes,
	.is_enabled = is_enabled,
	.check = check,
	.batch = batch,
	.compose = compose,
	.verdict = otlp_verdict,
};
