/* SPDX-License-Identifier: Apache-2.0 */
/* Keeping house: what is too old or too much is dropped, what is damaged is set aside. */
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "base/memory.h"
#include "dashboard/store-inside.h"

struct damage {
	char *path;
	struct damage *next;
};

void store_set_aside(struct store *store, const char *path)
{
	_cleanup_(freep) char *target = string_printf("%s.damaged", path);

	for (int i = 2; access(target, F_OK) == 0; i++) {
		free(target);
		target = string_printf("%s.damaged-%d", path, i);
	}
	day_move(path, target);
	days_remove(&store->days, path);
	store->files_aside++;
	store->damages_found++;
	log_error("%s is damaged and was set aside as %s; its alerts are not shown", path, target);
}

void store_set_current_aside(struct store *store)
{
	_cleanup_(freep) char *path = string_copy(day_file_path(store->file));

	day_file_free(TAKE(store->file));
	store_set_aside(store, path);
}

void store_report_damage(struct store *store, const char *path)
{
	struct damage *damage;
	bool is_known = false;

	pthread_mutex_lock(&store->lock);
	for (damage = store->damages; damage; damage = damage->next)
		is_known |= !strcmp(damage->path, path);
	if (!is_known) {
		damage = NEW(struct damage);
		damage->path = string_copy(path);
		damage->next = store->damages;
		store->damages = damage;
	}
	store->damages_found++;
	pthread_mutex_unlock(&store->lock);
}

bool store_has_damage(struct store *store)
{
	bool has;

	pthread_mutex_lock(&store->lock);
	has = store->damages != NULL;
	pthread_mutex_unlock(&store->lock);
	return has;
}

static void drop_file(struct store *store, const char *path, const char *why)
{
	if (store->previous && !strcmp(day_file_path(store->previous), path))
		day_file_free(TAKE(store->previous));
	day_move(path, NULL);
	log_info("%s was dropped: %s", path, why);
	days_remove(&store->days, path);
}

void store_set_damaged_aside(struct store *store)
{
	struct damage *damage, *next;

	pthread_mutex_lock(&store->lock);
	damage = TAKE(store->damages);
	pthread_mutex_unlock(&store->lock);
	for (; damage; damage = next) {
		next = damage->next;
		if (store->file && !strcmp(day_file_path(store->file), damage->path)) {
			store_set_current_aside(store);
		} else if (access(damage->path, F_OK) == 0) {
			if (store->previous &&
				!strcmp(day_file_path(store->previous), damage->path))
				day_file_free(TAKE(store->previous));
			store_set_aside(store, damage->path);
		}
		free(damage->path);
		free(damage);
	}
}

/* The end of the day on which the file's last alert can have arrived. */
static int64_t file_end_ns(const char *path)
{
	const char *name = strrchr(path, '/');
	struct tm utc = { 0 };
	char day[DAY_NAME_MAX];
	int part;

	if (!day_parse_name(name ? name + 1 : path, day, &part) || !strptime(day, "%Y-%m-%d", &utc))
		return INT64_MAX;
	return (timegm(&utc) + 86400) * NS_PER_SECOND;
}

/* Files also grow when they are indexed, and shrink with their log. */
static void measure_files(struct store *store)
{
	pthread_mutex_lock(&store->days.lock);
	for (size_t i = 0; i < store->days.count; i++)
		store->days.items[i].bytes = day_bytes(store->days.items[i].path);
	pthread_mutex_unlock(&store->days.lock);
}

static void drop_old(struct store *store)
{
	int64_t oldest_ns = store_oldest_shown_ns(store);
	size_t count;
	struct day *days = days_copy(&store->days, &count);
	uint64_t bytes = 0;

	/* Newest first; the one that is written to stays. */
	for (size_t i = 0; i < count; i++) {
		bytes += days[i].bytes;
		if (store_is_current(store, days[i].path))
			continue;
		if (file_end_ns(days[i].path) < oldest_ns)
			drop_file(
				store, days[i].path, "its alerts are older than the time to live");
		else if (store->options.keep_bytes && bytes > store->options.keep_bytes)
			drop_file(store, days[i].path, "the store is larger than its limit");
	}
	days_copy_free(days, count);
}

void store_keep_house(struct store *store)
{
	store->last_housekeeping_ns = clock_ns(CLOCK_REALTIME);
	store_set_damaged_aside(store);
	measure_files(store);
	drop_old(store);
	if (store->file)
		day_file_settle(store->file);
}
