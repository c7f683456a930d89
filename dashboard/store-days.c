/* SPDX-License-Identifier: Apache-2.0 */
/* The list of day files and their names. */
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/memory.h"
#include "dashboard/counts.h"
#include "dashboard/store-days.h"

uint64_t day_bytes(const char *path)
{
	_cleanup_(freep) char *log = string_printf("%s-wal", path);
	struct stat status;
	uint64_t bytes = 0;

	if (!stat(path, &status))
		bytes += (uint64_t)status.st_size;
	if (!stat(log, &status))
		bytes += (uint64_t)status.st_size;
	return bytes;
}

struct day *days_copy(struct days *days, size_t *ret_count)
{
	struct day *copy;

	pthread_mutex_lock(&days->lock);
	copy = NEW_ARRAY(struct day, days->count);
	*ret_count = days->count;
	for (size_t i = 0; i < days->count; i++) {
		copy[i] = days->items[days->count - 1 - i];
		copy[i].path = string_copy(copy[i].path);
	}
	pthread_mutex_unlock(&days->lock);
	return copy;
}

void days_copy_free(struct day *copy, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(copy[i].path);
	free(copy);
}

void days_add(struct days *days, const struct day *day)
{
	pthread_mutex_lock(&days->lock);
	*ARRAY_ADD(days->items, days->count, days->capacity) = *day;
	pthread_mutex_unlock(&days->lock);
}

void days_remove(struct days *days, const char *path)
{
	pthread_mutex_lock(&days->lock);
	for (size_t i = 0; i < days->count; i++) {
		if (strcmp(days->items[i].path, path))
			continue;
		free(days->items[i].path);
		memmove(&days->items[i], &days->items[i + 1],
			(--days->count - i) * sizeof(*days->items));
		break;
	}
	pthread_mutex_unlock(&days->lock);
}

bool day_parse_name(const char *name, char ret_day[DAY_NAME_MAX], int *ret_part)
{
	int year, month, date, length = 0;

	*ret_part = 1;
	if (sscanf(name, "events-%4d-%2d-%2d%n", &year, &month, &date, &length) != 3 ||
		length != 17)
		return false;
	snprintf(ret_day, DAY_NAME_MAX, "%.10s", name + 7);
	if (!strcmp(name + length, ".db"))
		return true;
	return sscanf(name + length, ".%d%n", ret_part, &date) == 1 && *ret_part > 1 &&
	       !strcmp(name + length + date, ".db");
}

char *day_path(const char *folder, const char *day, int part)
{
	return part == 1 ? string_printf("%s/events-%s.db", folder, day)
			 : string_printf("%s/events-%s.%d.db", folder, day, part);
}

void day_of_time(int64_t time_ns, char ret_day[DAY_NAME_MAX])
{
	time_t seconds = (time_t)time_unit(time_ns, NS_PER_SECOND);
	struct tm utc;

	gmtime_r(&seconds, &utc);
	strftime(ret_day, DAY_NAME_MAX, "%Y-%m-%d", &utc);
}

void day_move(const char *path, const char *target)
{
	static const char *const endings[] = { "", "-wal", "-shm" };

	for (size_t i = 0; i < COUNT_OF(endings); i++) {
		_cleanup_(freep) char *from = string_printf("%s%s", path, endings[i]);
		_cleanup_(freep) char *to =
			target ? string_printf("%s%s", target, endings[i]) : NULL;

		if (to)
			(void)rename(from, to);
		else
			unlink(from);
	}
}
