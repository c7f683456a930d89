/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The list of day files, which the store's thread keeps and its readers copy, and how the files are
 * named. Internal to the store.
 */
#pragma once

#include <pthread.h>
#include <stdatomic.h>

#include "dashboard/day-file.h"
#include "dashboard/store.h"

struct day {
	char *path;
	int64_t first_id, last_id; /* last_id < first_id: no alert yet */
	int64_t oldest_ns, newest_ns;
	int64_t indexed; /* the search index knows the alerts up to this id */
	bool is_summed;	 /* hour_sums and day_sums are made; they stay */
	bool is_by_rule; /* facets are counted by rule, too */
	uint64_t bytes;
};

struct days {
	pthread_mutex_t lock;
	struct day *items; /* oldest file first */
	size_t count, capacity;
};

static inline int64_t day_events(const struct day *day)
{
	return day->last_id >= day->first_id ? day->last_id - day->first_id + 1 : 0;
}

static inline bool day_overlaps(const struct day *day, int64_t from_ns, int64_t to_ns)
{
	return day_events(day) && day->oldest_ns < to_ns && day->newest_ns >= from_ns;
}

/* A copy for a reader, newest file first; days_copy_free() it. */
struct day *days_copy(struct days *days, size_t *ret_count);
void days_copy_free(struct day *copy, size_t count);
/* Takes the path. */
void days_add(struct days *days, const struct day *day);
void days_remove(struct days *days, const char *path);

#define DAY_NAME_MAX 16

/* "events-2026-11-24.db" and "events-2026-11-24.2.db". */
bool day_parse_name(const char *name, char ret_day[DAY_NAME_MAX], int *ret_part);
/* The caller frees. */
char *day_path(const char *folder, const char *day, int part);
/* "2026-11-24", UTC. */
void day_of_time(int64_t time_ns, char ret_day[DAY_NAME_MAX]);
/* The file with its log. */
uint64_t day_bytes(const char *path);
/* Renames the file with its log, or drops both where `target` is NULL. */
void day_move(const char *path, const char *target);

/* The store's, for its readers. */
struct days *store_days(struct store *store);
int64_t store_oldest_shown_ns(struct store *store);
/* Told by a reader that found a file damaged: the store sets it aside. */
void store_report_damage(struct store *store, const char *path);
