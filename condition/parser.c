/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parser of conditions: recursive descent over the grammar of spec/rule-language.md 2, in the
 * order of Falco's own, so that a mistake is found at the same place and told in the same words.
 */
#include <errno.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "condition/transformers.h"
#include "condition/tree.h"

#define FIELD_OR_TRANSFORMER "a field with a valid transformer: "

struct parser {
	struct lexer lexer;
	struct arena *arena;
	unsigned depth;
	struct error *err;
};

/* Children of a node while their number is not known. */
struct parts {
	void **items;
	size_t count, capacity;
};

static void parts_free(struct parts *parts)
{
	free(parts->items);
}

static void *parts_take(struct parts *parts, struct arena *arena)
{
	void **items = ARENA_NEW(arena, void *, MAX_OF(parts->count, 1));

	if (parts->count)
		memcpy(items, parts->items, parts->count * sizeof(*items));
	return items;
}

static int fail(struct parser *parser, const char *message)
{
	return error_set(parser->err, -EINVAL, "%s", message);
}

/* "HEAD'val', 'tolower', …" */
static int fail_with_transformers(struct parser *parser, const char *head)
{
	struct buffer words;

	buffer_init(&words, ERROR_MESSAGE_MAX);
	buffer_printf(&words, "%s'val'", head);
	for (size_t i = 0; i < TRANSFORMER_COUNT; i++)
		buffer_printf(&words, ", '%s'", transformer_at(i)->name);
	fail(parser, buffer_text(&words).data);
	buffer_done(&words);
	return -EINVAL;
}

static int fail_with_operators(struct parser *parser)
{
	struct buffer words;

	buffer_init(&words, ERROR_MESSAGE_MAX);
	buffer_add_string(&words, "expected a valid check operator: one of ");
	for (size_t i = 0; i < OPERATOR_COUNT; i++)
		buffer_printf(&words, "%s'%s'", i ? ", " : "", operator_at(i)->name);
	fail(parser, buffer_text(&words).data);
	buffer_done(&words);
	return -EINVAL;
}

static int enter(struct parser *parser)
{
	if (++parser->depth <= CONDITION_DEPTH_MAX)
		return 0;
	return error_set(
		parser->err, -EINVAL, "exceeded max depth limit of %d", CONDITION_DEPTH_MAX);
}

static void leave(struct parser *parser)
{
	parser->depth--;
}

static struct node *node_new(struct parser *parser, enum node_kind kind, struct position at)
{
	struct node *node = ARENA_NEW(parser->arena, struct node, 1);

	*node = (struct node){ .kind = kind, .at = at };
	return node;
}

static struct operand *operand_new(
	struct parser *parser, enum operand_kind kind, struct position at, struct text text)
{
	struct operand *operand = ARENA_NEW(parser->arena, struct operand, 1);

	*operand = (struct operand){ .kind = kind, .at = at, .text = text };
	return operand;
}

static int expect(struct parser *parser, const char *token)
{
	return lexer_exact(&parser->lexer, token)
		       ? 0
		       : error_set(parser->err, -EINVAL, "expected a '%s' token", token);
}

/* "[arg]" behind a name, when it stands there. */
static int parse_argument(struct parser *parser, struct operand *operand)
{
	int r;

	if (!lexer_exact(&parser->lexer, "["))
		return 0;
	operand->has_argument = true;
	r = lexer_quoted_string(&parser->lexer, &operand->argument, parser->err);
	if (r < 0)
		return r;
	if (!r && !lexer_bare_argument(&parser->lexer, &operand->argument))
		return fail(parser,
			"expected a valid field argument: a quoted string or a bare string");
	return expect(parser, "]");
}

/* 1 when a field stands here. */
static int parse_field(struct parser *parser, struct operand **ret_operand)
{
	struct position at = parser->lexer.at;
	struct text name;
	int r;

	if (!lexer_field_name(&parser->lexer, &name))
		return 0;
	*ret_operand = operand_new(parser, OPERAND_FIELD, at, name);
	r = parse_argument(parser, *ret_operand);
	return r < 0 ? r : 1;
}

/* 1 when a constant stands here: quoted, or as `take_bare` takes it. */
static int parse_constant(struct parser *parser,
	bool (*take_bare)(struct lexer *lexer, struct text *ret_text), struct operand **ret_operand)
{
	struct position at = parser->lexer.at;
	struct text text;
	int r;

	r = lexer_quoted_string(&parser->lexer, &text, parser->err);
	if (r < 0)
		return r;
	if (!r && !take_bare(&parser->lexer, &text))
		return 0;
	*ret_operand = operand_new(parser, OPERAND_VALUE, at, text);
	return 1;
}

