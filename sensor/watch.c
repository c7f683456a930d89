/* SPDX-License-Identifier: Apache-2.0 */
/* Changes of files by inotify(7), one watch a folder. */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "sensor/watch.h"

/* A file that was made is read once it is closed; a link or a folder is whole at once. */
#define EVENTS                                                                                   \
	(IN_CLOSE_WRITE | IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE_SELF | \
		IN_MOVE_SELF)

/* A name in a folder; NULL: all YAML files there. */
struct watched {
	int number; /* inotify's, of the folder */
	char *folder, *name;
};

struct watch {
	int fd;
	struct watched *items;
	size_t count, capacity;
};

int watch_new(struct watch **ret_watch, struct error *err)
{
	int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);

	if (fd < 0)
		return error_set(
			err, -errno, "watch_config_files: no inotify: %s", strerror(errno));
	*ret_watch = NEW(struct watch);
	(*ret_watch)->fd = fd;
	return 0;
}

static bool has_number(const struct watch *watch, int number)
{
	for (size_t i = 0; i < watch->count; i++)
		if (watch->items[i].number == number)
			return true;
	return false;
}

/* Folders that are still watched keep their number, and what happened in them is not lost. */
static void forget(struct watch *watch, const struct watch *old)
{
	for (size_t i = 0; i < old->count; i++) {
		if (!has_number(watch, old->items[i].number))
			(void)inotify_rm_watch(watch->fd, old->items[i].number);
		free(old->items[i].folder);
		free(old->items[i].name);
	}
	free(old->items);
}

static void add(struct watch *watch, const char *folder, const char *name)
{
	int number = inotify_add_watch(watch->fd, folder, EVENTS | IN_ONLYDIR);

	if (number >= 0)
		*ARRAY_ADD(watch->items, watch->count, watch->capacity) = (struct watched){ number,
			string_copy(folder), name ? string_copy(name) : NULL };
}

/* The folder of a path and the name in it. */
static void add_name(struct watch *watch, const char *path)
{
	const char *slash = strrchr(path, '/');
	_cleanup_(freep) char *folder =
		!slash		? string_copy(".")
		: slash == path ? string_copy("/")
				: text_to_string((struct text){ path, (size_t)(slash - path) });

	add(watch, folder, slash ? slash + 1 : path);
}

/* Of a device, such as /dev/null, everybody's writes would be told. */
static bool can_change(const char *path)
{
	struct stat status;

	return stat(path, &status) || S_ISREG(status.st_mode) || S_ISDIR(status.st_mode);
}

/* The path itself, and, where it leads elsewhere by links, what it leads to. */
static void add_path(struct watch *watch, const char *path)
{
	_cleanup_(freep) char *real = realpath(path, NULL);
	struct stat status;

	if (!can_change(path))
		return;
	add_name(watch, path);
	if (!real)
		return;
	if (strcmp(real, path))
		add_name(watch, real);
	if (!stat(real, &status) && S_ISDIR(status.st_mode))
		add(watch, path, NULL);
}

void watch_set(struct watch *watch, const struct text_list *paths)
{
	struct watch old = *watch;

	watch->items = NULL;
	watch->count = watch->capacity = 0;
	for (size_t i = 0; i < paths->count; i++)
		add_path(watch, paths->items[i]);
	forget(watch, &old);
}

void watch_free(struct watch *watch)
{
	if (!watch)
		return;
	watch_set(watch, &(struct text_list){});
	free(watch->items);
	close(watch->fd);
	free(watch);
}

int watch_fd(const struct watch *watch)
{
	return watch->fd;
}

static bool is_meant(const struct watched *item, const char *name)
{
	struct text text = text_of(name);

	if (!strcmp(name, "..data"))
		return true;
	if (item->name)
		return !strcmp(item->name, name);
	return text_ends_with(text, TEXT(".yaml")) || text_ends_with(text, TEXT(".yml"));
}

static bool is_file_being_made(const struct watched *item, const struct inotify_event *event)
{
	_cleanup_(freep) char *path = string_printf("%s/%s", item->folder, event->name);
	struct stat status;

	return event->mask & IN_CREATE && !lstat(path, &status) && S_ISREG(status.st_mode) &&
	       status.st_nlink == 1;
}

static bool is_change(const struct watch *watch, const struct inotify_event *event)
{
	if (event->mask & IN_Q_OVERFLOW)
		return true;
	for (size_t i = 0; i < watch->count; i++) {
		const struct watched *item = &watch->items[i];

		if (item->number != event->wd)
			continue;
		if (event->mask & (IN_DELETE_SELF | IN_MOVE_SELF))
			return true;
		if (event->len && is_meant(item, event->name) && !is_file_being_made(item, event))
			return true;
	}
	return false;
}

bool watch_take(struct watch *watch)
{
	_Alignas(struct inotify_event) char
		events[16 * (sizeof(struct inotify_event) + NAME_MAX + 1)];
	bool has_changed = false;
	ssize_t size;

	while ((size = read(watch->fd, events, sizeof(events))) > 0)
		for (ssize_t at = 0; at < size;) {
			const struct inotify_event *event = (const void *)(events + at);

			has_changed |= is_change(watch, event);
			at += (ssize_t)(sizeof(*event) + event->len);
		}
	return has_changed;
}
