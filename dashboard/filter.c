/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What alerts are asked for. Parsing is by hand, because the mistakes of a query are shown at
 * their column while it is typed. Matching folds the alert's JSON to lower case once and then
 * looks for the words by memmem(), which throws out most alerts at memory speed.
 */
#include <ctype.h>
#include <errno.h>

#include "base/memory.h"
#include "dashboard/filter.h"
#include "dashboard/values.h"

#define ALL_PRIORITIES ((1U << (PRIORITY_NONE + 1)) - 1)

static const struct {
	const char *name;
	enum term_kind kind;
} names[] = {
	{ "rule", TERM_RULE },
	{ "source", TERM_SOURCE },
	{ "hostname", TERM_HOSTNAME },
	{ "tags", TERM_TAG },
	{ "uuid", TERM_UUID },
};

struct filter *filter_new(void)
{
	struct filter *filter = NEW(struct filter);

	filter->priorities = ALL_PRIORITIES;
	return filter;
}

static void term_done(struct term *term)
{
	for (size_t i = 0; i < term->value_count; i++)
		free(term->values[i]);
	free(term->values);
	free(term->field);
	free(term->needle);
}

void filter_free(struct filter *filter)
{
	if (!filter)
		return;
	for (size_t i = 0; i < filter->term_count; i++)
		term_done(&filter->terms[i]);
	free(filter);
}

static char to_lower(char c)
{
	return (char)(c + ((unsigned char)(c - 'A') < 26) * 32);
}

static void lower(char *data, size_t length)
{
	for (size_t i = 0; i < length; i++)
		data[i] = to_lower(data[i]);
}

static void term_add_value(struct term *term, struct text value)
{
	char *copy = text_to_string(value);

	if (term->kind == TERM_TEXT || term->kind == TERM_UUID)
		lower(copy, value.length);
	term->values = memory_resize(term->values, term->value_count + 1, sizeof(*term->values));
	term->values[term->value_count++] = copy;
}

/* What a word looks like inside the stored JSON, so that one memmem() finds the candidates. */
static void term_make_needle(struct term *term)
{
	struct buffer needle;

	if (term->kind != TERM_TEXT || term->is_negated || term->value_count != 1 ||
		strchr(term->values[0], FILTER_WILDCARD))
		return;
	buffer_init(&needle, FILTER_TEXT_MAX * 6);
	json_escape(&needle, text_of(term->values[0]));
	lower(needle.data, needle.length);
	term->needle = buffer_take(&needle);
}

static int filter_add(struct filter *filter, const struct term *term, struct error *err)
{
	if (filter->term_count == FILTER_TERMS_MAX)
		return error_set(err, -E2BIG, "a query has at most %d terms", FILTER_TERMS_MAX);
	filter->terms[filter->term_count] = *term;
	term_make_needle(&filter->terms[filter->term_count++]);
	return 0;
}

static enum term_kind kind_of(struct text name)
{
	for (size_t i = 0; i < COUNT_OF(names); i++)
		if (text_is(name, names[i].name))
			return names[i].kind;
	return TERM_FIELD;
}

/* The query language. */

