/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loki: a line for each alert, in a stream named by its labels; many in a request.
 */
#include <ctype.h>

#include "base/memory.h"
#include "forwarder/alert-text.h"
#include "forwarder/output.h"

#define BATCH 500

struct loki {
	struct output_settings common;
	char *host, *endpoint, *user, *api_key, *tenant;
	int format;
	struct text_list extra_labels;
	struct text_map headers;
};

enum { FORMAT_TEXT, FORMAT_JSON };

static const struct setting rows[] = {
	OUTPUT_ROW_TEXT(loki, host, "hostport", NULL,
		"Address, such as http://loki:3100; switches the output on"),
	OUTPUT_ROW_TEXT(loki, endpoint, "endpoint", "/loki/api/v1/push", "Path of the push API"),
	OUTPUT_ROW_TEXT(loki, user, "user", NULL, "User of Grafana Cloud"),
	OUTPUT_ROW_SECRET(loki, api_key, "apikey", "Its key"),
	OUTPUT_ROW_TEXT(loki, tenant, "tenant", NULL, "Tenant (X-Scope-OrgID)"),
	OUTPUT_ROW_CHOICE(loki, format, "format", "text json", "text",
		"A line is the alert's text or all of it as JSON"),
	OUTPUT_ROW_LIST(loki, extra_labels, "extralabels",
		"Fields that become labels beside rule, source, priority, namespace and pod"),
	OUTPUT_ROW_HEADERS(loki, headers),
	OUTPUT_ROW_PRIORITY,
	OUTPUT_ROWS_HTTP,
};

static bool is_enabled(const void *settings)
{
	return is_set(((const struct loki *)settings)->host);
}

static int check(const void *settings, struct error *err)
{
	return check_url("loki.hostport", ((const struct loki *)settings)->host, err);
}

static size_t batch(const void *settings)
{
	(void)settings;
	return BATCH;
}

/* Falcosidekick's form (. to _, no brackets), and nothing that Loki refuses a request for. */
static void write_label_name(struct buffer *out, struct text field)
{
	for (size_t i = 0; i < field.length; i++) {
		unsigned char c = (unsigned char)field.data[i];
		bool is_good = c < 0x80 && (isalpha(c) || (out->length && isdigit(c)));

		if (c == '[' || c == ']')
			continue;
		buffer_add_char(out, is_good ? (char)c : '_');
	}
}

static void set(struct json_object *labels, const char *name, struct text value)
{
	struct buffer bare;

	if (!value.length)
		return;
	buffer_init(&bare, ALERT_MAX);
	for (size_t i = 0; i < value.length; i++)
		if (value.data[i] != '"')
			buffer_add_char(&bare, value.data[i]);
	json_object_object_add(labels, name,
		json_object_new_string_len(bare.data ? bare.data : "", (int)bare.length));
	buffer_done(&bare);
}

static void set_field(struct json_object *labels, const struct alert *alert, const char *field)
{
	struct json_object *value = json_get(alert->fields, field);
	struct buffer name;

	if (!value)
		return;
	buffer_init(&name, ALERT_MAX);
	write_label_name(&name, text_of(field));
	if (name.length)
		set(labels, name.data, field_text(value));
	buffer_done(&name);
}

static struct json_object *labels_of(const struct alert *alert, const struct text_list *extra)
{
	struct json_object *labels = json_object_new_object();
	struct buffer tags;

	buffer_init(&tags, ALERT_MAX);
	alert_tags_text(&tags, alert, ",");
	set(labels, "rule", text_of(alert->rule));
	set(labels, "source", text_of(alert->source));
	set(labels, "priority", text_of(priority_name(alert->priority)));
	set_field(labels, alert, "k8s.ns.name");
	set_field(labels, alert, "k8s.pod.name");
	for (size_t i = 0; i < extra->count; i++)
		set_field(labels, alert, extra->items[i]);
	set(labels, "hostname", text_of(alert->hostname));
	set(labels, "tags", buffer_text(&tags));
	buffer_done(&tags);
	return labels;
}

static void add_stream(
	struct json_writer *json, const struct message *message, const struct loki *loki)
{
	_cleanup_(json_putp) struct json_object *labels =
		labels_of(message->alert, &loki->extra_labels);
	char time[32];

	snprintf(time, sizeof(time), "%lld", (long long)message->alert->time_ns);
	json_begin_object(json);
	json_key(json, "stream");
	json_add_value(json, labels);
	json_key(json, "values");
	json_begin_array(json);
	json_begin_array(json);
	json_add_string(json, time);
	json_add_text(
		json, loki->format == FORMAT_JSON ? message->raw : text_of(message->alert->output));
	json_end(json);
	json_end(json);
	json_end(json);
}

static void compose(const struct messages *messages, const void *settings, struct request *request)
{
	const struct loki *loki = settings;
	struct json_writer json;

	request_url(request, loki->host, loki->endpoint);
	request_header(request, "Content-Type", TEXT("application/json"));
	if (is_set(loki->tenant))
		request_header(request, "X-Scope-OrgID", text_of(loki->tenant));
	if (is_set(loki->user) && is_set(loki->api_key))
		request_basic(request, loki->user, loki->api_key);
	request_headers(request, &loki->headers);
	json_writer_init(&json, &request->body);
	json_begin_object(&json);
	json_key(&json, "streams");
	json_begin_array(&json);
	for (size_t i = 0; i < messages->count; i++)
		add_stream(&json, &messages->items[i], loki);
	json_end(&json);
	json_end(&json);
}

const struct output output_loki = {
	.name = "loki",
	.title = "Loki",
	.about = "Sends alerts as lines to Grafana Loki",
	.rows = rows,
	.row_count = COUNT_OF(rows),
	.settings_size = sizeof(struct loki),
	.reads_alerts = true,
	.is_enabled = is_enabled,
	.check = check,
	.batch = batch,
	.compose = compose,
};
