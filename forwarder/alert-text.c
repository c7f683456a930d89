/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An alert in words.
 */
#include <stdlib.h>

#include <json-c/linkhash.h>

#include "base/memory.h"
#include "forwarder/alert-text.h"

static void add_fact(struct facts *facts, enum fact_kind kind, struct text name, struct text value)
{
	*ARRAY_ADD(facts->items, facts->count, facts->capacity) =
		(struct fact){ kind, name, value };
}

/* What is empty is not told. */
static void add_if_any(
	struct facts *facts, enum fact_kind kind, struct text name, struct text value)
{
	if (value.length)
		add_fact(facts, kind, name, value);
}

static void add_fields(struct facts *facts, const struct alert *alert, enum fact_kind kind)
{
	if (!alert->fields)
		return;
	json_object_object_foreach(alert->fields, key, value)
	{
		bool is_string = json_object_is_type(value, json_type_string);

		if (value && (is_string || kind == FACT_FIELDS))
			add_fact(facts, kind, text_of(key), field_text(value));
	}
}

static void add(struct facts *facts, const struct alert *alert, enum fact_kind kind)
{
	switch (kind) {
	case FACTS_END:
		break;
	case FACT_RULE:
		add_fact(facts, kind, TEXT("rule"), text_of(alert->rule));
		break;
	case FACT_PRIORITY:
		add_fact(facts, kind, TEXT("priority"), text_of(priority_name(alert->priority)));
		break;
	case FACT_SOURCE:
		add_fact(facts, kind, TEXT("source"), text_of(alert->source));
		break;
	case FACT_HOSTNAME:
		add_if_any(facts, kind, TEXT("hostname"), text_of(alert->hostname));
		break;
	case FACT_TAGS:
		add_if_any(facts, kind, TEXT("tags"), buffer_text(&facts->tags));
		break;
	case FACT_STRING_FIELDS:
	case FACT_FIELDS:
		add_fields(facts, alert, kind);
		break;
	case FACT_TIME:
		add_fact(facts, kind, TEXT("time"), buffer_text(&facts->time));
		break;
	}
}

void facts_init(struct facts *facts, const struct alert *alert, const enum fact_kind *order,
	const char *tag_separator)
{
	*facts = (struct facts){ 0 };
	buffer_init(&facts->tags, ALERT_MAX);
	buffer_init(&facts->time, 64);
	alert_tags_text(&facts->tags, alert, tag_separator);
	alert_time_text(&facts->time, alert->time_ns);
	for (; *order != FACTS_END; order++)
		add(facts, alert, *order);
}

void facts_done(struct facts *facts)
{
	buffer_done(&facts->tags);
	buffer_done(&facts->time);
	free(facts->items);
}

void alert_time_text(struct buffer *out, int64_t time_ns)
{
	size_t at = out->length;

	time_write(out, time_ns);
	if (out->is_cut || out->length < at + 20)
		return;
	out->data[at + 10] = ' '; /* in place of the T */
	out->length--;		  /* without the Z */
	buffer_add_string(out, " +0000 UTC");
}

void alert_tags_text(struct buffer *out, const struct alert *alert, const char *separator)
{
	for (size_t i = 0; i < alert->tag_count; i++)
		buffer_printf(out, "%s%s", i ? separator : "", alert->tags[i]);
}

struct text alert_field(const struct alert *alert, const char *name)
{
	return json_get_text(alert->fields, name);
}

struct text field_text(struct json_object *value)
{
	size_t length;
	const char *data;

	if (json_object_is_type(value, json_type_string))
		return (struct text){ json_object_get_string(value),
			(size_t)json_object_get_string_len(value) };
	data = json_object_to_json_string_length(value, JSON_C_TO_STRING_PLAIN, &length);
	return (struct text){ data, length };
}

/* Bytes of the first `characters`; all when there are no more. */
static size_t length_of(struct text text, size_t characters)
{
	size_t at = 0;

	while (at < text.length && characters--) {
		size_t length = utf8_sequence_length(text_slice(text, at, text.length));

		at += length ? length : 1;
	}
	return at;
}

void text_write_cut(struct buffer *out, struct text text, size_t characters)
{
	if (length_of(text, characters) == text.length) {
		buffer_add_text(out, text);
		return;
	}
	buffer_add(out, text.data, length_of(text, characters ? characters - 1 : 0));
	buffer_add_string(out, "…");
}

void json_add_cut(struct json_writer *json, struct text text, size_t characters)
{
	struct buffer cut;

	buffer_init(&cut, ALERT_MAX);
	text_write_cut(&cut, text, characters);
	json_add_text(json, buffer_text(&cut));
	buffer_done(&cut);
}

void text_write_escaped(struct buffer *out, struct text text, const char *special)
{
	for (size_t i = 0; i < text.length; i++) {
		if (text.data[i] && strchr(special, text.data[i]))
			buffer_add_char(out, '\\');
		buffer_add_char(out, text.data[i]);
	}
}

/* CommonMark 2.4: any ASCII punctuation may have a backslash; a line break would end a heading. */
void markdown_write(struct buffer *out, struct text text, size_t characters)
{
	struct buffer cut;

	buffer_init(&cut, ALERT_MAX);
	text_write_cut(&cut, text, characters);
	for (size_t i = 0; i < cut.length; i++)
		if (cut.data[i] == '\n' || cut.data[i] == '\r')
			cut.data[i] = ' ';
	text_write_escaped(out, buffer_text(&cut), "\\`*_{}[]()<>#+-!|~&@");
	buffer_done(&cut);
}

void text_write_replaced(struct buffer *out, struct text text, char from, char to)
{
	for (size_t i = 0; i < text.length; i++)
		buffer_add_char(out, text.data[i] == from ? to : text.data[i]);
}

/* FNV-1a of 128 bits (draft-eastlake-fnv); a NUL ends each part, so that "ab","c" is not "a","bc".
 */
static void hash_part(unsigned __int128 *hash, struct text text)
{
	const unsigned __int128 prime = (unsigned __int128)1 << 88 | 0x13b;

	for (size_t i = 0; i <= text.length; i++) {
		*hash ^= i < text.length ? (unsigned char)text.data[i] : 0;
		*hash *= prime;
	}
}

void alert_fingerprint(const struct alert *alert, char ret_hex[FINGERPRINT_LENGTH + 1])
{
	unsigned __int128 hash = (unsigned __int128)0x6c62272e07bb0142 << 64 | 0x62b821756295c58d;
	struct text pod = alert_field(alert, "k8s.pod.name");
	struct text container = alert_field(alert, "container.id");

	hash_part(&hash, text_of(alert->rule));
	if (pod.length) {
		hash_part(&hash, alert_field(alert, "k8s.ns.name"));
		hash_part(&hash, pod);
	} else if (container.length && !text_is(container, "host")) {
		hash_part(&hash, container);
	} else {
		hash_part(&hash, text_of(alert->hostname));
	}
	snprintf(ret_hex, FINGERPRINT_LENGTH + 1, "%016llx%016llx",
		(unsigned long long)(hash >> 64), (unsigned long long)hash);
}
