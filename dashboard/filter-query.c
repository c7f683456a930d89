/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The query language: text to a filter. By hand, because the mistakes of a query are shown at
 * their column while it is typed. A minus before a group goes down to its terms at once
 * (De Morgan), so that whoever matches meets signs at terms alone.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>

#include "base/memory.h"
#include "dashboard/filter.h"

struct reader {
	struct text query;
	size_t at;
	size_t mistake; /* byte where the message points */
	int depth;	/* of parentheses */
	struct filter *filter;
	struct buffer value;
};

static char peek(const struct reader *reader, size_t ahead)
{
	size_t at = reader->at + ahead;

	return at < reader->query.length ? reader->query.data[at] : '\0';
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool is_name_char(char c)
{
	return isalnum((unsigned char)c) || (c && strchr("_.[]-", c));
}

/* Up to the closing quote, with \" \\ and \* taken literally. */
static int take_quoted(struct reader *reader, struct buffer *out, struct error *err)
{
	size_t from = reader->at++;

	while (reader->at < reader->query.length && peek(reader, 0) != '"') {
		char c = peek(reader, 0), next = peek(reader, 1);
		bool is_escape = c == '\\' && next && strchr("\"\\*", next);

		buffer_add_char(out, is_escape ? next : c == '*' ? FILTER_WILDCARD : c);
		reader->at += is_escape ? 2 : 1;
	}
	if (reader->at >= reader->query.length) {
		reader->mistake = from;
		return error_set(err, -EINVAL, "the quote that opens here is not closed");
	}
	reader->at++;
	return 0;
}

/* Parentheses within a word are its own as long as they are even; one that closes a group ends it.
 */
static void take_bare(struct reader *reader, struct buffer *out)
{
	int depth = 0;

	while (reader->at < reader->query.length && !is_blank(peek(reader, 0))) {
		char c = peek(reader, 0);

		if (c == ')' && !depth && reader->depth)
			break;
		depth += (c == '(') - (c == ')' && depth);
		buffer_add_char(out, c == '*' ? FILTER_WILDCARD : c);
		reader->at++;
	}
}

static int take_value(struct reader *reader, struct error *err)
{
	struct buffer *out = &reader->value;
	size_t from = reader->at;

	buffer_clear(out);
	out->is_cut = false;
	if (peek(reader, 0) == '"') {
		int r = take_quoted(reader, out, err);

		if (r < 0)
			return r;
	} else {
		take_bare(reader, out);
	}
	reader->mistake = from;
	if (!out->length)
		return error_set(err, -EINVAL, "a value is missing here");
	if (out->is_cut)
		return error_set(err, -EINVAL, "a value has at most %d bytes", FILTER_TEXT_MAX);
	return 0;
}

static const struct comparison {
	const char *spelling;
	int below, same, above; /* which priorities fit: worse than, equal to, milder than it */
} comparisons[] = {
	{ ">=", 1, 1, 0 },
	{ "<=", 0, 1, 1 },
	{ ">", 1, 0, 0 },
	{ "<", 0, 0, 1 },
	{ ":", 0, 1, 0 },
	{ "=", 0, 1, 0 },
};

static const struct comparison *comparison_at(struct text text)
{
	for (size_t i = 0; i < COUNT_OF(comparisons); i++)
		if (text_starts_with(text, text_of(comparisons[i].spelling)))
			return &comparisons[i];
	return NULL;
}

/* NAME OPERATOR at the reader's place; NULL and nothing moved when it is a word. */
static const struct comparison *take_name(struct reader *reader, struct text *ret_name)
{
	size_t length = 0;
	const struct comparison *comparison;

	if (!isalpha((unsigned char)peek(reader, 0)))
		return NULL;
	while (is_name_char(peek(reader, length)))
		length++;
	comparison =
		comparison_at(text_slice(reader->query, reader->at + length, reader->query.length));
	/* http://host is a word */
	if (!comparison || (peek(reader, length + 1) == '/' && peek(reader, length + 2) == '/'))
		return NULL;
	*ret_name = text_slice(reader->query, reader->at, length);
	reader->at += length + strlen(comparison->spelling);
	return comparison;
}

/* What a value belongs to: a field and how it is compared; without a name any field. */
struct named {
	struct text name;
	const struct comparison *comparison;
};

static bool is_equality(const struct comparison *comparison)
{
	return comparison->same && !comparison->below && !comparison->above;
}

static const char *const priority_names[] = { "emergency", "alert", "critical", "error", "warning",
	"notice", "informational", "debug" };
static const char *const plain_names[] = { "priority", "rule", "source", "hostname", "tags",
	"uuid" };

static const char *nearest(struct text wanted, const char *const *names, size_t count, char out[64])
{
	const char *near = text_nearest(wanted, names, count);

	snprintf(out, 64, near ? "; did you mean \"%s\"?" : "", near);
	return out;
}

static int make_priority(struct term *term, const struct comparison *comparison, struct text value,
	struct error *err)
{
	enum priority wanted = priority_parse(value);
	char near[64];

	if (wanted == PRIORITY_NONE)
		return error_set(err, -EINVAL,
			"\"%.*s\" is no priority%s There are emergency, alert, critical, error, "
			"warning, notice, informational and debug",
			TEXT_PRINT(value),
			*nearest(value, priority_names, COUNT_OF(priority_names), near) ? near
											: ".");
	for (int priority = 0; priority <= PRIORITY_NONE; priority++) {
		int how = priority < (int)wanted   ? comparison->below
			  : priority > (int)wanted ? comparison->above
						   : comparison->same;

		term->priorities |= (unsigned)how << priority;
	}
	return 0;
}

static bool is_number(struct text text)
{
	_cleanup_(freep) char *copy = text_to_string(text);
	char *end;

	(void)strtod(copy, &end);
	return *copy && !*end && !is_blank(*copy);
}

static int make_comparison(
	struct term *term, const struct named *named, struct text value, struct error *err)
{
	char near[64];

	if (term->kind != TERM_FIELD)
		return error_set(err, -EINVAL,
			"only priority and numbers can be compared; write %.*s:VALUE",
			TEXT_PRINT(named->name));
	if (!is_number(value))
		return error_set(err, -EINVAL, "\"%.*s\" is no number to compare %.*s with%s",
			TEXT_PRINT(text_slice(value, 0, 64)), TEXT_PRINT(named->name),
			memchr(named->name.data, '.', named->name.length)
				? ""
				: nearest(named->name, plain_names, COUNT_OF(plain_names), near));
	snprintf(term->operator, sizeof(term->operator), "%s", named->comparison->spelling);
	return 0;
}

static int fill_term(
	struct term *term, const struct named *named, struct text value, struct error *err)
{
	int r = 0;

	if (!named->comparison) {
		term_add_value(term, value);
		return 0;
	}
	term->kind = term_kind_of(named->name);
	if (term->kind == TERM_PRIORITY)
		return make_priority(term, named->comparison, value, err);
	if (!is_equality(named->comparison))
		r = make_comparison(term, named, value, err);
	if (r < 0)
		return r;
	if (term->kind == TERM_FIELD)
		term->field = text_to_string(named->name);
	term_add_value(term, value);
	return 0;
}

static int take_term(struct reader *reader, const struct named *named, bool is_negated,
	uint8_t *ret_node, struct error *err)
{
	struct term term = { .kind = TERM_TEXT, .is_negated = is_negated };
	int r;

	r = take_value(reader, err);
	if (!r)
		r = fill_term(&term, named, buffer_text(&reader->value), err);
	if (!r)
		r = filter_add_term(reader->filter, &term, ret_node, err);
	if (r < 0)
		term_done(&term);
	return r;
}

static void skip_blanks(struct reader *reader)
{
	while (is_blank(peek(reader, 0)))
		reader->at++;
}

/* Whether the word stands here by itself. */
static bool is_keyword(const struct reader *reader, const char *word)
{
	size_t length = strlen(word);
	char next = peek(reader, length);

	return text_starts_with(text_slice(reader->query, reader->at, reader->query.length),
		       text_of(word)) &&
	       (!next || is_blank(next) || next == '(' || (next == ')' && reader->depth));
}

static bool take_keyword(struct reader *reader, const char *word)
{
	if (!is_keyword(reader, word))
		return false;
	reader->at += strlen(word);
	skip_blanks(reader);
	return true;
}

/* Whether nothing more belongs to what is being read. */
static bool is_end(struct reader *reader)
{
	skip_blanks(reader);
	return reader->at >= reader->query.length || (reader->depth && peek(reader, 0) == ')');
}

static int take_any(struct reader *reader, const struct named *named, bool is_negated,
	uint8_t *ret_node, struct error *err);

static int take_group(struct reader *reader, const struct named *named, bool is_negated,
	uint8_t *ret_node, struct error *err)
{
	size_t from = reader->at++;
	int r;

	reader->mistake = from;
	if (reader->depth == FILTER_DEPTH_MAX)
		return error_set(err, -E2BIG, "parentheses lie in each other at most %d deep",
			FILTER_DEPTH_MAX);
	reader->depth++;
	r = take_any(reader, named, is_negated, ret_node, err);
	reader->depth--;
	if (r < 0)
		return r;
	if (peek(reader, 0) != ')') {
		reader->mistake = from;
		return error_set(err, -EINVAL, "the parenthesis that opens here is not closed");
	}
	reader->at++;
	return 0;
}

static int take_one(struct reader *reader, const struct named *outer, bool is_negated,
	uint8_t *ret_node, struct error *err)
{
	struct named named = *outer;

	while ((peek(reader, 0) == '-' && peek(reader, 1) && !is_blank(peek(reader, 1))) ||
		is_keyword(reader, "NOT")) {
		is_negated = !is_negated;
		if (!take_keyword(reader, "NOT"))
			reader->at++;
	}
	reader->mistake = reader->at;
	if (!outer->comparison)
		named.comparison = take_name(reader, &named.name);
	if (peek(reader, 0) == '(')
		return take_group(reader, &named, is_negated, ret_node, err);
	if (peek(reader, 0) == ')') {
		reader->mistake = reader->at;
		return error_set(err, -EINVAL,
			"this parenthesis closes nothing; put it in quotes "
			"if it is to be looked for");
	}
	return take_term(reader, &named, is_negated, ret_node, err);
}

static int check_sides(struct reader *reader, struct error *err)
{
	reader->mistake = reader->at;
	if (is_end(reader))
		return error_set(err, -EINVAL, "a term is missing here");
	if (is_keyword(reader, "OR") || is_keyword(reader, "AND"))
		return error_set(err, -EINVAL,
			"a term is missing before this; the word itself is \"%s\" in quotes",
			is_keyword(reader, "OR") ? "OR" : "AND");
	return 0;
}

/* Terms next to each other, or with AND between. */
static int take_all(struct reader *reader, const struct named *named, bool is_negated,
	uint8_t *ret_node, struct error *err)
{
	uint8_t node, child;
	int r;

	r = filter_add_node(reader->filter, is_negated ? NODE_ANY : NODE_ALL, &node, err);
	do {
		if (!r)
			r = check_sides(reader, err);
		if (!r)
			r = take_one(reader, named, is_negated, &child, err);
		if (r < 0)
			return r;
		filter_add_child(reader->filter, node, child);
	} while (!is_end(reader) && (take_keyword(reader, "AND") || !is_keyword(reader, "OR")));
	*ret_node = node;
	return 0;
}

static int take_any(struct reader *reader, const struct named *named, bool is_negated,
	uint8_t *ret_node, struct error *err)
{
	uint8_t node, child;
	int r;

	r = take_all(reader, named, is_negated, &child, err);
	if (r < 0 || is_end(reader)) {
		*ret_node = child;
		return r;
	}
	r = filter_add_node(reader->filter, is_negated ? NODE_ALL : NODE_ANY, &node, err);
	if (r < 0)
		return r;
	filter_add_child(reader->filter, node, child);
	while (!is_end(reader)) {
		take_keyword(reader, "OR");
		r = take_all(reader, named, is_negated, &child, err);
		if (r < 0)
			return r;
		filter_add_child(reader->filter, node, child);
	}
	*ret_node = node;
	return 0;
}

static size_t column_of(struct text query, size_t at)
{
	size_t column = 1;

	for (size_t i = 0; i < at && i < query.length; i++)
		column += (query.data[i] & 0xc0) != 0x80;
	return column;
}

int filter_parse(
	struct text query, struct filter **ret_filter, size_t *ret_column, struct error *err)
{
	_cleanup_(filter_freep) struct filter *filter = filter_new();
	struct reader reader = { .query = query, .filter = filter };
	uint8_t node;
	int r = 0;

	buffer_init(&reader.value, FILTER_TEXT_MAX);
	if (!is_end(&reader)) {
		r = take_any(&reader, &(struct named){ 0 }, false, &node, err);
		if (!r)
			filter_add_child(filter, 0, node);
	}
	buffer_done(&reader.value);
	if (r < 0) {
		*ret_column = column_of(query, reader.mistake);
		return r;
	}
	filter_finish(filter);
	*ret_filter = TAKE(filter);
	return 0;
}
