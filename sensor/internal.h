/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Alerts of the sensor about itself, in Falco's form (spec/rule-language.md 4.4): no rule makes
 * them, and neither the choice of rules nor the least priority keeps them back.
 */
#pragma once

#include "sensor/generation.h"

/* A value as it stands in output_fields. */
struct internal_field {
	const char *name;
	enum { FIELD_WORDS, FIELD_INTEGER, FIELD_REAL } kind;
	const char *words;
	uint64_t integer;
	double real;
};

struct internal_message {
	const char *rule, *output;
	enum priority priority;
	const struct internal_field *fields; /* in any order */
	size_t count;
	uint64_t time_ns; /* 0: now */
};

/* Makes the alert in the generation's format and hands it to the outlets. Any thread. */
void internal_push(const struct internal_message *message, const struct generation *generation,
	struct outlets *outlets);
/* Both forms, for tests and for files of them: a line without its end. */
void internal_write_text(const struct internal_message *message, const struct alert_format *format,
	struct buffer *out);
void internal_write_json(const struct internal_message *message, const struct alert_format *format,
	struct buffer *out);
/* {"name": value …} sorted by name. */
void internal_write_fields(const struct internal_message *message, struct json_writer *json);
