/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The steps from arrival to journal, a function each.
 */
#include <ctype.h>
#include <errno.h>
#include <json-c/json_util.h>
#include <json-c/linkhash.h>
#include <stdlib.h>

#include "base/memory.h"
#include "forwarder/pipeline.h"
#include "forwarder/template.h"

#define KEPT_LENGTH (FIELD_LENGTH_MAX - 5) /* and "[...]" */

struct pipeline {
	const struct settings *settings;
	struct text_map custom_fields; /* with % values replaced */
	struct text_list custom_tags;
	struct template **templates; /* of settings->templated_fields */
};

/* The value, or what the variable holds that it names; NULL when there is no such variable. */
static const char *resolve(
	const char *key, const char *value, settings_warning *warn, void *context)
{
	const char *held;

	if (value[0] != '%')
		return value;
	held = getenv(value + 1);
	if (!held && warn) {
		_cleanup_(freep) char *message = string_printf(
			"%s: the environment variable %s is not set; left out", key, value + 1);

		warn(context, message);
	}
	return held;
}

static void resolve_all(struct pipeline *pipeline, settings_warning *warn, void *context)
{
	const struct settings *settings = pipeline->settings;

	for (size_t i = 0; i < settings->custom_fields.count; i++) {
		_cleanup_(freep) char *key =
			string_printf("customfields.%s", settings->custom_fields.keys[i]);
		const char *value = resolve(key, settings->custom_fields.values[i], warn, context);

		if (value)
			text_map_set(&pipeline->custom_fields,
				text_of(settings->custom_fields.keys[i]), text_of(value));
	}
	for (size_t i = 0; i < settings->custom_tags.count; i++) {
		const char *value =
			resolve("customtags", settings->custom_tags.items[i], warn, context);

		if (value)
			text_list_add(&pipeline->custom_tags, text_of(value));
	}
}

static int parse_templates(struct pipeline *pipeline, struct error *err)
{
	const struct text_map *fields = &pipeline->settings->templated_fields;

	pipeline->templates = NEW_ARRAY(struct template *, fields->count);
	for (size_t i = 0; i < fields->count; i++) {
		int r = template_parse(text_of(fields->values[i]), &pipeline->templates[i], err);

		if (r < 0)
			return error_prefix(err, "templatedfields.%s", fields->keys[i]);
	}
	return 0;
}

int pipeline_new(const struct settings *settings, settings_warning *warn, void *context,
	struct pipeline **ret_pipeline, struct error *err)
{
	_cleanup_(pipeline_freep) struct pipeline *pipeline = NEW(struct pipeline);
	int r;

	pipeline->settings = settings;
	resolve_all(pipeline, warn, context);
	r = parse_templates(pipeline, err);
	if (r < 0)
		return r;
	*ret_pipeline = TAKE(pipeline);
	return 0;
}

void pipeline_free(struct pipeline *pipeline)
{
	if (!pipeline)
		return;
	for (size_t i = 0; i < pipeline->settings->templated_fields.count; i++)
		template_free(pipeline->templates[i]);
	free(pipeline->templates);
	text_map_done(&pipeline->custom_fields);
	text_list_done(&pipeline->custom_tags);
	free(pipeline);
}

const struct text_map *pipeline_custom_fields(const struct pipeline *pipeline)
{
	return &pipeline->custom_fields;
}

static void add_custom_fields(const struct pipeline *pipeline, struct alert *alert)
{
	const struct text_map *fields = &pipeline->custom_fields;

	if (fields->count && !alert->fields)
		alert->fields = json_object_new_object();
	for (size_t i = 0; i < fields->count; i++)
		json_object_object_add(
			alert->fields, fields->keys[i], json_object_new_string(fields->values[i]));
}

static void add_custom_tags(const struct pipeline *pipeline, struct alert *alert)
{
	for (size_t i = 0; i < pipeline->custom_tags.count; i++)
		alert_add_tag(alert, pipeline->custom_tags.items[i]);
}

static void set_source(struct alert *alert)
{
	bool is_test = alert->rule && !strcmp(alert->rule, "Test rule");

	if (!is_test && alert->source && *alert->source)
		return;
	free(alert->source);
	alert->source = string_copy(is_test ? "internal" : "syscalls");
}

/* Only who is known may name an alert: a stranger could take another's name. */
static void set_uuid(struct alert *alert)
{
	if (alert->verified == VERIFIED_NONE || !*alert->uuid)
		uuid_make(alert->uuid);
}

