/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Allocation that does not fail.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

static void *checked(void *memory, size_t size)
{
	if (memory)
		return memory;
	fprintf(stderr, "out of memory: %zu bytes were wanted\n", size);
	abort();
}

void *memory_new(size_t count, size_t size)
{
	return checked(calloc(MAX_OF(count, 1), MAX_OF(size, 1)), count * size);
}

void *memory_resize(void *memory, size_t count, size_t size)
{
	return checked(reallocarray(memory, MAX_OF(count, 1), MAX_OF(size, 1)), count * size);
}

void *memory_copy(const void *data, size_t length)
{
	char *copy = memory_new(length + 1, 1);

	if (length)
		memcpy(copy, data, length);
	return copy;
}

char *string_copy(const char *string)
{
	return string ? memory_copy(string, strlen(string)) : NULL;
}

char *string_printf(const char *format, ...)
{
	va_list arguments;
	char *string = NULL;
	int length;

	va_start(arguments, format);
	length = vasprintf(&string, format, arguments);
	va_end(arguments);
	return checked(length < 0 ? NULL : string, 0);
}

void memory_grow(void *items, size_t count, size_t *capacity, size_t size)
{
	void *grown;

	if (count < *capacity)
		return;
	*capacity = MAX_OF(8, *capacity * 2);
	memcpy(&grown, items, sizeof(grown));
	grown = memory_resize(grown, *capacity, size);
	memcpy(items, &grown, sizeof(grown));
}
