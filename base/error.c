/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Words for a person about what went wrong.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"

int error_set(struct error *err, int code, const char *format, ...)
{
	va_list arguments;

	if (!err)
		return code;
	err->code = code;
	va_start(arguments, format);
	vsnprintf(err->message, sizeof(err->message), format, arguments);
	va_end(arguments);
	return code;
}

int error_at(struct error *err, const char *file, int line, const char *format, ...)
{
	va_list arguments;
	int length;

	if (!err)
		return -EINVAL;
	err->code = -EINVAL;
	length = line ? snprintf(err->message, sizeof(err->message), "%s:%d: ", file, line)
		      : snprintf(err->message, sizeof(err->message), "%s: ", file);
	if (length < 0 || (size_t)length >= sizeof(err->message))
		return -EINVAL;
	va_start(arguments, format);
	vsnprintf(err->message + length, sizeof(err->message) - (size_t)length, format, arguments);
	va_end(arguments);
	return -EINVAL;
}

int error_prefix(struct error *err, const char *format, ...)
{
	char prefix[512], message[ERROR_MESSAGE_MAX];
	va_list arguments;

	if (!err)
		return -EINVAL;
	va_start(arguments, format);
	vsnprintf(prefix, sizeof(prefix), format, arguments);
	va_end(arguments);
	memcpy(message, err->message, sizeof(message));
	snprintf(err->message, sizeof(err->message), "%.500s: %.1500s", prefix, message);
	return err->code;
}
