/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Dead letters, over SQLite. They are rare, so each list is a transaction of its own with fsync.
 */
#include <errno.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "forwarder/dead-letters.h"

static const char schema[] = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
			     "CREATE TABLE IF NOT EXISTS dead_letters("
			     " id INTEGER PRIMARY KEY,"
			     " at_ms INTEGER NOT NULL," /* when it was given up */
			     " output TEXT NOT NULL,"
			     " sequence INTEGER NOT NULL," /* in the journal */
			     " reason TEXT NOT NULL,"
			     " body TEXT NOT NULL);"
			     "CREATE TABLE IF NOT EXISTS requeued(id INTEGER PRIMARY KEY);"
			     "PRAGMA user_version = 1;";

struct dead_letters {
	sqlite3 *database;
	int64_t version; /* of the database, as SQLite counts what others wrote */
};

struct dead_letter *dead_letter_new(int64_t sequence, const char *reason, struct text body)
{
	struct dead_letter *letter = NEW(struct dead_letter);

	letter->sequence = sequence;
	letter->reason = string_copy(reason);
	letter->body = text_to_string(body);
	return letter;
}

void dead_letters_free(struct dead_letter *letters)
{
	while (letters) {
		struct dead_letter *next = letters->next;

		free(letters->reason);
		free(letters->body);
		free(letters);
		letters = next;
	}
}

void database_set_aside(const char *path, const char *why)
{
	static const char *const companions[] = { "", "-wal", "-shm" };
	long long now = (long long)time(NULL);

	for (size_t i = 0; i < COUNT_OF(companions); i++) {
		_cleanup_(freep) char *from = string_printf("%s%s", path, companions[i]);
		_cleanup_(freep) char *to =
			string_printf("%s.damaged-%lld%s", path, now, companions[i]);

		(void)rename(from, to);
	}
	log_error("%s; set aside as %s.damaged-%lld", why, path, now);
}

void dead_letters_close(struct dead_letters *letters)
{
	if (!letters)
		return;
	sqlite3_close(letters->database);
	free(letters);
}
DEFINE_CLEANUP(struct dead_letters *, dead_letters_close)

/* -EBADMSG: it is damaged. */
static int fail(struct dead_letters *letters, struct error *err)
{
	int code = sqlite3_errcode(letters->database);
	bool is_damaged = code == SQLITE_CORRUPT || code == SQLITE_NOTADB;

	return error_set(err, is_damaged ? -EBADMSG : -EIO, "dead letters: %s",
		sqlite3_errmsg(letters->database));
}

static int open_database(const char *path, struct dead_letters **ret_letters, struct error *err)
{
	_cleanup_(dead_letters_closep) struct dead_letters *letters = NEW(struct dead_letters);

	if (sqlite3_open(path, &letters->database) != SQLITE_OK)
		return fail(letters, err);
	sqlite3_busy_timeout(letters->database, 5000);
	if (sqlite3_exec(letters->database, schema, NULL, NULL, NULL) != SQLITE_OK)
		return fail(letters, err);
	*ret_letters = TAKE(letters);
	return 0;
}

int dead_letters_open(const char *folder, struct dead_letters **ret_letters, struct error *err)
{
	_cleanup_(freep) char *path = string_printf("%s/dead-letters.db", folder);
	struct error why = { 0 };
	int r = open_database(path, ret_letters, &why);

	if (!r)
		return 0;
	/* One that is busy, or not ours to read, is somebody's. */
	if (r != -EBADMSG)
		return error_set(err, r, "%s: %s", path, why.message);
	database_set_aside(path, why.message);
	return open_database(path, ret_letters, err);
}

static int add_one(struct dead_letters *letters, sqlite3_stmt *statement, const char *output,
	const struct dead_letter *letter)
{
	int code;

	sqlite3_bind_int64(statement, 1, clock_ms(CLOCK_REALTIME));
	sqlite3_bind_text(statement, 2, output, -1, SQLITE_STATIC);
	sqlite3_bind_int64(statement, 3, letter->sequence);
	sqlite3_bind_text(statement, 4, letter->reason, -1, SQLITE_STATIC);
	sqlite3_bind_text(statement, 5, letter->body, -1, SQLITE_STATIC);
	code = sqlite3_step(statement);
	sqlite3_reset(statement);
	return code == SQLITE_DONE ? 0 : -EIO;
}

static int add_all(struct dead_letters *letters, const char *output, const struct dead_letter *list)
{
	sqlite3_stmt *statement = NULL;
	int r = 0;

	if (sqlite3_prepare_v2(letters->database,
		    "INSERT INTO dead_letters(at_ms, output, sequence, reason, body)"
		    " VALUES(?1, ?2, ?3, ?4, ?5)",
		    -1, &statement, NULL) != SQLITE_OK)
		return -EIO;
	for (; list && !r; list = list->next)
		r = add_one(letters, statement, output, list);
	sqlite3_finalize(statement);
	return r;
}

int dead_letters_add(struct dead_letters *letters, const char *output,
	const struct dead_letter *list, struct error *err)
{
	_cleanup_(freep) char *trim = string_printf("DELETE FROM dead_letters WHERE id <= (SELECT "
						    "max(id) FROM dead_letters) - %d; COMMIT",
		DEAD_LETTERS_MAX);
	int r;

	if (sqlite3_exec(letters->database, "BEGIN IMMEDIATE", NULL, NULL, NULL) != SQLITE_OK)
		return fail(letters, err);
	r = add_all(letters, output, list);
	if (!r && sqlite3_exec(letters->database, trim, NULL, NULL, NULL) != SQLITE_OK)
		r = -EIO;
	if (r < 0) {
		(void)fail(letters, err);
		(void)sqlite3_exec(letters->database, "ROLLBACK", NULL, NULL, NULL);
	}
	return r;
}

