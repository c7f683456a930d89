/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Backups. The tar is POSIX's ustar: a file a day, and the list of them.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/memory.h"
#include "dashboard/backup.h"
#include "dashboard/store.h"

#define LIST_NAME  "backup.json"
#define LIST_MAX   (4 * 1024 * 1024)
#define BLOCK	   512
#define PIECE	   (64 * BLOCK)
#define SIZE_MAX_1 (UINT64_C(077777777777) + 1) /* eleven octal digits */

/* The list of files. */

struct list {
	struct buffer text;
	struct json_writer json;
};

static void list_begin(struct list *list)
{
	struct buffer time;

	buffer_init(&time, 64);
	time_write(&time, clock_ns(CLOCK_REALTIME));
	buffer_init(&list->text, LIST_MAX);
	json_writer_init(&list->json, &list->text);
	json_begin_object(&list->json);
	json_key(&list->json, "version");
	json_add_string(&list->json, TERCEL_VERSION);
	json_key(&list->json, "made");
	json_add_string(&list->json, time.data);
	json_key(&list->json, "files");
	json_begin_array(&list->json);
	buffer_done(&time);
}

static void list_add(struct list *list, const char *name, uint64_t bytes)
{
	json_begin_object(&list->json);
	json_key(&list->json, "name");
	json_add_string(&list->json, name);
	json_key(&list->json, "bytes");
	json_add_u64(&list->json, bytes);
	json_end(&list->json);
}

static void list_end(struct list *list)
{
	json_end(&list->json);
	json_end(&list->json);
	buffer_add_char(&list->text, '\n');
}

static int size_of(const char *path, uint64_t *ret_bytes, struct error *err)
{
	struct stat status;

	if (stat(path, &status) < 0)
		return error_set(err, -errno, "%s: %s", path, strerror(errno));
	*ret_bytes = (uint64_t)status.st_size;
	return 0;
}

/* Into a folder. */

static int is_entry(const struct dirent *entry)
{
	return strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
}

static int make_empty_folder(const char *path, struct error *err)
{
	struct dirent **entries = NULL;
	int count;

	if (mkdir(path, 0700) == 0)
		return 0;
	if (errno != EEXIST)
		return error_set(
			err, -errno, "cannot make the folder %s: %s", path, strerror(errno));
	count = scandir(path, &entries, is_entry, NULL);
	for (int i = 0; i < count; i++)
		free(entries[i]);
	free(entries);
	return count == 0 ? 0
			  : error_set(err, -EEXIST, "%s is there already; name a new folder", path);
}

static int sync_file(const char *path, struct error *err)
{
	_cleanup_(closep) int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || fsync(fd) < 0)
		return error_set(err, -errno, "%s: %s", path, strerror(errno));
	return 0;
}

static int note_copied(void *context, const char *name, const char *path, struct error *err)
{
	struct list *list = context;
	uint64_t bytes = 0;
	int r = sync_file(path, err);

	if (!r)
		r = size_of(path, &bytes, err);
	if (!r)
		list_add(list, name, bytes);
	return r;
}

static int write_list(const char *folder, const struct list *list, struct error *err)
{
	_cleanup_(freep) char *path = string_printf("%s/" LIST_NAME, folder);
	_cleanup_(closep) int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	struct text text = buffer_text(&list->text);

	if (fd < 0 || write(fd, text.data, text.length) != (ssize_t)text.length || fsync(fd) < 0)
		return error_set(err, -EIO, "%s cannot be written: %s", path, strerror(errno));
	return 0;
}

int backup_to_folder(const char *state, const char *folder, struct error *err)
{
	struct list list;
	int r = make_empty_folder(folder, err);

	if (r < 0)
		return r;
	list_begin(&list);
	r = store_copy(state, folder, note_copied, &list, err);
	list_end(&list);
	if (!r)
		r = write_list(folder, &list, err);
	if (!r)
		r = sync_file(folder, err);
	if (!r)
		log_info("%s has a backup of %s", folder, state);
	buffer_done(&list.text);
	return r;
}

/* As a tar. */

struct backup {
	char *state, *folder; /* the copies stand in the second, one at a time */
	struct download *download;
	struct list list;
};

struct tar_header {
	char name[100], mode[8], uid[8], gid[8], size[12], mtime[12], checksum[8], type, link[100],
		magic[6], version[2], user[32], group[32], device[16], prefix[155], padding[12];
};
_Static_assert(sizeof(struct tar_header) == BLOCK, "a header is a block");

