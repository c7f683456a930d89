/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Looking at alerts, one after the other, in files from the newest to the oldest: along the time
 * index, or block by block where the search index can rule blocks out; until what asks has enough,
 * or the budget is used up. The inside of the store that reads.
 */
#pragma once

#include "dashboard/store-days.h"

#define FILES_OPEN_MAX 40

struct known_word;

/* A file that a reader has open. */
struct open_file {
	struct day_file *file;
	struct known_word *words;
	size_t word_bytes;
	uint64_t last_used;
};

struct store_reader {
	struct store *store;
	struct open_file files[FILES_OPEN_MAX];
	uint64_t uses;
	struct buffer scratch;
};

/* One alert while it is looked at. */
struct row {
	int64_t id, time_ns;
	enum priority priority;
	int64_t words[3], tags;
	struct text json; /* NULL data: not read yet */
};

/* One look at a file's alerts. */
struct scan {
	struct store_reader *reader;
	struct open_file *open;
	const struct day *day;
	const struct filter *filter;
	uint8_t *fits[FILTER_TERMS_MAX]; /* by word id: whether the term fits */
	size_t fits_count;
	int64_t deadline_ns; /* 0: none */
	int64_t scanned;
	unsigned until_clock;
	/* Called for each alert that fits; 1 ends the scan. */
	int (*found)(struct scan *scan, struct row *row);
	void *context;
	struct error *err;
};

/* What a row alone says of a filter: unknown where its JSON must be read. */
enum { FITS_UNKNOWN, FITS_NOT, FITS };

/* The reader's own handle of a file; opened when it is not. -ENOENT when the file is gone. */
int reader_use_day(struct store_reader *reader, const struct day *day, struct open_file **ret_open,
	struct error *err);
/* A word by its id. Valid until the next call. */
const char *open_file_word(struct open_file *open, int64_t id);

/* FITS, FITS_NOT or FITS_UNKNOWN: as it will be, whatever the unknown terms turn out to be. */
int scan_fits_row(struct scan *scan, const struct row *row);
/* Reads the row's JSON if it was not; it lives until the next row. */
int scan_load_json(struct scan *scan, struct row *row);
/* All alerts of the file within the times that fit. 1 when `found` had enough; -ETIME. */
int scan_file(struct scan *scan, int64_t from_ns, int64_t to_ns);
/* The same, in the order of their times. */
int scan_by_time(struct scan *scan, int64_t from_ns, int64_t to_ns);
void scan_done(struct scan *scan);

/* Reads over files. */
struct walk {
	struct store_reader *reader;
	struct store_scope scope;
	struct day *days; /* newest first */
	size_t count;
	int64_t deadline_ns;
	struct error *err;
};

void walk_begin(struct walk *walk, struct store_reader *reader, const struct store_scope *scope,
	struct error *err);
void walk_end(struct walk *walk);
/* For each file; scan_done() follows, whatever it returns. */
int scan_begin(struct scan *scan, struct walk *walk, const struct day *day);
/* A file that is damaged or was dropped meanwhile takes only its own alerts away. */
int walk_pass_damage(struct walk *walk, const struct day *day, int r);
