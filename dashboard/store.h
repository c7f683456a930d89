/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The seam between the dashboard and what keeps its alerts. Writing is one operation, done by one
 * thread in groups and acknowledged after the commit; reading is four: tally, list, find, status.
 * A reader belongs to one thread.
 *
 * Behind it: a file a day. store.c runs the thread that writes (store-inside.h); store-scan.c,
 * store-tally.c and store-read.c read; what is SQLite's own is in day-file.c alone, and a query
 * that reads (queries/) is SQL that ClickHouse speaks, too.
 */
#pragma once

#include <uthash.h>

#include "alert/alert.h"
#include "base/clock.h"
#include "base/error.h"
#include "dashboard/filter.h"

#define NS_PER_MINUTE (60 * NS_PER_SECOND)
#define NS_PER_HOUR   (3600 * NS_PER_SECOND)

/* What is counted by hour and value. The numbers are stored: never change one. */
enum facet {
	FACET_HOSTNAME = 1,
	FACET_SOURCE = 2,
	FACET_TAG = 3,
	FACET_CONTAINER = 4,
	FACET_CONTAINER_NAME = 5,
	FACET_IMAGE = 6,
	FACET_NAMESPACE = 7,
	FACET_POD = 8,
	FACET_USER = 9,
	FACET_PROCESS = 10,
	FACET_PARENT = 11,
	FACET_FILE = 12,
	FACET_END,
};

/* The output field that a facet is, NULL for those that are no output field. */
const char *facet_field(enum facet facet);
/* The facet of this output field, or 0. */
enum facet facet_of_field(const char *field);

/* Writing. */

/* An alert made ready for the store, in the thread of whoever received it. */
struct store_event {
	int64_t id; /* set when it is stored; 0: its uuid was there already */
	int64_t time_ns;
	char uuid[UUID_LENGTH + 1];
	enum priority priority;
	char *words[3]; /* rule, source, hostname */
	char *tags;	/* a line each */
	char *json;	/* as alert_write() makes it */
	size_t json_length;
	char *facets[FACET_END]; /* values of output fields; NULL: none */
};

enum { WORD_RULE, WORD_SOURCE, WORD_HOSTNAME };

/* Takes what it needs; the alert stays the caller's. It must have a uuid. */
void store_event_init(struct store_event *event, const struct alert *alert);

struct store_add {
	struct store_event *events;
	size_t count;
	/* Called once by the store's thread: after the commit with 0, or with a negative errno when
	 * nothing of this was kept. The add is then its maker's again. */
	void (*done)(struct store_add *add, int error);
	void *context;
};

struct store_add *store_add_new(size_t count);
void store_add_free(struct store_add *add);
DEFINE_CLEANUP(struct store_add *, store_add_free)

struct store_options {
	const char *folder;  /* is made when it is not there */
	int64_t keep_ms;     /* older alerts are not shown, and their files dropped; 0: for ever */
	uint64_t keep_bytes; /* oldest files are dropped above this; 0: no limit */
	int64_t file_events; /* a second file of the day after so many; 0: 400,000 */
	int64_t (*now_ns)(void); /* NULL: the clock */
	/* Called by the store's thread after a commit with what is new; may be NULL. */
	void (*stored)(void *context, const struct store_event *events, size_t count);
	void *context;
};

struct store;

/* A damaged file is set aside and said in the log. -EBUSY: another process has this folder. */
int store_open(const struct store_options *options, struct store **ret_store, struct error *err);
/* Commits what waits and closes; readers must be gone. NULL is fine. */
void store_close(struct store *store);
/* Hands over. -EAGAIN when too much waits: then the add stays its maker's. */
int store_add(struct store *store, struct store_add *add);
/* Waits until everything stored so far is in the search index (for tests and benches). */
void store_wait_indexed(struct store *store);