/* "(a, b)" with the parenthesis already taken; `parse_item` gives 1 for an item. */
static int parse_items(struct parser *parser,
	int (*parse_item)(struct parser *parser, struct operand **ret_operand),
	const char *expected, struct operand *list)
{
	_cleanup_(parts_free) struct parts parts = { 0 };
	struct operand *item;
	int r;

	lexer_blank(&parser->lexer);
	r = parse_item(parser, &item);
	while (r > 0) {
		*ARRAY_ADD(parts.items, parts.count, parts.capacity) = item;
		lexer_blank(&parser->lexer);
		if (!lexer_exact(&parser->lexer, ","))
			break;
		lexer_blank(&parser->lexer);
		r = parse_item(parser, &item);
		if (r == 0)
			return fail(parser, expected);
	}
	if (r < 0)
		return r;
	list->count = parts.count;
	list->parts = parts_take(&parts, parser->arena);
	lexer_blank(&parser->lexer);
	return expect(parser, ")");
}

static int parse_list_item(struct parser *parser, struct operand **ret_operand)
{
	return parse_constant(parser, lexer_bare_string, ret_operand);
}

/* A transformer's arguments hold transformers. */
static int parse_transformer(struct parser *parser, struct operand **ret_operand);

/* What may stand in a transformer's literal list. */
static int parse_inner_item(struct parser *parser, struct operand **ret_operand)
{
	int r;

	r = parse_transformer(parser, ret_operand);
	if (r == 0)
		r = parse_field(parser, ret_operand);
	if (r == 0)
		r = parse_constant(parser, lexer_number, ret_operand);
	return r;
}

static int parse_transformer_argument(struct parser *parser, struct operand **ret_operand)
{
	struct position at = parser->lexer.at;
	int r;

	if (!lexer_exact(&parser->lexer, "("))
		return parse_inner_item(parser, ret_operand);
	*ret_operand = operand_new(parser, OPERAND_LIST, at, (struct text){ 0 });
	r = parse_items(parser, parse_inner_item,
		"expected a field, a transformer, a string or a number in the list", *ret_operand);
	return r < 0 ? r : 1;
}

static bool take_transformer_name(struct parser *parser, struct text *ret_name)
{
	for (size_t i = 0; i < TRANSFORMER_COUNT; i++)
		if (lexer_call(&parser->lexer, transformer_at(i)->name)) {
			*ret_name = text_of(transformer_at(i)->name);
			return true;
		}
	return false;
}

/* 1 when a transformer's call stands here. */
static int parse_transformer(struct parser *parser, struct operand **ret_operand)
{
	struct position at = parser->lexer.at;
	struct text name;
	int r;

	if (!take_transformer_name(parser, &name))
		return 0;
	r = enter(parser);
	if (r < 0)
		return r;
	lexer_exact(&parser->lexer, "(");
	*ret_operand = operand_new(parser, OPERAND_TRANSFORMER, at, name);
	r = parse_items(parser, parse_transformer_argument,
		"expected a field, a transformer, a string, a number or a list", *ret_operand);
	if (r < 0)
		return r;
	leave(parser);
	if (!(*ret_operand)->count)
		return error_set(parser->err, -EINVAL,
			"expected a field within '" TEXT_FORMAT "' transformer", TEXT_PRINT(name));
	r = parse_argument(parser, *ret_operand);
	return r < 0 ? r : 1;
}

/* val(field): 1 when it stands here. */
static int parse_val(struct parser *parser, struct operand **ret_operand)
{
	int r;

	if (!lexer_call(&parser->lexer, "val"))
		return 0;
	lexer_exact(&parser->lexer, "(");
	lexer_blank(&parser->lexer);
	r = parse_field(parser, ret_operand);
	if (r < 0)
		return r;
	if (r == 0)
		return fail(parser, "expected a field within 'val' transformer");
	lexer_blank(&parser->lexer);
	r = expect(parser, ")");
	if (r < 0)
		return r;
	if (lexer_exact(&parser->lexer, "["))
		return fail(
			parser, "filter error: transformer 'val' does not support field arguments");
	return 1;
}

/* A field or transformer on the right side. */
static int parse_right_field(struct parser *parser, struct operand **ret_operand)
{
	int r;

	r = parse_val(parser, ret_operand);
	return r ? r : parse_transformer(parser, ret_operand);
}

/* "(a, b)", or an identifier that is a list of itself. 1 when one stands here. */
static int parse_list(struct parser *parser, struct operand **ret_operand)
{
	struct position at = parser->lexer.at;
	struct operand *list;
	struct text name;
	int r;

	list = *ret_operand = operand_new(parser, OPERAND_LIST, at, (struct text){ 0 });
	if (lexer_exact(&parser->lexer, "(")) {
		r = parse_items(parser, parse_list_item, "expected a string value", list);
		return r < 0 ? r : 1;
	}
	if (!lexer_identifier(&parser->lexer, &name))
		return 0;
	list->parts = ARENA_NEW(parser->arena, struct operand *, 1);
	list->parts[0] = operand_new(parser, OPERAND_VALUE, at, name);
	list->count = 1;
	return 1;
}

