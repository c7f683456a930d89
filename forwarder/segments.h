/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files of the journal as a list: each holds a run of the sequence, and the last one is
 * written to. The owner changes the list; readers look a file up, under a lock held just for that.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* `last` grows in the file that is written; 0 while it is empty. */
struct segment {
	int64_t first, last;
	int64_t arrived_ms; /* of the last */
	uint64_t bytes;
	char *path;
};

struct segments;

struct segments *segments_new(void);
void segments_free(struct segments *segments);

/* The name of the file whose first alert is `first`; free() it. */
char *segment_path(const char *folder, int64_t first);
/*
 * The first of each file in a folder, in their order; free() it. Returns how many, or a negative
 * errno.
 */
int segments_scan(const char *folder, int64_t **ret_firsts, struct error *err);
/* Removes a file and what SQLite put beside it. */
void segment_unlink(const struct segment *segment);

/* The owner's: */

/* Appends; the list owns segment.path from now on. */
void segments_add(struct segments *segments, struct segment segment);
/* Takes one out; its path is the caller's, and its file is still there. */
struct segment segments_remove(struct segments *segments, size_t at);
size_t segments_count(const struct segments *segments);
/* Valid until the list changes. */
const struct segment *segments_get(const struct segments *segments, size_t at);
const struct segment *segments_newest(const struct segments *segments);
/* The newest grew: it now ends with `last`, and has `bytes` more. */
void segments_grow(struct segments *segments, int64_t last, int64_t arrived_ms, uint64_t bytes);

/* Anyone's: */

/* The file that holds what comes after `after`. Its path is a copy of the caller's. */
bool segments_find(struct segments *segments, int64_t after, struct segment *ret_segment);
uint64_t segments_bytes(struct segments *segments);
