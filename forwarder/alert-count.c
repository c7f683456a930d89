/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counts alerts by where they came from: falcosecurity_falcosidekick_falco_events_total.
 */
#include <ctype.h>
#include <stdio.h>

#include "forwarder/alert-count.h"

static void add_field_label(
	struct buffer *labels, const char *name, const struct alert *alert, const char *field)
{
	struct json_object *value = json_get(alert->fields, field);
	const char *text = value && !json_object_is_type(value, json_type_null)
				   ? json_object_get_string(value)
				   : "";

	metrics_label(labels, name, text_of(text));
}

/* Prometheus' form of a field's name; false when there is none. */
static bool label_name(const char *field, char *name, size_t size)
{
	size_t i;

	for (i = 0; field[i] && i + 1 < size; i++) {
		name[i] = field[i] == '.' ? '_' : field[i];
		if (!isalpha((unsigned char)name[i]) && name[i] != '_' && name[i] != ':' &&
			!(i && isdigit((unsigned char)name[i])))
			return false;
	}
	name[i] = '\0';
	return i && !field[i];
}

static void add_named_label(struct buffer *labels, const struct alert *alert, const char *field)
{
	char name[128];

	if (label_name(field, name, sizeof(name)))
		add_field_label(labels, name, alert, field);
}

void alert_count(
	const struct alert_labels *also, struct metrics *metrics, const struct alert *alert)
{
	char rank[2] = { (char)('0' + priority_rank(alert->priority)), '\0' };
	char raw[16];
	struct buffer labels;
	bool has_host = alert->hostname && *alert->hostname;

	snprintf(raw, sizeof(raw), "%s", priority_name(alert->priority));
	for (char *c = raw; *c; c++)
		*c = (char)tolower((unsigned char)*c);
	buffer_init(&labels, 64 * 1024);
	metrics_label(&labels, "hostname", text_of(has_host ? alert->hostname : "unknown"));
	metrics_label(&labels, "rule", text_of(alert->rule));
	metrics_label(&labels, "priority", text_of(rank));
	metrics_label(&labels, "priority_raw", text_of(raw));
	metrics_label(&labels, "source", text_of(alert->source));
	add_field_label(&labels, "k8s_ns_name", alert, "k8s.ns.name");
	add_field_label(&labels, "k8s_pod_name", alert, "k8s.pod.name");
	for (size_t i = 0; i < also->custom->count; i++)
		add_named_label(&labels, alert, also->custom->keys[i]);
	for (size_t i = 0; i < also->templated->count; i++)
		add_named_label(&labels, alert, also->templated->keys[i]);
	for (size_t i = 0; i < also->extra->count; i++)
		add_named_label(&labels, alert, also->extra->items[i]);
	(*metrics_counter(metrics, "falcosecurity_falcosidekick_falco_events_total",
		"Alerts by where they came from", labels.data))++;
	buffer_done(&labels);
}
