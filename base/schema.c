/* SPDX-License-Identifier: Apache-2.0 */
/* Shapes as JSON schemas, and files held against them. */
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/schema.h"

/* What a wrong file may say of itself. */
#define FAILURES_MAX   200
#define PATH_MAX_BYTES 1024

/* ---- printing ---- */

/* Who checks by a schema cares for letters' case: a word in each of its usual cases then. */
static void print_choice(struct text word, bool ignores_case, struct json_writer *json)
{
	char other[64];
	size_t length = MIN_OF(word.length, sizeof(other));

	bool is_same;

	json_add_text(json, word);
	if (!ignores_case || !length)
		return;
	memcpy(other, word.data, length);
	other[0] = (char)toupper((unsigned char)other[0]);
	is_same = text_equal(word, (struct text){ other, length });
	if (!is_same)
		json_add_text(json, (struct text){ other, length });
	for (size_t i = 1; i < length; i++)
		other[i] = (char)toupper((unsigned char)other[i]);
	if (!text_equal(word, (struct text){ other, length }) && length > 1)
		json_add_text(json, (struct text){ other, length });
}

static void print_choices(const struct shape *shape, struct json_writer *json)
{
	struct text rest = text_of(shape->choices), word;

	json_key(json, "enum");
	json_begin_array(json);
	while (rest.length && text_split(&rest, ' ', &word))
		print_choice(word, shape->ignores_case, json);
	json_end(json);
}

static void print_shape(const struct shape *shape, struct json_writer *json);

static void print_members(const struct shape *shape, struct json_writer *json)
{
	json_key(json, "additionalProperties");
	if (shape->items)
		print_shape(shape->items, json);
	else
		json_add_bool(json, shape->is_open);
	json_key(json, "properties");
	json_begin_object(json);
	for (size_t i = 0; i < shape->count; i++) {
		json_key(json, shape->properties[i].key);
		print_shape(shape->properties[i].shape, json);
	}
	json_end(json);
	if (!shape->required)
		return;
	json_key(json, "required");
	json_begin_array(json);
	json_add_string(json, shape->required);
	json_end(json);
}

static const char *const type_names[SHAPE_COUNT] = {
	[SHAPE_TEXT] = "\"string\"",
	[SHAPE_SCALAR] = "[\"integer\",\"string\"]",
	[SHAPE_BOOL] = "\"boolean\"",
	[SHAPE_INTEGER] = "\"integer\"",
	[SHAPE_NUMBER] = "\"number\"",
	[SHAPE_CHOICE] = "\"string\"",
	[SHAPE_LIST] = "\"array\"",
	[SHAPE_OBJECT] = "\"object\"",
};

/* A default in the type that the schema says. */
static void print_fallback(const struct shape *shape, struct json_writer *json)
{
	bool is_bare = shape->kind == SHAPE_BOOL || shape->kind == SHAPE_INTEGER;

	json_key(json, "default");
	if (is_bare)
		json_add_raw(json, text_of(shape->fallback));
	else
		json_add_string(json, shape->fallback);
}

static void print_notes(const struct shape *shape, struct json_writer *json)
{
	if (shape->has_range) {
		json_key(json, "minimum");
		json_add_i64(json, shape->minimum);
		json_key(json, "maximum");
		json_add_i64(json, shape->maximum);
	}
	if (shape->fallback)
		print_fallback(shape, json);
	if (shape->about) {
		json_key(json, "description");
		json_add_string(json, shape->about);
	}
}

/* Several shapes are of several types: what is said of one type does not touch the others. */
static void print_types(const struct shape *shape, struct json_writer *json)
{
	if (!type_names[shape->kind])
		return;
	json_key(json, "type");
	if (!shape->or) {
		json_add_raw(json, text_of(type_names[shape->kind]));
		return;
	}
	json_begin_array(json);
	for (const struct shape *one = shape; one; one = one->or)
		json_add_raw(json, text_of(type_names[one->kind]));
	json_end(json);
}

static void print_inside(const struct shape *shape, struct json_writer *json)
{
	print_types(shape, json);
	for (const struct shape *one = shape; one; one = one->or) {
		if (one->choices)
			print_choices(one, json);
		if (one->items && one->kind == SHAPE_LIST) {
			json_key(json, "items");
			print_shape(one->items, json);
		}
		if (one->kind == SHAPE_OBJECT)
			print_members(one, json);
	}
	print_notes(shape, json);
}

static void print_shape(const struct shape *shape, struct json_writer *json)
{
	json_begin_object(json);
	print_inside(shape, json);
	json_end(json);
}

void schema_print(const struct shape *shape, const char *title, struct buffer *out)
{
	struct json_writer json;

	json_writer_init(&json, out);
	json_begin_object(&json);
	json_key(&json, "$schema");
	json_add_string(&json, "http://json-schema.org/draft-06/schema#");
	if (title) {
		json_key(&json, "title");
		json_add_string(&json, title);
	}
	print_inside(shape, &json);
	json_end(&json);
	buffer_add_char(out, '\n');
}

/* ---- checking ---- */

struct check {
	void (*fail)(void *context, const char *message);
	void *context;
	size_t failures;
	bool has_variables;
	struct buffer path; /* of the value that is looked at */
};

__attribute__((format(printf, 2, 3))) static bool failed(
	struct check *check, const char *format, ...)
{
	struct buffer message;
	va_list arguments;

