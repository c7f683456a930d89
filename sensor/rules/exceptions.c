/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Exceptions of rules: reading them in all their shapes, and writing them as text behind the
 * rule's condition (spec/rule-language.md 1.10). They are text because Falco's are: a value may
 * hold the name of a list, or a transformer.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/memory.h"
#include "sensor/rules/reader.h"

void exception_done(struct exception_definition *exception)
{
	free(exception->fields.items);
	free(exception->comps.items);
	free(exception->values);
	*exception = (struct exception_definition){ 0 };
}

static int invalid(const struct reader *reader, enum load_code code, const char *message)
{
	return load_error(reader->result, code, reader->place, NULL, "%s", message);
}

static bool is_given(const struct yaml_node *node)
{
	return node && node->kind != YAML_NULL;
}

/* `fields` or `comps`: a list of words, or one word. */
static int read_words(
	const struct reader *reader, const char *key, struct texts *words, bool *ret_is_list)
{
	const struct yaml_node *node = yaml_get(reader->item, key);
	const struct place *place =
		place_new(reader->loader->arena, reader->place, "value for", text_of(key), node);

	*ret_is_list = node->kind == YAML_SEQUENCE;
	if (!*ret_is_list) {
		if (node->kind != YAML_SCALAR)
			return load_error(reader->result, LOAD_ERR_YAML_VALIDATE, place, NULL,
				"Value is not a scalar value");
		texts_add(words, text_trim(node->text));
		return 0;
	}
	for (size_t i = 0; i < node->count; i++) {
		if (node->items[i]->kind != YAML_SCALAR)
			return load_error(reader->result, LOAD_ERR_YAML_VALIDATE, place, NULL,
				"sequence value is not scalar");
		texts_add(words, text_trim(node->items[i]->text));
	}
	return 0;
}

/* An operator, or one with a modifier behind it. */
static bool parse_comparison(
	struct text text, const struct operator_row **ret_operator, bool *ret_has_modifier)
{
	struct text rest = text, name;

	text_split(&rest, ' ', &name);
	rest = text_trim(rest);
	*ret_operator = operator_find(name);
	*ret_has_modifier = rest.length > 0;
	if (!*ret_operator)
		return false;
	if (!rest.length)
		return true;
	if (!((*ret_operator)->flags & OPERATOR_MODIFIABLE))
		return false;
	for (int i = MODIFIER_ONEOF; i < MODIFIER_COUNT; i++)
		if (text_is(rest, modifier_name(i)))
			return true;
	return false;
}

/* Does it take a list on its right? */
static bool wants_list(struct text comparison)
{
	const struct operator_row *op;
	bool has_modifier;

	return parse_comparison(comparison, &op, &has_modifier) &&
	       (has_modifier || op->syntax == SYNTAX_LIST);
}

static int check_comparisons(
	const struct reader *reader, const struct exception_definition *exception)
{
	const struct operator_row *op;
	bool has_modifier;

	for (size_t i = 0; i < exception->comps.count; i++)
		if (!parse_comparison(exception->comps.items[i], &op, &has_modifier))
			return load_error(reader->result, LOAD_ERR_VALIDATE, reader->place,
				advice_for_operator(
					reader->loader->arena, exception->comps.items[i]),
				"'" TEXT_FORMAT "' is not a supported comparison operator",
				TEXT_PRINT(exception->comps.items[i]));
	if (exception->is_list && exception->fields.count != exception->comps.count)
		return invalid(
			reader, LOAD_ERR_VALIDATE, "Fields and comps lists must have equal length");
	if (!exception->is_list && !wants_list(exception->comps.items[0]))
		return invalid(reader, LOAD_ERR_VALIDATE,
			"When fields is a single value, comps must be one of (in, pmatch, "
			"intersects) or a modifier operator (e.g. startswith oneof)");
	return 0;
}

