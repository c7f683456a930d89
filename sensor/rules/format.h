/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Output formats: text with %field, %field[argument], %transformer(field), each with an optional
 * width (spec/rule-language.md 4.1). Parsed once at load, rendered per alert.
 */
#pragma once

#include "base/json.h"
#include "sensor/rules/readings.h"

struct format;
struct additions;

/*
 * -EINVAL with Falco's message; *ret_offset is then the token that is wrong. `additions` has the
 * constants that static.NAME may name; NULL: none.
 */
int format_parse(struct text text, const struct additions *additions, struct format **ret_format,
	size_t *ret_offset, struct error *err);
/*
 * Adds a member to those of JSON alerts: the field that `key` names, or with `text` that format
 * under the key `key`. A member of that name is replaced. -EINVAL as format_parse().
 */
int format_add_member(struct format *format, const char *key, const char *text, struct error *err);
void format_free(struct format *format);
DEFINE_CLEANUP(struct format *, format_free)

/* Absent fields print as <NA>. */
void format_write(const struct format *format, const struct event *event, struct buffer *out);
/* Every field that is read, members' too. */
size_t format_field_count(const struct format *format);
const struct field_use *format_field(const struct format *format, size_t index);

/* What JSON alerts hold: every field that the text names, transformers' too, and what was added. */
struct format_member {
	struct text name;
	const struct field_use *use; /* NULL: a text */
	const struct format *text;
};
/* Each name once, sorted. */
size_t format_member_count(const struct format *format);
const struct format_member *format_member_at(const struct format *format, size_t index);