/* Each sees what those before it made, as in Falcosidekick. */
static void add_templated_fields(const struct pipeline *pipeline, struct alert *alert)
{
	const struct text_map *fields = &pipeline->settings->templated_fields;

	if (fields->count && !alert->fields)
		alert->fields = json_object_new_object();
	for (size_t i = 0; i < fields->count; i++) {
		struct buffer value;

		buffer_init(&value, TEMPLATE_MAX);
		template_run(pipeline->templates[i], alert->fields, &value);
		json_object_object_add(alert->fields, fields->keys[i],
			json_object_new_string_len(buffer_text(&value).data, (int)value.length));
		buffer_done(&value);
	}
}

static int by_byte(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void sort_tags(struct alert *alert)
{
	if (alert->tag_count > 1)
		qsort(alert->tags, alert->tag_count, sizeof(*alert->tags), by_byte);
}

static char *replace_brackets(const char *key, const char *replacer)
{
	struct buffer out;

	buffer_init(&out, ALERT_MAX);
	for (; *key; key++) {
		if (*key == '[')
			buffer_add_string(&out, replacer);
		else if (*key != ']')
			buffer_add_char(&out, *key);
	}
	return buffer_take(&out);
}

static bool has_brackets(struct json_object *fields)
{
	json_object_object_foreach(fields, key, value)
	{
		(void)value;
		if (strchr(key, '['))
			return true;
	}
	return false;
}

/* A new object: one must not change keys while walking over them. */
static void rename_fields(const struct pipeline *pipeline, struct alert *alert)
{
	const char *replacer = pipeline->settings->bracket_replacer;
	struct json_object *renamed;

	if (!replacer || !*replacer || !alert->fields || !has_brackets(alert->fields))
		return;
	renamed = json_object_new_object();
	json_object_object_foreach(alert->fields, key, value)
	{
		_cleanup_(freep) char *name =
			strchr(key, '[') ? replace_brackets(key, replacer) : string_copy(key);

		json_object_object_add(renamed, name, json_object_get(value));
	}
	json_object_put(alert->fields);
	alert->fields = renamed;
}

/* Falco's text: "TIME: PRIORITY WORDS". False when it is not in that form. */
static bool split_output(struct text output, struct text *ret_time, struct text *ret_words)
{
	struct text rest = output, priority;
	bool has_colon = false, has_dot = false;

	if (!text_split(&rest, ' ', ret_time) || !text_split(&rest, ' ', &priority) || !rest.data)
		return false;
	if (!ret_time->length || ret_time->data[ret_time->length - 1] != ':')
		return false;
	ret_time->length--;
	for (size_t i = 0; i < ret_time->length; i++) {
		char c = ret_time->data[i];

		has_colon |= c == ':';
		has_dot |= c == '.';
		if (!isdigit((unsigned char)c) && c != ':' && c != '.')
			return false;
	}
	*ret_words = rest;
	/* "info" is no word of Falco's texts. */
	return has_colon && has_dot && priority_parse(priority) != PRIORITY_NONE;
}

struct output_parts {
	const struct pipeline *pipeline;
	const struct alert *alert;
	struct text time, words;
};

static void add_pairs(struct buffer *out, const struct text_map *pairs)
{
	for (size_t i = 0; i < pairs->count; i++)
		buffer_printf(out, "%s%s=%s", i ? " " : "", pairs->keys[i], pairs->values[i]);
}

static void add_templated(struct buffer *out, const struct output_parts *parts)
{
	const struct text_map *fields = &parts->pipeline->settings->templated_fields;

	for (size_t i = 0; i < fields->count; i++) {
		struct text value = json_get_text(parts->alert->fields, fields->keys[i]);

		buffer_printf(
			out, "%s%s=" TEXT_FORMAT, i ? " " : "", fields->keys[i], TEXT_PRINT(value));
	}
}

static void add_tags(struct buffer *out, const struct alert *alert)
{
	for (size_t i = 0; i < alert->tag_count; i++)
		buffer_printf(out, "%s%s", i ? "," : "", alert->tags[i]);
}

enum placeholder { TIMESTAMP, PRIORITY, OUTPUT, CUSTOM_FIELDS, TEMPLATED_FIELDS, TAGS };

static const char *const placeholders[] = {
	[TIMESTAMP] = "<timestamp>",
	[PRIORITY] = "<priority>",
	[OUTPUT] = "<output>",
	[CUSTOM_FIELDS] = "<custom_fields>",
	[TEMPLATED_FIELDS] = "<templated_fields>",
	[TAGS] = "<tags>",
};

static void add_placeholder(
	struct buffer *out, enum placeholder which, const struct output_parts *parts)
{
	switch (which) {
	case TIMESTAMP:
		buffer_add_text(out, parts->time);
		break;
	case PRIORITY:
		buffer_add_string(out, priority_name(parts->alert->priority));
		break;
	case OUTPUT:
		buffer_add_text(out, parts->words);
		break;
	case CUSTOM_FIELDS:
		add_pairs(out, &parts->pipeline->custom_fields);
		break;
	case TEMPLATED_FIELDS:
		add_templated(out, parts);
		break;
	case TAGS:
		add_tags(out, parts->alert);
		break;
	}
}

/* The placeholder that `format` begins with, or -1. */
static int placeholder_at(struct text format)
{
	for (size_t i = 0; i < COUNT_OF(placeholders); i++)
		if (text_starts_with(format, text_of(placeholders[i])))
			return (int)i;
	return -1;
}

static void cut_end(struct buffer *out, const char *end)
{
	if (!text_ends_with(buffer_text(out), text_of(end)))
		return;
	out->length -= strlen(end);
	out->data[out->length] = '\0';
}

/* Takes away what empty placeholders leave behind. */
static void trim_output(struct buffer *out)
{
	static const char *const ends[] = { " ", "( )", "()", " " };

	for (size_t i = 0; i < COUNT_OF(ends); i++)
		cut_end(out, ends[i]);
}

static void format_output(const struct pipeline *pipeline, struct alert *alert)
{
	struct text format = text_of(pipeline->settings->output_format);
	struct output_parts parts = { pipeline, alert };
	struct buffer out;

	if (!format.length || !alert->output ||
		!split_output(text_of(alert->output), &parts.time, &parts.words))
		return;
	buffer_init(&out, ALERT_MAX);
	while (format.length) {
		int which = placeholder_at(format);
		size_t length = which < 0 ? 1 : strlen(placeholders[which]);

		if (which < 0)
			buffer_add_char(&out, format.data[0]);
		else
			add_placeholder(&out, (enum placeholder)which, &parts);
		format = text_slice(format, length, format.length);
	}
	trim_output(&out);
	free(alert->output);
	alert->output = buffer_take(&out);
}

/* The longest prefix of at most `length` bytes that ends between two characters. */
static struct text cut_text(struct text text, size_t length)
{
	size_t end = 0;

	while (end < length) {
		size_t one = utf8_sequence_length(text_slice(text, end, text.length));

		one = one ? one : 1;
		if (end + one > length)
			break;
		end += one;
	}
	return text_slice(text, 0, end);
}

static void replace_in_output(struct alert *alert, struct text long_text, struct text short_text)
{
	struct text rest = text_of(alert->output);
	struct buffer out;
	ptrdiff_t at;

	if (!text_contains(rest, long_text))
		return;
	buffer_init(&out, ALERT_MAX);
	while ((at = text_find(rest, long_text)) >= 0) {
		buffer_add_text(&out, text_slice(rest, 0, (size_t)at));
		buffer_add_text(&out, short_text);
		rest = text_slice(rest, (size_t)at + long_text.length, rest.length);
	}
	buffer_add_text(&out, rest);
	free(alert->output);
	alert->output = buffer_take(&out);
}

static void shorten_field(struct alert *alert, const char *key, struct json_object *value)
{
	struct text text = { json_object_get_string(value),
		(size_t)json_object_get_string_len(value) };
	struct buffer out;

	buffer_init(&out, FIELD_LENGTH_MAX);
	buffer_add_text(&out, cut_text(text, KEPT_LENGTH));
	buffer_add_string(&out, "[...]");
	if (alert->output)
		replace_in_output(alert, text, buffer_text(&out));
	json_object_object_add(
		alert->fields, key, json_object_new_string_len(out.data, (int)out.length));
	buffer_done(&out);
}

static void shorten_fields(struct alert *alert)
{
	json_object_object_foreach(alert->fields, key, value)
	{
		if (json_object_is_type(value, json_type_string) &&
			json_object_get_string_len(value) > FIELD_LENGTH_MAX)
			shorten_field(alert, key, value);
	}
}

static int write_alert(struct alert *alert, struct buffer *out, struct error *err)
{
	size_t start = out->length;

	alert_write(alert, out);
	if (out->length - start > EVENT_LENGTH_MAX) {
		out->length = start;
		shorten_fields(alert);
		alert_write(alert, out);
	}
	return out->is_cut ? error_set(err, -E2BIG, "the alert is too large") : 0;
}

int pipeline_run(
	const struct pipeline *pipeline, struct alert *alert, struct buffer *out, struct error *err)
{
	int r;

	add_custom_fields(pipeline, alert);
	add_custom_tags(pipeline, alert);
	set_source(alert);
	set_uuid(alert);
	add_templated_fields(pipeline, alert);
	sort_tags(alert);
	rename_fields(pipeline, alert);
	format_output(pipeline, alert);
	r = alert_check(alert, err);
	return r < 0 ? r : write_alert(alert, out, err);
}