int64_t dead_letters_count(struct dead_letters *letters)
{
	sqlite3_stmt *statement = NULL;
	int64_t count = 0;

	if (sqlite3_prepare_v2(letters->database, "SELECT count(*) FROM dead_letters", -1,
		    &statement, NULL) == SQLITE_OK &&
		sqlite3_step(statement) == SQLITE_ROW)
		count = sqlite3_column_int64(statement, 0);
	sqlite3_finalize(statement);
	return count;
}

bool dead_letters_have_changed(struct dead_letters *letters)
{
	sqlite3_stmt *statement = NULL;
	int64_t version = letters->version;
	bool has_changed;

	if (sqlite3_prepare_v2(letters->database, "PRAGMA data_version", -1, &statement, NULL) ==
			SQLITE_OK &&
		sqlite3_step(statement) == SQLITE_ROW)
		version = sqlite3_column_int64(statement, 0);
	sqlite3_finalize(statement);
	has_changed = version != letters->version;
	letters->version = version;
	return has_changed;
}

static char *column(sqlite3_stmt *statement, int at)
{
	const char *text = (const char *)sqlite3_column_text(statement, at);

	return string_copy(text ? text : "");
}

size_t dead_letters_requeued(struct dead_letters *letters,
	bool (*is_wanted)(const void *context, const char *output), const void *context,
	struct requeued *ret_letters, size_t limit)
{
	sqlite3_stmt *statement = NULL;
	size_t count = 0;

	if (sqlite3_prepare_v2(letters->database,
		    "SELECT id, output, body FROM dead_letters JOIN requeued USING(id) ORDER BY id",
		    -1, &statement, NULL) != SQLITE_OK)
		return 0;
	while (count < limit && sqlite3_step(statement) == SQLITE_ROW) {
		const char *output = (const char *)sqlite3_column_text(statement, 1);

		if (!output || !is_wanted(context, output))
			continue;
		ret_letters[count++] = (struct requeued){ sqlite3_column_int64(statement, 0),
			column(statement, 1), column(statement, 2) };
	}
	sqlite3_finalize(statement);
	return count;
}

void requeued_done(struct requeued *letters, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		free(letters[i].output);
		free(letters[i].body);
	}
}

static int run_with(struct dead_letters *letters, const char *sql, int64_t id, struct error *err)
{
	sqlite3_stmt *statement = NULL;
	int code = sqlite3_prepare_v2(letters->database, sql, -1, &statement, NULL);

	if (code == SQLITE_OK) {
		sqlite3_bind_int64(statement, 1, id);
		code = sqlite3_step(statement);
	}
	sqlite3_finalize(statement);
	return code == SQLITE_DONE ? 0 : fail(letters, err);
}

int dead_letters_begin(struct dead_letters *letters, struct error *err)
{
	return sqlite3_exec(letters->database, "BEGIN IMMEDIATE", NULL, NULL, NULL) == SQLITE_OK
		       ? 0
		       : fail(letters, err);
}

int dead_letters_commit(struct dead_letters *letters, struct error *err)
{
	return sqlite3_exec(letters->database, "COMMIT", NULL, NULL, NULL) == SQLITE_OK
		       ? 0
		       : fail(letters, err);
}

int dead_letters_mark(struct dead_letters *letters, int64_t id, struct error *err)
{
	return run_with(letters, "INSERT OR IGNORE INTO requeued(id) VALUES(?1)", id, err);
}

int dead_letters_drop(struct dead_letters *letters, int64_t id, struct error *err)
{
	int r = run_with(letters, "DELETE FROM dead_letters WHERE id = ?1", id, err);

	return r < 0 ? r : run_with(letters, "DELETE FROM requeued WHERE id = ?1", id, err);
}

void dead_letters_remove(struct dead_letters *letters, const struct requeued *list, size_t count)
{
	struct error err;
	int r = dead_letters_begin(letters, &err);

	for (size_t i = 0; i < count && !r; i++)
		r = dead_letters_drop(letters, list[i].id, &err);
	if (!r)
		r = dead_letters_commit(letters, &err);
	if (r < 0) {
		log_error("%s", err.message);
		(void)sqlite3_exec(letters->database, "ROLLBACK", NULL, NULL, NULL);
	}
}

int dead_letters_each(struct dead_letters *letters,
	bool (*seen)(void *context, const struct dead_letter_row *row), void *context,
	struct error *err)
{
	sqlite3_stmt *statement = NULL;
	int code = sqlite3_prepare_v2(letters->database,
		"SELECT d.id, at_ms, output, reason, body, r.id IS NOT NULL FROM dead_letters d"
		" LEFT JOIN requeued r ON r.id = d.id ORDER BY d.id",
		-1, &statement, NULL);
	bool goes_on = true;

	while (code == SQLITE_OK && goes_on && sqlite3_step(statement) == SQLITE_ROW) {
		struct dead_letter_row row = { sqlite3_column_int64(statement, 0),
			sqlite3_column_int64(statement, 1),
			(const char *)sqlite3_column_text(statement, 2),
			(const char *)sqlite3_column_text(statement, 3),
			(const char *)sqlite3_column_text(statement, 4),
			sqlite3_column_int(statement, 5) };

		goes_on = seen(context, &row);
	}
	sqlite3_finalize(statement);
	return code == SQLITE_OK ? 0 : fail(letters, err);
}
