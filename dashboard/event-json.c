/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Alerts as the two APIs show them.
 */
#include <ctype.h>
#include <json-c/json_util.h>
#include <json-c/linkhash.h>
#include <stdio.h>
#include <time.h>

#include "base/clock.h"
#include "base/memory.h"
#include "dashboard/event-json.h"

struct text output_body(struct text output)
{
	/* 0 stands for a digit */
	static const char pattern[] = "00:00:00.";
	size_t at = 0;
	struct text rest;

	for (; pattern[at]; at++)
		if (at >= output.length ||
			(pattern[at] == '0' ? !isdigit((unsigned char)output.data[at])
					    : output.data[at] != pattern[at]))
			return output;
	while (at < output.length && isdigit((unsigned char)output.data[at]))
		at++;
	rest = text_slice(output, at, output.length);
	if (!text_starts_with(rest, TEXT(": ")))
		return output;
	rest = text_slice(rest, 2, rest.length);
	for (size_t length = 0; length <= rest.length; length++) {
		if (length < rest.length && isalpha((unsigned char)rest.data[length]))
			continue;
		if (priority_parse(text_slice(rest, 0, length)) == PRIORITY_NONE)
			return output;
		return text_trim(text_slice(rest, length, rest.length));
	}
	return output;
}

void time_write_full(struct buffer *out, int64_t time_ns)
{
	time_t seconds = time_ns / NS_PER_SECOND;
	char text[64];
	struct tm utc;

	gmtime_r(&seconds, &utc);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &utc);
	buffer_printf(out, "%s.%09lldZ", text, (long long)(time_ns % NS_PER_SECOND));
}

/* A value with its numbers as text. */
static void write_value(struct json_writer *json, struct json_object *value)
{
	struct buffer number;
	struct json_writer plain;

	switch (json_object_get_type(value)) {
	case json_type_int:
	case json_type_double:
		buffer_init(&number, 4096);
		json_writer_init(&plain, &number);
		json_add_value(&plain, value);
		json_begin_object(json);
		json_key(json, "number");
		json_add_text(json, buffer_text(&number));
		json_end(json);
		buffer_done(&number);
		break;
	case json_type_array:
		json_begin_array(json);
		for (size_t i = 0; i < json_object_array_length(value); i++)
			write_value(json, json_object_array_get_idx(value, i));
		json_end(json);
		break;
	default:
		json_add_value(json, value);
	}
}

struct member {
	const char *key;
	struct json_object *value;
};

static int by_key(const void *a, const void *b)
{
	return strcmp(((const struct member *)a)->key, ((const struct member *)b)->key);
}

static void write_fields(struct json_writer *json, struct json_object *fields)
{
	size_t count = fields ? (size_t)json_object_object_length(fields) : 0, at = 0;
	_cleanup_(freep) struct member *members = NEW_ARRAY(struct member, count);

	if (fields) {
		json_object_object_foreach(fields, key, value) members[at++] =
			(struct member){ key, value };
	}
	qsort(members, count, sizeof(*members), by_key);
	json_begin_array(json);
	for (size_t i = 0; i < count; i++) {
		json_begin_object(json);
		json_key(json, "name");
		json_add_string(json, members[i].key);
		json_key(json, "value");
		write_value(json, members[i].value);
		json_end(json);
	}
	json_end(json);
}

static void write_text(struct json_writer *json, const char *key, struct text text)
{
	json_key(json, key);
	json_add_text(json, text.data ? text : TEXT(""));
}

static void write_times(struct json_writer *json, int64_t time_ns)
{
	struct buffer text;

	buffer_init(&text, 64);
	time_write_full(&text, time_ns);
	write_text(json, "time", buffer_text(&text));
	buffer_clear(&text);
	buffer_printf(&text, "%lld", (long long)time_ns);
	write_text(json, "time_ns", buffer_text(&text));
	buffer_done(&text);
}

static struct alert *read_stored(struct text stored)
{
	_cleanup_(json_putp) struct json_object *object = NULL;
	struct alert *alert = NULL;
	struct error err;

	if (json_parse(stored, &object, NULL, &err) < 0 ||
		alert_from_json(object, &alert, &err) < 0)
		return alert_new();
	return alert;
}

void event_write(struct text stored, struct buffer *out)
{
	_cleanup_(alert_freep) struct alert *alert = read_stored(stored);
	struct json_writer json;

	json_writer_init(&json, out);
	json_begin_object(&json);
	write_text(&json, "uuid", text_of(alert->uuid));
	write_times(&json, alert->time_ns);
	write_text(&json, "priority", text_of(priority_name(alert->priority)));
	write_text(&json, "rule", text_of(alert->rule));
	write_text(&json, "source", text_of(alert->source));
	write_text(&json, "hostname", text_of(alert->hostname));
	write_text(&json, "output", output_body(text_of(alert->output)));
	json_key(&json, "tags");
	json_begin_array(&json);
	for (size_t i = 0; i < alert->tag_count; i++)
		json_add_string(&json, alert->tags[i]);
	json_end(&json);
	json_key(&json, "fields");
	write_fields(&json, alert->fields);
	json_end(&json);
}

void event_write_old(struct text stored, struct buffer *out)
{
	_cleanup_(alert_freep) struct alert *alert = read_stored(stored);
	char *body = text_to_string(output_body(text_of(alert->output)));

	free(alert->output);
	alert->output = body;
	alert_write(alert, out);
}