/* A field, or a transformer over one: whatever can stand before `exists`. */
static bool is_field(struct text text)
{
	struct arena *arena = arena_new(SIZE_MAX / 2);
	struct program *program = program_new();
	struct text check = arena_printf(arena, TEXT_FORMAT " exists", TEXT_PRINT(text));
	struct position at;
	struct node *tree;
	bool is_known;

	is_known = condition_parse(check, arena, &tree, &at, NULL) == 0 &&
		   tree->kind == NODE_CHECK && program_add_tests(program, tree, &at, NULL) == 0;
	program_free(program);
	arena_free(arena);
	return is_known;
}

static int check_fields(const struct reader *reader, const struct exception_definition *exception)
{
	for (size_t i = 0; i < exception->fields.count; i++) {
		struct text field = exception->fields.items[i];

		if (!is_field(field))
			return load_error(reader->result, LOAD_ERR_VALIDATE, reader->place,
				advice_for_field(reader->loader->arena, field),
				"'" TEXT_FORMAT "' is not a supported filter field",
				TEXT_PRINT(field));
	}
	return 0;
}

static int read_fields_and_comps(
	const struct reader *reader, struct exception_definition *exception)
{
	bool comps_is_list = false;
	int r;

	exception->has_fields = is_given(yaml_get(reader->item, "fields"));
	exception->has_comps = is_given(yaml_get(reader->item, "comps"));
	if (exception->has_fields) {
		r = read_words(reader, "fields", &exception->fields, &exception->is_list);
		if (r < 0)
			return r;
	}
	if (!exception->has_comps)
		return 0;
	r = read_words(reader, "comps", &exception->comps, &comps_is_list);
	if (r < 0)
		return r;
	if (exception->has_fields && exception->is_list != comps_is_list)
		return invalid(reader, LOAD_ERR_VALIDATE,
			exception->is_list ? "Fields and comps lists must have equal length"
					   : "Fields and comps must both be strings");
	return 0;
}

static int read_values(const struct reader *reader, struct exception_definition *exception)
{
	const struct yaml_node *values = yaml_get(reader->item, "values");
	const struct place *place;

	if (!is_given(values))
		return 0;
	exception->has_values = true;
	place = place_new(reader->loader->arena, reader->place, "exception values",
		(struct text){ 0 }, values);
	if (values->kind != YAML_SEQUENCE)
		return load_error(reader->result, LOAD_ERR_YAML_VALIDATE, place, NULL,
			"Rule exception values must be a sequence");
	for (size_t i = 0; i < values->count; i++)
		*ARRAY_ADD(exception->values, exception->value_count, exception->value_capacity) =
			values->items[i];
	return 0;
}

static void add_default_comps(struct exception_definition *exception)
{
	if (exception->has_comps)
		return;
	for (size_t i = 0; i < exception->fields.count; i++)
		texts_add(&exception->comps, exception->is_list ? TEXT("=") : TEXT("in"));
}

static struct exception_definition *exception_find(
	const struct rule_definition *rule, struct text name)
{
	for (size_t i = 0; i < rule->exception_count; i++)
		if (text_equal(rule->exceptions[i].name, name))
			return &rule->exceptions[i];
	return NULL;
}

/* Appending to an exception that is there: values alone. */
static int append_values(const struct reader *reader, struct exception_definition *exception,
	const struct exception_definition *more)
{
	if (more->has_fields)
		return invalid(reader, LOAD_ERR_VALIDATE,
			"Can not append exception fields to existing exception, only values");
	if (more->has_comps)
		return invalid(reader, LOAD_ERR_VALIDATE,
			"Can not append exception comps to existing exception, only values");
	if (!more->value_count)
		load_warning(reader->result, LOAD_APPEND_NO_VALUES, reader->place, NULL,
			"Overriding/appending exception with no values");
	for (size_t i = 0; i < more->value_count; i++)
		*ARRAY_ADD(exception->values, exception->value_count, exception->value_capacity) =
			more->values[i];
	return 0;
}

