/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text as slices, and buffers that grow up to a ceiling.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "base/text.h"

int text_compare(struct text a, struct text b)
{
	size_t shared = MIN_OF(a.length, b.length);
	int order = shared ? memcmp(a.data, b.data, shared) : 0;

	if (order)
		return order;
	return (a.length > b.length) - (a.length < b.length);
}

/* How common a byte is in paths and command lines; what is not here is rare. */
static const unsigned char commonness[256] = {
	['/'] = 30,
	['e'] = 29,
	['s'] = 28,
	['r'] = 27,
	['i'] = 26,
	['t'] = 25,
	['n'] = 24,
	['o'] = 23,
	['l'] = 22,
	['a'] = 21,
	['c'] = 20,
	['u'] = 19,
	['d'] = 18,
	['p'] = 17,
	['m'] = 16,
	['b'] = 15,
	['h'] = 14,
	['.'] = 13,
	['-'] = 12,
	['g'] = 11,
	[' '] = 10,
	['f'] = 9,
	['x'] = 8,
	['y'] = 7,
	['v'] = 6,
	['k'] = 5,
	['_'] = 4,
	['w'] = 3,
	['0'] = 2,
	['1'] = 2,
	['2'] = 1,
	['6'] = 1,
};
/* The rarest byte leads astray more often than this: a text made to be slow. */
#define ASTRAY_MAX 16

static size_t rarest_byte(struct text part)
{
	size_t rarest = 0;

	for (size_t i = 1; i < part.length; i++)
		if (commonness[(unsigned char)part.data[i]] <
			commonness[(unsigned char)part.data[rarest]])
			rarest = i;
	return rarest;
}

static ptrdiff_t find_anything(struct text text, struct text part)
{
	const char *at = memmem(text.data, text.length, part.data, part.length);

	return at ? at - text.data : -1;
}

/*
 * Looks for the rarest byte of the part, which is many times faster than memmem() on the short
 * texts that there are: that fills a table before it begins.
 */
ptrdiff_t text_find(struct text text, struct text part)
{
	size_t offset, from = 0;

	if (!part.length)
		return 0;
	offset = rarest_byte(part);
	for (int astray = 0; text.length - from >= part.length; astray++) {
		const char *at;

		if (astray == ASTRAY_MAX)
			return find_anything(text, part);
		at = memchr(text.data + from + offset, part.data[offset],
			text.length - from - part.length + 1);
		if (!at)
			return -1;
		at -= offset;
		if (!memcmp(at, part.data, part.length))
			return at - text.data;
		from = (size_t)(at - text.data) + 1;
	}
	return -1;
}

bool text_is_hex(struct text text)
{
	for (size_t i = 0; i < text.length; i++) {
		char c = text.data[i];

		if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')))
			return false;
	}
	return text.length > 0;
}

bool text_contains(struct text text, struct text part)
{
	return text_find(text, part) >= 0;
}

static unsigned char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (unsigned char)(c - 'A' + 'a') : (unsigned char)c;
}

bool text_equal_ignoring_case(struct text a, struct text b)
{
	if (a.length != b.length)
		return false;
	for (size_t i = 0; i < a.length; i++)
		if (lower(a.data[i]) != lower(b.data[i]))
			return false;
	return true;
}

