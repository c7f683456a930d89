/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One file of the journal: an SQLite database in WAL mode with a run of the sequence, and with
 * the outputs' positions as they were at its last commit. A file belongs to one thread; several
 * threads open it several times, and readers never block the writer.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/text.h"

struct journal_entry {
	int64_t sequence;
	int64_t arrived_ms; /* since 1970 */
	struct text body;   /* the alert's JSON */
};

/* What was read; owns its bodies. */
struct journal_batch {
	struct journal_entry *entries;
	size_t count;
	size_t capacity;
	size_t bytes;
	int64_t last; /* all up to this was read, or is gone */
};

void journal_batch_free(struct journal_batch *batch);
DEFINE_CLEANUP(struct journal_batch *, journal_batch_free)

/* What a commit promises: synchronous=OFF, NORMAL or FULL. */
enum durability { DURABILITY_MEMORY, DURABILITY_PROCESS, DURABILITY_DISK };

struct journal_file;

/*
 * Opens for writing, and makes what is not there. -EBADMSG when the file is damaged, -ENOTSUP when
 * a later version wrote it, other errno as the system says.
 */
int journal_file_open(const char *path, enum durability durability, struct journal_file **ret_file,
	struct error *err);
/* Opens for reading what another connection writes. */
int journal_file_open_reader(const char *path, struct journal_file **ret_file, struct error *err);
/* Closes, and moves the write-ahead log into the database when nobody else has it open. */
void journal_file_close(struct journal_file *file);
DEFINE_CLEANUP(struct journal_file *, journal_file_close)

int journal_file_begin(struct journal_file *file, struct error *err);
int journal_file_commit(struct journal_file *file, struct error *err);
void journal_file_rollback(struct journal_file *file);

/* `uuid` is NULL where nobody will look for it. */
int journal_file_add(struct journal_file *file, const struct journal_entry *entry, const char *uuid,
	struct error *err);
int journal_file_set_cursor(struct journal_file *file, const char *output, int64_t position,
	int64_t cut, struct error *err);
/* What an output keeps beside its position (calm.h). */
int journal_file_set_state(
	struct journal_file *file, const char *output, const char *state, struct error *err);
int journal_file_each_state(struct journal_file *file,
	void (*seen)(void *context, const char *output, const char *state), void *context,
	struct error *err);
typedef void journal_cursor_seen(void *context, const char *output, int64_t position, int64_t cut);
int journal_file_each_cursor(
	struct journal_file *file, journal_cursor_seen *seen, void *context, struct error *err);

/* First and last of the sequence, 0 and 0 when there are none, and when the last one arrived. */
int journal_file_range(struct journal_file *file, int64_t *ret_first, int64_t *ret_last,
	int64_t *ret_arrived_ms, struct error *err);
/* The last `limit` uuids, oldest first. */
int journal_file_each_uuid(struct journal_file *file, size_t limit,
	void (*seen)(void *context, const char *uuid), void *context, struct error *err);
/*
 * Appends to `batch` what comes after `after`, in order, until it holds `limit` entries or its
 * bodies have `bytes` (one is always taken).
 */
int journal_file_read(struct journal_file *file, int64_t after, size_t limit, size_t bytes,
	struct journal_batch *batch, struct error *err);
/* Looks at every page; -EBADMSG when something is wrong. 0.2 s for 128 MiB. */
int journal_file_check(struct journal_file *file, struct error *err);
