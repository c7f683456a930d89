/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The journal: one sequence of alerts on disk, and a cursor for each output.
 *
 * One thread owns it. What others want written is handed to that thread, which commits all that
 * waits as one group and then calls back; an output's new position is stored with the next
 * commit, after the dead letters that it rests on. Readers have connections of their own and
 * never wait for the owner. Files of the sequence are dropped whole, when every output has read
 * them or the limits say so.
 *
 * An alert whose append was called back with 0 is read by every output at least once, whatever
 * happens to this process (DURABILITY_PROCESS) or the machine (DURABILITY_DISK), unless the
 * limits cut it, and then it is counted as cut for that output.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "alert/alert.h"
#include "forwarder/dead-letters.h"
#include "forwarder/journal-file.h"

/* At most so many alerts in one append. */
#define JOURNAL_APPEND_MAX 10000

struct journal_options {
	const char *folder; /* is made when it is not there */
	enum durability durability;
	int64_t keep_ms;      /* alerts older than this are cut; 0: 7 days */
	uint64_t keep_bytes;  /* 0: 1 GiB */
	int64_t file_alerts;  /* a new file after so many; 0: 100,000 */
	uint64_t file_bytes;  /* or after so many bytes; 0: 128 MiB */
	size_t waiting_bytes; /* ceiling of what waits for its commit; 0: 64 MiB */
	/* Called by the owner's thread when there is something new to read; may be NULL. */
	void (*has_new)(void *context);
	void *context;
};

/* What the owner's thread is handed. */
struct journal_work {
	enum journal_work_kind {
		JOURNAL_APPEND,
		JOURNAL_ADVANCE,
		JOURNAL_DAMAGED,
		JOURNAL_CALL
	} kind;
};

struct journal_alert {
	/* JSON; owned. One for some outputs alone has "@OUTPUT,OUTPUT" and a line feed before it.
	 */
	char *body;
	size_t length;
	/* Not "": this alert may come again with the same uuid and is then written only once. */
	char uuid[UUID_LENGTH + 1];
	bool is_remembered; /* the journal's */
};

struct journal_append {
	struct journal_work work; /* the journal's */
	struct journal_alert *alerts;
	size_t count;
	size_t bytes; /* of all bodies; the journal sets it */
	/*
	 * Called once by the owner's thread when the alerts are as durable as asked (`error` 0) or
	 * are not written at all (-ENOSPC, -EIO …). The append is then its maker's again.
	 */
	void (*done)(struct journal_append *append, int error);
	void *context;
};

struct journal_append *journal_append_new(size_t count);
void journal_append_free(struct journal_append *append);
DEFINE_CLEANUP(struct journal_append *, journal_append_free)

struct journal;
struct segments;

/*
 * Opens what is there. A damaged file is set aside and said in the log; the others stay.
 * -EBUSY when another process has this journal.
 */
int journal_open(
	const struct journal_options *options, struct journal **ret_journal, struct error *err);
/*
 * The cursor of an output, by the output's name; one that was never there stands at the head.
 * Returns its number, at once before journal_start(), later when all that was handed over before
 * is done; -ENOSPC when there are too many. Cursors that nobody asked for keep their place but do
 * not keep files.
 */
int journal_add_cursor(struct journal *journal, const char *output);
/* Nobody asks for it any more. Waits as journal_add_cursor() does. */
void journal_release_cursor(struct journal *journal, int cursor);
/* What the output left beside its position; NULL: nothing. The caller owns it. Waits. */
char *journal_state(struct journal *journal, int cursor);
int journal_start(struct journal *journal, struct error *err);
/* Commits what waits and the positions, and ends the owner's thread. NULL is fine. */
void journal_finish(struct journal *journal);
/* Commits what waits and the positions, and closes. Nobody may append any more. NULL is fine. */
void journal_close(struct journal *journal);

/* Hands over; on -EAGAIN (too much waits) the append stays its maker's and `done` is not called. */
int journal_append(struct journal *journal, struct journal_append *append);
/*
 * The output needs nothing up to and with `position` any more. `letters` (owned from here on, may
 * be NULL) are stored first, `state` (the same; NULL: as it was) with it.
 */
void journal_advance(struct journal *journal, int cursor, int64_t position,
	struct dead_letter *letters, char *state);

/* The clock of arrived_ms: the time of day, but no setting of the clock moves it. */
int64_t journal_now_ms(const struct journal *journal);
/* The last of the sequence that can be read. */
int64_t journal_head(const struct journal *journal);
int64_t journal_position(const struct journal *journal, int cursor);
/* How many alerts the limits, or damage, took from this output before it had sent them. */
int64_t journal_cut(const struct journal *journal, int cursor);
uint64_t journal_bytes(const struct journal *journal);
/* How many alerts came again and were written only once. */
uint64_t journal_folded(const struct journal *journal);
int64_t journal_dead_letters(const struct journal *journal);
/* 0, or the errno of the last commit that failed, until one works again. */
int journal_error(const struct journal *journal);

/* What a reader (journal-reader.h) needs: the files, and to say that one cannot be read. */
struct segments *journal_segments(struct journal *journal);
void journal_report_damage(struct journal *journal, int64_t first, const struct error *why);
