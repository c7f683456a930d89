/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The live stream: what was just stored, to every page that watches, each through its own filter.
 * The last thousand or so are kept, so that a page that was cut off takes up where it was; when
 * that is too long ago it is told of the gap and asks again.
 */
#pragma once

#include "base/http-server.h"
#include "dashboard/filter.h"
#include "dashboard/store.h"

struct live;

/* Whether whoever opened the stream may still read; asked at each sign of life. */
typedef bool live_is_allowed(void *context, const char *session);

struct live *live_new(live_is_allowed *is_allowed, void *context);
/* No stream may be left: free the HTTP server first. */
void live_free(struct live *live);

/* What is there already, oldest first, before the first stream. */
void live_prime(struct live *live, const struct store_page *page);
/* From the store's thread. */
void live_publish(struct live *live, const struct store_event *events, size_t count);
/*
 * Answers the request with a stream of what fits the filter (owned from here on) and comes after
 * `after` (-1: from now on). `session` is copied. -EAGAIN: too many streams, nothing was answered.
 */
int live_stream(struct live *live, struct http_request *request, struct filter *filter,
	int64_t after, const char *session);
