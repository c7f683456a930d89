/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Dynatrace: logs with attributes of its semantic dictionary, many in a request.
 */
#include <ctype.h>

#include "base/memory.h"
#include "forwarder/alert-text.h"
#include "forwarder/output.h"

#define BATCH 200

struct dynatrace {
	struct output_settings common;
	char *token, *url;
};

static const struct setting rows[] = {
	OUTPUT_ROW_SECRET(dynatrace, token, "apitoken",
		"Token that may ingest logs; with apiurl it switches the output on"),
	OUTPUT_ROW_TEXT(dynatrace, url, "apiurl", NULL,
		"Address of the API, such as https://ENVIRONMENT.live.dynatrace.com/api"),
	OUTPUT_ROW_PRIORITY,
	OUTPUT_ROWS_HTTP,
};

/* Attributes out of fields; the first that has a text is taken. */
static const struct {
	const char *attribute, *field, *or_field;
} attributes[] = {
	{ "container.id", "container.id", NULL },
	{ "container.name", "container.name", NULL },
	{ "container.image.name", "container.image", NULL },
	{ "k8s.namespace.name", "k8s.ns.name", "ka.target.namespace" },
	{ "k8s.pod.name", "k8s.pod.name", NULL },
	{ "k8s.pod.uid", "k8s.pod.id", NULL },
	{ "process.executable.name", "proc.name", NULL },
};

static bool is_enabled(const void *settings)
{
	const struct dynatrace *dynatrace = settings;

	return is_set(dynatrace->token) && is_set(dynatrace->url);
}

static int check(const void *settings, struct error *err)
{
	return check_url("dynatrace.apiurl", ((const struct dynatrace *)settings)->url, err);
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

/* T1059 or T1059.004 */
static bool is_technique(const char *tag)
{
	if (tag[0] != 'T' || !isdigit((unsigned char)tag[1]))
		return false;
	tag += 1 + strspn(tag + 1, "0123456789");
	if (*tag == '.')
		tag += 1 + strspn(tag + 1, "0123456789");
	return !*tag;
}

/* The last of each kind wins. */
static void add_mitre(struct json_writer *json, const struct alert *alert)
{
	const char *technique = NULL, *tactic = NULL;

	for (size_t i = 0; i < alert->tag_count; i++) {
		if (is_technique(alert->tags[i]))
			technique = alert->tags[i];
		else if (!strncmp(alert->tags[i], "mitre_", 6) && alert->tags[i][6])
			tactic = alert->tags[i];
	}
	add(json, "mitre.technique", text_of(technique));
	add(json, "mitre.tactic", text_of(tactic));
}

static void add_content(struct json_writer *json, const struct alert *alert)
{
	json_key(json, "content");
	json_begin_object(json);
	json_key(json, "output");
	json_add_text(json, text_of(alert->output));
	json_key(json, "output_fields");
	json_add_value(json, alert->fields);
	if (alert->tag_count) {
		json_key(json, "tags");
		json_begin_array(json);
		for (size_t i = 0; i < alert->tag_count; i++)
			json_add_string(json, alert->tags[i]);
		json_end(json);
	}
	json_end(json);
}

static void add_log(struct json_writer *json, const struct alert *alert)
{
	struct json_object *span = json_get(alert->fields, "span.id");
	struct buffer time;

	buffer_init(&time, 64);
	time_write(&time, alert->time_ns);
	json_begin_object(json);
	add(json, "timestamp", buffer_text(&time));
	add(json, "event.id", text_of(alert->uuid));
	add(json, "event.name", text_of(alert->rule));
	add(json, "event.provider", TEXT("Falco"));
	add(json, "severity", text_of(priority_name(alert->priority)));
	add(json, "host.name", text_of(alert->hostname));
	add(json, "log.source", text_of(alert->source));
	add_content(json, alert);
	add_mitre(json, alert);
	for (size_t i = 0; i < COUNT_OF(attributes); i++) {
		struct text value = alert_field(alert, attributes[i].field);

		if (!value.length && attributes[i].or_field)
			value = alert_field(alert, attributes[i].or_field);
		add(json, attributes[i].attribute, value);
	}
	if (span)
		add(json, "span.id", field_text(span));
	json_end(json);
	buffer_done(&time);
}

static void compose(const struct messages *messages, const void *settings, struct request *request)
{
	const struct dynatrace *dynatrace = settings;
	struct json_writer json;

	request_url(request, dynatrace->url, "/v2/logs/ingest");
	request_json(request);
	request_header_printf(request, "Authorization", "Api-Token %s", dynatrace->token);
	json_writer_init(&json, &request->body);
	json_begin_array(&json);
	for (size_t i = 0; i < messages->count; i++)
		add_log(&json, messages->items[i].alert);
	json_end(&json);
}

const struct output output_dynatrace = {
	.name = "dynatrace",
	.title = "Dynatrace",
	.about = "Sends alerts as logs to Dynatrace",
	.rows = rows,
	.row_count = COUNT_OF(rows),
	.settings_size = sizeof(struct dynatrace),
	.reads_alerts = true,
	.is_enabled = is_enabled,
	.check = check,
	.batch = batch,
	.compose = compose,
};
