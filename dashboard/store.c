/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store's one thread, which owns the files, its opening and closing, and what it says of
 * itself. It takes all that waits as one group; the search index follows by whole blocks.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "dashboard/store-inside.h"

#define FILE_EVENTS_DEFAULT 400000
#define QUEUE_ADDS	    65536
#define QUEUE_BYTES_MAX	    (64 * 1024 * 1024)
#define GROUP_ADDS	    256
#define QUIET_MS	    200 /* so long without an alert, then fewer are indexed too */
#define HOUSEKEEPING_MS	    60000

int64_t store_now(const struct store *store)
{
	return store->options.now_ns ? store->options.now_ns() : clock_ns(CLOCK_REALTIME);
}

struct days *store_days(struct store *store)
{
	return &store->days;
}

int64_t store_oldest_shown_ns(struct store *store)
{
	if (!store->options.keep_ms)
		return INT64_MIN;
	return store_now(store) - store->options.keep_ms * 1000000;
}

struct day store_current_day(struct store *store)
{
	struct day day = { 0 };

	pthread_mutex_lock(&store->days.lock);
	if (store->days.count)
		day = store->days.items[store->days.count - 1];
	pthread_mutex_unlock(&store->days.lock);
	return day;
}

bool store_is_current(const struct store *store, const char *path)
{
	return store->file && !strcmp(day_file_path(store->file), path);
}

static void *run_store(void *context)
{
	struct store *store = context;
	void *items[GROUP_ADDS];
	int count, wait_ms = 0;

	while ((count = queue_pop_many(store->queue, items, GROUP_ADDS, wait_ms)) >= 0) {
		if (count) {
			store_write(store, (struct store_add **)items, count);
			store_index_whole(store);
			wait_ms = QUIET_MS;
		} else {
			wait_ms = store_index_step(store) ? 0 : 1000;
		}
		if (clock_ns(CLOCK_REALTIME) - store->last_housekeeping_ns >
				HOUSEKEEPING_MS * INT64_C(1000000) ||
			store_has_damage(store) ||
			(store->options.keep_bytes && count && store_is_day_full(store)))
			store_keep_house(store);
	}
	return NULL;
}

/* Opening and closing. */

static int by_name(const struct dirent **a, const struct dirent **b)
{
	char day_a[16], day_b[16];
	int part_a, part_b, order;

	day_parse_name((*a)->d_name, day_a, &part_a);
	day_parse_name((*b)->d_name, day_b, &part_b);
	order = strcmp(day_a, day_b);
	return order ? order : part_a - part_b;
}

static int is_day_file(const struct dirent *entry)
{
	char day[DAY_NAME_MAX];
	int part;

	return day_parse_name(entry->d_name, day, &part);
}

static int open_found(struct store *store, const char *name, struct error *err)
{
	_cleanup_(freep) char *path = string_printf("%s/%s", store->folder, name);
	char day[DAY_NAME_MAX];
	int part, r;

	day_parse_name(name, day, &part);
	r = store_use_day(store, path, day, part, err);
	if (r == -EBADMSG) {
		store_set_aside(store, path);
		return 0;
	}
	return r;
}

static int is_set_aside(const struct dirent *entry)
{
	return strncmp(entry->d_name, "events-", 7) == 0 && strstr(entry->d_name, ".db.damaged") &&
	       !strstr(entry->d_name, "-wal") && !strstr(entry->d_name, "-shm");
}

/* Those of an earlier run. */
static void count_set_aside(struct store *store)
{
	struct dirent **entries = NULL;
	int count = scandir(store->folder, &entries, is_set_aside, NULL);

	for (int i = 0; i < count; i++)
		free(entries[i]);
	free(entries);
	store->files_aside = (unsigned)MAX_OF(count, 0);
}

static int open_files(struct store *store, struct error *err)
{
	struct dirent **entries = NULL;
	int count = scandir(store->folder, &entries, is_day_file, by_name), r = 0;

	if (count < 0)
		return error_set(err, -errno, "%s: %s", store->folder, strerror(errno));
	for (int i = 0; i < count; i++) {
		if (!r)
			r = open_found(store, entries[i]->d_name, err);
		free(entries[i]);
	}
	free(entries);
	return r;
}

