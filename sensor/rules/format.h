/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Output formats: text with %field, %field[argument], %transformer(field), each with an optional
 * width (spec/rule-language.md 4.1). Parsed once at load, rendered per alert.
 */
#pragma once

#include "base/json.h"
#include "sensor/rules/readings.h"

struct format;

/* -EINVAL with Falco's message; *ret_offset is then the token that is wrong. */
int format_parse(
	struct text text, struct format **ret_format, size_t *ret_offset, struct error *err);
void format_free(struct format *format);
DEFINE_CLEANUP(struct format *, format_free)

/* Absent fields print as <NA>. */
void format_write(const struct format *format, const struct event *event, struct buffer *out);
/* Every field that is named, once, sorted by name; those in transformers too. */
size_t format_field_count(const struct format *format);
const struct field_use *format_field(const struct format *format, size_t index);
