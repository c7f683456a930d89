/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an output wants sent, as a value: composing it touches nothing, so that a test can compare
 * it byte by byte.
 */
#pragma once

#include <stddef.h>

#include "base/settings.h"
#include "base/text.h"

#define REQUEST_BODY_MAX   (32 * 1024 * 1024)
#define REQUEST_HEADER_MAX (64 * 1024)

struct request {
	const char *method; /* a literal, or the settings' */
	struct buffer url;
	const char *socket_path;  /* the settings'; NULL: by the URL */
	struct text_list headers; /* "Name: value" */
	struct buffer body;
};

void request_init(struct request *request);
void request_done(struct request *request);
/* Adds a header; a line break in the value becomes a blank. */
void request_header(struct request *request, const char *name, struct text value);
/* As text, for tests and logs: method, URL, headers, an empty line, the body. */
void request_write(const struct request *request, struct buffer *out);
