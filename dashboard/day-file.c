/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A day's file: one SQLite connection and its prepared statements. The only file of the store that
 * knows of SQLite.
 */
#include <assert.h>
#include <errno.h>
#include <sqlite3.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "dashboard/day-file.h"

#define BUSY_MS 5000
/* An alert is 1.3 KB: of 4 KB, two fill a page and a third of it stays empty. */
#define PAGE_BYTES    8192
#define CACHE_KB      16384
#define READ_CACHE_KB 512 /* a reader has many files open, and the kernel caches them all */

struct statement {
	sqlite3_stmt *handle; /* NULL: not prepared, or it cannot be */
	struct day_file *file;
};

struct day_file {
	sqlite3 *db;
	char *path;
	struct statement statements[QUERY_COUNT];
};

static int file_error(struct day_file *file, struct error *err)
{
	int code = sqlite3_errcode(file->db), r = -EIO;

	switch (code) {
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		r = -EBADMSG;
		break;
	case SQLITE_FULL:
		r = -ENOSPC;
		break;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		r = -EBUSY;
		break;
	case SQLITE_CANTOPEN:
		r = -ENOENT;
		break;
	}
	return error_set(err, r, "%s: %s", file->path, sqlite3_errmsg(file->db));
}

static int run_script(struct day_file *file, const char *sql, struct error *err)
{
	if (sqlite3_exec(file->db, sql, NULL, NULL, NULL) != SQLITE_OK)
		return file_error(file, err);
	return 0;
}

static int schema_version(struct day_file *file, int *ret_version, struct error *err)
{
	sqlite3_stmt *statement = NULL;

	if (sqlite3_prepare_v2(file->db, "PRAGMA user_version", -1, &statement, NULL) != SQLITE_OK)
		return file_error(file, err);
	if (sqlite3_step(statement) != SQLITE_ROW) {
		sqlite3_finalize(statement);
		return file_error(file, err);
	}
	*ret_version = sqlite3_column_int(statement, 0);
	sqlite3_finalize(statement);
	return 0;
}

/* Script n brings a file from version n to n + 1; all that are wanting in one go. */
static int make_tables(struct day_file *file, struct error *err)
{
	int version = 0, r;

	r = schema_version(file, &version, err);
	if (r < 0 || version == schema_count)
		return r;
	if (version > schema_count)
		return error_set(err, -ENOTSUP,
			"%s was made by a newer version (schema %d, this one knows %d)", file->path,
			version, schema_count);
	r = run_script(file, "BEGIN EXCLUSIVE", err);
	for (; version < schema_count && !r; version++)
		r = run_script(file, schema_scripts[version], err);
	if (!r)
		r = run_script(file, "COMMIT", err);
	return r;
}

static int set_up(struct day_file *file, int cache_kb, struct error *err)
{
	/* NORMAL: a commit is in the log when it returns, so that it survives our own end. */
	_cleanup_(freep) char *script = string_printf(
		"PRAGMA page_size = %d; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA temp_store = "
		"MEMORY; PRAGMA cache_size = -%d; PRAGMA trusted_schema = OFF",
		PAGE_BYTES, cache_kb);

	return run_script(file, script, err);
}

int day_file_open(const char *path, bool is_made, struct day_file **ret_file, struct error *err)
{
	_cleanup_(day_file_freep) struct day_file *file = NEW(struct day_file);
	int flags =
		SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | (is_made ? SQLITE_OPEN_CREATE : 0);
	int r;

	file->path = string_copy(path);
	if (sqlite3_open_v2(path, &file->db, flags, NULL) != SQLITE_OK)
		return file_error(file, err);
	sqlite3_busy_timeout(file->db, BUSY_MS);
	r = set_up(file, is_made ? CACHE_KB : READ_CACHE_KB, err);
	if (!r && is_made)
		r = make_tables(file, err);
	if (r < 0)
		return r;
	*ret_file = TAKE(file);
	return 0;
}

void day_file_free(struct day_file *file)
{
	if (!file)
		return;
	for (size_t i = 0; i < QUERY_COUNT; i++)
		sqlite3_finalize(file->statements[i].handle);
	sqlite3_close(file->db);
	free(file->path);
	free(file);
}

