/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text as slices, and buffers that grow up to a ceiling.
 * A slice does not own its bytes and need not end in NUL. All comparisons are by byte.
 */
#pragma once

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct text {
	const char *data; /* may be NULL when length is 0 */
	size_t length;
};

#define TEXT(literal)	 ((struct text){ "" literal, sizeof(literal) - 1 })
#define TEXT_FORMAT	 "%.*s"
#define TEXT_PRINT(text) (int)(text).length, (text).data ? (text).data : ""

static inline struct text text_of(const char *string)
{
	return (struct text){ string, string ? strlen(string) : 0 };
}

static inline bool text_equal(struct text a, struct text b)
{
	return a.length == b.length && (!a.length || !memcmp(a.data, b.data, a.length));
}

static inline bool text_is(struct text text, const char *string)
{
	return text_equal(text, text_of(string));
}

/* Order of strcmp: by unsigned byte, a prefix before what it begins. */
int text_compare(struct text a, struct text b);
static inline bool text_starts_with(struct text text, struct text prefix)
{
	return text.length >= prefix.length &&
	       (!prefix.length || !memcmp(text.data, prefix.data, prefix.length));
}

static inline bool text_ends_with(struct text text, struct text suffix)
{
	return text.length >= suffix.length &&
	       (!suffix.length || !memcmp(text.data + text.length - suffix.length, suffix.data,
					  suffix.length));
}

/* Position of the first `part` in `text`, or -1; an empty part is at 0. */
ptrdiff_t text_find(struct text text, struct text part);
bool text_contains(struct text text, struct text part);
/* Whether it is of lower-case hexadecimal digits alone, and not empty: the ids of containers and
 * images. */
bool text_is_hex(struct text text);
/* ASCII case is ignored. */
bool text_equal_ignoring_case(struct text a, struct text b);
bool text_contains_ignoring_case(struct text text, struct text part);
/* From byte `from`, at most `length` bytes; both are clamped. */
static inline struct text text_slice(struct text text, size_t from, size_t length)
{
	size_t left;

	from = from < text.length ? from : text.length;
	left = text.length - from;
	return (struct text){ text.data ? text.data + from : NULL, length < left ? length : left };
}

/* Without blank, tab, CR and LF at both ends. */
struct text text_trim(struct text text);
/* Cuts what is before `separator` off `*rest`. False when `*rest` was used up (data is NULL). */
bool text_split(struct text *rest, char separator, struct text *ret_part);
/* The whole slice as a decimal number; -EINVAL when it is not one, -ERANGE when it is too big. */
int text_to_i64(struct text text, int64_t *ret_number);
int text_to_u64(struct text text, uint64_t *ret_number);
/* A NUL-ended copy; free() it. */
char *text_to_string(struct text text);
/*
 * The candidate nearest to `wanted` by edit distance (letters swapped, left out, added, changed),
 * or NULL when none is near enough to be what was meant. For "did you mean …?".
 */
const char *text_nearest(struct text wanted, const char *const *candidates, size_t count);

/*
 * A growing buffer with a ceiling. What does not fit under `limit` is left out and
 * `is_cut` says so. `data` is always NUL-ended once something was added.
 */
struct buffer {
	char *data;
	size_t length;
	size_t capacity;
	size_t limit;
	bool is_cut;
};

/* Ready to use, nothing allocated yet; buffer_done() frees. */
void buffer_init(struct buffer *buffer, size_t limit);
void buffer_done(struct buffer *buffer);
/* Empties it and keeps its memory. */
void buffer_clear(struct buffer *buffer);
void buffer_add(struct buffer *buffer, const void *data, size_t length);
void buffer_add_text(struct buffer *buffer, struct text text);
void buffer_add_string(struct buffer *buffer, const char *string);
void buffer_add_char(struct buffer *buffer, char c);
void buffer_printf(struct buffer *buffer, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void buffer_vprintf(struct buffer *buffer, const char *format, va_list arguments);
/* Adds text with every byte that is not part of valid UTF-8 (RFC 3629) replaced by U+FFFD. */
void buffer_add_utf8(struct buffer *buffer, struct text text);
/* What is in it; valid until the next change. */
struct text buffer_text(const struct buffer *buffer);
/* All of a file. -errno; -EFBIG when the limit cuts it. */
int buffer_add_file(struct buffer *buffer, const char *path);
/* Hands over the NUL-ended content (never NULL) and leaves the buffer empty; free() it. */
char *buffer_take(struct buffer *buffer);

/* Length of the valid UTF-8 sequence at the start of `text`, or 0 when there is none. */
size_t utf8_sequence_length(struct text text);
