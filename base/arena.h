/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory that dies together: what one event needs is taken from its arena and given back by one
 * reset. Under AddressSanitizer the memory is poisoned on reset, so a slice that outlives its
 * event is found by the tests.
 */
#pragma once

#include <stddef.h>

#include "base/text.h"

struct arena;

/* Aborts the program when a caller asks for more than `limit` bytes between two resets: every
 * caller bounds its own input, so that is a mistake of ours. */
struct arena *arena_new(size_t limit);
void arena_free(struct arena *arena);
/* Gives everything back at once; all pointers into the arena are dead. Keeps the first block. */
void arena_reset(struct arena *arena);
/* Memory for `size` bytes, aligned for any type, not zeroed. */
void *arena_take(struct arena *arena, size_t size);
/* A copy with a NUL behind it (not counted in the length). */
struct text arena_copy(struct arena *arena, struct text text);
struct text arena_printf(struct arena *arena, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* Bytes taken since the last reset. */
size_t arena_used(const struct arena *arena);

#define ARENA_NEW(arena, type, count) ((type *)arena_take((arena), sizeof(type) * (count)))
