/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files by their inode, size and times.
 */
#include <string.h>
#include <sys/stat.h>

#include "base/memory.h"
#include "forwarder/watched-files.h"

struct stamp {
	dev_t device;
	ino_t inode;
	off_t size;
	int64_t changed_s, changed_ns;
};

struct file {
	char *path;
	struct stamp known, last;
};

struct watched_files {
	struct file *items;
	size_t count, capacity;
};

struct watched_files *watched_files_new(void)
{
	return NEW(struct watched_files);
}

void watched_files_free(struct watched_files *files)
{
	if (!files)
		return;
	for (size_t i = 0; i < files->count; i++)
		free(files->items[i].path);
	free(files->items);
	free(files);
}

static struct stamp stamp_of(const char *path)
{
	struct stat status;

	if (stat(path, &status) < 0)
		return (struct stamp){ 0 };
	return (struct stamp){ status.st_dev, status.st_ino, status.st_size, status.st_mtim.tv_sec,
		status.st_mtim.tv_nsec };
}

static bool is_same(const struct stamp *a, const struct stamp *b)
{
	return a->device == b->device && a->inode == b->inode && a->size == b->size &&
	       a->changed_s == b->changed_s && a->changed_ns == b->changed_ns;
}

void watched_files_add(struct watched_files *files, const char *path)
{
	struct stamp stamp = stamp_of(path);

	*ARRAY_ADD(files->items, files->count, files->capacity) =
		(struct file){ string_copy(path), stamp, stamp };
}

bool watched_files_have_changed(struct watched_files *files)
{
	bool has_changed = false, is_quiet = true;

	for (size_t i = 0; i < files->count; i++) {
		struct file *file = &files->items[i];
		struct stamp now = stamp_of(file->path);

		has_changed |= !is_same(&now, &file->known);
		is_quiet &= is_same(&now, &file->last);
		file->last = now;
	}
	if (!has_changed || !is_quiet)
		return false;
	for (size_t i = 0; i < files->count; i++)
		files->items[i].known = files->items[i].last;
	return true;
}