bool text_contains_ignoring_case(struct text text, struct text part)
{
	unsigned char first;

	if (!part.length)
		return true;
	first = lower(part.data[0]);
	for (size_t i = 0; i + part.length <= text.length; i++)
		if (lower(text.data[i]) == first &&
			text_equal_ignoring_case(text_slice(text, i, part.length), part))
			return true;
	return false;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct text text_trim(struct text text)
{
	while (text.length && is_blank(text.data[0]))
		text = text_slice(text, 1, text.length);
	while (text.length && is_blank(text.data[text.length - 1]))
		text.length--;
	return text;
}

bool text_split(struct text *rest, char separator, struct text *ret_part)
{
	const char *at;

	if (!rest->data)
		return false;
	at = rest->length ? memchr(rest->data, separator, rest->length) : NULL;
	if (!at) {
		*ret_part = *rest;
		*rest = (struct text){ 0 };
		return true;
	}
	*ret_part = (struct text){ rest->data, (size_t)(at - rest->data) };
	*rest = (struct text){ at + 1, rest->length - ret_part->length - 1 };
	return true;
}

int text_to_u64(struct text text, uint64_t *ret_number)
{
	uint64_t number = 0;

	if (!text.length)
		return -EINVAL;
	for (size_t i = 0; i < text.length; i++) {
		if (!isdigit((unsigned char)text.data[i]))
			return -EINVAL;
		if (__builtin_mul_overflow(number, 10, &number) ||
			__builtin_add_overflow(number, (uint64_t)(text.data[i] - '0'), &number))
			return -ERANGE;
	}
	*ret_number = number;
	return 0;
}

int text_to_i64(struct text text, int64_t *ret_number)
{
	bool is_below_zero = text.length && text.data[0] == '-';
	bool has_sign = is_below_zero || (text.length && text.data[0] == '+');
	uint64_t size;
	int r;

	r = text_to_u64(has_sign ? text_slice(text, 1, text.length) : text, &size);
	if (r < 0)
		return r;
	if (size > (uint64_t)INT64_MAX + is_below_zero)
		return -ERANGE;
	*ret_number = is_below_zero ? (int64_t)(0 - size) : (int64_t)size;
	return 0;
}

char *text_to_string(struct text text)
{
	return memory_copy(text.data, text.length);
}

/* Optimal string alignment distance; names over 63 bytes are not worth a guess. */
static size_t distance(struct text a, struct text b)
{
	size_t row[3][64];

	if (a.length > 63 || b.length > 63)
		return SIZE_MAX;
	for (size_t j = 0; j <= b.length; j++)
		row[0][j] = j;
	for (size_t i = 1; i <= a.length; i++) {
		size_t *now = row[i % 3], *before = row[(i + 2) % 3], *earlier = row[(i + 1) % 3];

		now[0] = i;
		for (size_t j = 1; j <= b.length; j++) {
			bool is_same = lower(a.data[i - 1]) == lower(b.data[j - 1]);
			size_t best = before[j - 1] + !is_same;

			best = MIN_OF(best, before[j] + 1);
			best = MIN_OF(best, now[j - 1] + 1);
			if (i > 1 && j > 1 && a.data[i - 1] == b.data[j - 2] &&
				a.data[i - 2] == b.data[j - 1])
				best = MIN_OF(best, earlier[j - 2] + 1);
			now[j] = best;
		}
	}
	return row[a.length % 3][b.length];
}

const char *text_nearest(struct text wanted, const char *const *candidates, size_t count)
{
	size_t best = MAX_OF(2, wanted.length / 4) + 1;
	const char *nearest = NULL;

	for (size_t i = 0; i < count; i++) {
		size_t far = distance(wanted, text_of(candidates[i]));

		if (far < best && far < wanted.length) {
			best = far;
			nearest = candidates[i];
		}
	}
	return nearest;
}

void buffer_init(struct buffer *buffer, size_t limit)
{
	*buffer = (struct buffer){ .limit = limit };
}

void buffer_done(struct buffer *buffer)
{
	free(buffer->data);
	buffer_init(buffer, buffer->limit);
}

void buffer_clear(struct buffer *buffer)
{
	buffer->length = 0;
	buffer->is_cut = false;
	if (buffer->data)
		buffer->data[0] = '\0';
}

/* Makes room for `more` bytes and a NUL; gives how many of them fit under the limit. */
static size_t buffer_reserve(struct buffer *buffer, size_t more)
{
	size_t room = buffer->limit - buffer->length;

	if (more > room) {
		buffer->is_cut = true;
		more = room;
	}
	if (buffer->length + more + 1 > buffer->capacity) {
		buffer->capacity =
			MAX_OF(MAX_OF(256, buffer->capacity * 2), buffer->length + more + 1);
		buffer->data = memory_resize(buffer->data, buffer->capacity, 1);
	}
	return more;
}

void buffer_add(struct buffer *buffer, const void *data, size_t length)
{
	length = buffer_reserve(buffer, length);
	if (length)
		memcpy(buffer->data + buffer->length, data, length);
	buffer->length += length;
	buffer->data[buffer->length] = '\0';
}

void buffer_add_text(struct buffer *buffer, struct text text)
{
	buffer_add(buffer, text.data, text.length);
}

void buffer_add_string(struct buffer *buffer, const char *string)
{
	buffer_add_text(buffer, text_of(string));
}

void buffer_add_char(struct buffer *buffer, char c)
{
	buffer_add(buffer, &c, 1);
}

void buffer_vprintf(struct buffer *buffer, const char *format, va_list arguments)
{
	char small[512];
	char *large = NULL;
	va_list again;
	int length;

	va_copy(again, arguments);
	length = vsnprintf(small, sizeof(small), format, arguments);
	if (length >= (int)sizeof(small)) {
		large = memory_new((size_t)length + 1, 1);
		vsnprintf(large, (size_t)length + 1, format, again);
	}
	va_end(again);
	if (length > 0)
		buffer_add(buffer, large ? large : small, (size_t)length);
	free(large);
}

void buffer_printf(struct buffer *buffer, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	buffer_vprintf(buffer, format, arguments);
	va_end(arguments);
}

size_t utf8_sequence_length(struct text text)
{
	const unsigned char *at = (const unsigned char *)text.data;
	size_t length;
	uint32_t code;

	if (!text.length)
		return 0;
	if (at[0] < 0x80)
		return 1;
	length = at[0] >= 0xf0 && at[0] <= 0xf4 ? 4 : at[0] >= 0xe0 && at[0] < 0xf0 ? 3 : 2;
	if (at[0] < 0xc2 || at[0] > 0xf4 || text.length < length)
		return 0;
	code = at[0] & (0x7fU >> length);
	for (size_t i = 1; i < length; i++) {
		if ((at[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (at[i] & 0x3f);
	}
	if (length == 3 && (code < 0x800 || (code >= 0xd800 && code <= 0xdfff)))
		return 0;
	if (length == 4 && (code < 0x10000 || code > 0x10ffff))
		return 0;
	return length;
}

void buffer_add_utf8(struct buffer *buffer, struct text text)
{
	while (text.length) {
		size_t good = 0;

		while (good < text.length) {
			size_t length = utf8_sequence_length(text_slice(text, good, text.length));

			if (!length)
				break;
			good += length;
		}
		buffer_add(buffer, text.data, good);
		if (good < text.length) {
			buffer_add_string(buffer, "\xef\xbf\xbd");
			good++;
		}
		text = text_slice(text, good, text.length);
	}
}

int buffer_add_file(struct buffer *buffer, const char *path)
{
	_cleanup_(fclosep) FILE *file = fopen(path, "re");
	char chunk[16 * 1024];
	size_t length;

	if (!file)
		return -errno;
	while ((length = fread(chunk, 1, sizeof(chunk), file)) > 0)
		buffer_add(buffer, chunk, length);
	if (ferror(file))
		return -errno;
	return buffer->is_cut ? -EFBIG : 0;
}

struct text buffer_text(const struct buffer *buffer)
{
	return (struct text){ buffer->data ? buffer->data : "", buffer->length };
}

char *buffer_take(struct buffer *buffer)
{
	char *data = buffer->data ? buffer->data : memory_new(1, 1);

	buffer_init(buffer, buffer->limit);
	return data;
}
