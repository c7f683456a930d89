/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What outputs say of an alert in words: its time and tags, names and values one by one, and text
 * cut to what a receiver takes.
 */
#pragma once

#include "base/encoding.h"
#include "alert/alert.h"

/* What can be told of an alert, as people read it. */
enum fact_kind {
	FACTS_END, /* of an order */
	FACT_RULE,
	FACT_PRIORITY,
	FACT_SOURCE,
	FACT_HOSTNAME,
	FACT_TAGS,
	FACT_STRING_FIELDS, /* output_fields whose value is a string, by name */
	FACT_FIELDS,	    /* all output_fields but nulls, numbers as they stood */
	FACT_TIME,
};

struct fact {
	enum fact_kind kind;
	struct text name, value; /* live as long as the alert and the facts */
};

struct facts {
	struct fact *items;
	size_t count, capacity;
	struct buffer tags, time;
};

/*
 * The facts in the given order, which ends with FACTS_END; a hostname or tags that are not there
 * are left out. Names are "rule", "priority" …, or the field's.
 */
void facts_init(struct facts *facts, const struct alert *alert, const enum fact_kind *order,
	const char *tag_separator);
void facts_done(struct facts *facts);

/* "2021-05-29 17:18:29.082520347 +0000 UTC", as Go prints a time. */
void alert_time_text(struct buffer *out, int64_t time_ns);
void alert_tags_text(struct buffer *out, const struct alert *alert, const char *separator);
/* The field's string; NULL data when it is not there or no string. Borrowed. */
struct text alert_field(const struct alert *alert, const char *name);
/* A field's value as text: strings as they are, all else as JSON. Borrowed. */
struct text field_text(struct json_object *value);

/* The first `characters` of valid text (code points), the last of them … when some were cut. */
void text_write_cut(struct buffer *out, struct text text, size_t characters);
/* A JSON string of the same. */
void json_add_cut(struct json_writer *json, struct text text, size_t characters);
/* Text with a backslash before each character of `special`, which are ASCII. */
void text_write_escaped(struct buffer *out, struct text text, const char *special);
/* The first `characters` of text that Markdown leaves alone, on one line. */
void markdown_write(struct buffer *out, struct text text, size_t characters);
/* Text with one byte put in place of another. */
void text_write_replaced(struct buffer *out, struct text text, char from, char to);

#define FINGERPRINT_LENGTH 32
/*
 * Hexadecimal digits that are the same for alerts of one rule about one thing: the pod
 * (k8s.ns.name and k8s.pod.name), else the container (container.id), else the host. For receivers
 * that fold what belongs together.
 */
void alert_fingerprint(const struct alert *alert, char ret_hex[FINGERPRINT_LENGTH + 1]);