static int check_whole(const struct reader *reader, const struct rule_definition *rule,
	struct exception_definition *exception, bool appends)
{
	int r;

	if (!exception->has_fields && appends)
		return invalid(reader, LOAD_ERR_VALIDATE,
			"Rule exception must have fields property with a list of fields");
	if (!exception->has_fields)
		return invalid(
			reader, LOAD_ERR_YAML_VALIDATE, "Item has no mapping for key 'fields'");
	if (appends && !exception->has_values)
		return invalid(reader, LOAD_ERR_VALIDATE,
			"Rule exception must have values property with a list of values");
	add_default_comps(exception);
	r = check_comparisons(reader, exception);
	/* The fields of a source that is not loaded are not known. */
	return r < 0 || rule->has_unknown_source ? r : check_fields(reader, exception);
}

/* Reads one; what it adds to is looked for among what was there before this item. */
static int read_one(const struct reader *reader, struct text name, bool appends, size_t before,
	struct rule_definition *rule)
{
	_cleanup_(exception_done) struct exception_definition made = { .name = name,
		.place = reader->place };
	struct exception_definition *there = exception_find(rule, name);
	int r;

	r = read_fields_and_comps(reader, &made);
	if (r == 0)
		r = read_values(reader, &made);
	if (r < 0)
		return r;
	if (there && appends && (size_t)(there - rule->exceptions) < before)
		return append_values(reader, there, &made);
	if (there)
		load_warning(reader->result, LOAD_EXCEPTION_NAME_NOT_UNIQUE, reader->place, NULL,
			"Multiple definitions of exception '" TEXT_FORMAT "' in the same rule",
			TEXT_PRINT(name));
	r = check_whole(reader, rule, &made, appends);
	if (r < 0)
		return r;
	*ARRAY_ADD(rule->exceptions, rule->exception_count, rule->exception_capacity) = made;
	made = (struct exception_definition){ 0 };
	return 0;
}

int exceptions_read(struct rules_loader *loader, const struct yaml_node *item,
	const struct place *place, bool appends, struct rule_definition *rule,
	struct load_result *result)
{
	const struct yaml_node *all = yaml_get(item, "exceptions");
	const struct place *place_of_all;
	size_t before = rule->exception_count;
	struct reader reader = { .loader = loader, .result = result };
	struct text name;
	int r;

	if (!is_given(all))
		return 0;
	place_of_all = place_new(loader->arena, place, "exceptions", (struct text){ 0 }, all);
	if (all->kind != YAML_SEQUENCE)
		return load_error(result, LOAD_ERR_YAML_VALIDATE, place_of_all, NULL,
			"Rule exceptions must be a sequence");
	for (size_t i = 0; i < all->count; i++) {
		reader.item = all->items[i];
		reader.place = place_new(
			loader->arena, place_of_all, "exception", (struct text){ 0 }, reader.item);
		if (reader.item->kind != YAML_MAPPING)
			return load_error(result, LOAD_ERR_YAML_VALIDATE, reader.place, NULL,
				"Rule exception must be a mapping");
		r = reader_text(&reader, "name", &name);
		if (r < 0)
			return r;
		reader.place = place_new(loader->arena, place, "exception", name, reader.item);
		r = read_one(&reader, name, appends, before, rule);
		if (r < 0)
			return r;
	}
	return 0;
}

static void write_quoted(struct text value, struct buffer *out)
{
	bool is_quoted = value.length && (value.data[0] == '"' || value.data[0] == '\'');
	bool has_blank = value.length && memchr(value.data, ' ', value.length);

	if (has_blank && !is_quoted)
		buffer_printf(out, "\"" TEXT_FORMAT "\"", TEXT_PRINT(value));
	else if (!value.length)
		buffer_add_string(out, "\"\"");
	else
		buffer_add_text(out, value);
}

