/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Exports: all alerts of a scope as a download, however many there are.
 */
#pragma once

#include "dashboard/download.h"
#include "dashboard/store.h"

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
int export_start(struct downloads *downloads, struct http_request *request, struct store *store,
	const struct store_scope *scope, struct filter *filter, const struct export_form *form);
