/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A day's file: its tables, and the statements of queries/ that are run on it. Belongs to one
 * thread. What is SQLite's own is in day-file.c: nothing else of the store knows that name.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/text.h"
#include "queries.h"

struct day_file;

/* Opens; makes the file and its tables when `is_made`. -EBADMSG when it is damaged, -ENOENT. */
int day_file_open(const char *path, bool is_made, struct day_file **ret_file, struct error *err);
void day_file_free(struct day_file *file);
DEFINE_CLEANUP(struct day_file *, day_file_free)
/*
 * Copies a file that may be written to meanwhile, by this process or another, as it is at one
 * moment after the call. `to` must not be there. -ENOENT, -EBADMSG, -ENOSPC; then nothing is left.
 */
int day_file_copy(const char *from, const char *to, struct error *err);
const char *day_file_path(const struct day_file *file);

/* One transaction at a time, for the one that writes. */
int day_file_begin(struct day_file *file, struct error *err);
int day_file_commit(struct day_file *file, struct error *err);
void day_file_rollback(struct day_file *file);
/* Whether the last statement changed or added a row. */
bool day_file_has_changed(struct day_file *file);
/* The id that the last added row was given. */
int64_t day_file_last_id(struct day_file *file);
/* Moves what was committed into the file itself, as far as no reader stands in the way. */
void day_file_settle(struct day_file *file);

/* A query while it is run: bind, then statement_next() until it is 0, or statement_run(). */
struct statement;

/* The query's statement, reset and without parameters; what is wrong with it its run tells. */
struct statement *day_file_query(struct day_file *file, enum query query);
/* Parameters by their name, ":time". Text and bytes must live until the statement was run. */
void bind_number(struct statement *statement, const char *name, int64_t number);
void bind_text(struct statement *statement, const char *name, struct text text);
void bind_bytes(struct statement *statement, const char *name, const void *data, size_t length);
/*
 * 1: a row is here; 0: there is none any more, the statement is reset. Else what went wrong as a
 * negative errno: -EBADMSG (damaged), -ENOSPC, -EBUSY, -EIO.
 */
int statement_next(struct statement *statement, struct error *err);
/* Runs one that gives no rows. */
int statement_run(struct statement *statement, struct error *err);
/* Lets go of the row, and of the state of the file that it was seen in. */
void statement_reset(struct statement *statement);

/* Of the row that is here, from 0. Text and bytes live until the next row or the reset. */
int64_t column_number(struct statement *statement, int column);
struct text column_text(struct statement *statement, int column);
struct text column_bytes(struct statement *statement, int column);
bool column_is_null(struct statement *statement, int column);
int column_count(struct statement *statement);