	if (check->failures++ >= FAILURES_MAX)
		return false;
	buffer_init(&message, 4096);
	buffer_printf(&message, "failed for <root>" TEXT_FORMAT ": ",
		TEXT_PRINT(buffer_text(&check->path)));
	va_start(arguments, format);
	buffer_vprintf(&message, format, arguments);
	va_end(arguments);
	check->fail(check->context, message.data);
	buffer_done(&message);
	return false;
}

static bool is_choice(const struct shape *shape, struct text value)
{
	struct text rest = text_of(shape->choices), word;

	while (rest.length && text_split(&rest, ' ', &word))
		if (shape->ignores_case ? text_equal_ignoring_case(word, value)
					: text_equal(word, value))
			return true;
	return false;
}

static bool is_number(struct text value)
{
	char words[64], *end;

	if (!value.length || value.length >= sizeof(words))
		return false;
	memcpy(words, value.data, value.length);
	words[value.length] = '\0';
	(void)strtod(words, &end);
	return !*end;
}

static bool is_integer(const struct shape *shape, struct text value)
{
	int64_t number;

	return text_to_i64(value, &number) >= 0 &&
	       (!shape->has_range || (number >= shape->minimum && number <= shape->maximum));
}

/* Texts that read as a number or a boolean are one: types are weak in YAML. */
static bool has_type(const struct shape *shape, const struct yaml_node *node)
{
	bool value;

	switch (shape->kind) {
	case SHAPE_LIST:
		return node->kind == YAML_SEQUENCE;
	case SHAPE_OBJECT:
		return node->kind == YAML_MAPPING;
	case SHAPE_BOOL:
		return node->kind == YAML_SCALAR && yaml_bool(node, &value) >= 0;
	case SHAPE_INTEGER:
		return node->kind == YAML_SCALAR && is_integer(shape, node->text);
	case SHAPE_NUMBER:
		return node->kind == YAML_SCALAR && is_number(node->text);
	case SHAPE_ANY:
		return true;
	default:
		return node->kind == YAML_SCALAR;
	}
}

/* Of several shapes the one that the value's type means. */
static const struct shape *shape_for(const struct shape *shape, const struct yaml_node *node)
{
	for (const struct shape *one = shape; one; one = one->or)
		if (has_type(one, node))
			return one;
	return NULL;
}

static bool check_shape(
	struct check *check, const struct shape *shape, const struct yaml_node *node);

/* The value below "[NAME]" of the path. */
static bool check_below(struct check *check, struct text name, const struct shape *shape,
	const struct yaml_node *node)
{
	size_t length = check->path.length;
	bool is_right;

	buffer_printf(&check->path, "[" TEXT_FORMAT "]", TEXT_PRINT(name));
	is_right = check_shape(check, shape, node);
	check->path.length = MIN_OF(length, check->path.length);
	return is_right;
}

static bool check_items(
	struct check *check, const struct shape *shape, const struct yaml_node *node)
{
	bool is_right = true;
	char number[24];

	for (size_t i = 0; i < node->count; i++) {
		snprintf(number, sizeof(number), "%zu", i);
		if (!check_below(check, text_of(number), shape->items, node->items[i]))
			is_right = failed(check, "Failed to validate item #%zu in array.", i);
	}
	return is_right;
}

static const struct shape *shape_of(const struct shape *shape, struct text key)
{
	static const struct shape any = { SHAPE_ANY };

	for (size_t i = 0; i < shape->count; i++)
		if (text_is(key, shape->properties[i].key))
			return shape->properties[i].shape;
	return shape->items ? shape->items : shape->is_open ? &any : NULL;
}

static bool check_keys(struct check *check, const struct shape *shape, const struct yaml_node *node)
{
	bool is_right = true;

	for (size_t i = 0; i < node->count; i++) {
		struct text key = node->keys[i]->text;
		const struct shape *value = shape_of(shape, key);

		if (!value)
			is_right = failed(check,
				"Object contains a property that could not be validated using "
				"'properties' or 'additionalProperties' constraints: '" TEXT_FORMAT
				"'.",
				TEXT_PRINT(key));
		else if (!check_below(check, key, value, node->items[i]))
			is_right = failed(check,
				"Failed to validate against schema associated with property name "
				"'" TEXT_FORMAT "'.",
				TEXT_PRINT(key));
	}
	if (shape->required && !yaml_get(node, shape->required))
		is_right = failed(check, "Missing required property '%s'.", shape->required);
	return is_right;
}

static bool check_shape(
	struct check *check, const struct shape *shape, const struct yaml_node *node)
{
	if (node->kind == YAML_NULL)
		return true;
	if (check->has_variables && node->kind == YAML_SCALAR &&
		text_contains(node->text, TEXT("${")))
		return true;
	shape = shape_for(shape, node);
	if (!shape)
		return failed(check, "Value type not permitted by 'type' constraint.");
	if (shape->choices && !is_choice(shape, node->text))
		return failed(check, "Failed to match against any enum values.");
	if (shape->kind == SHAPE_LIST && shape->items)
		return check_items(check, shape, node);
	return shape->kind == SHAPE_OBJECT ? check_keys(check, shape, node) : true;
}

bool schema_check(const struct shape *shape, const struct yaml_node *root,
	void (*fail)(void *context, const char *message), void *context)
{
	struct check check = {
		.fail = fail, .context = context, .has_variables = shape->has_variables
	};
	bool is_right;

	if (!root)
		return true;
	buffer_init(&check.path, PATH_MAX_BYTES);
	is_right = check_shape(&check, shape, root);
	buffer_done(&check.path);
	return is_right;
}
