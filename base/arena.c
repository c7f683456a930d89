/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory that dies together. Blocks double in size; after a reset only the largest is kept, so
 * a steady load soon runs in one block.
 */
#include <assert.h>
#include <stdalign.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/memory.h"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#define POISON(data, size)   ASAN_POISON_MEMORY_REGION(data, size)
#define UNPOISON(data, size) ASAN_UNPOISON_MEMORY_REGION(data, size)
#else
#define POISON(data, size)   ((void)(data), (void)(size))
#define UNPOISON(data, size) ((void)(data), (void)(size))
#endif

#define FIRST_BLOCK (2 * 1024)

struct block {
	struct block *older;
	size_t size;
	size_t used;
	alignas(max_align_t) char data[];
};

struct arena {
	struct block *newest;
	size_t used;
	size_t limit;
};

static struct block *block_new(struct block *older, size_t size)
{
	struct block *block = memory_new(1, sizeof(*block) + size);

	block->older = older;
	block->size = size;
	POISON(block->data, size);
	return block;
}

static void block_free(struct block *block)
{
	UNPOISON(block->data, block->size);
	free(block);
}

struct arena *arena_new(size_t limit)
{
	struct arena *arena = NEW(struct arena);

	arena->limit = limit;
	arena->newest = block_new(NULL, MIN_OF(limit, FIRST_BLOCK));
	return arena;
}

void arena_free(struct arena *arena)
{
	if (!arena)
		return;
	arena_reset(arena);
	block_free(arena->newest);
	free(arena);
}

void arena_reset(struct arena *arena)
{
	struct block *newest = arena->newest;

	while (newest->older) {
		struct block *older = newest->older;

		newest->older = older->older;
		block_free(older);
	}
	POISON(newest->data, newest->size);
	newest->used = 0;
	arena->used = 0;
}

void *arena_take(struct arena *arena, size_t size)
{
	size_t rounded = (size + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
	struct block *block = arena->newest;
	void *data;

	if (rounded < size || rounded > arena->limit - arena->used) {
		fprintf(stderr, "arena: %zu bytes more than its limit of %zu\n", size,
			arena->limit);
		abort();
	}
	if (block->size - block->used < rounded)
		block = arena->newest = block_new(block, MAX_OF(block->size * 2, rounded));
	data = block->data + block->used;
	UNPOISON(data, size);
	block->used += rounded;
	arena->used += rounded;
	return data;
}

struct text arena_copy(struct arena *arena, struct text text)
{
	char *copy = arena_take(arena, text.length + 1);

	if (text.length)
		memcpy(copy, text.data, text.length);
	copy[text.length] = '\0';
	return (struct text){ copy, text.length };
}

struct text arena_printf(struct arena *arena, const char *format, ...)
{
	va_list arguments, again;
	char *data;
	int length;

	va_start(arguments, format);
	va_copy(again, arguments);
	length = vsnprintf(NULL, 0, format, arguments);
	va_end(arguments);
	assert(length >= 0);
	data = arena_take(arena, (size_t)length + 1);
	vsnprintf(data, (size_t)length + 1, format, again);
	va_end(again);
	return (struct text){ data, (size_t)length };
}

size_t arena_used(const struct arena *arena)
{
	return arena->used;
}
