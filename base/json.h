/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON. Reading is json-c's (64-bit integers and the text of numbers survive); writing is a
 * small streaming writer, because our programs write far more JSON than they read.
 * Text that is not valid UTF-8 is repaired to U+FFFD both ways: an attacker's file name must not
 * make an alert unreadable.
 */
#pragma once

#include <json-c/json_object.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/text.h"

/* A reference that _cleanup_ drops: `_cleanup_(json_putp) struct json_object *root = NULL;` */
static inline void json_putp(struct json_object **object)
{
	json_object_put(*object);
}

/* Nesting deeper than this is refused. */
#define JSON_DEPTH_MAX 64

/*
 * Parses one value that begins at `text`; bytes after it are an error unless `ret_rest` is given,
 * which then gets them. The caller owns the result. -EINVAL with line and column in the message.
 */
int json_parse(struct text text, struct json_object **ret_object, struct text *ret_rest,
	struct error *err);

/* The member, borrowed; NULL when `object` is not an object or has no such key. */
struct json_object *json_get(struct json_object *object, const char *key);
/* The member's text, or a slice with NULL data when it is absent or no string. Borrowed. */
struct text json_get_text(struct json_object *object, const char *key);
/* The member's number or truth, or the fallback when it is absent or of another type. */
int64_t json_get_i64(struct json_object *object, const char *key, int64_t fallback);
bool json_get_bool(struct json_object *object, const char *key, bool fallback);

/*
 * Appends JSON to a buffer. Commas are the writer's business:
 *
 *	json_begin_object(&json); json_key(&json, "uuid"); json_add_text(&json, uuid);
 *json_end(&json);
 *
 * The buffer's limit cuts what it cannot hold: check buffer.is_cut at the end.
 */
struct json_writer {
	struct buffer *buffer;
	int depth;
	bool needs_comma;
	char closers[JSON_DEPTH_MAX];
};

void json_writer_init(struct json_writer *json, struct buffer *buffer);
void json_begin_object(struct json_writer *json);
void json_begin_array(struct json_writer *json);
/* Ends the innermost object or array. */
void json_end(struct json_writer *json);
void json_key(struct json_writer *json, const char *key);
void json_key_text(struct json_writer *json, struct text key);
void json_add_text(struct json_writer *json, struct text text);
void json_add_string(struct json_writer *json, const char *string); /* NULL writes null */
void json_add_i64(struct json_writer *json, int64_t number);
void json_add_u64(struct json_writer *json, uint64_t number);
/* Shortest text that reads back as the same number; null for infinities and NaN. */
void json_add_double(struct json_writer *json, double number);
void json_add_bool(struct json_writer *json, bool flag);
void json_add_null(struct json_writer *json);
/* Text that is JSON already. */
void json_add_raw(struct json_writer *json, struct text value);
/* A parsed value, with its numbers as they stood in the text. Object keys keep their order. */
void json_add_value(struct json_writer *json, struct json_object *value);

/* Only the escaped inside of a JSON string, without quotes (Falco's text alerts, spec §4.2). */
void json_escape(struct buffer *buffer, struct text text);