struct reader {
	struct text query;
	size_t at;
	size_t mistake; /* byte where the message points */
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

static void take_bare(struct reader *reader, struct buffer *out)
{
	while (reader->at < reader->query.length && !is_blank(peek(reader, 0))) {
		char c = peek(reader, 0);

		buffer_add_char(out, c == '*' ? FILTER_WILDCARD : c);
		reader->at++;
	}
}

static int take_value(struct reader *reader, struct buffer *out, struct error *err)
{
	size_t from = reader->at;

	buffer_clear(out);
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

static int add_priority(struct filter *filter, const struct comparison *comparison, bool is_negated,
	struct text value, struct error *err)
{
	enum priority wanted = priority_parse(value);
	unsigned fits = 0;

	if (wanted == PRIORITY_NONE)
		return error_set(err, -EINVAL,
			"\"%.*s\" is no priority; there are emergency, alert, critical, error, "
			"warning, notice, informational and debug",
			TEXT_PRINT(value));
	for (int priority = 0; priority <= PRIORITY_NONE; priority++) {
		int how = priority < (int)wanted   ? comparison->below
			  : priority > (int)wanted ? comparison->above
						   : comparison->same;

		fits |= (unsigned)how << priority;
	}
	filter->priorities &= is_negated ? ~fits : fits;
	return 0;
}

static int take_named(struct filter *filter, struct reader *reader, bool is_negated,
	struct buffer *value, const struct comparison *comparison, struct text name,
	struct error *err)
{
	bool is_equality = comparison->same && !comparison->below && !comparison->above;
	struct term term = { .kind = kind_of(name), .is_negated = is_negated };
	int r;

	if (!is_equality && !text_is(name, "priority")) {
		reader->mistake = reader->at - strlen(comparison->spelling);
		return error_set(err, -EINVAL, "only priority can be compared; write %.*s:VALUE",
			TEXT_PRINT(name));
	}
	r = take_value(reader, value, err);
	if (r < 0)
		return r;
	if (text_is(name, "priority"))
		return add_priority(filter, comparison, is_negated, buffer_text(value), err);
	if (term.kind == TERM_FIELD)
		term.field = text_to_string(name);
	term_add_value(&term, buffer_text(value));
	r = filter_add(filter, &term, err);
	if (r < 0)
		term_done(&term);
	return r;
}

static int take_term(
	struct filter *filter, struct reader *reader, struct buffer *value, struct error *err)
{
	struct term term = { .kind = TERM_TEXT };
	const struct comparison *comparison;
	struct text name;
	int r;

	if (peek(reader, 0) == '-' && peek(reader, 1) && !is_blank(peek(reader, 1))) {
		term.is_negated = true;
		reader->at++;
	}
	reader->mistake = reader->at;
	comparison = take_name(reader, &name);
	if (comparison)
		return take_named(filter, reader, term.is_negated, value, comparison, name, err);
	r = take_value(reader, value, err);
	if (r < 0)
		return r;
	term_add_value(&term, buffer_text(value));
	r = filter_add(filter, &term, err);
	if (r < 0)
		term_done(&term);
	return r;
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
	struct reader reader = { .query = query };
	struct buffer value;
	int r = 0;

	buffer_init(&value, FILTER_TEXT_MAX);
	while (!r) {
		while (is_blank(peek(&reader, 0)))
			reader.at++;
		if (reader.at >= query.length)
			break;
		value.is_cut = false;
		r = take_term(filter, &reader, &value, err);
	}
	buffer_done(&value);
	if (r < 0) {
		*ret_column = column_of(query, reader.mistake);
		return r;
	}
	*ret_filter = TAKE(filter);
	return 0;
}

/* The old API. */

static bool is_none(struct text text)
{
	return !text.length || text_is(text, "null");
}

static int add_priorities(struct filter *filter, struct text values, struct error *err)
{
	unsigned fits = 0;
	struct text value;

	while (text_split(&values, ',', &value)) {
		enum priority priority = priority_parse(text_trim(value));

		if (priority == PRIORITY_NONE && text_trim(value).length)
			return error_set(
				err, -EINVAL, "\"%.*s\" is no priority", TEXT_PRINT(value));
		if (priority != PRIORITY_NONE)
			fits |= 1U << priority;
	}
	filter->priorities &= fits;
	return 0;
}

int filter_add_list(struct filter *filter, const char *name, struct text values, struct error *err)
{
	struct term term = { .kind = kind_of(text_of(name)) };
	struct text value;
	int r;

	if (is_none(values))
		return 0;
	if (!strcmp(name, "priority"))
		return add_priorities(filter, values, err);
	if (term.kind == TERM_FIELD)
		term.field = string_copy(name);
	while (text_split(&values, ',', &value))
		if (text_trim(value).length)
			term_add_value(&term, text_trim(value));
	r = filter_add(filter, &term, err);
	if (r < 0)
		term_done(&term);
	return r;
}

int filter_add_text(struct filter *filter, struct text text, struct error *err)
{
	struct term term = { .kind = TERM_TEXT };
	int r;

	if (is_none(text))
		return 0;
	if (text.length > FILTER_TEXT_MAX) {
		text.length = FILTER_TEXT_MAX;
		/* not in the middle of a character */
		while (text.length && (text.data[text.length] & 0xc0) == 0x80)
			text.length--;
	}
	term_add_value(&term, text);
	r = filter_add(filter, &term, err);
	if (r < 0)
		term_done(&term);
	return r;
}

/* Matching. */

bool filter_is_empty(const struct filter *filter)
{
	return filter->priorities == ALL_PRIORITIES && !filter->term_count;
}

bool filter_is_rules_only(const struct filter *filter)
{
	for (size_t i = 0; i < filter->term_count; i++)
		if (filter->terms[i].kind != TERM_RULE)
			return false;
	return true;
}

bool filter_needs_json(const struct filter *filter)
{
	for (size_t i = 0; i < filter->term_count; i++)
		if (filter->terms[i].kind == TERM_TEXT || filter->terms[i].kind == TERM_FIELD ||
			filter->terms[i].kind == TERM_UUID)
			return true;
	return false;
}

bool text_fits_pattern(struct text pattern, struct text text)
{
	size_t p = 0, t = 0, star = SIZE_MAX, star_text = 0;

	while (t < text.length) {
		if (p < pattern.length && pattern.data[p] == FILTER_WILDCARD) {
			star = p++;
			star_text = t;
		} else if (p < pattern.length && pattern.data[p] == text.data[t]) {
			p++;
			t++;
		} else if (star != SIZE_MAX) {
			p = star + 1;
			t = ++star_text;
		} else {
			return false;
		}
	}
	while (p < pattern.length && pattern.data[p] == FILTER_WILDCARD)
		p++;
	return p == pattern.length;
}

static bool is_within(struct text pattern, struct text text)
{
	char anywhere[FILTER_TEXT_MAX + 2];

	if (!memchr(pattern.data, FILTER_WILDCARD, pattern.length))
		return text.length >= pattern.length &&
		       memmem(text.data, text.length, pattern.data, pattern.length);
	if (pattern.length > FILTER_TEXT_MAX)
		return false;
	anywhere[0] = anywhere[pattern.length + 1] = FILTER_WILDCARD;
	memcpy(anywhere + 1, pattern.data, pattern.length);
	return text_fits_pattern((struct text){ anywhere, pattern.length + 2 }, text);
}

bool term_fits(const struct term *term, struct text value)
{
	for (size_t i = 0; i < term->value_count; i++) {
		struct text pattern = text_of(term->values[i]);

		if (term->kind == TERM_TEXT ? is_within(pattern, value)
					    : text_fits_pattern(pattern, value))
			return true;
	}
	return false;
}

static bool is_field(const struct term *term, struct text key, struct buffer *scratch)
{
	if (!memchr(key.data, '\\', key.length))
		return text_is(key, term->field);
	return text_is(value_unescape(key, scratch), term->field);
}

static bool is_about(const struct term *term, const struct value *value, struct buffer *scratch)
{
	static const char *const keys[] = { [TERM_RULE] = "rule",
		[TERM_SOURCE] = "source",
		[TERM_HOSTNAME] = "hostname",
		[TERM_UUID] = "uuid" };

	switch (term->kind) {
	case TERM_TEXT:
		return value->place != VALUE_TOP ||
		       !(text_is(value->key, "uuid") || text_is(value->key, "time") ||
			       text_is(value->key, "verified"));
	case TERM_TAG:
		return value->place == VALUE_TAG;
	case TERM_FIELD:
		return value->place == VALUE_FIELD && is_field(term, value->key, scratch);
	default:
		return value->place == VALUE_TOP && text_is(value->key, keys[term->kind]);
	}
}

/* Has every word somewhere in the folded JSON? Almost all alerts end here. */
static bool has_needles(const struct filter *filter, struct text folded)
{
	for (size_t i = 0; i < filter->term_count; i++) {
		const char *needle = filter->terms[i].needle;

		if (needle && !memmem(folded.data, folded.length, needle, strlen(needle)))
			return false;
	}
	return true;
}

/* Bits of the terms that must hit; *ret_wrong: of those that must not. */
static uint32_t wanted_terms(const struct filter *filter, uint32_t *ret_wrong)
{
	uint32_t wanted = 0;

	*ret_wrong = 0;
	for (size_t i = 0; i < filter->term_count; i++)
		*(filter->terms[i].is_negated ? ret_wrong : &wanted) |= UINT32_C(1) << i;
	return wanted;
}

static bool term_hits(const struct term *term, const struct value *value, struct text folded,
	struct buffer *scratch)
{
	bool ignores_case = term->kind == TERM_TEXT || term->kind == TERM_UUID;

	return is_about(term, value, scratch) &&
	       term_fits(term, value_unescape(ignores_case ? folded : value->text, scratch));
}

static bool terms_fit(
	const struct filter *filter, struct text json, struct text folded, struct buffer *scratch)
{
	bool has_priorities = filter->priorities != ALL_PRIORITIES;
	uint32_t hits = 0, wrong, wanted = wanted_terms(filter, &wrong);
	struct values values;
	struct value value;

	values_begin(&values, json);
	while (values_next(&values, &value)) {
		struct text same = text_slice(
			folded, (size_t)(value.text.data - json.data), value.text.length);

		if (has_priorities && value.place == VALUE_TOP && text_is(value.key, "priority") &&
			!(filter->priorities >> priority_parse(value.text) & 1))
			return false;
		for (size_t i = 0; i < filter->term_count; i++)
			if (!(hits >> i & 1) && term_hits(&filter->terms[i], &value, same, scratch))
				hits |= UINT32_C(1) << i;
		/* The rest of the alert cannot change the answer. */
		if (hits & wrong || (hits == wanted && !wrong && !has_priorities))
			break;
	}
	return hits == wanted;
}

bool filter_fits(const struct filter *filter, struct text json, struct buffer *scratch)
{
	struct text folded = json;
	struct buffer unescaped;
	bool fits;

	if (filter_is_empty(filter))
		return true;
	buffer_clear(scratch);
	buffer_add_text(scratch, json);
	if (scratch->length < json.length)
		return false;
	lower(scratch->data, json.length);
	folded.data = scratch->data;
	if (!has_needles(filter, folded))
		return false;
	buffer_init(&unescaped, ALERT_MAX * 2);
	fits = terms_fit(filter, json, folded, &unescaped);
	buffer_done(&unescaped);
	return fits;
}
