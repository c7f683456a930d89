/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One file of the journal, over SQLite. Pages are 16 KiB: an alert of a kilobyte in pages of 4
 * wastes a quarter of them, and the log is checkpointed four times as often.
 */
#include <errno.h>
#include <sqlite3.h>
#include <stdlib.h>

#include "base/memory.h"
#include "forwarder/journal-file.h"

#define FORMAT_VERSION 1
#define BUSY_MS	       5000

enum statement { ADD, SET_CURSOR, SET_STATE, READ, BEGIN, COMMIT, STATEMENT_COUNT };

static const char *const statements[] = {
	[ADD] = "INSERT INTO alerts(sequence, arrived_ms, uuid, body) VALUES(?1, ?2, ?3, ?4)",
	[SET_CURSOR] = "INSERT INTO cursors(output, position, cut) VALUES(?1, ?2, ?3)"
		       " ON CONFLICT(output) DO UPDATE SET position = ?2, cut = ?3",
	[SET_STATE] = "INSERT OR REPLACE INTO states(output, state) VALUES(?1, ?2)",
	[READ] = "SELECT sequence, arrived_ms, body FROM alerts WHERE sequence > ?1"
		 " ORDER BY sequence LIMIT ?2",
	[BEGIN] = "BEGIN IMMEDIATE",
	[COMMIT] = "COMMIT",
};

static const char schema[] =
	"BEGIN IMMEDIATE;"
	"CREATE TABLE alerts("
	" sequence INTEGER PRIMARY KEY,"
	" arrived_ms INTEGER NOT NULL,"
	" uuid TEXT," /* of alerts whose sender may send them again */
	" body TEXT NOT NULL);"
	"CREATE TABLE cursors("
	" output TEXT PRIMARY KEY,"
	" position INTEGER NOT NULL,"		/* the last one that needs no further sending */
	" cut INTEGER NOT NULL) WITHOUT ROWID;" /* how many the limits took from it */
	"PRAGMA user_version = 1;"
	"COMMIT;";

/* Came later than format 1, and those who do not know it do not miss it. */
static const char states_schema[] = "CREATE TABLE IF NOT EXISTS states("
				    " output TEXT PRIMARY KEY, state TEXT NOT NULL) WITHOUT ROWID";

struct journal_file {
	sqlite3 *database;
	sqlite3_stmt *prepared[STATEMENT_COUNT]; /* made when first needed */
};

void journal_batch_free(struct journal_batch *batch)
{
	if (!batch)
		return;
	for (size_t i = 0; i < batch->count; i++)
		free((char *)batch->entries[i].body.data);
	free(batch->entries);
	free(batch);
}

static int errno_of(int code)
{
	switch (code & 0xff) {
	case SQLITE_FULL:
		return -ENOSPC;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return -EBADMSG;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return -EBUSY;
	case SQLITE_PERM:
	case SQLITE_READONLY:
	case SQLITE_CANTOPEN:
		return -EACCES;
	default:
		return -EIO;
	}
}

static int fail(struct journal_file *file, int code, struct error *err)
{
	const char *path = sqlite3_db_filename(file->database, "main");

	return error_set(err, errno_of(code), "%s: %s", path ? path : "journal",
		sqlite3_errmsg(file->database));
}

static int run(struct journal_file *file, const char *sql, struct error *err)
{
	int code = sqlite3_exec(file->database, sql, NULL, NULL, NULL);

	return code == SQLITE_OK ? 0 : fail(file, code, err);
}

void journal_file_close(struct journal_file *file)
{
	if (!file)
		return;
	for (int i = 0; i < STATEMENT_COUNT; i++)
		sqlite3_finalize(file->prepared[i]);
	sqlite3_close(file->database);
	free(file);
}

static int prepare(struct journal_file *file, enum statement which, sqlite3_stmt **ret_statement,
	struct error *err)
{
	int code;

	if (!file->prepared[which]) {
		code = sqlite3_prepare_v3(file->database, statements[which], -1,
			SQLITE_PREPARE_PERSISTENT, &file->prepared[which], NULL);
		if (code != SQLITE_OK)
			return fail(file, code, err);
	}
	*ret_statement = file->prepared[which];
	return 0;
}

/* Runs a statement that gives no rows and makes it ready for the next time. */
static int step(struct journal_file *file, sqlite3_stmt *statement, struct error *err)
{
	int code = sqlite3_step(statement), r = 0;

	if (code != SQLITE_DONE && code != SQLITE_ROW)
		r = fail(file, code, err);
	sqlite3_reset(statement);
	return r;
}

static int number_of(
	struct journal_file *file, const char *sql, int64_t *ret_number, struct error *err)
{
	sqlite3_stmt *statement = NULL;
	int code = sqlite3_prepare_v2(file->database, sql, -1, &statement, NULL);
	int r = 0;

