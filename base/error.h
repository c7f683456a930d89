/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Words for a person about what went wrong. A function that takes `struct error *err` returns 0
 * or a negative errno and, on failure alone, leaves a message that says what, where, and what
 * would be right. Libraries return it, programs print it once.
 */
#pragma once

#include <stdarg.h>

#define ERROR_MESSAGE_MAX 2048

struct error {
	int code; /* the negative errno that was returned; 0 = no error so far */
	char message[ERROR_MESSAGE_MAX];
};

/* Sets the message (err may be NULL) and returns `code`, a negative errno. */
int error_set(struct error *err, int code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* As error_set with -EINVAL and "FILE:LINE: " before the message; line 0 leaves the line out. */
int error_at(struct error *err, const char *file, int line, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
/* Puts "PREFIX: " before the message that is there. Returns err->code. */
int error_prefix(struct error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));
