/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What alerts are asked for. Matching folds the alert's JSON to lower case once and then looks for
 * the words by memmem(), which throws out most alerts at memory speed.
 */
#include <ctype.h>
#include <errno.h>

#include "base/memory.h"
#include "dashboard/filter.h"
#include "dashboard/values.h"

static const struct {
	const char *name;
	enum term_kind kind;
} names[] = {
	{ "rule", TERM_RULE },
	{ "source", TERM_SOURCE },
	{ "hostname", TERM_HOSTNAME },
	{ "tags", TERM_TAG },
	{ "uuid", TERM_UUID },
	{ "priority", TERM_PRIORITY },
};

struct filter *filter_new(void)
{
	struct filter *filter = NEW(struct filter);

	filter->node_count = 1;
	return filter;
}

void term_done(struct term *term)
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

void term_add_value(struct term *term, struct text value)
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

int filter_add_node(struct filter *filter, int kind, uint8_t *ret_node, struct error *err)
{
	if (filter->node_count == FILTER_NODES_MAX)
		return error_set(
			err, -E2BIG, "a query has at most %d terms and groups", FILTER_NODES_MAX);
	filter->nodes[filter->node_count] = (struct filter_node){ .kind = kind };
	*ret_node = (uint8_t)filter->node_count++;
	return 0;
}

void filter_add_child(struct filter *filter, uint8_t parent, uint8_t child)
{
	uint8_t *place = &filter->nodes[parent].first;

	while (*place)
		place = &filter->nodes[*place].next;
	*place = child;
}

int filter_add_term(
	struct filter *filter, const struct term *term, uint8_t *ret_node, struct error *err)
{
	int r;

	if (filter->term_count == FILTER_TERMS_MAX)
		return error_set(err, -E2BIG, "a query has at most %d terms", FILTER_TERMS_MAX);
	r = filter_add_node(filter, NODE_TERM, ret_node, err);
	if (r < 0)
		return r;
	filter->nodes[*ret_node].term = (uint8_t)filter->term_count;
	filter->terms[filter->term_count] = *term;
	term_make_needle(&filter->terms[filter->term_count++]);
	return 0;
}

/* Adds to the root, so that it must fit whatever else is asked for; frees it where it cannot. */
static int filter_add(struct filter *filter, struct term *term, struct error *err)
{
	uint8_t node;
	int r;

	r = filter_add_term(filter, term, &node, err);
	if (r < 0) {
		term_done(term);
		return r;
	}
	filter_add_child(filter, 0, node);
	filter_finish(filter);
	return 0;
}

static void mark_required(struct filter *filter, uint8_t at)
{
	const struct filter_node *node = &filter->nodes[at];

	if (node->kind == NODE_TERM)
		filter->terms[node->term].is_required = true;
	else if (node->kind == NODE_ALL)
		for (uint8_t child = node->first; child; child = filter->nodes[child].next)
			mark_required(filter, child);
}

void filter_finish(struct filter *filter)
{
	mark_required(filter, 0);
}

static bool node_holds(const struct filter *filter, uint8_t at, uint64_t terms)
{
	const struct filter_node *node = &filter->nodes[at];
	bool is_any = node->kind == NODE_ANY;

	if (node->kind == NODE_TERM)
		return terms >> node->term & 1;
	for (uint8_t child = node->first; child; child = filter->nodes[child].next)
		if (node_holds(filter, child, terms) == is_any)
			return is_any;
	return !is_any;
}

bool filter_holds(const struct filter *filter, uint64_t terms)
{
	return node_holds(filter, 0, terms);
}

enum term_kind term_kind_of(struct text name)
{
	for (size_t i = 0; i < COUNT_OF(names); i++)
		if (text_is(name, names[i].name))
			return names[i].kind;
	return TERM_FIELD;
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
	return filter_add(filter, &(struct term){ .kind = TERM_PRIORITY, .priorities = fits }, err);
}

int filter_add_list(struct filter *filter, const char *name, struct text values, struct error *err)
{
	struct term term = { .kind = term_kind_of(text_of(name)) };
	struct text value;

	if (is_none(values))
		return 0;
	if (term.kind == TERM_PRIORITY)
		return add_priorities(filter, values, err);
	if (term.kind == TERM_FIELD)
		term.field = string_copy(name);
	while (text_split(&values, ',', &value))
		if (text_trim(value).length)
			term_add_value(&term, text_trim(value));
	return filter_add(filter, &term, err);
}