static int make_folder(const char *path, struct error *err)
{
	_cleanup_(freep) char *copy = string_copy(path);

	for (char *at = strchr(copy + 1, '/'); at; at = strchr(at + 1, '/')) {
		*at = '\0';
		(void)mkdir(copy, 0755);
		*at = '/';
	}
	if (mkdir(path, 0700) && errno != EEXIST)
		return error_set(
			err, -errno, "cannot make the folder %s: %s", path, strerror(errno));
	return 0;
}

static int lock_folder(struct store *store, struct error *err)
{
	_cleanup_(freep) char *path = string_printf("%s/lock", store->folder);

	store->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (store->lock_fd < 0)
		return error_set(err, -errno, "%s: %s", path, strerror(errno));
	if (flock(store->lock_fd, LOCK_EX | LOCK_NB))
		return error_set(err, -EBUSY, "%s is in use by another dashboard", store->folder);
	return 0;
}

static struct store *store_make(const struct store_options *options)
{
	struct store *store = NEW(struct store);

	store->options = *options;
	if (!store->options.file_events)
		store->options.file_events = FILE_EVENTS_DEFAULT;
	store->folder = string_copy(options->folder);
	store->options.folder = NULL;
	store->lock_fd = -1;
	store->queue = queue_new(QUEUE_ADDS);
	store->counts = counts_new();
	pthread_mutex_init(&store->days.lock, NULL);
	pthread_mutex_init(&store->lock, NULL);
	pthread_cond_init(&store->has_indexed, NULL);
	return store;
}

int store_open(const struct store_options *options, struct store **ret_store, struct error *err)
{
	struct store *store = store_make(options);
	int r;

	r = make_folder(store->folder, err);
	if (!r)
		r = lock_folder(store, err);
	if (!r) {
		count_set_aside(store);
		r = open_files(store, err);
	}
	if (!r && store_is_day_full(store))
		r = store_start_day(store, err);
	if (!r) {
		store_keep_house(store);
		r = -pthread_create(&store->thread, NULL, run_store, store);
		store->is_started = !r;
	}
	if (r < 0) {
		store_close(store);
		return r;
	}
	*ret_store = store;
	return 0;
}

void store_close(struct store *store)
{
	if (!store)
		return;
	queue_close(store->queue);
	if (store->is_started)
		pthread_join(store->thread, NULL);
	store_set_damaged_aside(store);
	day_file_free(store->file);
	day_file_free(store->previous);
	store_forget_words(store);
	counts_free(store->counts);
	for (size_t i = 0; i < store->days.count; i++)
		free(store->days.items[i].path);
	free(store->days.items);
	queue_free(store->queue);
	if (store->lock_fd >= 0)
		close(store->lock_fd);
	pthread_mutex_destroy(&store->days.lock);
	pthread_mutex_destroy(&store->lock);
	pthread_cond_destroy(&store->has_indexed);
	free(store->folder);
	free(store);
}

int store_add(struct store *store, struct store_add *add)
{
	size_t bytes = store_add_bytes(add);
	int r;

	if (store->queued_bytes + bytes > QUEUE_BYTES_MAX)
		return -EAGAIN;
	store->queued_bytes += bytes;
	r = queue_push(store->queue, add);
	if (r < 0)
		store->queued_bytes -= bytes;
	return r;
}

void store_wait_indexed(struct store *store)
{
	pthread_mutex_lock(&store->lock);
	while (!store->is_all_indexed)
		pthread_cond_wait(&store->has_indexed, &store->lock);
	pthread_mutex_unlock(&store->lock);
}

void store_status(struct store *store, struct store_status *ret_status)
{
	*ret_status = (struct store_status){ .error = store->last_error,
		.files_aside = store->files_aside,
		.damages = store->damages_found };
	pthread_mutex_lock(&store->days.lock);
	for (size_t i = 0; i < store->days.count; i++) {
		const struct day *day = &store->days.items[i];

		ret_status->bytes += day->bytes;
		if (!day_events(day))
			continue;
		ret_status->oldest_ns = ret_status->events
						? MIN_OF(ret_status->oldest_ns, day->oldest_ns)
						: day->oldest_ns;
		ret_status->newest_ns = MAX_OF(ret_status->newest_ns, day->newest_ns);
		ret_status->events += day_events(day);
		ret_status->last_id = MAX_OF(ret_status->last_id, day->last_id);
	}
	pthread_mutex_unlock(&store->days.lock);
}
