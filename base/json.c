/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON: json-c reads, a small streaming writer writes.
 */
#include <assert.h>
#include <errno.h>
#include <json-c/json_tokener.h>
#include <json-c/linkhash.h>
#include <math.h>

#include "base/json.h"

static void position(struct text text, size_t offset, int *ret_line, int *ret_column)
{
	*ret_line = *ret_column = 1;
	for (size_t i = 0; i < offset && i < text.length; i++) {
		if (text.data[i] == '\n') {
			(*ret_line)++;
			*ret_column = 1;
		} else {
			(*ret_column)++;
		}
	}
}

/* json-c stops at a NUL, so everything it is given must be free of them and counted. */
static int parse_text(struct json_tokener *tokener, struct text text,
	struct json_object **ret_object, size_t *ret_end)
{
	struct json_object *object;
	enum json_tokener_error problem;

	if (text.length > INT32_MAX - 1)
		return -E2BIG;
	object = json_tokener_parse_ex(tokener, text.data ? text.data : "", (int)text.length);
	problem = json_tokener_get_error(tokener);
	if (problem == json_tokener_continue) {
		/* A bare number only ends at what is not a digit: a NUL ends it. */
		*ret_end = json_tokener_get_parse_end(tokener);
		object = json_tokener_parse_ex(tokener, "", 1);
		problem = json_tokener_get_error(tokener);
	} else {
		*ret_end = json_tokener_get_parse_end(tokener);
	}
	if (problem != json_tokener_success) {
		json_object_put(object);
		return -EINVAL;
	}
	*ret_object = object;
	return 0;
}

static void tokener_freep(struct json_tokener **tokener)
{
	json_tokener_free(*tokener);
}

int json_parse(
	struct text text, struct json_object **ret_object, struct text *ret_rest, struct error *err)
{
	_cleanup_(tokener_freep) struct json_tokener *tokener = json_tokener_new_ex(JSON_DEPTH_MAX);
	_cleanup_(json_putp) struct json_object *object = NULL;
	struct text rest;
	size_t end = 0;
	int line, column, r;

	assert(tokener);
	r = parse_text(tokener, text, &object, &end);
	if (r == -E2BIG)
		return error_set(err, r, "JSON text of %zu bytes is too long", text.length);
	if (r < 0) {
		position(text, end, &line, &column);
		return error_set(err, -EINVAL, "not valid JSON at line %d, column %d: %s", line,
			column, json_tokener_error_desc(json_tokener_get_error(tokener)));
	}
	rest = text_trim(text_slice(text, end, text.length));
	if (!ret_rest && rest.length) {
		position(text, (size_t)(rest.data - text.data), &line, &column);
		return error_set(err, -EINVAL,
			"not valid JSON at line %d, column %d: text after the first value", line,
			column);
	}
	if (ret_rest)
		*ret_rest = rest;
	*ret_object = TAKE(object);
	return 0;
}

struct json_object *json_get(struct json_object *object, const char *key)
{
	struct json_object *value = NULL;

	if (!json_object_is_type(object, json_type_object))
		return NULL;
	json_object_object_get_ex(object, key, &value);
	return value;
}

struct text json_get_text(struct json_object *object, const char *key)
{
	struct json_object *value = json_get(object, key);

	if (!json_object_is_type(value, json_type_string))
		return (struct text){ 0 };
	return (struct text){ json_object_get_string(value),
		(size_t)json_object_get_string_len(value) };
}

int64_t json_get_i64(struct json_object *object, const char *key, int64_t fallback)
{
	struct json_object *value = json_get(object, key);

	return json_object_is_type(value, json_type_int) ? json_object_get_int64(value) : fallback;
}

bool json_get_bool(struct json_object *object, const char *key, bool fallback)
{
	struct json_object *value = json_get(object, key);

	return json_object_is_type(value, json_type_boolean) ? json_object_get_boolean(value)
							     : fallback;
}

void json_writer_init(struct json_writer *json, struct buffer *buffer)
{
	*json = (struct json_writer){ .buffer = buffer };
}

static void before_value(struct json_writer *json)
{
	if (json->needs_comma)
		buffer_add_char(json->buffer, ',');
	json->needs_comma = true;
}

static void begin(struct json_writer *json, char opener, char closer)
{
	assert(json->depth < JSON_DEPTH_MAX);
	before_value(json);
	buffer_add_char(json->buffer, opener);
	json->closers[json->depth++] = closer;
	json->needs_comma = false;
}

void json_begin_object(struct json_writer *json)
{
	begin(json, '{', '}');
}