/* In one go: a transaction that is open keeps what is read at one state. */
static int copy_pages(struct day_file *from, struct day_file *to, struct error *err)
{
	sqlite3_backup *backup = sqlite3_backup_init(to->db, "main", from->db, "main");
	int code;

	if (!backup)
		return file_error(to, err);
	code = sqlite3_backup_step(backup, -1);
	sqlite3_backup_finish(backup);
	if (code == SQLITE_DONE)
		return 0;
	/* The copy's connection has the error, whichever side it came from; but for a busy one. */
	if (code == SQLITE_BUSY || code == SQLITE_LOCKED)
		return error_set(err, -EBUSY, "%s is locked", from->path);
	return file_error(to, err);
}

int day_file_copy(const char *from, const char *to, struct error *err)
{
	_cleanup_(day_file_freep) struct day_file *source = NULL, *copy = NULL;
	int r = day_file_open(from, false, &source, err);

	if (r < 0)
		return r;
	copy = NEW(struct day_file);
	copy->path = string_copy(to);
	if (sqlite3_open_v2(to, &copy->db,
		    SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
		    NULL) != SQLITE_OK)
		r = file_error(copy, err);
	if (!r)
		r = copy_pages(source, copy, err);
	if (r < 0)
		unlink(to);
	return r;
}

const char *day_file_path(const struct day_file *file)
{
	return file->path;
}

int day_file_begin(struct day_file *file, struct error *err)
{
	return run_script(file, "BEGIN IMMEDIATE", err);
}

int day_file_commit(struct day_file *file, struct error *err)
{
	return run_script(file, "COMMIT", err);
}

void day_file_rollback(struct day_file *file)
{
	sqlite3_exec(file->db, "ROLLBACK", NULL, NULL, NULL);
}

bool day_file_has_changed(struct day_file *file)
{
	return sqlite3_changes(file->db) > 0;
}

int64_t day_file_last_id(struct day_file *file)
{
	return sqlite3_last_insert_rowid(file->db);
}

void day_file_settle(struct day_file *file)
{
	sqlite3_wal_checkpoint_v2(file->db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
}

/* Statements. */

struct statement *day_file_query(struct day_file *file, enum query query)
{
	struct statement *statement = &file->statements[query];

	statement->file = file;
	if (!statement->handle)
		(void)sqlite3_prepare_v3(file->db, queries[query].sql, -1,
			SQLITE_PREPARE_PERSISTENT, &statement->handle, NULL);
	sqlite3_reset(statement->handle);
	sqlite3_clear_bindings(statement->handle);
	return statement;
}

int statement_next(struct statement *statement, struct error *err)
{
	int code = statement->handle ? sqlite3_step(statement->handle) : SQLITE_ERROR, r;

	if (code == SQLITE_ROW)
		return 1;
	r = code == SQLITE_DONE ? 0 : file_error(statement->file, err);
	sqlite3_reset(statement->handle);
	return r;
}

int statement_run(struct statement *statement, struct error *err)
{
	int r = statement_next(statement, err);

	sqlite3_reset(statement->handle);
	return MIN_OF(r, 0);
}

void statement_reset(struct statement *statement)
{
	sqlite3_reset(statement->handle);
}

static int parameter(struct statement *statement, const char *name)
{
	int index = sqlite3_bind_parameter_index(statement->handle, name);

	assert(index || !statement->handle); /* a query and its caller disagree */
	return index;
}

void bind_number(struct statement *statement, const char *name, int64_t number)
{
	sqlite3_bind_int64(statement->handle, parameter(statement, name), number);
}

void bind_text(struct statement *statement, const char *name, struct text text)
{
	sqlite3_bind_text64(statement->handle, parameter(statement, name),
		text.data ? text.data : "", text.length, SQLITE_STATIC, SQLITE_UTF8);
}

void bind_bytes(struct statement *statement, const char *name, const void *data, size_t length)
{
	sqlite3_bind_blob64(
		statement->handle, parameter(statement, name), data, length, SQLITE_STATIC);
}

int64_t column_number(struct statement *statement, int column)
{
	return sqlite3_column_int64(statement->handle, column);
}

struct text column_text(struct statement *statement, int column)
{
	const char *data = (const char *)sqlite3_column_text(statement->handle, column);

	return (struct text){ data, (size_t)sqlite3_column_bytes(statement->handle, column) };
}

struct text column_bytes(struct statement *statement, int column)
{
	const char *data = sqlite3_column_blob(statement->handle, column);

	return (struct text){ data, (size_t)sqlite3_column_bytes(statement->handle, column) };
}

bool column_is_null(struct statement *statement, int column)
{
	return sqlite3_column_type(statement->handle, column) == SQLITE_NULL;
}

int column_count(struct statement *statement)
{
	return sqlite3_column_count(statement->handle);
}
