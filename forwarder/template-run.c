/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Templates: running the tree, and the functions as a table. Values are json-c's; NULL is nil.
 * Every value that is handed on is a reference that someone drops.
 */
#include <json-c/linkhash.h>
#include <stdlib.h>

#include "base/memory.h"
#include "forwarder/template-tree.h"
#include "forwarder/template.h"

#define TEXT_MAX (64 * 1024) /* of what print and printf make */

static bool is_text(struct json_object *value)
{
	return json_object_is_type(value, json_type_string);
}

static struct text value_text(struct json_object *value)
{
	if (is_text(value))
		return (struct text){ json_object_get_string(value),
			(size_t)json_object_get_string_len(value) };
	return text_of(json_object_to_json_string_ext(value, JSON_C_TO_STRING_PLAIN));
}

static struct json_object *new_text(struct text text)
{
	return json_object_new_string_len(text.data ? text.data : "", (int)text.length);
}

/* A number of the data is text from here on. */
static struct json_object *from_data(struct json_object *value)
{
	if (json_object_is_type(value, json_type_int) ||
		json_object_is_type(value, json_type_double))
		return new_text(value_text(value));
	return json_object_get(value);
}

static bool is_true(struct json_object *value)
{
	switch (json_object_get_type(value)) {
	case json_type_null:
		return false;
	case json_type_boolean:
		return json_object_get_boolean(value);
	case json_type_int:
		return json_object_get_int64(value) != 0;
	case json_type_string:
		return json_object_get_string_len(value) > 0;
	case json_type_array:
		return json_object_array_length(value) > 0;
	case json_type_object:
		return json_object_object_length(value) > 0;
	default:
		return true;
	}
}

/* As Go's %v prints it. */
static void add_value(struct buffer *out, struct json_object *value)
{
	if (!value) {
		buffer_add_string(out, "<no value>");
	} else if (json_object_is_type(value, json_type_array)) {
		buffer_add_char(out, '[');
		for (size_t i = 0; i < json_object_array_length(value); i++) {
			buffer_add_string(out, i ? " " : "");
			add_value(out, json_object_array_get_idx(value, i));
		}
		buffer_add_char(out, ']');
	} else {
		buffer_add_text(out, value_text(value));
	}
}

static struct json_object *member(struct json_object *of, struct json_object *key)
{
	struct json_object *value = NULL;
	int64_t at;

	if (json_object_is_type(of, json_type_object) && is_text(key))
		json_object_object_get_ex(of, json_object_get_string(key), &value);
	else if (json_object_is_type(of, json_type_array) &&
		 text_to_i64(value_text(key), &at) == 0 && at >= 0)
		value = json_object_array_get_idx(of, (size_t)at);
	return from_data(value);
}

static struct json_object *run_index(struct json_object **arguments, size_t count)
{
	struct json_object *value = json_object_get(arguments[0]);

	for (size_t i = 1; i < count; i++) {
		struct json_object *next = member(value, arguments[i]);

		json_object_put(value);
		value = next;
	}
	return value;
}

static struct json_object *run_or(struct json_object **arguments, size_t count)
{
	size_t i = 0;

	while (i + 1 < count && !is_true(arguments[i]))
		i++;
	return json_object_get(arguments[i]);
}

static struct json_object *run_and(struct json_object **arguments, size_t count)
{
	size_t i = 0;

	while (i + 1 < count && is_true(arguments[i]))
		i++;
	return json_object_get(arguments[i]);
}

static struct json_object *run_not(struct json_object **arguments, size_t count)
{
	(void)count;
	return json_object_new_boolean(!is_true(arguments[0]));
}

static bool is_equal(struct json_object *a, struct json_object *b)
{
	if (!a || !b)
		return a == b;
	return text_equal(value_text(a), value_text(b));
}

/* Whether the first is equal to any of the others. */
static struct json_object *run_eq(struct json_object **arguments, size_t count)
{
	for (size_t i = 1; i < count; i++)
		if (is_equal(arguments[0], arguments[i]))
			return json_object_new_boolean(true);
	return json_object_new_boolean(false);
}

static struct json_object *run_ne(struct json_object **arguments, size_t count)
{
	(void)count;
	return json_object_new_boolean(!is_equal(arguments[0], arguments[1]));
}

static struct json_object *run_len(struct json_object **arguments, size_t count)
{
	struct json_object *of = arguments[0];
	size_t length = 0;

	(void)count;
	if (is_text(of))
		length = (size_t)json_object_get_string_len(of);
	else if (json_object_is_type(of, json_type_array))
		length = json_object_array_length(of);
	else if (json_object_is_type(of, json_type_object))
		length = (size_t)json_object_object_length(of);
	return json_object_new_int64((int64_t)length);
}

static struct json_object *take_text(struct buffer *text)
{
	struct json_object *value = new_text(buffer_text(text));

	buffer_done(text);
	return value;
}

/* As fmt.Sprint: a blank between two that are both no text. */
static struct json_object *run_print(struct json_object **arguments, size_t count)
{
	struct buffer out;

	buffer_init(&out, TEXT_MAX);
	for (size_t i = 0; i < count; i++) {
		if (i && !is_text(arguments[i]) && !is_text(arguments[i - 1]))
			buffer_add_char(&out, ' ');
		add_value(&out, arguments[i]);
	}
	return take_text(&out);
}

static void add_verb(struct buffer *out, char verb, struct json_object *value)
{
	struct buffer text;

	buffer_init(&text, TEXT_MAX);
	add_value(&text, value);
	if (verb == 'q') {
		buffer_add_char(out, '"');
		json_escape(out, buffer_text(&text));
		buffer_add_char(out, '"');
	} else {
		buffer_add_text(out, buffer_text(&text));
	}
	buffer_done(&text);
}