	if (code == SQLITE_OK)
		code = sqlite3_step(statement);
	if (code == SQLITE_ROW)
		*ret_number = sqlite3_column_int64(statement, 0);
	else
		r = fail(file, code, err);
	sqlite3_finalize(statement);
	return r;
}

static int open_database(
	const char *path, int flags, struct journal_file **ret_file, struct error *err)
{
	_cleanup_(journal_file_closep) struct journal_file *file = NEW(struct journal_file);
	int code = sqlite3_open_v2(
		path, &file->database, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | flags, NULL);

	if (code != SQLITE_OK)
		return fail(file, code, err);
	sqlite3_busy_timeout(file->database, BUSY_MS);
	*ret_file = TAKE(file);
	return 0;
}

static int check_version(struct journal_file *file, struct error *err)
{
	int64_t version;
	int r;

	r = number_of(file, "PRAGMA user_version", &version, err);
	if (r < 0)
		return r;
	if (version > FORMAT_VERSION)
		return error_set(err, -ENOTSUP,
			"%s was written by a later version (format %lld, this one knows %d)",
			sqlite3_db_filename(file->database, "main"), (long long)version,
			FORMAT_VERSION);
	return version ? 0 : run(file, schema, err);
}

int journal_file_open(const char *path, enum durability durability, struct journal_file **ret_file,
	struct error *err)
{
	static const char *const synchronous[] = {
		[DURABILITY_MEMORY] = "PRAGMA synchronous = OFF",
		[DURABILITY_PROCESS] = "PRAGMA synchronous = NORMAL",
		[DURABILITY_DISK] = "PRAGMA synchronous = FULL",
	};
	_cleanup_(journal_file_closep) struct journal_file *file = NULL;
	int r;

	r = open_database(path, SQLITE_OPEN_CREATE, &file, err);
	if (!r)
		r = run(file, "PRAGMA page_size = 16384; PRAGMA journal_mode = WAL", err);
	if (!r)
		r = run(file, synchronous[durability], err);
	if (!r)
		r = check_version(file, err);
	if (!r)
		r = run(file, states_schema, err);
	if (r < 0)
		return r;
	*ret_file = TAKE(file);
	return 0;
}

int journal_file_open_reader(const char *path, struct journal_file **ret_file, struct error *err)
{
	_cleanup_(journal_file_closep) struct journal_file *file = NULL;
	int r;

	r = open_database(path, 0, &file, err);
	if (!r)
		r = run(file, "PRAGMA query_only = 1; PRAGMA cache_size = -512", err);
	if (r < 0)
		return r;
	*ret_file = TAKE(file);
	return 0;
}

int journal_file_begin(struct journal_file *file, struct error *err)
{
	sqlite3_stmt *statement = NULL;
	int r = prepare(file, BEGIN, &statement, err);

	return r < 0 ? r : step(file, statement, err);
}

int journal_file_commit(struct journal_file *file, struct error *err)
{
	sqlite3_stmt *statement = NULL;
	int r = prepare(file, COMMIT, &statement, err);

	return r < 0 ? r : step(file, statement, err);
}

void journal_file_rollback(struct journal_file *file)
{
	/* Fails where SQLite has rolled back by itself, which is as good. */
	(void)sqlite3_exec(file->database, "ROLLBACK", NULL, NULL, NULL);
}

int journal_file_add(struct journal_file *file, const struct journal_entry *entry, const char *uuid,
	struct error *err)
{
	sqlite3_stmt *statement = NULL;
	int r = prepare(file, ADD, &statement, err);

	if (r < 0)
		return r;
	sqlite3_bind_int64(statement, 1, entry->sequence);
	sqlite3_bind_int64(statement, 2, entry->arrived_ms);
	sqlite3_bind_text(statement, 3, uuid, -1, SQLITE_STATIC);
	sqlite3_bind_text(statement, 4, entry->body.data, (int)entry->body.length, SQLITE_STATIC);
	return step(file, statement, err);
}

int journal_file_set_cursor(struct journal_file *file, const char *output, int64_t position,
	int64_t cut, struct error *err)
{
	sqlite3_stmt *statement = NULL;
	int r = prepare(file, SET_CURSOR, &statement, err);

	if (r < 0)
		return r;
	sqlite3_bind_text(statement, 1, output, -1, SQLITE_STATIC);
	sqlite3_bind_int64(statement, 2, position);
	sqlite3_bind_int64(statement, 3, cut);
	return step(file, statement, err);
}

int journal_file_set_state(
	struct journal_file *file, const char *output, const char *state, struct error *err)
{
	sqlite3_stmt *statement = NULL;
	int r = prepare(file, SET_STATE, &statement, err);

	if (r < 0)
		return r;
	sqlite3_bind_text(statement, 1, output, -1, SQLITE_STATIC);
	sqlite3_bind_text(statement, 2, state, -1, SQLITE_STATIC);
	return step(file, statement, err);
}

int journal_file_each_state(struct journal_file *file,
	void (*seen)(void *context, const char *output, const char *state), void *context,
	struct error *err)
{
	sqlite3_stmt *statement = NULL;
	int code = sqlite3_prepare_v2(
		file->database, "SELECT output, state FROM states", -1, &statement, NULL);