static int parse_number_right(struct parser *parser, struct node *check)
{
	struct position at = parser->lexer.at;
	struct text number;
	int r;

	r = parse_right_field(parser, &check->right);
	if (r)
		return r;
	if (!lexer_number(&parser->lexer, &number))
		return fail_with_transformers(
			parser, "expected a number value or " FIELD_OR_TRANSFORMER);
	check->right = operand_new(parser, OPERAND_VALUE, at, number);
	return 1;
}

/* A modifier counts only where a list can follow; elsewhere the word is a value. */
static enum modifier take_modifier(struct parser *parser)
{
	struct lexer before = parser->lexer, ahead;
	struct text name;

	for (int i = MODIFIER_ONEOF; i < MODIFIER_COUNT; i++) {
		if (!lexer_word(&parser->lexer, modifier_name(i)))
			continue;
		lexer_blank(&parser->lexer);
		ahead = parser->lexer;
		if (lexer_exact(&ahead, "(") ||
			(lexer_identifier(&ahead, &name) && !text_is(name, "and") &&
				!text_is(name, "or") && !text_is(name, "not")))
			return i;
		parser->lexer = before;
	}
	return MODIFIER_NONE;
}

static int parse_text_right(struct parser *parser, struct node *check)
{
	int r;

	check->modifier = take_modifier(parser);
	if (check->modifier) {
		r = parse_list(parser, &check->right);
		return r ? r : fail(parser, "expected a list or an identifier");
	}
	r = parse_right_field(parser, &check->right);
	if (r == 0)
		r = parse_constant(parser, lexer_bare_string, &check->right);
	if (r == 0)
		return fail_with_transformers(
			parser, "expected a string value or " FIELD_OR_TRANSFORMER);
	return r;
}

static int parse_list_right(struct parser *parser, struct node *check)
{
	int r;

	r = parse_right_field(parser, &check->right);
	if (r == 0)
		r = parse_list(parser, &check->right);
	if (r == 0)
		return fail_with_transformers(
			parser, "expected a list, an identifier, or " FIELD_OR_TRANSFORMER);
	return r;
}

static const struct operator_row *take_operator(struct parser *parser)
{
	for (size_t i = 0; i < OPERATOR_COUNT; i++) {
		const struct operator_row *op = operator_at(i);

		if (op->flags & OPERATOR_WORD ? lexer_word(&parser->lexer, op->name)
					      : lexer_exact(&parser->lexer, op->name))
			return op;
	}
	return NULL;
}

/* What follows the left side of a check. */
static int parse_comparison(struct parser *parser, struct node *check)
{
	lexer_blank(&parser->lexer);
	check->op = take_operator(parser);
	if (!check->op)
		return fail_with_operators(parser);
	lexer_blank(&parser->lexer);
	switch (check->op->syntax) {
	case SYNTAX_UNARY:
		return 0;
	case SYNTAX_NUMBER:
		return parse_number_right(parser, check);
	case SYNTAX_TEXT:
		return parse_text_right(parser, check);
	case SYNTAX_LIST:
		return parse_list_right(parser, check);
	}
	return 0;
}

static int parse_condition(struct parser *parser, struct node **ret_node);

/* A condition in parentheses, the first of which is taken. */
static int parse_embedded(struct parser *parser, struct node **ret_node)
{
	int r;

	r = enter(parser);
	if (r < 0)
		return r;
	lexer_blank(&parser->lexer);
	r = parse_condition(parser, ret_node);
	if (r < 0)
		return r;
	leave(parser);
	lexer_blank(&parser->lexer);
	return expect(parser, ")");
}

static int parse_check(struct parser *parser, struct node **ret_node)
{
	struct position at = parser->lexer.at;
	struct operand *left;
	struct text name;
	int r;

	if (lexer_exact(&parser->lexer, "("))
		return parse_embedded(parser, ret_node);

	r = parse_field(parser, &left);
	if (r == 0)
		r = parse_transformer(parser, &left);
	if (r < 0)
		return r;
	if (r > 0) {
		*ret_node = node_new(parser, NODE_CHECK, at);
		(*ret_node)->left = left;
		r = parse_comparison(parser, *ret_node);
		return r < 0 ? r : 0;
	}

	if (!lexer_identifier(&parser->lexer, &name))
		return fail(parser, "expected a '(' token, a field check, or an identifier");
	*ret_node = node_new(parser, NODE_MACRO, at);
	(*ret_node)->name = name;
	return 0;
}

