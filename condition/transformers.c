/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Transformers (spec/rule-language.md 3.5). Those of one text also go over a list, item by item.
 */
#include <errno.h>

#include "base/memory.h"
#include "condition/transformers.h"

/* What join and concat make is cut here; they may stand within each other, and so multiply. */
#define RESULT_MAX ((size_t)64 * 1024)

static bool is_text(const struct value_shape *shape)
{
	return value_type_kind(shape->type) == VALUE_TEXT;
}

static bool is_bytes(const struct value_shape *shape)
{
	return value_type_kind(shape->type) == VALUE_BYTES;
}

static int refuse_count(
	const struct transformer *transformer, const char *wants, size_t count, struct error *err)
{
	return error_set(err, -EINVAL, "filter error: transformer '%s' takes %s, not %zu",
		transformer->name, wants, count);
}

static int refuse_type(const struct transformer *transformer, const struct value_shape *shape,
	const char *field, struct error *err)
{
	return error_set(err, -EINVAL,
		"can't add field transformer: type '%s%s' is not supported by '%s' transformer "
		"applied on field '%s'",
		value_type_name(shape->type), shape->is_list ? " list" : "", transformer->name,
		field);
}

static int check_text(const struct transformer *transformer, const struct value_shape *shapes,
	size_t count, const char *field, struct value_shape *ret_shape, struct error *err)
{
	if (count != 1)
		return refuse_count(transformer, "one argument", count, err);
	if (!is_text(&shapes[0]))
		return refuse_type(transformer, &shapes[0], field, err);
	*ret_shape = shapes[0];
	return 0;
}

static int check_text_or_bytes(const struct transformer *transformer,
	const struct value_shape *shapes, size_t count, const char *field,
	struct value_shape *ret_shape, struct error *err)
{
	if (count != 1)
		return refuse_count(transformer, "one argument", count, err);
	if (!is_text(&shapes[0]) && !is_bytes(&shapes[0]))
		return refuse_type(transformer, &shapes[0], field, err);
	*ret_shape = shapes[0];
	return 0;
}

static int check_len(const struct transformer *transformer, const struct value_shape *shapes,
	size_t count, const char *field, struct value_shape *ret_shape, struct error *err)
{
	if (count != 1)
		return refuse_count(transformer, "one argument", count, err);
	if (!is_text(&shapes[0]) && !is_bytes(&shapes[0]) && !shapes[0].is_list)
		return refuse_type(transformer, &shapes[0], field, err);
	*ret_shape = (struct value_shape){ TYPE_UINT64, false };
	return 0;
}

static int check_join(const struct transformer *transformer, const struct value_shape *shapes,
	size_t count, const char *field, struct value_shape *ret_shape, struct error *err)
{
	if (count != 2)
		return refuse_count(transformer, "a separator and a list", count, err);
	if (!is_text(&shapes[0]) || shapes[0].is_list)
		return refuse_type(transformer, &shapes[0], field, err);
	if (!is_text(&shapes[1]) || !shapes[1].is_list)
		return refuse_type(transformer, &shapes[1], field, err);
	*ret_shape = (struct value_shape){ TYPE_CHARBUF, false };
	return 0;
}

static int check_concat(const struct transformer *transformer, const struct value_shape *shapes,
	size_t count, const char *field, struct value_shape *ret_shape, struct error *err)
{
	if (count < 2)
		return refuse_count(transformer, "two arguments or more", count, err);
	for (size_t i = 0; i < count; i++)
		if (!is_text(&shapes[i]) || shapes[i].is_list)
			return refuse_type(transformer, &shapes[i], field, err);
	*ret_shape = (struct value_shape){ TYPE_CHARBUF, false };
	return 0;
}

static int check_getopt(const struct transformer *transformer, const struct value_shape *shapes,
	size_t count, const char *field, struct value_shape *ret_shape, struct error *err)
{
	if (count != 2)
		return refuse_count(transformer, "a list and the options", count, err);
	if (!is_text(&shapes[0]))
		return refuse_type(transformer, &shapes[0], field, err);
	if (!is_text(&shapes[1]) || shapes[1].is_list)
		return refuse_type(transformer, &shapes[1], field, err);
	*ret_shape = (struct value_shape){ TYPE_CHARBUF, true };
	return 0;
}

typedef bool text_function(struct text text, struct arena *arena, struct text *ret_text);