struct store_status {
	int64_t events;
	int64_t oldest_ns, newest_ns; /* 0 when there are none */
	uint64_t bytes;
	int64_t last_id;
	int error;	      /* of the last commit, 0 when it worked */
	unsigned files_aside; /* damaged, kept under another name: their alerts are not shown */
	unsigned damages;     /* grows with each time that damage is found */
};
void store_status(struct store *store, struct store_status *ret_status);

/* Copying. */

/* What was copied: its name within the store's folder, and the copy. Negative ends the copying. */
typedef int store_copied(void *context, const char *name, const char *path, struct error *err);
/*
 * Copies a store's files one by one into the folder `target`, while anybody writes to it: each as
 * it is at one moment after the call. So all that was acknowledged before is in the copy, which is
 * a store's folder itself. A file that retention drops meanwhile is left out. Needs no struct
 * store: another process may have it.
 */
int store_copy(const char *folder, const char *target, store_copied *copied, void *context,
	struct error *err);

/* Reading. */

struct store_reader;
struct store_reader *store_reader_new(struct store *store);
void store_reader_free(struct store_reader *reader);

struct store_scope {
	const struct filter *filter;
	int64_t from_ns, to_ns; /* from ≤ time < to */
	int64_t budget_ms;	/* a scan stops after so long; 0: never */
	bool skips_total;	/* of a list: it ends with its page, `total` is not filled */
};

/* How far an answer goes. */
struct store_extent {
	bool is_exact;
	int64_t scanned; /* alerts looked at one by one, or ruled out by the search index */
};

enum tally_by { TALLY_PRIORITY, TALLY_RULE, TALLY_FACET, TALLY_FIELD };

/* Values beyond so many are counted together. */
#define TALLY_CELLS_MAX 100000

struct tally_cell {
	UT_hash_handle hh;
	uint64_t count;
	enum priority priority; /* worst of the cell */
	size_t key_length;
	int64_t bucket_ns; /* start of the interval; 0 without intervals */
	char key[];	   /* priority's name, rule, or the facet's value; "" is "other" */
};

/* Counts by a key, and by time when `interval_ns` is set. */
struct tally {
	enum tally_by by;
	enum facet facet;  /* TALLY_FACET */
	const char *field; /* TALLY_FIELD: an output field, borrowed */
	int64_t interval_ns;
	struct tally_cell *cells; /* a uthash */
	bool is_exact; /* set by store_tally(): also where others of the same call are not */
};

/* The tally of a field by its name, "rule" and "k8s.pod.name": from counts where there are such. */
struct tally tally_of_field(const char *name);

void tally_done(struct tally *tally);
uint64_t tally_total(const struct tally *tally);
/* Counts all of the scope into each tally. Exact without a scan for filters of rules and
 * priorities, whole minutes, and whole hours of facets; edges are scanned. */
int store_tally(struct store_reader *reader, const struct store_scope *scope, struct tally *tallies,
	size_t count, struct store_extent *ret_extent, struct error *err);

struct store_row {
	int64_t id, time_ns;
	char *json;
	size_t json_length;
};

struct store_page {
	struct store_row *rows; /* newest first */
	size_t count, capacity;
	uint64_t total; /* matches in the scope, whatever the page */
	struct store_extent extent;
	bool has_more;
};

struct store_cursor {
	int64_t time_ns, id; /* rows after this one; id 0: from the newest */
};

void store_page_done(struct store_page *page);
int store_list(struct store_reader *reader, const struct store_scope *scope,
	const struct store_cursor *cursor, size_t limit, struct store_page *ret_page,
	struct error *err);
/* The stored JSON of one alert; the caller frees. -ENOENT. */
int store_find(struct store_reader *reader, const char *uuid, struct store_row *ret_row,
	struct error *err);
/* Up to `limit` rows that arrived after `id`, oldest first. */
int store_after(struct store_reader *reader, int64_t id, size_t limit, struct store_page *ret_page,
	struct error *err);