static struct node *negate(struct parser *parser, struct node *node, struct position at)
{
	struct node *inverse;

	if (node->kind == NODE_NOT)
		return node->children[0];
	inverse = node_new(parser, NODE_NOT, at);
	inverse->children = ARENA_NEW(parser->arena, struct node *, 1);
	inverse->children[0] = node;
	inverse->count = 1;
	return inverse;
}

/* Takes every "not"; then a condition in parentheses or a check follows. */
static bool take_nots(struct parser *parser)
{
	bool is_negated = false;

	while (lexer_word(&parser->lexer, "not") || lexer_call(&parser->lexer, "not")) {
		is_negated = !is_negated;
		lexer_blank(&parser->lexer);
	}
	return is_negated;
}

static int parse_not(struct parser *parser, struct node **ret_node)
{
	struct position at;
	bool is_negated;
	int r;

	lexer_blank(&parser->lexer);
	at = parser->lexer.at;
	is_negated = take_nots(parser);
	r = parse_check(parser, ret_node);
	if (r == 0 && is_negated)
		*ret_node = negate(parser, *ret_node, at);
	return r;
}

/* A chain `child { word child }`; one child alone stands for itself. */
static int parse_chain(struct parser *parser, enum node_kind kind, const char *word,
	int (*parse_child)(struct parser *parser, struct node **ret_node), struct node **ret_node)
{
	_cleanup_(parts_free) struct parts parts = { 0 };
	struct position at;
	struct node *child;
	int r;

	lexer_blank(&parser->lexer);
	at = parser->lexer.at;
	r = parse_child(parser, &child);
	while (r == 0) {
		*ARRAY_ADD(parts.items, parts.count, parts.capacity) = child;
		lexer_blank(&parser->lexer);
		if (!lexer_exact(&parser->lexer, word))
			break;
		if (lexer_blank(&parser->lexer))
			r = parse_child(parser, &child);
		else if (lexer_exact(&parser->lexer, "("))
			r = parse_embedded(parser, &child);
		else
			return error_set(
				parser->err, -EINVAL, "expected blank or '(' after '%s'", word);
	}
	if (r < 0)
		return r;
	if (parts.count == 1) {
		*ret_node = parts.items[0];
		return 0;
	}
	*ret_node = node_new(parser, kind, at);
	(*ret_node)->count = parts.count;
	(*ret_node)->children = parts_take(&parts, parser->arena);
	return 0;
}

static int parse_and(struct parser *parser, struct node **ret_node)
{
	return parse_chain(parser, NODE_AND, "and", parse_not, ret_node);
}

static int parse_condition(struct parser *parser, struct node **ret_node)
{
	return parse_chain(parser, NODE_OR, "or", parse_and, ret_node);
}

static int parse_all(struct parser *parser, struct node **ret_tree)
{
	int r;

	if (!parser->lexer.text.length)
		return fail(parser, "filter input string is empty");
	r = parse_condition(parser, ret_tree);
	if (r < 0)
		return r;
	if (!lexer_is_at_end(&parser->lexer))
		return error_set(parser->err, -EINVAL,
			"unexpected token after '" TEXT_FORMAT "', expecting 'or', 'and'",
			TEXT_PRINT(parser->lexer.last_token));
	return 0;
}

static int parse_whole(struct text text, bool has_plain_fields, struct arena *arena,
	struct node **ret_tree, struct position *ret_at, struct error *err)
{
	struct parser parser = { .arena = arena, .err = err };
	int r;

	lexer_init(&parser.lexer, text, arena);
	parser.lexer.has_plain_fields = has_plain_fields;
	r = parse_all(&parser, ret_tree);
	if (r < 0)
		*ret_at = parser.lexer.at;
	return r;
}

int condition_parse(struct text text, struct arena *arena, struct node **ret_tree,
	struct position *ret_at, struct error *err)
{
	return parse_whole(text, false, arena, ret_tree, ret_at, err);
}

int condition_parse_plain(struct text text, struct arena *arena, struct node **ret_tree,
	struct position *ret_at, struct error *err)
{
	return parse_whole(text, true, arena, ret_tree, ret_at, err);
}

int transformer_parse(struct text text, struct arena *arena, struct operand **ret_operand,
	size_t *ret_used, struct error *err)
{
	struct parser parser = { .arena = arena, .err = err };
	int r;

	lexer_init(&parser.lexer, text, arena);
	r = parse_transformer(&parser, ret_operand);
	if (r == 0)
		return fail_with_transformers(&parser, "expected ");
	if (r > 0)
		*ret_used = parser.lexer.at.offset;
	return r < 0 ? r : 0;
}
