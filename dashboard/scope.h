/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a request asks for: its times and its filter, from the parameters of the new and of the old
 * API. The `get` of a request is a function, so that this can be tested without HTTP.
 */
#pragma once

#include "dashboard/store.h"

/* A parameter's text, NULL data when it is absent. */
typedef struct text scope_get(void *context, const char *name);

/*
 * from, to, q of API v2: RFC 3339, "now", "now-24h", or ms since 1970; the last 24 h by default.
 * -EINVAL; a mistake of the query has its column in *ret_column, else that is 0.
 */
int scope_parse(scope_get *get, void *context, int64_t now_ns, struct store_scope *ret_scope,
	struct filter **ret_filter, size_t *ret_column, struct error *err);
/* since, filter, priority, rule, source, hostname, tags of API v1; all times by default. */
int scope_parse_old(scope_get *get, void *context, int64_t now_ns, struct store_scope *ret_scope,
	struct filter **ret_filter, struct error *err);

/* "now-24h" and such; -EINVAL. */
int scope_time(struct text text, int64_t now_ns, int64_t *ret_ns);
/* "15min", "24h", "1w", "2M" of the old API; -EINVAL. */
int since_parse(struct text text, int64_t *ret_ns);

/* The least of a list of round intervals that cuts the time into at most `buckets`. */
int64_t interval_for(int64_t length_ns, int64_t buckets);
