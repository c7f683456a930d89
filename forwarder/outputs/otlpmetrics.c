/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OTLP metrics: what the forwarder counts, as cumulative sums under Falcosidekick's names.
 */
#include "base/memory.h"
#include "forwarder/counters.h"
#include "forwarder/otlp.h"

#define CUMULATIVE	2 /* opentelemetry.proto.metrics.v1.AggregationTemporality */
#define LABEL_MAX	4096
#define INTERVAL_MIN_MS 100

struct otlpmetrics {
	struct otlp otlp;
	int64_t interval_ms;
};

static const struct setting rows[] = {
	OTLP_ROWS(otlpmetrics, "/v1/metrics"),
	{ .key = "interval",
		.type = SETTING_DURATION,
		.at = offsetof(struct otlpmetrics, interval_ms),
		.fallback = "60s",
		.about = "How often what was counted is sent" },
	OUTPUT_ROW_IGNORED(
		"extraattributes", "", "labels of prometheus.extralabels are attributes as well"),
	OUTPUT_ROW_IGNORED("minimumpriority", "", "counters count all alerts"),
	OUTPUT_ROWS_HTTP,
};

/* Ours, and theirs. */
static const struct {
	const char *counter, *name, *about;
} names[] = {
	{ "falcosecurity_falcosidekick_falco_events_total",
		"falcosecurity_falco_rules_matches_total", "Number of times rules match" },
	{ "falcosecurity_falcosidekick_inputs_total", "falcosecurity_falcosidekick_inputs",
		"Number of times an input is received" },
	{ "falcosecurity_falcosidekick_outputs_total", "falcosecurity_falcosidekick_outputs",
		"Number of times an output is generated" },
};

static bool is_enabled(const void *settings)
{
	return is_set(((const struct otlpmetrics *)settings)->otlp.endpoint);
}

static int check(const void *settings, struct error *err)
{
	return otlp_check(settings, &otlp_metrics, err);
}

static int64_t interval_ms(const void *settings)
{
	return MAX_OF(((const struct otlpmetrics *)settings)->interval_ms, INTERVAL_MIN_MS);
}

static void add_attributes(struct json_writer *json, struct text labels)
{
	struct buffer value;
	struct text label;

	buffer_init(&value, LABEL_MAX);
	json_key(json, "attributes");
	json_begin_array(json);
	while (label_next(&labels, &label, &value)) {
		_cleanup_(freep) char *name = text_to_string(label);

		otlp_add_string(json, name, buffer_text(&value));
		buffer_clear(&value);
	}
	json_end(json);
	buffer_done(&value);
}

static void add_points(struct json_writer *json, const struct counters *counters, const char *name)
{
	json_key(json, "dataPoints");
	json_begin_array(json);
	for (size_t i = 0; i < counters->count; i++) {
		if (!text_is(counters->items[i].name, name))
			continue;
		json_begin_object(json);
		add_attributes(json, counters->items[i].labels);
		otlp_add_number(json, "startTimeUnixNano", counters->start_ns);
		otlp_add_number(json, "timeUnixNano", counters->now_ns);
		otlp_add_number(json, "asInt", counters->items[i].value);
		json_end(json);
	}
	json_end(json);
}

static void tell(const struct counters *counters, const void *settings, struct request *request)
{
	struct json_writer json;

	json_writer_init(&json, &request->body);
	otlp_begin(&json, "resourceMetrics", "scopeMetrics", "metrics");
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		json_begin_object(&json);
		json_key(&json, "name");
		json_add_string(&json, names[i].name);
		json_key(&json, "description");
		json_add_string(&json, names[i].about);
		json_key(&json, "sum");
		json_begin_object(&json);
		json_key(&json, "aggregationTemporality");
		json_add_i64(&json, CUMULATIVE);
		json_key(&json, "isMonotonic");
		json_add_bool(&json, true);
		add_points(&json, counters, names[i].counter);
		json_end(&json);
		json_end(&json);
	}
	while (json.depth)
		json_end(&json);
	otlp_finish(request, settings, &otlp_metrics);
}

const struct output output_otlpmetrics = {
	.name = "otlpmetrics",
	.key = "otlp.metrics",
	.title = "OTLPMetrics",
	.about = "Sends what the forwarder counts to an OpenTelemetry collector",
	.rows = rows,
	.row_count = COUNT_OF(rows),
	.settings_size = sizeof(struct otlpmetrics),
	.is_enabled = is_enabled,
	.check = check,
	.interval_ms = interval_ms,
	.tell = tell,
	.verdict = otlp_verdict,
};
