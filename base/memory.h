/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Allocation that does not fail: out of memory aborts with a message, so callers need no check.
 * Whatever input can grow must have a ceiling of its own (struct buffer, struct arena, queue).
 */
#pragma once

#include <stddef.h>

/* Zeroed memory for `count` items of `size` bytes; free() it. Aborts on overflow. */
void *memory_new(size_t count, size_t size) __attribute__((malloc, returns_nonnull));
/* As realloc(), new bytes are not zeroed. */
void *memory_resize(void *memory, size_t count, size_t size) __attribute__((returns_nonnull));
/* Copies of `length` bytes and a NUL behind them; free() it. */
void *memory_copy(const void *data, size_t length) __attribute__((malloc, returns_nonnull));
/* A copy of a C string, NULL for NULL; free() it. */
char *string_copy(const char *string) __attribute__((malloc));
/* As asprintf(); free() it. */
char *string_printf(const char *format, ...)
	__attribute__((malloc, returns_nonnull, format(printf, 1, 2)));
/* Makes room for one more item in `*items`, whose capacity is `*capacity`; doubles. */
void memory_grow(void *items, size_t count, size_t *capacity, size_t size);

#define NEW(type)	       ((type *)memory_new(1, sizeof(type)))
#define NEW_ARRAY(type, count) ((type *)memory_new((count), sizeof(type)))
/* Appends room for one item to a (pointer, count, capacity) array and gives its address. */
#define ARRAY_ADD(items, count, capacity) \
	(memory_grow(&(items), (count), &(capacity), sizeof(*(items))), &(items)[(count)++])

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
#define MIN_OF(a, b)	((a) < (b) ? (a) : (b))
#define MAX_OF(a, b)	((a) > (b) ? (a) : (b))
