/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages by template.
 */
#include <json-c/linkhash.h>

#include "base/memory.h"
#include "forwarder/alert-text.h"
#include "forwarder/message-format.h"
#include "forwarder/template.h"

int message_format_check(const char *key, const char *format, struct error *err)
{
	_cleanup_(template_freep) struct template *template = NULL;
	int r = format && *format ? template_parse(text_of(format), &template, err) : 0;

	return r < 0 ? error_prefix(err, "%s", key) : 0;
}

static struct json_object *text_value(struct text value, message_escape *escape)
{
	struct json_object *text;
	struct buffer escaped;

	buffer_init(&escaped, ALERT_MAX);
	if (escape)
		escape(&escaped, value);
	else
		buffer_add_text(&escaped, value);
	text = json_object_new_string_len(escaped.data ? escaped.data : "", (int)escaped.length);
	buffer_done(&escaped);
	return text;
}

static struct json_object *tags_of(const struct alert *alert, message_escape *escape)
{
	struct json_object *tags = json_object_new_array();

	for (size_t i = 0; i < alert->tag_count; i++)
		json_object_array_add(tags, text_value(text_of(alert->tags[i]), escape));
	return tags;
}

static struct json_object *fields_of(const struct alert *alert, message_escape *escape)
{
	struct json_object *fields = json_object_new_object();

	if (!alert->fields)
		return fields;
	json_object_object_foreach(alert->fields, key, value)
	{
		bool is_text = json_object_is_type(value, json_type_string);

		json_object_object_add(fields, key,
			is_text ? text_value(field_text(value), escape) : json_object_get(value));
	}
	return fields;
}

static struct json_object *data_of(const struct alert *alert, message_escape *escape)
{
	struct json_object *data = json_object_new_object();
	struct buffer time;

	buffer_init(&time, 64);
	alert_time_text(&time, alert->time_ns);
	const struct {
		const char *name;
		struct text value;
	} texts[] = {
		{ "UUID", text_of(alert->uuid) },
		{ "Output", text_of(alert->output) },
		{ "Priority", text_of(priority_name(alert->priority)) },
		{ "Rule", text_of(alert->rule) },
		{ "Time", buffer_text(&time) },
		{ "Source", text_of(alert->source) },
		{ "Hostname", text_of(alert->hostname) },
	};
	for (size_t i = 0; i < COUNT_OF(texts); i++)
		json_object_object_add(data, texts[i].name, text_value(texts[i].value, escape));
	json_object_object_add(data, "Tags", tags_of(alert, escape));
	json_object_object_add(data, "OutputFields", fields_of(alert, escape));
	buffer_done(&time);
	return data;
}

void message_format_write(
	const char *format, const struct alert *alert, message_escape *escape, struct buffer *out)
{
	_cleanup_(template_freep) struct template *template = NULL;
	_cleanup_(json_putp) struct json_object *data = NULL;

	if (!format || !*format || template_parse(text_of(format), &template, NULL) < 0)
		return;
	data = data_of(alert, escape);
	template_run(template, data, out);
}
