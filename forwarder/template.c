/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Templates: the parser, by recursive descent over the text itself.
 */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>

#include "base/memory.h"
#include "forwarder/template-tree.h"
#include "forwarder/template.h"

#define DEPTH_MAX 32
#define ARENA_MAX (8 << 20)

struct parser {
	struct template *template;
	struct text text;
	size_t at;
	int depth;
	struct error *err;
};

static int fail(const struct parser *parser, size_t at, const char *words, struct text what)
{
	size_t line = 1, column = 1;

	for (size_t i = 0; i < at && i < parser->text.length; i++) {
		column = parser->text.data[i] == '\n' ? 1 : column + 1;
		line += parser->text.data[i] == '\n';
	}
	return error_set(parser->err, -EINVAL, "line %zu, column %zu: %s%s" TEXT_FORMAT "%s", line,
		column, words, what.length ? " \"" : "", TEXT_PRINT(text_slice(what, 0, 100)),
		what.length ? "\"" : "");
}

static struct text rest(const struct parser *parser)
{
	return text_slice(parser->text, parser->at, parser->text.length);
}

static bool looks_at(const struct parser *parser, const char *word)
{
	return text_starts_with(rest(parser), text_of(word));
}

static bool take(struct parser *parser, const char *word)
{
	if (!looks_at(parser, word))
		return false;
	parser->at += strlen(word);
	return true;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static char here(const struct parser *parser)
{
	return parser->at < parser->text.length ? parser->text.data[parser->at] : '\0';
}

static void skip_blanks(struct parser *parser)
{
	while (is_blank(here(parser)))
		parser->at++;
}

static bool is_word(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

static struct text take_word(struct parser *parser)
{
	size_t start = parser->at;

	while (is_word(here(parser)))
		parser->at++;
	return text_slice(parser->text, start, parser->at - start);
}

static struct expression *expression_new(struct parser *parser, enum expression_kind kind)
{
	struct expression *expression = ARENA_NEW(parser->template->arena, struct expression, 1);

	*expression = (struct expression){ .kind = kind };
	return expression;
}

static struct expression *literal_new(struct parser *parser, struct json_object *value)
{
	struct expression *expression = expression_new(parser, EXPRESSION_LITERAL);

	expression->literal = value;
	if (value)
		json_object_array_add(parser->template->literals, value);
	return expression;
}

static struct expression *text_literal(struct parser *parser, struct text text)
{
	return literal_new(parser, json_object_new_string_len(text.data, (int)text.length));
}

/* "text" with Go's common escapes. */
static int parse_quoted(struct parser *parser, struct expression **ret_expression)
{
	size_t start = parser->at++;
	struct buffer text;
	char c;

	buffer_init(&text, TEMPLATE_MAX);
	buffer_add_string(&text, "");
	while ((c = here(parser)) && c != '"' && c != '\n') {
		parser->at++;
		if (c == '\\') {
			c = here(parser);
			parser->at += c != '\0';
			c = c == 'n' ? '\n' : c == 't' ? '\t' : c == 'r' ? '\r' : c;
		}
		buffer_add_char(&text, c);
	}
	if (!take(parser, "\"")) {
		buffer_done(&text);
		return fail(parser, start, "this text has no end", (struct text){ 0 });
	}
	*ret_expression = text_literal(parser, buffer_text(&text));
	buffer_done(&text);
	return 0;
}

static int parse_raw(struct parser *parser, struct expression **ret_expression)
{
	size_t start = parser->at++;
	ptrdiff_t end = text_find(rest(parser), TEXT("`"));

	if (end < 0)
		return fail(parser, start, "this text has no end", (struct text){ 0 });
	*ret_expression = text_literal(parser, text_slice(rest(parser), 0, (size_t)end));
	parser->at += (size_t)end + 1;
	return 0;
}

static int parse_number(struct parser *parser, struct expression **ret_expression)
{
	size_t start = parser->at;
	struct text text;
	int64_t number;

	parser->at += here(parser) == '-' || here(parser) == '+';
	take_word(parser);
	text = text_slice(parser->text, start, parser->at - start);
	if (text_to_i64(text, &number) < 0)
		return fail(parser, start, "this is no whole number:", text);
	*ret_expression = literal_new(parser, json_object_new_int64(number));
	return 0;
}

static int parse_pipeline(struct parser *parser, struct expression **ret_expression);

static int parse_parentheses(struct parser *parser, struct expression **ret_expression)
{
	size_t start = parser->at++;
	int r;

	if (++parser->depth > DEPTH_MAX)
		return fail(parser, start, "nested too deeply", (struct text){ 0 });
	r = parse_pipeline(parser, ret_expression);
	parser->depth--;
	if (r < 0)
		return r;
	skip_blanks(parser);
	return take(parser, ")") ? 0
				 : fail(parser, start, "this ( is not closed", (struct text){ 0 });
}

/* Whether ".Name" stands here. */
static bool has_field(const struct parser *parser)
{
	char next = parser->at + 1 < parser->text.length ? parser->text.data[parser->at + 1] : '\0';

	return here(parser) == '.' && (isalpha((unsigned char)next) || next == '_');
}

/* ".Name.Name" after an operand. */
static void parse_fields(struct parser *parser, struct expression **expression)
{
	while (has_field(parser)) {
		struct expression *field = expression_new(parser, EXPRESSION_FIELD);

		parser->at++;
		field->of = *expression;
		field->name = (char *)arena_copy(parser->template->arena, take_word(parser)).data;
		*expression = field;
	}
}

static bool begins_operand(const struct parser *parser)
{
	char c = here(parser);

	return c == '.' || c == '"' || c == '`' || c == '(' || c == '-' || c == '+' || is_word(c);
}

static int find_function(
	struct parser *parser, size_t start, struct text name, const struct function **ret_function)
{
	struct buffer words;
	int r;

	*ret_function = function_find(name);
	if (*ret_function)
		return 0;
	buffer_init(&words, 1024);
	buffer_add_string(&words, "these functions are known: ");
	function_names(&words);
	buffer_add_string(&words, "; not");
	r = fail(parser, start, words.data, name);
	buffer_done(&words);
	return r;
}

/* The word is no constant; as an argument of another call it takes none of its own. */
static int parse_call(struct parser *parser, struct expression **ret_expression)
{
	struct expression *call = expression_new(parser, EXPRESSION_CALL);
	size_t start = parser->at;
	int r = find_function(parser, start, take_word(parser), &call->function);

	*ret_expression = call;
	return r;
}

/* A word: a constant, or the name of a function, which takes no fields: (index . "a").b has them.
 */
static int parse_word(struct parser *parser, struct expression **ret_expression)
{
	size_t start = parser->at;
	struct text word = take_word(parser);

	if (has_field(parser))
		return fail(
			parser, parser->at, "after a word a blank must stand", (struct text){ 0 });
	if (text_is(word, "true") || text_is(word, "false"))
		*ret_expression =
			literal_new(parser, json_object_new_boolean(text_is(word, "true")));
	else if (text_is(word, "nil"))
		*ret_expression = literal_new(parser, NULL);
	else {
		parser->at = start;
		return parse_call(parser, ret_expression);
	}
	return 0;
}

static int parse_operand(struct parser *parser, struct expression **ret_expression)
{
	char c = here(parser);
	int r = 0;

	if (c == '"')
		r = parse_quoted(parser, ret_expression);
	else if (c == '`')
		r = parse_raw(parser, ret_expression);
	else if (c == '(')
		r = parse_parentheses(parser, ret_expression);
	else if (c == '-' || c == '+' || isdigit((unsigned char)c))
		r = parse_number(parser, ret_expression);
	else if (c == '.') {
		*ret_expression = expression_new(parser, EXPRESSION_DOT);
		parser->at += !has_field(parser);
	} else if (is_word(c))
		r = parse_word(parser, ret_expression);
	else
		r = fail(parser, parser->at, "a value is missing here", (struct text){ 0 });
	if (!r)
		parse_fields(parser, ret_expression);
	return r;
}

static int check_count(
	const struct parser *parser, size_t start, const struct expression *expression)
{
	if (expression->kind != EXPRESSION_CALL ||
		(expression->count >= expression->function->least &&
			expression->count <= expression->function->most))
		return 0;
	return fail(parser, start, "wrong number of arguments for",
		text_of(expression->function->name));
}

static int parse_argument(struct parser *parser, struct expression *call)
{
	size_t start = parser->at;
	int r;

	if (call->count == CALL_ARGUMENTS_MAX)
		return fail(parser, parser->at, "too many arguments", (struct text){ 0 });
	r = parse_operand(parser, &call->arguments[call->count]);
	return r < 0 ? r : check_count(parser, start, call->arguments[call->count++]);
}

/* An operand, or a function and its arguments; `last` is what came through a "|". */
static int parse_command(
	struct parser *parser, struct expression *last, struct expression **ret_expression)
{
	size_t start;
	int r;

	skip_blanks(parser);
	start = parser->at;
	r = parse_operand(parser, ret_expression);
	if (r < 0)
		return r;
	skip_blanks(parser);
	while (begins_operand(parser)) {
		if ((*ret_expression)->kind != EXPRESSION_CALL || looks_at(parser, "-}}"))
			break;
		r = parse_argument(parser, *ret_expression);
		if (r < 0)
			return r;
		skip_blanks(parser);
	}
	if (last && ((*ret_expression)->kind != EXPRESSION_CALL ||
			    (*ret_expression)->count == CALL_ARGUMENTS_MAX))
		return fail(parser, start, "after a | a function must stand", (struct text){ 0 });
	if (last)
		(*ret_expression)->arguments[(*ret_expression)->count++] = last;
	return check_count(parser, start, *ret_expression);
}

static int parse_pipeline(struct parser *parser, struct expression **ret_expression)
{
	struct expression *expression = NULL;
	int r;

	do {
		r = parse_command(parser, expression, &expression);
		if (r < 0)
			return r;
		skip_blanks(parser);
	} while (take(parser, "|"));
	*ret_expression = expression;
	return 0;
}

/* The end of an action, with the blanks that "-" takes away. */
static int parse_close(struct parser *parser)
{
	skip_blanks(parser);
	if (take(parser, "-}}"))
		skip_blanks(parser);
	else if (!take(parser, "}}"))
		return fail(parser, parser->at, "here }} was expected, not",
			text_slice(rest(parser), 0, 12));
	return 0;
}

/* Whether the action that begins here begins with this keyword; takes it. */
static bool take_keyword(struct parser *parser, const char *keyword)
{
	size_t length = strlen(keyword);

	if (!looks_at(parser, keyword) || (parser->at + length < parser->text.length &&
						  is_word(parser->text.data[parser->at + length])))
		return false;
	parser->at += length;
	return true;
}

enum block_end { END_OF_TEXT, END_OF_BLOCK, END_ELSE };

static int parse_nodes(struct parser *parser, struct node **ret_nodes, enum block_end *ret_end);

static struct node *node_new(struct parser *parser, enum node_kind kind)
{
	struct node *node = ARENA_NEW(parser->template->arena, struct node, 1);

	*node = (struct node){ .kind = kind };
	return node;
}

/* if or range, from its condition to its end. An "else if" is a block inside of the else. */
static int parse_block(struct parser *parser, struct node *node, size_t start)
{
	enum block_end end;
	int r;

	if (++parser->depth > DEPTH_MAX)
		return fail(parser, start, "nested too deeply", (struct text){ 0 });
	r = parse_pipeline(parser, &node->expression);
	if (!r)
		r = parse_close(parser);
	if (!r)
		r = parse_nodes(parser, &node->body, &end);
	if (!r && end == END_ELSE) {
		skip_blanks(parser);
		if (node->kind == NODE_IF && take_keyword(parser, "if")) {
			node->otherwise = node_new(parser, NODE_IF);
			r = parse_block(parser, node->otherwise, start);
			parser->depth--;
			return r;
		}
		r = parse_close(parser);
		if (!r)
			r = parse_nodes(parser, &node->otherwise, &end);
	}
	parser->depth--;
	if (!r && end != END_OF_BLOCK)
		return fail(parser, start, "this block has no {{ end }}", (struct text){ 0 });
	return r;
}

static int parse_action(struct parser *parser, struct node **ret_node)
{
	static const char *const unknown[] = { "with", "define", "template", "block", "break",
		"continue" };
	size_t start = parser->at;

	for (size_t i = 0; i < COUNT_OF(unknown); i++)
		if (take_keyword(parser, unknown[i]))
			return fail(
				parser, start, "templates here do not know", text_of(unknown[i]));
	if (here(parser) == '$')
		return fail(
			parser, start, "templates here do not know variables", (struct text){ 0 });
	if (take_keyword(parser, "if")) {
		*ret_node = node_new(parser, NODE_IF);
		return parse_block(parser, *ret_node, start);
	}
	if (take_keyword(parser, "range")) {
		*ret_node = node_new(parser, NODE_RANGE);
		return parse_block(parser, *ret_node, start);
	}
	*ret_node = node_new(parser, NODE_PRINT);
	return parse_pipeline(parser, &(*ret_node)->expression);
}

static int skip_comment(struct parser *parser)
{
	size_t start = parser->at;
	ptrdiff_t end = text_find(rest(parser), TEXT("*/"));

	if (end < 0)
		return fail(parser, start, "this comment has no end", (struct text){ 0 });
	parser->at += (size_t)end + 2;
	return parse_close(parser);
}

static bool ends_block(struct parser *parser, enum block_end *ret_end)
{
	if (take_keyword(parser, "end"))
		*ret_end = END_OF_BLOCK;
	else if (take_keyword(parser, "else"))
		*ret_end = END_ELSE;
	else
		return false;
	return true;
}

/* Text up to the next action; without the blanks that a "{{-" takes away. */
static struct node *parse_text(struct parser *parser)
{
	ptrdiff_t length = text_find(rest(parser), TEXT("{{"));
	struct text text = length < 0 ? rest(parser) : text_slice(rest(parser), 0, (size_t)length);
	struct node *node = node_new(parser, NODE_TEXT);

	parser->at += text.length;
	if (looks_at(parser, "{{- "))
		while (text.length && is_blank(text.data[text.length - 1]))
			text.length--;
	node->text = text;
	return node;
}

/*
 * Nodes up to the end of the text, or of the block; of an end the "}}" is taken, of an else only
 * the word.
 */
static int parse_nodes(struct parser *parser, struct node **ret_nodes, enum block_end *ret_end)
{
	struct node **end = ret_nodes;
	int r;

	*ret_end = END_OF_TEXT;
	while (parser->at < parser->text.length) {
		if (!looks_at(parser, "{{")) {
			*end = parse_text(parser);
			end = &(*end)->next;
			continue;
		}
		parser->at += 2;
		if (looks_at(parser, "- "))
			parser->at += 2;
		skip_blanks(parser);
		if (ends_block(parser, ret_end))
			return *ret_end == END_OF_BLOCK ? parse_close(parser) : 0;
		if (looks_at(parser, "/*")) {
			r = skip_comment(parser);
			if (r < 0)
				return r;
			continue;
		}
		r = parse_action(parser, end);
		if (!r && (*end)->kind == NODE_PRINT)
			r = parse_close(parser);
		if (r < 0)
			return r;
		end = &(*end)->next;
	}
	return 0;
}

void template_free(struct template *template)
{
	if (!template)
		return;
	json_object_put(template->literals);
	arena_free(template->arena);
	free(template);
}

int template_parse(struct text text, struct template **ret_template, struct error *err)
{
	_cleanup_(template_freep) struct template *template = NEW(struct template);
	struct parser parser = { .template = template, .err = err };
	enum block_end end;
	int r;

	if (text.length > TEMPLATE_MAX)
		return error_set(err, -EINVAL, "a template may have %d bytes", TEMPLATE_MAX);
	template->arena = arena_new(ARENA_MAX);
	template->literals = json_object_new_array();
	parser.text = arena_copy(template->arena, text);
	r = parse_nodes(&parser, &template->nodes, &end);
	if (r < 0)
		return r;
	if (end != END_OF_TEXT)
		return fail(
			&parser, parser.at, "here is no block that could end", (struct text){ 0 });
	*ret_template = TAKE(template);
	return 0;
}
