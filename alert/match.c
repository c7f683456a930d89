/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Conditions over alerts. The tree of condition/ is walked for each alert: an output has one
 * condition and a few alerts a second, so nothing is gained by compiling it.
 */
#include <errno.h>
#include <json-c/json.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/memory.h"
#include "condition/transformers.h"
#include "condition/tree.h"
#include "alert/match.h"

#define ARENA_MAX (SIZE_MAX / 2) /* a few times ALERT_MAX, whatever the condition */

/* A comparison, prepared; its place is node.test. */
struct test {
	struct value_shape left;
	operator_test *ask; /* NULL: exists */
	struct right *rights;
	size_t right_count;
};

struct match {
	char *condition;
	struct arena *tree_arena, *alert_arena;
	struct node *tree;
	struct test *tests;
	size_t count, capacity;
};

static enum presence own_text(const char *text, struct value *ret_value)
{
	*ret_value = value_text(text_of(text));
	return text && *text ? PRESENT : ABSENT;
}

static enum presence read_rule(const struct alert *alert, struct arena *arena, struct value *ret)
{
	return own_text(alert->rule, ret);
}

static enum presence read_source(const struct alert *alert, struct arena *arena, struct value *ret)
{
	return own_text(alert->source, ret);
}

static enum presence read_hostname(
	const struct alert *alert, struct arena *arena, struct value *ret)
{
	return own_text(alert->hostname, ret);
}

static enum presence read_output(const struct alert *alert, struct arena *arena, struct value *ret)
{
	return own_text(alert->output, ret);
}

static enum presence read_uuid(const struct alert *alert, struct arena *arena, struct value *ret)
{
	return own_text(alert->uuid, ret);
}

static enum presence read_priority(
	const struct alert *alert, struct arena *arena, struct value *ret)
{
	return own_text(priority_name(alert->priority), ret);
}

static enum presence read_tags(const struct alert *alert, struct arena *arena, struct value *ret)
{
	struct value *items = ARENA_NEW(arena, struct value, alert->tag_count + 1);

	for (size_t i = 0; i < alert->tag_count; i++)
		items[i] = value_text(text_of(alert->tags[i]));
	*ret = (struct value){ .kind = VALUE_LIST, .list = { items, alert->tag_count } };
	return alert->tag_count ? PRESENT : ABSENT;
}

static const struct own_field {
	const char *name;
	enum presence (*read)(const struct alert *alert, struct arena *arena, struct value *ret);
	bool is_list;
} own_fields[] = {
	{ "rule", read_rule, false },
	{ "priority", read_priority, false },
	{ "source", read_source, false },
	{ "hostname", read_hostname, false },
	{ "output", read_output, false },
	{ "uuid", read_uuid, false },
	{ "tags", read_tags, true },
};

static const struct own_field *own_field_find(struct text name)
{
	for (size_t i = 0; i < COUNT_OF(own_fields); i++)
		if (text_is(name, own_fields[i].name))
			return &own_fields[i];
	return NULL;
}

/* A number as it was written, true or false, text; what is no single value as JSON. */
static struct value json_value(struct json_object *json)
{
	if (json_object_is_type(json, json_type_string))
		return value_text((struct text){
			json_object_get_string(json), (size_t)json_object_get_string_len(json) });
	return value_text(text_of(json_object_to_json_string_ext(json, JSON_C_TO_STRING_PLAIN)));
}

static enum presence read_json(
	struct json_object *json, struct arena *arena, struct value *ret_value)
{
	size_t count;
	struct value *items;

	if (!json)
		return ABSENT;
	if (!json_object_is_type(json, json_type_array)) {
		*ret_value = json_value(json);
		return PRESENT;
	}
	count = json_object_array_length(json);
	items = ARENA_NEW(arena, struct value, count + 1);
	for (size_t i = 0; i < count; i++)
		items[i] = json_value(json_object_array_get_idx(json, i));
	*ret_value = (struct value){ .kind = VALUE_LIST, .list = { items, count } };
	return PRESENT;
}

static struct text field_name(const struct operand *operand, struct arena *arena)
{
	struct buffer name;
	struct text copy;

	if (!operand->has_argument)
		return operand->text;
	buffer_init(&name, 4096);
	buffer_printf(&name, TEXT_FORMAT "[" TEXT_FORMAT "]", TEXT_PRINT(operand->text),
		TEXT_PRINT(operand->argument));
	copy = arena_copy(arena, buffer_text(&name));
	buffer_done(&name);
	return copy;
}

