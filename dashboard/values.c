/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Walks the values of an alert's JSON. The one idea: a string is a key when a colon follows, so
 * no stack of objects and arrays is needed.
 */
#include "base/memory.h"
#include "dashboard/values.h"

void values_begin(struct values *values, struct text json)
{
	*values = (struct values){ .json = json };
}

/* The inside of the string whose opening quote is at `at`; moves behind the closing one. */
static struct text take_string(struct values *values)
{
	size_t from = ++values->at, length = values->json.length, escapes;
	const char *data = values->json.data, *quote;

	do {
		quote = values->at < length ? memchr(data + values->at, '"', length - values->at)
					    : NULL;
		values->at = quote ? (size_t)(quote - data) : length;
		for (escapes = 0;
			values->at - escapes > from && data[values->at - escapes - 1] == '\\';)
			escapes++;
		values->at++;
	} while (quote && escapes % 2);
	return text_slice(values->json, MIN_OF(from, length), values->at - 1 - from);
}

static struct text take_token(struct values *values)
{
	size_t from = values->at;

	while (values->at < values->json.length && !strchr(",]} \n", values->json.data[values->at]))
		values->at++;
	return text_slice(values->json, from, values->at - from);
}

static void enter(struct values *values, char bracket)
{
	values->depth++;
	if (values->depth != 2)
		return;
	if (bracket == '{' && text_is(values->top_key, "output_fields"))
		values->place = VALUE_FIELD;
	else if (bracket == '[' && text_is(values->top_key, "tags"))
		values->place = VALUE_TAG;
}

static void leave(struct values *values)
{
	values->depth--;
	if (values->depth == 1)
		values->place = VALUE_TOP;
}

static bool is_key(const struct values *values)
{
	return values->at < values->json.length && values->json.data[values->at] == ':';
}

static void set_key(struct values *values, struct text key)
{
	if (values->depth == 1)
		values->top_key = key;
	else if (values->depth == 2)
		values->field_key = key;
}

static void give(const struct values *values, struct text text, bool is_string, struct value *ret)
{
	*ret = (struct value){ values->place,
		values->place == VALUE_FIELD ? values->field_key : values->top_key, text,
		is_string };
}

bool values_next(struct values *values, struct value *ret_value)
{
	while (values->at < values->json.length) {
		char c = values->json.data[values->at];
		struct text text;

		switch (c) {
		case '{':
		case '[':
			enter(values, c);
			values->at++;
			break;
		case '}':
		case ']':
			leave(values);
			values->at++;
			break;
		case ',':
		case ':':
		case ' ':
		case '\n':
			values->at++;
			break;
		case '"':
			text = take_string(values);
			if (!is_key(values)) {
				give(values, text, true, ret_value);
				return true;
			}
			set_key(values, text);
			break;
		default:
			text = take_token(values);
			values->at += !text.length;
			give(values, text, false, ret_value);
			return true;
		}
	}
	return false;
}

static void add_code_point(struct buffer *out, uint32_t code)
{
	char bytes[4];
	size_t count = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
	static const unsigned char first[] = { 0, 0, 0xc0, 0xe0, 0xf0 };

	for (size_t i = count - 1; i > 0; i--) {
		bytes[i] = (char)(0x80 | (code & 0x3f));
		code >>= 6;
	}
	bytes[0] = (char)(first[count] | code);
	buffer_add(out, bytes, count);
}

static bool take_hex4(struct text text, size_t at, uint32_t *ret_code)
{
	uint32_t code = 0;

	if (at + 4 > text.length)
		return false;
	for (size_t i = at; i < at + 4; i++) {
		char c = text.data[i];
		uint32_t digit = c >= '0' && c <= '9' ? (uint32_t)(c - '0')
				 : (c | 32) >= 'a' && (c | 32) <= 'f'
					 ? (uint32_t)((c | 32) - 'a' + 10)
					 : 16;

		if (digit == 16)
			return false;
		code = code << 4 | digit;
	}
	*ret_code = code;
	return true;
}

/* "\uXXXX" at `at` (the backslash), or two of them as a surrogate pair. Returns its length. */
static size_t unescape_unicode(struct text text, size_t at, struct buffer *out)
{
	uint32_t code, low;
	size_t length = 6;

	if (!take_hex4(text, at + 2, &code))
		return 2;
	if (code >= 0xd800 && code < 0xdc00 && at + 8 < text.length && text.data[at + 6] == '\\' &&
		text.data[at + 7] == 'u' && take_hex4(text, at + 8, &low) && low >= 0xdc00 &&
		low < 0xe000) {
		code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
		length = 12;
	}
	add_code_point(out, code >= 0xd800 && code < 0xe000 ? 0xfffd : code);
	return length;
}

struct text value_unescape(struct text escaped, struct buffer *scratch)
{
	static const char letters[] = "bfnrt", meant[] = "\b\f\n\r\t";

	if (!escaped.length || !memchr(escaped.data, '\\', escaped.length))
		return escaped;
	buffer_clear(scratch);
	for (size_t at = 0; at < escaped.length;) {
		char next = at + 1 < escaped.length ? escaped.data[at + 1] : '\0';
		const char *letter;

		if (escaped.data[at] != '\\' || !next) {
			buffer_add_char(scratch, escaped.data[at++]);
			continue;
		}
		if (next == 'u') {
			at += unescape_unicode(escaped, at, scratch);
			continue;
		}
		letter = strchr(letters, next);
		buffer_add_char(scratch, letter ? meant[letter - letters] : next);
		at += 2;
	}
	return buffer_text(scratch);
}
