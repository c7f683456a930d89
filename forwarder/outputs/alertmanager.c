/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Alertmanager: alerts whose labels are the fields. Counters of dropped events (fields n_drop…)
 * become ranges, so that they do not make a new alert each time, and raise the priority.
 * Ours: the thresholds that Falcosidekick documents, and no endsAt instead of year 1.
 */
#include <ctype.h>
#include <errno.h>
#include <json-c/linkhash.h>

#include "base/memory.h"
#include "forwarder/alert-text.h"
#include "forwarder/output.h"

#define BATCH 64

struct alertmanager {
	struct output_settings common;
	struct text_list hosts;
	char *endpoint, *drop_priority;
	int64_t expires_s;
	struct text_map extra_labels, extra_annotations, severities, thresholds, headers;
};

static const struct setting rows[] = {
	OUTPUT_ROW_LIST(alertmanager, hosts, "hostport",
		"Addresses, such as http://alertmanager:9093; each gets all alerts; switches the "
		"output on"),
	OUTPUT_ROW_TEXT(alertmanager, endpoint, "endpoint", "/api/v2/alerts",
		"Path where alerts are posted"),
	OUTPUT_ROW_INTEGER(alertmanager, expires_s, "expiresafter", "0", 0, 31536000,
		"Seconds after which an alert ends; 0: Alertmanager's resolve_timeout"),
	OUTPUT_ROW_MAP(alertmanager, extra_labels, "extralabels", "Labels to add"),
	OUTPUT_ROW_MAP(alertmanager, extra_annotations, "extraannotations", "Annotations to add"),
	OUTPUT_ROW_MAP(alertmanager, severities, "customseveritymap",
		"Severity for a priority, such as warning:minor"),
	OUTPUT_ROW_TEXT(alertmanager, drop_priority, "dropeventdefaultpriority", "critical",
		"Least priority of dropped events that no threshold matches"),
	{ .key = "dropeventthresholds",
		.type = SETTING_MAP,
		.at = offsetof(struct alertmanager, thresholds),
		.fallback = "10000:critical,1000:critical,100:critical,10:warning,1:warning",
		.about = "Least priority for more dropped events than a number" },
	OUTPUT_ROW_HEADERS(alertmanager, headers),
	OUTPUT_ROW_PRIORITY,
	OUTPUT_ROWS_HTTP,
};

static bool is_enabled(const void *settings)
{
	const struct alertmanager *alertmanager = settings;

	return alertmanager->hosts.count && is_set(alertmanager->hosts.items[0]);
}

static int check_priority(const char *key, const char *name, struct error *err)
{
	if (priority_parse(text_of(name)) != PRIORITY_NONE)
		return 0;
	return error_set(err, -EINVAL, "alertmanager.%s: \"%s\" is no priority", key, name);
}

static int check(const void *settings, struct error *err)
{
	const struct alertmanager *alertmanager = settings;
	int r = check_url("alertmanager.hostport",
		alertmanager->hosts.items[alertmanager->common.address], err);
	int64_t number;

	for (size_t i = 0; !r && i < alertmanager->severities.count; i++)
		r = check_priority("customseveritymap", alertmanager->severities.keys[i], err);
	for (size_t i = 0; !r && i < alertmanager->thresholds.count; i++) {
		r = check_priority("dropeventthresholds", alertmanager->thresholds.values[i], err);
		if (!r && text_to_i64(text_of(alertmanager->thresholds.keys[i]), &number) < 0)
			r = error_set(err, -EINVAL,
				"alertmanager.dropeventthresholds: \"%s\" is no number",
				alertmanager->thresholds.keys[i]);
	}
	return r ? r : check_priority("dropeventdefaultpriority", alertmanager->drop_priority, err);
}

static size_t batch(const void *settings)
{
	(void)settings;
	return BATCH;
}

/* Valid for Prometheus ([a-zA-Z_][a-zA-Z0-9_]*): one bad name and the whole request is refused. */
static void write_label_name(struct buffer *out, struct text field)
{
	size_t length = 0;
	char last = '_';

	for (size_t i = 0; i < field.length; i++) {
		unsigned char c = (unsigned char)field.data[i];
		char good = isalnum(c) && c < 0x80 ? (char)c : '_';

		if (good == '_' && last == '_')
			continue; /* neither doubled nor at the start */
		if (!length++ && isdigit(c))
			buffer_add_char(out, '_');
		buffer_add_char(out, good);
		last = good;
	}
	if (length && last == '_')
		out->data[--out->length] = '\0';
}

static void set(struct json_object *labels, const char *name, struct text value)
{
	json_object_object_add(labels, name,
		json_object_new_string_len(value.data ? value.data : "", (int)value.length));
}

static enum priority worse_of(enum priority a, enum priority b)
{
	return MIN_OF(a, b);
}

/* The greatest threshold below the number, or -1. */
static int64_t threshold_below(
	const struct alertmanager *alertmanager, int64_t number, enum priority *ret_priority)
{
	const struct text_map *thresholds = &alertmanager->thresholds;
	int64_t best = -1, one;

	for (size_t i = 0; i < thresholds->count; i++) {
		if (text_to_i64(text_of(thresholds->keys[i]), &one) < 0 || one >= number ||
			one <= best)
			continue;
		best = one;
		*ret_priority = priority_parse(text_of(thresholds->values[i]));
	}
	return best;
}

