/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Client libraries of brokers, loaded only where their output is switched on, so that a machine
 * without Kafka needs no librdkafka. Their headers give the types; the functions are found here:
 *
 *	#define REDIS(X) X(redisFree) X(redisGetReply)
 *	LIBRARY(hiredis, "libhiredis.so.0.14", "libhiredis0.14", REDIS)
 *
 * makes `struct hiredis` with a pointer for each function, and `hiredis_load(&functions, err)`.
 */
#pragma once

#include <stddef.h>

#include "base/error.h"

struct library {
	const char *file;    /* the soname that belongs to the headers */
	const char *package; /* Debian's, for the one who must install it */
	const char *const *names;
	size_t count;
};

/*
 * Fills an array of `count` pointers. Loading twice is cheap; nothing is ever unloaded, for these
 * libraries have threads of their own. -ENOENT with the package that is missing.
 */
int library_load(const struct library *library, void **functions, struct error *err);

#define LIBRARY_MEMBER(function) __typeof__(&function) function;
#define LIBRARY_NAME(function)	 #function,
#define LIBRARY(name, soname, debian, functions)                                               \
	struct name {                                                                          \
		functions(LIBRARY_MEMBER)                                                      \
	};                                                                                     \
	static const char *const name##_names[] = { functions(LIBRARY_NAME) };                 \
	static const struct library name##_library = { soname, debian, name##_names,           \
		sizeof(name##_names) / sizeof(name##_names[0]) };                              \
	_Static_assert(sizeof(struct name) == sizeof(name##_names), "only function pointers"); \
	static int name##_load(struct name *ret_functions, struct error *err)                  \
	{                                                                                      \
		return library_load(&name##_library, (void **)ret_functions, err);             \
	}
