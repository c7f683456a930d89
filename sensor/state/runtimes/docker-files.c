/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What Docker wrote about a container when it made it. Docker holds the container locked until its
 * first process runs and that is on the disk, which takes long on a busy host; its files can be
 * read meanwhile. They lack what is known only afterwards: addresses and the time of the start.
 */
#include <errno.h>
#include <fcntl.h>
#include <json-c/linkhash.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "sensor/state/runtimes/inspect.h"

#define FILE_BYTES_MAX (1024 * 1024)

static int read_all(int fd, struct buffer *ret_bytes)
{
	char part[16 * 1024];
	ssize_t got;

	while ((got = read(fd, part, sizeof(part))) > 0)
		buffer_add(ret_bytes, part, (size_t)got);
	return got < 0 ? -errno : ret_bytes->is_cut ? -EFBIG : 0;
}

/* `folder`: of all containers. The object is the caller's. */
static int read_json(const char *folder, struct text id, const char *name,
	struct json_object **ret_object, struct error *err)
{
	_cleanup_(freep) char *path =
		string_printf("%s/" TEXT_FORMAT "/%s", folder, TEXT_PRINT(id), name);
	_cleanup_(closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	_cleanup_(buffer_done) struct buffer bytes;
	struct stat is;
	int r;

	buffer_init(&bytes, FILE_BYTES_MAX);
	if (fd < 0 || fstat(fd, &is))
		return error_set(err, -errno, "%s: %s", path, strerror(errno));
	if (!S_ISREG(is.st_mode))
		return error_set(err, -EINVAL, "%s is no file", path);
	r = read_all(fd, &bytes);
	if (r < 0)
		return error_set(err, r, "%s: %s", path, strerror(-r));
	return json_parse(buffer_text(&bytes), ret_object, NULL, err);
}

/* A mount's mode has the name "Relabel" in the file. */
static struct json_object *mounts_of(struct json_object *points)
{
	struct json_object *mounts = json_object_new_array();

	if (!json_object_is_type(points, json_type_object))
		return mounts;
	json_object_object_foreach(points, destination, point)
	{
		struct json_object *mode = json_get(point, "Relabel");

		(void)destination;
		if (!json_object_is_type(point, json_type_object))
			continue;
		if (mode)
			json_object_object_add(point, "Mode", json_object_get(mode));
		json_object_array_add(mounts, json_object_get(point));
	}
	return mounts;
}

int docker_files_read(const char *root, struct fetch *fetch, struct error *err)
{
	_cleanup_(freep) char *folder = string_printf("%s/containers", root);
	_cleanup_(json_putp) struct json_object *config = NULL, *host = NULL;
	int r = read_json(folder, fetch->id, "config.v2.json", &config, err);

	if (!r)
		r = read_json(folder, fetch->id, "hostconfig.json", &host, err);
	if (r < 0)
		return r;
	if (!json_object_is_type(config, json_type_object))
		return error_set(err, -EPROTO, "%s has no description of it", folder);
	json_object_object_add(config, "Id", json_object_get(json_get(config, "ID")));
	json_object_object_add(config, "Mounts", mounts_of(json_get(config, "MountPoints")));
	json_object_object_add(config, "HostConfig", TAKE(host));
	return inspect_read(fetch, config, err);
}