static enum presence read_field(const struct operand *operand, const struct alert *alert,
	struct arena *arena, struct value *ret_value)
{
	struct text name = field_name(operand, arena);
	const struct own_field *own = own_field_find(name);
	struct json_object *json = NULL;
	char key[256];

	if (own)
		return own->read(alert, arena, ret_value);
	if (!alert->fields || name.length >= sizeof(key))
		return ABSENT;
	memcpy(key, name.data, name.length);
	key[name.length] = '\0';
	(void)json_object_object_get_ex(alert->fields, key, &json);
	return read_json(json, arena, ret_value);
}

static enum presence read_operand(const struct operand *operand, const struct alert *alert,
	struct arena *arena, struct value *ret_value);

static enum presence read_parts(const struct operand *operand, const struct alert *alert,
	struct arena *arena, struct value *values)
{
	for (size_t i = 0; i < operand->count; i++)
		if (read_operand(operand->parts[i], alert, arena, &values[i]) != PRESENT)
			return ABSENT;
	return PRESENT;
}

/* Deep as the parser lets it be. */
static enum presence read_operand(const struct operand *operand, const struct alert *alert,
	struct arena *arena, struct value *ret_value)
{
	struct value *values;

	if (operand->kind == OPERAND_VALUE) {
		*ret_value = value_text(operand->text);
		return PRESENT;
	}
	if (operand->kind == OPERAND_FIELD)
		return read_field(operand, alert, arena, ret_value);
	values = ARENA_NEW(arena, struct value, operand->count + 1);
	if (read_parts(operand, alert, arena, values) != PRESENT)
		return ABSENT;
	if (operand->kind == OPERAND_LIST) {
		*ret_value =
			(struct value){ .kind = VALUE_LIST, .list = { values, operand->count } };
		return PRESENT;
	}
	return transformer_find(operand->text)
		->apply(values, operand->count,
			operand->has_argument ? operand->argument : (struct text){ 0 }, arena,
			ret_value);
}

static bool is_priority(const struct operand *operand)
{
	return operand->kind == OPERAND_FIELD && text_is(operand->text, "priority");
}

/* What the test compares: text as a number where the operator is one of < <= > >=. */
static bool fit(const struct node *node, const struct test *test, struct value *value)
{
	int64_t number;

	if (node->op->syntax != SYNTAX_NUMBER || value->kind != VALUE_TEXT)
		return true;
	if (is_priority(node->left))
		number = priority_parse(value->text);
	else if (text_to_i64(value->text, &number) < 0)
		return false;
	*value = test->left.type == TYPE_INT64 ? value_signed(number)
					       : value_unsigned((uint64_t)number);
	return true;
}

static bool ask_modified(const struct node *node, const struct test *test,
	const struct value *value, struct arena *arena)
{
	size_t count = 0;

	for (size_t i = 0; i < test->right_count; i++)
		count += test->ask(value, &test->rights[i], arena);
	if (node->modifier == MODIFIER_ONEOF)
		return count == 1;
	return node->modifier == MODIFIER_ANYOF ? count > 0
						: count == test->right_count && count > 0;
}

static bool ask_one(const struct node *node, const struct test *test, struct value value,
	const struct right *right, struct arena *arena)
{
	if (!fit(node, test, &value))
		return false;
	return node->modifier ? ask_modified(node, test, &value, arena)
			      : test->ask(&value, right, arena);
}

/* Of a list: every item must pass `in` and `!=`, of all else one is enough. */
static bool ask_list(const struct node *node, const struct test *test, const struct value *list,
	const struct right *right, struct arena *arena)
{
	bool wants_every = node->op->flags & (OPERATOR_EVERY_ITEM | OPERATOR_EVERY_END);

	for (size_t i = 0; i < list->list.count; i++)
		if (ask_one(node, test, list->list.items[i], right, arena) != wants_every)
			return !wants_every;
	return wants_every;
}

