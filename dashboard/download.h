/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Downloads: an answer as long as it takes, made by a thread of its own that works ahead as far as
 * its buffer holds and waits for whoever downloads.
 */
#pragma once

#include <stdbool.h>

#include "base/http-server.h"

/* The longest text that one download_give() takes. */
#define DOWNLOAD_PIECE_MAX (1024 * 1024 * 1024)

struct download;
struct downloads;

struct download_maker {
	/* In the download's thread: gives all of it. Negative: it is not whole, and is broken off.
	 */
	int (*make)(struct download *download, void *context);
	/* Afterwards, also when nothing was made. */
	void (*free)(void *context);
	void *context;
};

/* At most `limit` run at once. */
struct downloads *downloads_new(unsigned limit);
/* Waits for all of them: free the HTTP server first, which ends their streams. NULL is fine. */
void downloads_free(struct downloads *downloads);

/* Answers the request. -EAGAIN: too many run, and nothing was answered. */
int download_start(struct downloads *downloads, struct http_request *request, const char *type,
	const struct download_maker *maker);
/* Hands over, and waits until there is room for more. False when nobody wants it any longer. */
bool download_give(struct download *download, struct text text);
