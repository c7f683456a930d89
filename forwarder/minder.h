/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The minder tells as alerts what only the forwarder can know: that a node fell silent, and that
 * alerts had to be refused. Its alerts go through the journal like all others.
 *
 * A node is watched from its first beat on, so senders that never beat (Falco) are never silent.
 * Once a node has shown who it is, beats of those who do not cannot speak for it. After a silence
 * was told, the next sign of life is told, too; a node that stays away for a day is forgotten.
 */
#pragma once

#include "alert/alert.h"
#include "base/metrics.h"
#include "forwarder/journal.h"

/* Watched at most; further ones are counted. */
#define MINDER_NODES_MAX 20000

struct minder;

struct minder *minder_new(struct journal *journal, struct metrics *metrics);
int minder_start(struct minder *minder, struct error *err);
/* Ends its thread. */
void minder_stop(struct minder *minder);
void minder_free(struct minder *minder);

/* From any thread. 0: no silence is told. */
void minder_set_silence(struct minder *minder, int64_t silent_after_ms);
/* A node gave a sign of life. -EACCES when it has shown who it is before, and now does not. */
int minder_beat(struct minder *minder, struct text hostname, enum verified verified);
/* So many alerts were refused, or lost after they were taken into memory. */
void minder_refused(struct minder *minder, size_t count);
/* Nodes as JSON: name, how long silent. */
void minder_write(struct minder *minder, struct buffer *out);