static bool is_true_check(struct match *match, const struct node *node, const struct alert *alert)
{
	const struct test *test = &match->tests[node->test];
	struct right dynamic = { 0 }, *right = test->rights;
	struct value value;

	if (read_operand(node->left, alert, match->alert_arena, &value) != PRESENT)
		return false;
	if (!test->ask)
		return true;
	if (!test->right_count) {
		right = &dynamic;
		if (read_operand(node->right, alert, match->alert_arena, &dynamic.value) != PRESENT)
			return false;
	}
	return value.kind == VALUE_LIST ? ask_list(node, test, &value, right, match->alert_arena)
					: ask_one(node, test, value, right, match->alert_arena);
}

static bool is_true(struct match *match, const struct node *node, const struct alert *alert)
{
	bool is_and = node->kind == NODE_AND;

	if (node->kind == NODE_CHECK)
		return is_true_check(match, node, alert);
	if (node->kind == NODE_NOT)
		return !is_true(match, node->children[0], alert);
	for (size_t i = 0; i < node->count; i++)
		if (is_true(match, node->children[i], alert) != is_and)
			return !is_and;
	return is_and;
}

bool match_takes(struct match *match, const struct alert *alert)
{
	bool takes = is_true(match, match->tree, alert);

	arena_reset(match->alert_arena);
	return takes;
}

/* Preparation. */

static int shape_of(
	const struct operand *operand, struct value_shape *ret_shape, struct error *err);

static int shape_of_transformer(
	const struct operand *operand, struct value_shape *ret_shape, struct error *err)
{
	const struct transformer *transformer = transformer_find(operand->text);
	_cleanup_(freep) struct value_shape *shapes =
		NEW_ARRAY(struct value_shape, operand->count + 1);
	_cleanup_(freep) char *first =
		text_to_string(operand->count ? operand->parts[0]->text : (struct text){ 0 });
	int r = 0;

	if (operand->has_argument && !transformer->takes_argument)
		return error_set(
			err, -EINVAL, "%s takes no argument in brackets", transformer->name);
	for (size_t i = 0; i < operand->count && !r; i++)
		r = shape_of(operand->parts[i], &shapes[i], err);
	return r < 0 ? r
		     : transformer->check(
			       transformer, shapes, operand->count, first, ret_shape, err);
}

/* A name without a dot that is nearly one of ours is a slip; others may be custom fields. */
static int check_field(const struct operand *operand, struct error *err)
{
	const char *names[COUNT_OF(own_fields)], *near;

	if (own_field_find(operand->text) || text_contains(operand->text, TEXT(".")))
		return 0;
	for (size_t i = 0; i < COUNT_OF(own_fields); i++)
		names[i] = own_fields[i].name;
	near = text_nearest(operand->text, names, COUNT_OF(own_fields));
	return near ? error_set(err, -EINVAL, "no field \"" TEXT_FORMAT "\"; did you mean \"%s\"?",
			      TEXT_PRINT(operand->text), near)
		    : 0;
}

static int shape_of(const struct operand *operand, struct value_shape *ret_shape, struct error *err)
{
	const struct own_field *own = own_field_find(operand->text);

	*ret_shape = (struct value_shape){ TYPE_CHARBUF, operand->kind == OPERAND_LIST };
	if (operand->kind == OPERAND_TRANSFORMER)
		return shape_of_transformer(operand, ret_shape, err);
	if (operand->kind != OPERAND_FIELD)
		return 0;
	ret_shape->is_list = own && own->is_list;
	return check_field(operand, err);
}

static int priority_constant(struct text *text, bool as_number, struct error *err)
{
	static const char *const numbers[] = { "0", "1", "2", "3", "4", "5", "6", "7" };
	enum priority priority = priority_parse(*text);
	int64_t number;

	if (as_number && text_to_i64(*text, &number) == 0 && number >= 0 && number <= 7)
		return 0;
	if (priority == PRIORITY_NONE)
		return error_set(err, -EINVAL,
			"\"" TEXT_FORMAT "\" is no priority; it is one of emergency, alert, "
			"critical, error, warning, notice, informational, debug",
			TEXT_PRINT(*text));
	*text = text_of(as_number ? numbers[priority] : priority_name(priority));
	return 0;
}

