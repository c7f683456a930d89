/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Owners that clean up by themselves: a variable declared with _cleanup_(f) is handed to f by
 * address when it goes out of scope, and TAKE() passes ownership on and leaves NULL behind.
 */
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define _cleanup_(function) __attribute__((cleanup(function)))

#define TAKE(pointer)                                   \
	({                                              \
		__typeof__(pointer) taken_ = (pointer); \
		(pointer) = NULL;                       \
		taken_;                                 \
	})

/* The same for a file descriptor, which leaves -1 behind. */
#define TAKE_FD(fd)                \
	({                         \
		int taken_ = (fd); \
		(fd) = -1;         \
		taken_;            \
	})

/* Defines NAMEp(T **), what _cleanup_ wants, from NAME(T *). */
#define DEFINE_CLEANUP(type, name)                \
	static inline void name##p(type *pointer) \
	{                                         \
		if (*pointer)                     \
			name(*pointer);           \
	}

static inline void freep(void *pointer)
{
	free(*(void **)pointer);
}

static inline void closep(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

DEFINE_CLEANUP(FILE *, fclose)