/* Over the text, or over each item of a list; an item that has no result is left out. */
static enum presence apply_each(const struct value *value, text_function *function,
	struct arena *arena, struct value *ret_value)
{
	struct value *items;
	size_t count = 0;

	*ret_value = *value;
	if (value->kind != VALUE_LIST)
		return function(value->text, arena, &ret_value->text) ? PRESENT : ABSENT;

	items = ARENA_NEW(arena, struct value, MAX_OF(value->list.count, 1));
	for (size_t i = 0; i < value->list.count; i++) {
		items[count] = value->list.items[i];
		count += function(value->list.items[i].text, arena, &items[count].text);
	}
	ret_value->list.items = items;
	ret_value->list.count = count;
	return PRESENT;
}

static bool lower(struct text text, struct arena *arena, struct text *ret_text)
{
	char *copy = arena_take(arena, text.length);

	for (size_t i = 0; i < text.length; i++)
		copy[i] = text.data[i] >= 'A' && text.data[i] <= 'Z' ? (char)(text.data[i] + 32)
								     : text.data[i];
	*ret_text = (struct text){ copy, text.length };
	return true;
}

static bool upper(struct text text, struct arena *arena, struct text *ret_text)
{
	char *copy = arena_take(arena, text.length);

	for (size_t i = 0; i < text.length; i++)
		copy[i] = text.data[i] >= 'a' && text.data[i] <= 'z' ? (char)(text.data[i] - 32)
								     : text.data[i];
	*ret_text = (struct text){ copy, text.length };
	return true;
}

static bool last_component(struct text text, struct arena *arena, struct text *ret_text)
{
	const char *slash = text.length ? memrchr(text.data, '/', text.length) : NULL;

	*ret_text = slash ? text_slice(text, (size_t)(slash - text.data) + 1, text.length) : text;
	return true;
}