/* "(a, b)". Are all its items scalars? */
static bool write_list(const struct yaml_node *list, struct buffer *out)
{
	buffer_add_char(out, '(');
	for (size_t i = 0; i < list->count; i++) {
		if (list->items[i]->kind != YAML_SCALAR && list->items[i]->kind != YAML_NULL)
			return false;
		if (i)
			buffer_add_string(out, ", ");
		write_quoted(list->items[i]->text, out);
	}
	buffer_add_char(out, ')');
	return true;
}

/* One component of a tuple; a list operator wants parentheses around a single value. */
static bool write_component(
	const struct yaml_node *value, struct text comparison, struct buffer *out)
{
	bool needs_list = wants_list(comparison);

	if (value->kind == YAML_SEQUENCE)
		return write_list(value, out);
	if (value->kind == YAML_MAPPING)
		return false;
	/* A value that brings its own parentheses is a list already. */
	if (needs_list && value->text.length && value->text.data[0] == '(') {
		buffer_add_text(out, value->text);
		return true;
	}
	if (needs_list)
		buffer_add_char(out, '(');
	write_quoted(value->text, out);
	if (needs_list)
		buffer_add_char(out, ')');
	return true;
}

static int refuse_values(const struct exception_definition *exception, struct load_result *result,
	const char *message)
{
	return load_error(result, LOAD_ERR_VALIDATE, exception->place, NULL, "%s", message);
}

/* "(f1 c1 v1 and f2 c2 v2)" */
static int write_tuple(const struct exception_definition *exception, const struct yaml_node *tuple,
	struct buffer *out, struct load_result *result)
{
	if (tuple->kind != YAML_SEQUENCE || tuple->count != exception->fields.count)
		return refuse_values(
			exception, result, "Fields and values lists must have equal length");
	buffer_add_char(out, '(');
	for (size_t i = 0; i < tuple->count; i++) {
		buffer_printf(out, "%s" TEXT_FORMAT " " TEXT_FORMAT " ", i ? " and " : "",
			TEXT_PRINT(exception->fields.items[i]),
			TEXT_PRINT(exception->comps.items[i]));
		if (!write_component(tuple->items[i], exception->comps.items[i], out))
			return refuse_values(exception, result,
				"Expected values array to contain a list of strings");
	}
	buffer_add_char(out, ')');
	return 0;
}

static int write_tuples(const struct exception_definition *exception, struct buffer *out,
	struct load_result *result)
{
	int r;

	buffer_add_char(out, '(');
	for (size_t i = 0; i < exception->value_count; i++) {
		if (i)
			buffer_add_string(out, " or ");
		r = write_tuple(exception, exception->values[i], out, result);
		if (r < 0)
			return r;
	}
	buffer_add_char(out, ')');
	return 0;
}

/* "(f op (v1, v2))" */
static int write_flat(const struct exception_definition *exception, struct buffer *out,
	struct load_result *result)
{
	buffer_printf(out, "(" TEXT_FORMAT " " TEXT_FORMAT " (",
		TEXT_PRINT(exception->fields.items[0]), TEXT_PRINT(exception->comps.items[0]));
	for (size_t i = 0; i < exception->value_count; i++) {
		const struct yaml_node *value = exception->values[i];

		if (value->kind != YAML_SCALAR && value->kind != YAML_NULL)
			return refuse_values(exception, result,
				"Expected values array to contain a list of strings");
		if (i)
			buffer_add_string(out, ", ");
		write_quoted(value->text, out);
	}
	buffer_add_string(out, "))");
	return 0;
}

int exceptions_write(
	const struct rule_definition *rule, struct buffer *out, struct load_result *result)
{
	int r;

	for (size_t i = 0; i < rule->exception_count; i++) {
		const struct exception_definition *exception = &rule->exceptions[i];

		if (!exception->value_count)
			continue;
		buffer_add_string(out, " and not ");
		r = exception->is_list ? write_tuples(exception, out, result)
				       : write_flat(exception, out, result);
		if (r < 0)
			return r;
	}
	return 0;
}