int filter_add_text(struct filter *filter, struct text text, struct error *err)
{
	struct term term = { .kind = TERM_TEXT };

	if (is_none(text))
		return 0;
	if (text.length > FILTER_TEXT_MAX) {
		text.length = FILTER_TEXT_MAX;
		/* not in the middle of a character */
		while (text.length && (text.data[text.length] & 0xc0) == 0x80)
			text.length--;
	}
	term_add_value(&term, text);
	return filter_add(filter, &term, err);
}

int filter_add_value(struct filter *filter, const char *name, struct text value, struct error *err)
{
	struct term term = { .kind = term_kind_of(text_of(name)) };

	if (term.kind == TERM_FIELD)
		term.field = string_copy(name);
	term_add_value(&term, value);
	return filter_add(filter, &term, err);
}

/* Matching. */

bool filter_is_empty(const struct filter *filter)
{
	return !filter->nodes[0].first;
}

bool filter_is_rules_only(const struct filter *filter)
{
	for (size_t i = 0; i < filter->term_count; i++)
		if (filter->terms[i].kind != TERM_RULE && filter->terms[i].kind != TERM_PRIORITY)
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

static int number_of(struct text text, int64_t *ret_whole, double *ret_number)
{
	char copy[64], *end;

	if (!text.length || text.length >= sizeof(copy))
		return -EINVAL;
	memcpy(copy, text.data, text.length);
	copy[text.length] = '\0';
	*ret_number = strtod(copy, &end);
	if (*end || end == copy)
		return -EINVAL;
	return text_to_i64(text, ret_whole) < 0 ? 1 : 0;
}

/* Below, equal, above as -1, 0, 1; 64-bit numbers to their last digit. -2: not to be compared. */
static int order_of(struct text value, struct text wanted)
{
	int64_t value_whole, wanted_whole;
	double value_number, wanted_number;
	int value_kind = number_of(value, &value_whole, &value_number);
	int wanted_kind = number_of(wanted, &wanted_whole, &wanted_number);

	if (value_kind < 0 || wanted_kind < 0)
		return -2;
	if (!value_kind && !wanted_kind)
		return (value_whole > wanted_whole) - (value_whole < wanted_whole);
	return (value_number > wanted_number) - (value_number < wanted_number);
}

static bool compares(const struct term *term, struct text value)
{
	int order = order_of(value, text_of(term->values[0]));
	bool is_same = term->operator[1] == '=' && !order;

	return is_same || order == (*term->operator== '>' ? 1 : - 1);
}

bool term_fits(const struct term *term, struct text value)
{
	if (term->kind == TERM_PRIORITY)
		return term->priorities >> priority_parse(value) & 1;
	if (*term->operator)
		return compares(term, value);
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
		[TERM_UUID] = "uuid",
		[TERM_PRIORITY] = "priority" };

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

		if (needle && filter->terms[i].is_required &&
			!memmem(folded.data, folded.length, needle, strlen(needle)))
			return false;
	}
	return true;
}

/* Bits of the terms with a minus. */
static uint64_t negated_terms(const struct filter *filter)
{
	uint64_t negated = 0;

	for (size_t i = 0; i < filter->term_count; i++)
		negated |= (uint64_t)filter->terms[i].is_negated << i;
	return negated;
}

static bool term_hits(const struct term *term, const struct value *value, struct text folded,
	struct buffer *scratch)
{
	bool ignores_case = term->kind == TERM_TEXT || term->kind == TERM_UUID;

	return is_about(term, value, scratch) &&
	       term_fits(term, value_unescape(ignores_case ? folded : value->text, scratch));
}

/* The terms that were not hit before and are by this value. */
static uint64_t value_hits(const struct filter *filter, uint64_t hits, const struct value *value,
	struct text folded, struct buffer *scratch)
{
	uint64_t more = 0;

	for (size_t i = 0; i < filter->term_count; i++)
		if (!(hits >> i & 1) && term_hits(&filter->terms[i], value, folded, scratch))
			more |= UINT64_C(1) << i;
	return more;
}

static bool terms_fit(
	const struct filter *filter, struct text json, struct text folded, struct buffer *scratch)
{
	uint64_t hits = 0, negated = negated_terms(filter), more;
	struct values values;
	struct value value;

	values_begin(&values, json);
	while (values_next(&values, &value)) {
		struct text same = text_slice(
			folded, (size_t)(value.text.data - json.data), value.text.length);

		more = value_hits(filter, hits, &value, same, scratch);
		hits |= more;
		/* Whether the rest of the alert can change the answer. */
		if (more && filter_holds(filter, hits & ~negated))
			return true;
		if (more && !filter_holds(filter, ~(hits & negated)))
			return false;
	}
	return filter_holds(filter, hits ^ negated);
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
