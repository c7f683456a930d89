/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files of the journal. Their names carry the first of their sequence in sixteen digits, so
 * that even a file that cannot be read any more says where it belongs.
 */
#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "forwarder/segments.h"

#define PREFIX "alerts-"
#define SUFFIX ".db"

struct segments {
	pthread_mutex_t lock;
	struct segment *items;
	size_t count, capacity;
};

struct segments *segments_new(void)
{
	struct segments *segments = NEW(struct segments);

	pthread_mutex_init(&segments->lock, NULL);
	return segments;
}

void segments_free(struct segments *segments)
{
	if (!segments)
		return;
	for (size_t i = 0; i < segments->count; i++)
		free(segments->items[i].path);
	pthread_mutex_destroy(&segments->lock);
	free(segments->items);
	free(segments);
}

char *segment_path(const char *folder, int64_t first)
{
	return string_printf("%s/" PREFIX "%016lld" SUFFIX, folder, (long long)first);
}

static int first_of_name(const char *name, int64_t *ret_first)
{
	struct text text = text_of(name);

	if (!text_starts_with(text, TEXT(PREFIX)) || !text_ends_with(text, TEXT(SUFFIX)))
		return -EINVAL;
	return text_to_i64(
		text_slice(text, strlen(PREFIX), text.length - strlen(PREFIX) - strlen(SUFFIX)),
		ret_first);
}

static int by_number(const void *a, const void *b)
{
	int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;

	return (left > right) - (left < right);
}

int segments_scan(const char *folder, int64_t **ret_firsts, struct error *err)
{
	DIR *entries = opendir(folder);
	size_t count = 0, capacity = 0;
	int64_t *firsts = NULL, first;
	struct dirent *entry;

	if (!entries)
		return error_set(err, -errno, "%s cannot be read: %s", folder, strerror(errno));
	while ((entry = readdir(entries)))
		if (first_of_name(entry->d_name, &first) == 0)
			*ARRAY_ADD(firsts, count, capacity) = first;
	closedir(entries);
	if (count)
		qsort(firsts, count, sizeof(*firsts), by_number);
	*ret_firsts = firsts;
	return (int)count;
}

void segment_unlink(const struct segment *segment)
{
	static const char *const companions[] = { "-wal", "-shm", "" };

	for (size_t i = 0; i < COUNT_OF(companions); i++) {
		_cleanup_(freep) char *name = string_printf("%s%s", segment->path, companions[i]);

		if (unlink(name) < 0 && errno != ENOENT)
			log_warning("%s cannot be removed: %s", name, strerror(errno));
	}
}

void segments_add(struct segments *segments, struct segment segment)
{
	pthread_mutex_lock(&segments->lock);
	*ARRAY_ADD(segments->items, segments->count, segments->capacity) = segment;
	pthread_mutex_unlock(&segments->lock);
}

struct segment segments_remove(struct segments *segments, size_t at)
{
	struct segment segment;

	pthread_mutex_lock(&segments->lock);
	segment = segments->items[at];
	segments->count--;
	memmove(&segments->items[at], &segments->items[at + 1],
		(segments->count - at) * sizeof(segment));
	pthread_mutex_unlock(&segments->lock);
	return segment;
}

size_t segments_count(const struct segments *segments)
{
	return segments->count;
}

const struct segment *segments_get(const struct segments *segments, size_t at)
{
	return &segments->items[at];
}

const struct segment *segments_newest(const struct segments *segments)
{
	return &segments->items[segments->count - 1];
}

void segments_grow(struct segments *segments, int64_t last, int64_t arrived_ms, uint64_t bytes)
{
	struct segment *newest;

	pthread_mutex_lock(&segments->lock);
	newest = &segments->items[segments->count - 1];
	newest->last = last;
	newest->arrived_ms = arrived_ms;
	newest->bytes += bytes;
	pthread_mutex_unlock(&segments->lock);
}

bool segments_find(struct segments *segments, int64_t after, struct segment *ret_segment)
{
	bool is_found = false;

	pthread_mutex_lock(&segments->lock);
	for (size_t i = 0; i < segments->count && !is_found; i++) {
		if (segments->items[i].last <= after)
			continue;
		*ret_segment = segments->items[i];
		ret_segment->path = string_copy(ret_segment->path);
		is_found = true;
	}
	pthread_mutex_unlock(&segments->lock);
	return is_found;
}

uint64_t segments_bytes(struct segments *segments)
{
	uint64_t bytes = 0;

	pthread_mutex_lock(&segments->lock);
	for (size_t i = 0; i < segments->count; i++)
		bytes += segments->items[i].bytes;
	pthread_mutex_unlock(&segments->lock);
	return bytes;
}