/* The values on the right; a priority as it stands in an alert. They point into the tree. */
static int take_values(struct match *match, const struct node *node, struct text **ret_values,
	size_t *ret_count, struct error *err)
{
	const struct operand *right = node->right;
	bool is_one = right->kind != OPERAND_LIST;
	size_t count = is_one ? 1 : right->count;
	struct text *values = ARENA_NEW(match->tree_arena, struct text, count + 1);
	int r = 0;

	for (size_t i = 0; i < count && !r; i++) {
		values[i] = is_one ? right->text : right->parts[i]->text;
		/* Not patterns: those may be part of a name. */
		if (is_priority(node->left) &&
			(node->op->prepare == PREPARE_SET || node->op->syntax == SYNTAX_NUMBER ||
				node->op->tests.is_bool))
			r = priority_constant(&values[i], node->op->syntax == SYNTAX_NUMBER, err);
	}
	*ret_values = values;
	*ret_count = count;
	return r;
}

static int prepare_constants(
	struct match *match, const struct node *node, struct test *test, struct error *err)
{
	struct text *values = NULL;
	size_t count = 0;
	int r = take_values(match, node, &values, &count, err);

	if (r < 0)
		return r;
	test->rights = NEW_ARRAY(struct right, count + 1);
	if (!node->modifier) {
		test->right_count = 1;
		return right_prepare(node->op, test->left.type, values, count, test->rights, err);
	}
	for (; test->right_count < count; test->right_count++) {
		r = right_prepare(node->op, test->left.type, &values[test->right_count], 1,
			&test->rights[test->right_count], err);
		if (r < 0)
			return r;
	}
	return 0;
}

static int prepare_right(
	struct match *match, const struct node *node, struct test *test, struct error *err)
{
	struct value_shape shape;
	int r;

	if (!node->right)
		return 0;
	if (node->right->kind == OPERAND_VALUE || node->right->kind == OPERAND_LIST)
		return prepare_constants(match, node, test, err);
	r = shape_of(node->right, &shape, err);
	if (r < 0)
		return r;
	if ((node->op->flags & OPERATOR_FIXED) || shape.is_list || node->modifier ||
		class_of_type(shape.type) != class_of_type(test->left.type))
		return error_set(err, -EINVAL, "'%s' cannot compare these two with each other",
			node->op->name);
	return 0;
}

static int prepare_check(
	struct match *match, struct node *node, struct test *test, struct error *err)
{
	int r = shape_of(node->left, &test->left, err);

	if (r < 0)
		return r;
	if (node->op->syntax == SYNTAX_NUMBER && class_of_type(test->left.type) == CLASS_TEXT)
		test->left.type = TYPE_INT64;
	if (node->op->syntax != SYNTAX_UNARY) {
		test->ask = operator_test_for(node->op, class_of_type(test->left.type));
		if (!test->ask)
			return error_set(err, -EINVAL, "'%s' does not compare %s values",
				node->op->name, class_words(class_of_type(test->left.type)));
	}
	return prepare_right(match, node, test, err);
}

static int prepare(struct match *match, struct node *node, struct position *at, struct error *err)
{
	int r = 0;

	if (node->kind == NODE_CHECK) {
		node->test = (unsigned)match->count;
		*at = node->at;
		*ARRAY_ADD(match->tests, match->count, match->capacity) = (struct test){ 0 };
		return prepare_check(match, node, &match->tests[node->test], err);
	}
	for (size_t i = 0; i < node->count && !r; i++)
		r = prepare(match, node->children[i], at, err);
	return r;
}

void match_free(struct match *match)
{
	if (!match)
		return;
	for (size_t i = 0; i < match->count; i++) {
		for (size_t j = 0; j < match->tests[i].right_count; j++)
			right_done(&match->tests[i].rights[j]);
		free(match->tests[i].rights);
	}
	free(match->tests);
	arena_free(match->tree_arena);
	arena_free(match->alert_arena);
	free(match->condition);
	free(match);
}

int match_new(struct text condition, struct match **ret_match, struct error *err)
{
	_cleanup_(match_freep) struct match *match = NEW(struct match);
	struct position at = { 1, 1, 0 };
	int r;

	match->condition = text_to_string(condition);
	match->tree_arena = arena_new(ARENA_MAX);
	match->alert_arena = arena_new(ARENA_MAX);
	r = condition_parse_plain(
		text_of(match->condition), match->tree_arena, &match->tree, &at, err);
	if (!r)
		r = prepare(match, match->tree, &at, err);
	if (r < 0) {
		error_prefix(err, "%zu:%zu", at.line, at.column);
		return -EINVAL;
	}
	*ret_match = TAKE(match);
	return 0;
}