static void fill_checksum(struct tar_header *header)
{
	const unsigned char *bytes = (const unsigned char *)header;
	unsigned sum = 0;

	memset(header->checksum, ' ', sizeof(header->checksum));
	for (size_t i = 0; i < BLOCK; i++)
		sum += bytes[i];
	snprintf(header->checksum, sizeof(header->checksum), "%06o", sum);
}

static int give(struct backup *backup, const void *data, size_t length)
{
	return download_give(backup->download, (struct text){ data, length }) ? 0 : -ECANCELED;
}

static int give_header(struct backup *backup, const char *name, uint64_t bytes, struct error *err)
{
	struct tar_header header = { .mode = "0000600",
		.uid = "0000000",
		.gid = "0000000",
		.type = '0',
		.magic = "ustar",
		.version = { '0', '0' } };

	if (bytes >= SIZE_MAX_1)
		return error_set(err, -EFBIG, "%s is too large for a tar", name);
	snprintf(header.name, sizeof(header.name), "%s", name);
	snprintf(header.size, sizeof(header.size), "%011llo", (unsigned long long)bytes);
	snprintf(header.mtime, sizeof(header.mtime), "%011llo", (unsigned long long)time(NULL));
	fill_checksum(&header);
	return give(backup, &header, sizeof(header));
}

static int give_zeros(struct backup *backup, size_t length)
{
	static const char zeros[2 * BLOCK];

	return give(backup, zeros, length);
}

static int give_padding(struct backup *backup, uint64_t bytes)
{
	return bytes % BLOCK ? give_zeros(backup, BLOCK - bytes % BLOCK) : 0;
}

static int give_content(struct backup *backup, const char *path, uint64_t bytes, struct error *err)
{
	_cleanup_(closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
	char piece[PIECE];
	int r = 0;

	if (fd < 0)
		return error_set(err, -errno, "%s: %s", path, strerror(errno));
	for (uint64_t left = bytes; left && !r;) {
		ssize_t got = read(fd, piece, MIN_OF(left, sizeof(piece)));

		if (got <= 0)
			return error_set(err, -EIO, "%s cannot be read", path);
		r = give(backup, piece, (size_t)got);
		left -= (uint64_t)got;
	}
	return r ? r : give_padding(backup, bytes);
}

static int give_file(void *context, const char *name, const char *path, struct error *err)
{
	struct backup *backup = context;
	uint64_t bytes = 0;
	int r = size_of(path, &bytes, err);

	if (!r)
		r = give_header(backup, name, bytes, err);
	if (!r)
		r = give_content(backup, path, bytes, err);
	if (!r)
		list_add(&backup->list, name, bytes);
	unlink(path);
	return r;
}

static int give_list(struct backup *backup, struct error *err)
{
	struct text text;
	int r;

	list_end(&backup->list);
	text = buffer_text(&backup->list.text);
	r = give_header(backup, LIST_NAME, text.length, err);
	if (!r)
		r = give(backup, text.data, text.length);
	if (!r)
		r = give_padding(backup, text.length);
	return r ? r : give_zeros(backup, 2 * BLOCK);
}

/* What was left by a dashboard that was killed during a backup. */
static void empty_folder(const char *path)
{
	struct dirent **entries = NULL;
	int count = scandir(path, &entries, is_entry, NULL);

	for (int i = 0; i < count; i++) {
		_cleanup_(freep) char *file = string_printf("%s/%s", path, entries[i]->d_name);

		unlink(file);
		free(entries[i]);
	}
	free(entries);
}

static int make_backup(struct download *download, void *context)
{
	struct backup *backup = context;
	struct error err = { 0 };
	int r;

	backup->download = download;
	empty_folder(backup->folder);
	r = make_empty_folder(backup->folder, &err);
	list_begin(&backup->list);
	if (!r)
		r = store_copy(backup->state, backup->folder, give_file, backup, &err);
	if (!r)
		r = give_list(backup, &err);
	if (r < 0 && r != -ECANCELED)
		log_error("a backup ends early: %s", err.message);
	empty_folder(backup->folder);
	rmdir(backup->folder);
	buffer_done(&backup->list.text);
	return r;
}

static void backup_free(void *context)
{
	struct backup *backup = context;

	free(backup->state);
	free(backup->folder);
	free(backup);
}

int backup_download(struct downloads *downloads, struct http_request *request, const char *state)
{
	struct backup *backup = NEW(struct backup);

	backup->state = string_copy(state);
	backup->folder = string_printf("%s/backup", state);
	return download_start(downloads, request, "application/x-tar",
		&(struct download_maker){ make_backup, backup_free, backup });
}