void json_begin_array(struct json_writer *json)
{
	begin(json, '[', ']');
}

void json_end(struct json_writer *json)
{
	assert(json->depth > 0);
	buffer_add_char(json->buffer, json->closers[--json->depth]);
	json->needs_comma = true;
}

static bool is_plain(unsigned char c)
{
	return c >= 0x20 && c != '"' && c != '\\' && c < 0x7f;
}

static void escape_one(struct buffer *buffer, unsigned char c)
{
	static const char letters[] = { ['\b'] = 'b',
		['\f'] = 'f',
		['\n'] = 'n',
		['\r'] = 'r',
		['\t'] = 't',
		['"'] = '"',
		['\\'] = '\\' };

	if (c < sizeof(letters) && letters[c])
		buffer_printf(buffer, "\\%c", letters[c]);
	else
		buffer_printf(buffer, "\\u%04x", c);
}

void json_escape(struct buffer *buffer, struct text text)
{
	while (text.length) {
		size_t plain = 0, length;

		while (plain < text.length && is_plain((unsigned char)text.data[plain]))
			plain++;
		buffer_add(buffer, text.data, plain);
		text = text_slice(text, plain, text.length);
		if (!text.length)
			return;
		length = utf8_sequence_length(text);
		if (length > 1)
			buffer_add(buffer, text.data, length);
		else if (length == 1)
			escape_one(buffer, (unsigned char)text.data[0]);
		else
			buffer_add_string(buffer, "\xef\xbf\xbd");
		text = text_slice(text, length ? length : 1, text.length);
	}
}

static void quoted(struct json_writer *json, struct text text)
{
	buffer_add_char(json->buffer, '"');
	json_escape(json->buffer, text);
	buffer_add_char(json->buffer, '"');
}

void json_key_text(struct json_writer *json, struct text key)
{
	before_value(json);
	quoted(json, key);
	buffer_add_char(json->buffer, ':');
	json->needs_comma = false;
}

void json_key(struct json_writer *json, const char *key)
{
	json_key_text(json, text_of(key));
}

void json_add_text(struct json_writer *json, struct text text)
{
	before_value(json);
	quoted(json, text);
}

void json_add_string(struct json_writer *json, const char *string)
{
	if (string)
		json_add_text(json, text_of(string));
	else
		json_add_null(json);
}

void json_add_i64(struct json_writer *json, int64_t number)
{
	before_value(json);
	buffer_printf(json->buffer, "%lld", (long long)number);
}

void json_add_u64(struct json_writer *json, uint64_t number)
{
	before_value(json);
	buffer_printf(json->buffer, "%llu", (unsigned long long)number);
}

void json_add_double(struct json_writer *json, double number)
{
	char text[32];

	if (!isfinite(number)) {
		json_add_null(json);
		return;
	}
	for (int digits = 15; digits <= 17; digits++) {
		snprintf(text, sizeof(text), "%.*g", digits, number);
		if (strtod(text, NULL) == number)
			break;
	}
	json_add_raw(json, text_of(text));
}

void json_add_bool(struct json_writer *json, bool flag)
{
	json_add_raw(json, flag ? TEXT("true") : TEXT("false"));
}

void json_add_null(struct json_writer *json)
{
	json_add_raw(json, TEXT("null"));
}

void json_add_raw(struct json_writer *json, struct text value)
{
	before_value(json);
	buffer_add_text(json->buffer, value);
}

static void add_array(struct json_writer *json, struct json_object *array)
{
	json_begin_array(json);
	for (size_t i = 0; i < json_object_array_length(array); i++)
		json_add_value(json, json_object_array_get_idx(array, i));
	json_end(json);
}

static void add_object(struct json_writer *json, struct json_object *object)
{
	json_begin_object(json);
	json_object_object_foreach(object, key, member)
	{
		json_key(json, key);
		json_add_value(json, member);
	}
	json_end(json);
}

void json_add_value(struct json_writer *json, struct json_object *value)
{
	switch (json_object_get_type(value)) {
	case json_type_null:
		json_add_null(json);
		break;
	case json_type_string:
		json_add_text(json, (struct text){ json_object_get_string(value),
					    (size_t)json_object_get_string_len(value) });
		break;
	case json_type_array:
		add_array(json, value);
		break;
	case json_type_object:
		add_object(json, value);
		break;
	default: /* booleans and numbers, as they stood */
		json_add_raw(json,
			text_of(json_object_to_json_string_ext(value, JSON_C_TO_STRING_PLAIN)));
		break;
	}
}
