/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Dead letters, over SQLite. They are rare, so each list is a transaction of its own with fsync.
 */
#include <errno.h>
#include <sqlite3.h>
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
			     "PRAGMA user_version = 1;";

struct dead_letters {
	sqlite3 *database;
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

static int fail(struct dead_letters *letters, struct error *err)
{
	return error_set(err, -EIO, "dead letters: %s", sqlite3_errmsg(letters->database));
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