static int base64_digit(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* RFC 4648, 4; the padding may be left out, but not be wrong. */
static bool decode_base64(struct text text, struct arena *arena, struct text *ret_text)
{
	char *out = arena_take(arena, text.length / 4 * 3 + 3);
	size_t length = 0, digits = text.length;
	uint32_t bits = 0;

	while (digits && text.data[digits - 1] == '=' && text.length - digits < 2)
		digits--;
	if (digits % 4 == 1 || (digits != text.length && text.length % 4))
		return false;
	for (size_t i = 0; i < digits; i++) {
		int digit = base64_digit(text.data[i]);

		if (digit < 0)
			return false;
		bits = bits << 6 | (uint32_t)digit;
		if (i % 4)
			out[length++] = (char)(bits >> (6 - i % 4 * 2));
	}
	*ret_text = (struct text){ out, length };
	return true;
}

static enum presence apply_tolower(const struct value *values, size_t count, struct text argument,
	struct arena *arena, struct value *ret_value)
{
	return apply_each(values, lower, arena, ret_value);
}

static enum presence apply_toupper(const struct value *values, size_t count, struct text argument,
	struct arena *arena, struct value *ret_value)
{
	return apply_each(values, upper, arena, ret_value);
}

static enum presence apply_b64(const struct value *values, size_t count, struct text argument,
	struct arena *arena, struct value *ret_value)
{
	return apply_each(values, decode_base64, arena, ret_value);
}

static enum presence apply_basename(const struct value *values, size_t count, struct text argument,
	struct arena *arena, struct value *ret_value)
{
	return apply_each(values, last_component, arena, ret_value);
}

static enum presence apply_len(const struct value *values, size_t count, struct text argument,
	struct arena *arena, struct value *ret_value)
{
	*ret_value = value_unsigned(
		values->kind == VALUE_LIST ? values->list.count : values->text.length);
	return PRESENT;
}

/* Adds to a text what fits under the ceiling. */
static void add(char *out, size_t *length, struct text more)
{
	more.length = MIN_OF(more.length, RESULT_MAX - *length);
	if (more.length)
		memcpy(out + *length, more.data, more.length);
	*length += more.length;
}

/* The values one behind the other, with the separator between them. */
static struct text join(
	const struct value *items, size_t count, struct text separator, struct arena *arena)
{
	size_t wanted = 0, length = 0;
	char *out;

	for (size_t i = 0; i < count && wanted < RESULT_MAX; i++)
		wanted += items[i].text.length + (i ? separator.length : 0);
	out = arena_take(arena, MIN_OF(wanted, RESULT_MAX));
	for (size_t i = 0; i < count; i++) {
		if (i)
			add(out, &length, separator);
		add(out, &length, items[i].text);
	}
	return (struct text){ out, length };
}

static enum presence apply_join(const struct value *values, size_t count, struct text argument,
	struct arena *arena, struct value *ret_value)
{
	*ret_value =
		value_text(join(values[1].list.items, values[1].list.count, values[0].text, arena));
	return PRESENT;
}

static enum presence apply_concat(const struct value *values, size_t count, struct text argument,
	struct arena *arena, struct value *ret_value)
{
	*ret_value = value_text(join(values, count, (struct text){ 0 }, arena));
	return PRESENT;
}

/* What getopt() walks over; a text is taken as its words. */
struct words {
	const struct value *items;
	size_t count, at;
	struct text rest;
};

static bool next_word(struct words *words, struct text *ret_word)
{
	if (words->items) {
		if (words->at == words->count)
			return false;
		*ret_word = words->items[words->at++].text;
		return true;
	}
	while (text_split(&words->rest, ' ', ret_word))
		if (ret_word->length)
			return true;
	return false;
}

struct option_sink {
	struct value *items;
	size_t count;
	struct text wanted; /* with NULL data: all options are listed */
	bool is_found;
	struct text found;
};

static void sink_option(struct option_sink *sink, struct text option, struct text value)
{
	if (sink->wanted.data) {
		if (text_equal(option, sink->wanted)) {
			sink->is_found = true;
			sink->found = value;
		}
		return;
	}
	sink->items[sink->count++] = value_text(option);
	if (value.data)
		sink->items[sink->count++] = value_text(value);
}

/* One word "-abc": each letter an option; the rest of the word, or the next one, is its value. */
static void take_options(
	struct words *words, struct text letters, struct text options, struct option_sink *sink)
{
	for (size_t i = 0; i < letters.length; i++) {
		const char *known = letters.data[i] == ':'
					    ? NULL
					    : memchr(options.data, letters.data[i], options.length);
		struct text option = text_slice(letters, i, 1), value = { 0 };

		if (!known) {
			sink_option(sink, TEXT("?"), value);
			continue;
		}
		if (known + 1 == options.data + options.length || known[1] != ':') {
			sink_option(sink, option, value);
			continue;
		}
		if (i + 1 < letters.length)
			value = text_slice(letters, i + 1, letters.length);
		else if (!next_word(words, &value))
			value = TEXT("");
		sink_option(sink, option, value);
		return;
	}
}

static enum presence apply_getopt(const struct value *values, size_t count, struct text argument,
	struct arena *arena, struct value *ret_value)
{
	bool is_list = values[0].kind == VALUE_LIST;
	struct words words = { 0 };
	struct option_sink sink = { .wanted = argument };
	struct text word;
	size_t length = 0;

	if (is_list) {
		words.items = values[0].list.items;
		words.count = values[0].list.count;
		for (size_t i = 0; i < words.count; i++)
			length += words.items[i].text.length;
	} else {
		words.rest = values[0].text;
		length = values[0].text.length;
	}
	/* Each letter gives an option and at most one value. */
	if (!argument.data)
		sink.items = ARENA_NEW(arena, struct value, 2 * length + 1);

	while ((!is_list || words.items) && next_word(&words, &word)) {
		if (text_is(word, "--") || word.length < 2 || word.data[0] != '-')
			break;
		if (word.data[1] != '-')
			take_options(
				&words, text_slice(word, 1, word.length), values[1].text, &sink);
	}
	if (argument.data) {
		*ret_value = value_text(sink.found);
		return sink.is_found ? PRESENT : ABSENT;
	}
	*ret_value = (struct value){ .kind = VALUE_LIST, .list = { sink.items, sink.count } };
	return PRESENT;
}

static const struct transformer transformers[TRANSFORMER_COUNT] = {
	{ "tolower", false, check_text, apply_tolower },
	{ "toupper", false, check_text, apply_toupper },
	{ "b64", false, check_text_or_bytes, apply_b64 },
	{ "basename", false, check_text, apply_basename },
	{ "len", false, check_len, apply_len },
	{ "join", false, check_join, apply_join },
	{ "concat", false, check_concat, apply_concat },
	{ "getopt", true, check_getopt, apply_getopt },
};

const struct transformer *transformer_at(size_t index)
{
	return &transformers[index];
}

const struct transformer *transformer_find(struct text name)
{
	for (size_t i = 0; i < TRANSFORMER_COUNT; i++)
		if (text_is(name, transformers[i].name))
			return &transformers[i];
	return NULL;
}
