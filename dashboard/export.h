/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Exports: all alerts of a scope as a stream, however many there are. Each has a thread that reads
 * ahead as far as its buffer holds and waits for whoever downloads.
 *
 * One that cannot give all (a file turns out damaged meanwhile, a read fails, the dashboard stops)
 * is told from a whole one twice: its text ends with words that say so, or without its end; and the
 * answer is broken off without its last chunk, which HTTP/1.1 clients report as an error. Words as
 * well, since a proxy that speaks HTTP/1.0 hides the latter.
 */
#pragma once

#include "base/http-server.h"
#include "dashboard/store.h"

struct exports;

struct exports *exports_new(struct store *store);
/* Waits for all of them: free the HTTP server first, which ends their streams. NULL is fine. */
void exports_free(struct exports *exports);

struct export_form {
	const char *name, *type;
	const char *begin, *end; /* of the whole */
	const char *broken;	 /* in place of the end, where alerts are missing */
	/* Appends one alert; `count` of them went before. */
	void (*write)(struct text stored, uint64_t count, struct buffer *out);
};
/* "ndjson", "json", "csv"; NULL when there is none such. */
const struct export_form *export_form_find(struct text name);

/* Answers the request. The filter of the scope is owned from here on. -EAGAIN: too many run. */
int export_stream(struct exports *exports, struct http_request *request,
	const struct store_scope *scope, struct filter *filter, const struct export_form *form);