	if (code == SQLITE_OK)
		while ((code = sqlite3_step(statement)) == SQLITE_ROW)
			seen(context, (const char *)sqlite3_column_text(statement, 0),
				(const char *)sqlite3_column_text(statement, 1));
	if (code != SQLITE_DONE)
		code = fail(file, code, err);
	sqlite3_finalize(statement);
	return code == SQLITE_DONE ? 0 : code;
}

int journal_file_each_cursor(
	struct journal_file *file, journal_cursor_seen *seen, void *context, struct error *err)
{
	sqlite3_stmt *statement = NULL;
	int code = sqlite3_prepare_v2(
		file->database, "SELECT output, position, cut FROM cursors", -1, &statement, NULL);

	if (code == SQLITE_OK)
		while ((code = sqlite3_step(statement)) == SQLITE_ROW)
			seen(context, (const char *)sqlite3_column_text(statement, 0),
				sqlite3_column_int64(statement, 1),
				sqlite3_column_int64(statement, 2));
	if (code != SQLITE_DONE)
		code = fail(file, code, err);
	sqlite3_finalize(statement);
	return code == SQLITE_DONE ? 0 : code;
}

int journal_file_range(struct journal_file *file, int64_t *ret_first, int64_t *ret_last,
	int64_t *ret_arrived_ms, struct error *err)
{
	int r;

	r = number_of(file, "SELECT coalesce(min(sequence), 0) FROM alerts", ret_first, err);
	if (!r)
		r = number_of(file, "SELECT coalesce(max(sequence), 0) FROM alerts", ret_last, err);
	if (!r && *ret_last)
		r = number_of(file,
			"SELECT arrived_ms FROM alerts WHERE sequence ="
			" (SELECT max(sequence) FROM alerts)",
			ret_arrived_ms, err);
	return r;
}

int journal_file_each_uuid(struct journal_file *file, size_t limit,
	void (*seen)(void *context, const char *uuid), void *context, struct error *err)
{
	sqlite3_stmt *statement = NULL;
	int code = sqlite3_prepare_v2(file->database,
		"SELECT uuid FROM (SELECT sequence, uuid FROM alerts WHERE uuid IS NOT NULL"
		" ORDER BY sequence DESC LIMIT ?1) ORDER BY sequence",
		-1, &statement, NULL);

	if (code == SQLITE_OK) {
		sqlite3_bind_int64(statement, 1, (int64_t)limit);
		while ((code = sqlite3_step(statement)) == SQLITE_ROW)
			seen(context, (const char *)sqlite3_column_text(statement, 0));
	}
	if (code != SQLITE_DONE)
		code = fail(file, code, err);
	sqlite3_finalize(statement);
	return code == SQLITE_DONE ? 0 : code;
}

static void batch_add(struct journal_batch *batch, sqlite3_stmt *row)
{
	struct journal_entry *entry = ARRAY_ADD(batch->entries, batch->count, batch->capacity);
	size_t length = (size_t)sqlite3_column_bytes(row, 2);

	*entry = (struct journal_entry){
		.sequence = sqlite3_column_int64(row, 0),
		.arrived_ms = sqlite3_column_int64(row, 1),
		.body = { memory_copy(sqlite3_column_blob(row, 2), length), length },
	};
	batch->bytes += length;
}

int journal_file_read(struct journal_file *file, int64_t after, size_t limit, size_t bytes,
	struct journal_batch *batch, struct error *err)
{
	sqlite3_stmt *statement = NULL;
	int code = SQLITE_DONE, r = prepare(file, READ, &statement, err);

	if (r < 0)
		return r;
	sqlite3_bind_int64(statement, 1, after);
	sqlite3_bind_int64(
		statement, 2, limit > batch->count ? (int64_t)(limit - batch->count) : 0);
	while ((batch->bytes < bytes || !batch->count) &&
		(code = sqlite3_step(statement)) == SQLITE_ROW)
		batch_add(batch, statement);
	if (code != SQLITE_DONE && code != SQLITE_ROW)
		r = fail(file, code, err);
	sqlite3_reset(statement);
	return r;
}

int journal_file_check(struct journal_file *file, struct error *err)
{
	sqlite3_stmt *statement = NULL;
	int code =
		sqlite3_prepare_v2(file->database, "PRAGMA quick_check(1)", -1, &statement, NULL);
	const char *words;
	int r = 0;

	if (code == SQLITE_OK)
		code = sqlite3_step(statement);
	words = code == SQLITE_ROW ? (const char *)sqlite3_column_text(statement, 0) : NULL;
	if (!words)
		r = fail(file, code, err);
	else if (strcmp(words, "ok"))
		r = error_set(err, -EBADMSG, "%s: %s", sqlite3_db_filename(file->database, "main"),
			words);
	sqlite3_finalize(statement);
	return r;
}