static void set_dropped(struct json_object *labels, const char *name, int64_t number,
	const struct alertmanager *alertmanager, enum priority *priority)
{
	enum priority least = priority_parse(text_of(alertmanager->drop_priority));
	int64_t threshold = number ? threshold_below(alertmanager, number, &least) : -1;
	char label[32];

	snprintf(label, sizeof(label), threshold < 0 ? "%lld" : ">%lld",
		(long long)(threshold < 0 ? number : threshold));
	set(labels, name, text_of(label));
	*priority = worse_of(*priority, number ? least : PRIORITY_WARNING);
}

static void set_field(struct json_object *labels, const char *name, struct json_object *value,
	const struct alertmanager *alertmanager, enum priority *priority)
{
	struct buffer label;

	if (!strncmp(name, "n_evts", 6))
		return;
	if (!strncmp(name, "n_drop", 6) && json_object_is_type(value, json_type_int)) {
		set_dropped(labels, name, json_object_get_int64(value), alertmanager, priority);
		return;
	}
	if (!json_object_is_type(value, json_type_string) &&
		!json_object_is_type(value, json_type_int) &&
		!json_object_is_type(value, json_type_double))
		return;
	buffer_init(&label, ALERT_MAX);
	write_label_name(&label, text_of(name));
	if (label.length)
		set(labels, label.data, field_text(value));
	buffer_done(&label);
}

static const char *severity_of(const struct alertmanager *alertmanager, enum priority priority)
{
	for (size_t i = 0; i < alertmanager->severities.count; i++)
		if (priority_parse(text_of(alertmanager->severities.keys[i])) == priority)
			return alertmanager->severities.values[i];
	if (priority <= PRIORITY_CRITICAL)
		return "critical";
	return priority <= PRIORITY_WARNING ? "warning" : "information";
}

static struct json_object *labels_of(
	const struct alert *alert, const struct alertmanager *alertmanager)
{
	struct json_object *labels = json_object_new_object();
	enum priority priority = alert->priority;
	struct buffer tags;

	if (alert->fields) {
		json_object_object_foreach(alert->fields, name, value)
		{
			set_field(labels, name, value, alertmanager, &priority);
		}
	}
	buffer_init(&tags, ALERT_MAX);
	alert_tags_text(&tags, alert, ",");
	set(labels, "source", TEXT("falco"));
	set(labels, "rule", text_of(alert->rule));
	set(labels, "alertname", text_of(alert->rule));
	set(labels, "eventsource", text_of(alert->source));
	if (is_set(alert->hostname))
		set(labels, "hostname", text_of(alert->hostname));
	if (tags.length)
		set(labels, "tags", buffer_text(&tags));
	set(labels, "priority", text_of(priority_name(priority)));
	set(labels, "severity", text_of(severity_of(alertmanager, priority)));
	for (size_t i = 0; i < alertmanager->extra_labels.count; i++)
		set(labels, alertmanager->extra_labels.keys[i],
			text_of(alertmanager->extra_labels.values[i]));
	buffer_done(&tags);
	return labels;
}

static void add_annotations(
	struct json_writer *json, const struct alert *alert, const struct text_map *extra)
{
	_cleanup_(json_putp) struct json_object *annotations = json_object_new_object();

	set(annotations, "info", text_of(alert->output));
	set(annotations, "description", text_of(alert->output));
	set(annotations, "summary", text_of(alert->rule));
	for (size_t i = 0; i < extra->count; i++)
		set(annotations, extra->keys[i], text_of(extra->values[i]));
	json_key(json, "annotations");
	json_add_value(json, annotations);
}

static void add_alert(struct json_writer *json, const struct alert *alert,
	const struct alertmanager *alertmanager)
{
	_cleanup_(json_putp) struct json_object *labels = labels_of(alert, alertmanager);
	struct buffer end;
	int64_t end_ns;

	json_begin_object(json);
	json_key(json, "labels");
	json_add_value(json, labels);
	add_annotations(json, alert, &alertmanager->extra_annotations);
	if (alertmanager->expires_s && !__builtin_add_overflow(alert->time_ns,
					       alertmanager->expires_s * 1000000000, &end_ns)) {
		buffer_init(&end, 64);
		time_write(&end, end_ns);
		json_key(json, "endsAt");
		json_add_text(json, buffer_text(&end));
		buffer_done(&end);
	}
	json_end(json);
}

static void compose(const struct messages *messages, const void *settings, struct request *request)
{
	const struct alertmanager *alertmanager = settings;
	struct json_writer json;

	request_url(request, alertmanager->hosts.items[alertmanager->common.address],
		alertmanager->endpoint);
	request_json(request);
	request_headers(request, &alertmanager->headers);
	json_writer_init(&json, &request->body);
	json_begin_array(&json);
	for (size_t i = 0; i < messages->count; i++)
		add_alert(&json, messages->items[i].alert, alertmanager);
	json_end(&json);
}

const struct output output_alertmanager = {
	.name = "alertmanager",
	.title = "AlertManager",
	.about = "Sends alerts to Prometheus' Alertmanager",
	.rows = rows,
	.row_count = COUNT_OF(rows),
	.settings_size = sizeof(struct alertmanager),
	.reads_alerts = true,
	.is_enabled = is_enabled,
	.check = check,
	.addresses_at = offsetof(struct alertmanager, hosts),
	.batch = batch,
	.compose = compose,
};
