/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An HTTP request as a value: composing it touches nothing, so that a test can compare it byte by
 * byte.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/encoding.h"
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
	bool uses_http2; /* from the start, as gRPC does */
	/* PEM, in place of what the settings say; borrowed until the answer is there. */
	struct text ca, certificate, key;
	bool trusts_anyone; /* whatever the settings say */
};

/* Whether a text of the settings says anything. */
static inline bool is_set(const char *text)
{
	return text && *text;
}

void request_init(struct request *request);
void request_done(struct request *request);
/* Adds a header; a line break in the value becomes a blank. */
void request_header(struct request *request, const char *name, struct text value);
/* The same from a format, as printf's. */
void request_header_printf(struct request *request, const char *name, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* Content-Type: application/json; charset=utf-8 */
void request_json(struct request *request);
void request_headers(struct request *request, const struct text_map *headers);
/* Basic authentication (RFC 7617), unless the user is NULL or empty. */
void request_basic(struct request *request, const char *user, const char *password);
/* The URL: an address without the slashes at its end, and a path that begins with one. */
void request_url(struct request *request, const char *address, const char *path);
/* Its headers as http_call wants them: borrowed lines, ended by NULL, of an array to be freed. */
const char **request_lines(const struct request *request);
/* As text, for tests and logs: method, URL, headers, an empty line, the body. */
void request_write(const struct request *request, struct buffer *out);