static struct json_object *run_printf(struct json_object **arguments, size_t count)
{
	struct text format = value_text(arguments[0]);
	size_t next = 1;
	struct buffer out;

	buffer_init(&out, TEXT_MAX);
	for (size_t i = 0; i < format.length; i++) {
		char verb = i + 1 < format.length ? format.data[i + 1] : '\0';

		if (format.data[i] != '%' || !verb) {
			buffer_add_char(&out, format.data[i]);
			continue;
		}
		i++;
		if (verb == '%')
			buffer_add_char(&out, '%');
		else if (strchr("svdq", verb) && next < count)
			add_verb(&out, verb, arguments[next++]);
		else
			buffer_printf(&out, "%%!%c", verb);
	}
	return take_text(&out);
}

static const struct function functions[] = {
	{ "and", run_and, 1, CALL_ARGUMENTS_MAX },
	{ "eq", run_eq, 2, CALL_ARGUMENTS_MAX },
	{ "index", run_index, 1, CALL_ARGUMENTS_MAX },
	{ "len", run_len, 1, 1 },
	{ "ne", run_ne, 2, 2 },
	{ "not", run_not, 1, 1 },
	{ "or", run_or, 1, CALL_ARGUMENTS_MAX },
	{ "print", run_print, 0, CALL_ARGUMENTS_MAX },
	{ "printf", run_printf, 1, CALL_ARGUMENTS_MAX },
};

const struct function *function_find(struct text name)
{
	for (size_t i = 0; i < COUNT_OF(functions); i++)
		if (text_is(name, functions[i].name))
			return &functions[i];
	return NULL;
}

void function_names(struct buffer *out)
{
	for (size_t i = 0; i < COUNT_OF(functions); i++)
		buffer_printf(out, "%s%s", i ? " " : "", functions[i].name);
}

/* A copy: reference counts are not for several threads, and literals belong to all of them. */
static struct json_object *copy_literal(struct json_object *literal)
{
	switch (json_object_get_type(literal)) {
	case json_type_string:
		return new_text(value_text(literal));
	case json_type_boolean:
		return json_object_new_boolean(json_object_get_boolean(literal));
	case json_type_int:
		return json_object_new_int64(json_object_get_int64(literal));
	default:
		return NULL;
	}
}

static struct json_object *evaluate(const struct expression *expression, struct json_object *dot);

static struct json_object *evaluate_field(
	const struct expression *expression, struct json_object *dot)
{
	struct json_object *of = evaluate(expression->of, dot);
	struct json_object *value = from_data(json_get(of, expression->name));

	json_object_put(of);
	return value;
}

static struct json_object *evaluate_call(
	const struct expression *expression, struct json_object *dot)
{
	struct json_object *arguments[CALL_ARGUMENTS_MAX], *value;

	for (size_t i = 0; i < expression->count; i++)
		arguments[i] = evaluate(expression->arguments[i], dot);
	value = expression->function->run(arguments, expression->count);
	for (size_t i = 0; i < expression->count; i++)
		json_object_put(arguments[i]);
	return value;
}

static struct json_object *evaluate(const struct expression *expression, struct json_object *dot)
{
	switch (expression->kind) {
	case EXPRESSION_LITERAL:
		return copy_literal(expression->literal);
	case EXPRESSION_DOT:
		return from_data(dot);
	case EXPRESSION_FIELD:
		return evaluate_field(expression, dot);
	case EXPRESSION_CALL:
		return evaluate_call(expression, dot);
	}
	return NULL;
}

/* Nodes to run at most: loops over long lists inside of each other must end. */
#define STEPS_MAX 1000000

struct run {
	struct buffer *out;
	int steps;
};

static void run_nodes(const struct node *node, struct json_object *dot, struct run *run);

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void range_object(const struct node *node, struct json_object *of, struct run *run)
{
	size_t count = (size_t)json_object_object_length(of), at = 0;
	_cleanup_(freep) const char **keys = NEW_ARRAY(const char *, count + 1);

	json_object_object_foreach(of, key, value)
	{
		(void)value;
		keys[at++] = key;
	}
	qsort(keys, count, sizeof(*keys), by_text);
	for (size_t i = 0; i < count; i++)
		run_nodes(node->body, json_get(of, keys[i]), run);
}

static void run_range(
	const struct node *node, struct json_object *of, struct json_object *dot, struct run *run)
{
	if (!is_true(of))
		run_nodes(node->otherwise, dot, run);
	else if (json_object_is_type(of, json_type_object))
		range_object(node, of, run);
	else if (json_object_is_type(of, json_type_array))
		for (size_t i = 0; i < json_object_array_length(of) && run->steps < STEPS_MAX; i++)
			run_nodes(node->body, json_object_array_get_idx(of, i), run);
}

static void run_node(const struct node *node, struct json_object *dot, struct run *run)
{
	struct json_object *value;

	if (node->kind == NODE_TEXT) {
		buffer_add_text(run->out, node->text);
		return;
	}
	value = evaluate(node->expression, dot);
	if (node->kind == NODE_PRINT)
		add_value(run->out, value);
	else if (node->kind == NODE_RANGE)
		run_range(node, value, dot, run);
	else
		run_nodes(is_true(value) ? node->body : node->otherwise, dot, run);
	json_object_put(value);
}

static void run_nodes(const struct node *node, struct json_object *dot, struct run *run)
{
	for (; node && !run->out->is_cut && run->steps < STEPS_MAX; node = node->next) {
		run->steps++;
		run_node(node, dot, run);
	}
}

void template_run(const struct template *template, struct json_object *data, struct buffer *out)
{
	struct run run = { .out = out };

	run_nodes(template->nodes, data, &run);
}
