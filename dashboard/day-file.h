/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A day's file: one SQLite connection and its prepared statements. Belongs to one thread.
 */
#pragma once

#include <sqlite3.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/text.h"
#include "queries.h"

struct day_file {
	sqlite3 *db;
	char *path;
	sqlite3_stmt *statements[QUERY_COUNT];
};

/* Opens; makes the file and its tables when `is_made`. -EBADMSG when it is damaged, -ENOENT. */
int day_file_open(const char *path, bool is_made, struct day_file **ret_file, struct error *err);
void day_file_free(struct day_file *file);
DEFINE_CLEANUP(struct day_file *, day_file_free)

/* The query's statement, reset and without parameters. NULL when the file does not have it. */
sqlite3_stmt *day_file_query(struct day_file *file, enum query query);
/* Runs a statement that gives no rows. */
int day_file_run(struct day_file *file, sqlite3_stmt *statement, struct error *err);
int day_file_script(struct day_file *file, const char *sql, struct error *err);
/* What went wrong last as negative errno: -EBADMSG (damaged), -ENOSPC, -EIO … */
int day_file_error(struct day_file *file, struct error *err);

/* Parameters by their name, ":time". Text and bytes must live until the statement was run. */
void bind_number(sqlite3_stmt *statement, const char *name, int64_t number);
void bind_text(sqlite3_stmt *statement, const char *name, struct text text);
void bind_bytes(sqlite3_stmt *statement, const char *name, const void *data, size_t length);
struct text column_text(sqlite3_stmt *statement, int column);
