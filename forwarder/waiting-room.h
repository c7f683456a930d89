/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The waiting room: where alerts of senders that do not send again (a stock Falco ignores the
 * status) wait while the journal takes none. Their answer is held back for some seconds, which
 * slows such a sender down; when the journal still takes none, it is answered all the same, its
 * alert stays here, in memory, and goes on trying. What the room has no place for is refused.
 */
#pragma once

#include "base/metrics.h"
#include "forwarder/journal.h"

/* Of bodies. */
#define WAITING_ROOM_BYTES (32 << 20)

struct waiting_room;

/* What became of alerts that waited. */
enum waiting_end { WAITING_IN_JOURNAL, WAITING_IN_MEMORY, WAITING_LOST };

struct waiting_room *waiting_room_new(struct journal *journal, struct metrics *metrics);
int waiting_room_start(struct waiting_room *room, struct error *err);
/* Answers who waits, and tries a last time. Returns how many alerts are lost. */
size_t waiting_room_stop(struct waiting_room *room);
void waiting_room_free(struct waiting_room *room);

/*
 * Takes an append that the journal did not, with the sender's answer to come: `answer` is called
 * once, from any thread, and says where the alerts are. -ENOSPC when
 * there is no room; the append stays the caller's.
 */
int waiting_room_add(struct waiting_room *room, struct journal_append *append, int64_t delay_ms,
	void (*answer)(void *context, enum waiting_end end), void *context);
