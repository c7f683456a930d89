/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store from the inside: what its own thread works with. Its files: store.c opens, closes and
 * runs it; store-write.c stores alerts; store-index.c makes the search index behind them;
 * store-house.c drops what is too old and sets aside what is damaged.
 */
#pragma once

#include "base/queue.h"
#include "dashboard/counts.h"
#include "dashboard/store-days.h"

struct word;
struct damage;

struct store {
	struct store_options options;
	char *folder;
	int lock_fd;
	struct days days;
	struct queue *queue;
	_Atomic size_t queued_bytes;
	_Atomic int last_error;
	_Atomic unsigned files_aside, damages_found; /* as in store_status */
	pthread_t thread;
	bool is_started;

	pthread_mutex_t lock; /* for the next three */
	pthread_cond_t has_indexed;
	bool is_all_indexed;
	struct damage *damages;

	/* The thread's own. */
	struct day_file *file;	   /* where new alerts go */
	struct day_file *previous; /* the file before it, for repeated uuids */
	char day[DAY_NAME_MAX];	   /* "2026-11-24", of `file` */
	int part;
	int64_t last_id;
	struct word *words; /* ids of the current file's words */
	size_t word_bytes;
	struct counts *counts;
	int64_t last_housekeeping_ns;
};

int64_t store_now(const struct store *store);
/* The file that new alerts go to; all zeros before the first. Its path lives as long as the file.
 */
struct day store_current_day(struct store *store);
bool store_is_current(const struct store *store, const char *path);

/* store-write.c */

/* Opens a file and puts it at the end of the list; alerts go to it from now on. */
int store_use_day(
	struct store *store, const char *path, const char *day, int part, struct error *err);
/* The next file for new alerts: today's, or today's next part. */
int store_start_day(struct store *store, struct error *err);
/* No more alerts should go to the present file. */
bool store_is_day_full(struct store *store);
/* Commits, and acknowledges each. */
void store_write(struct store *store, struct store_add **adds, int count);
void store_forget_words(struct store *store);
size_t store_add_bytes(const struct store_add *add);

/* store-index.c */

/* One step of the index. False when there is nothing to do, or it did not work. */
bool store_index_step(struct store *store);
/* As many whole steps as the alerts are ahead: a transaction has its price. */
void store_index_whole(struct store *store);

/* store-house.c */

void store_set_aside(struct store *store, const char *path);
/* The file that new alerts go to. */
void store_set_current_aside(struct store *store);
/* What readers found damaged. */
bool store_has_damage(struct store *store);
void store_set_damaged_aside(struct store *store);
/* Damage, sizes, retention. */
void store_keep_house(struct store *store);
