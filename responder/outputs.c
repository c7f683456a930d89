/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Artifact stores, a row each.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"
#include "responder/object-store.h"
#include "responder/outputs.h"

#define WAIT_MS 500

struct store {
	const char *name;
	const char *needs; /* blank separated parameters */
	int (*keep)(const struct text_map *parameters, const char *name, struct run *run,
		struct error *err);
};

/* O_EXCL: a name that is there is another artifact's. */
static int keep_file(
	const struct text_map *parameters, const char *name, struct run *run, struct error *err)
{
	_cleanup_(freep) char *path =
		string_printf("%s/%s", text_map_get(parameters, "destination"), name);
	_cleanup_(closep) int fd =
		open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	struct text left = buffer_text(&run->artifact);

	if (fd < 0)
		return error_set(
			err, -errno == -EAGAIN ? -EIO : -errno, "%s: %s", path, strerror(errno));
	while (left.length) {
		ssize_t written = write(fd, left.data, left.length);

		if (written < 0)
			return error_set(err, -EIO, "%s: %s", path, strerror(errno));
		left = text_slice(left, (size_t)written, left.length);
	}
	buffer_printf(&run->result, "; kept in %s", path);
	return 0;
}

static const struct store stores[] = {
	{ "local:file", "destination", keep_file },
	{ "aws:s3", "bucket", keep_in_s3 },
	{ "minio:s3", "bucket", keep_in_minio },
	{ "gcp:gcs", "bucket", keep_in_gcs },
};

static const struct store *store_find(const char *target)
{
	for (size_t i = 0; i < COUNT_OF(stores); i++)
		if (!strcmp(stores[i].name, target))
			return &stores[i];
	return NULL;
}

int output_check(const char *target, const struct text_map *parameters, struct error *err)
{
	const struct store *store = store_find(target);
	struct text rest, need;

	if (!store)
		return error_set(err, -EINVAL, "there is no output \"%s\"", target);
	rest = text_of(store->needs);
	while (text_split(&rest, ' ', &need)) {
		_cleanup_(freep) char *name = text_to_string(need);
		const char *value = text_map_get(parameters, name);

		if (!value || !*value)
			return error_set(
				err, -EINVAL, "the output %s needs the parameter %s", target, name);
	}
	return 0;
}

/* What Talon calls it: nothing of the name may lead out of the folder. */
static char *object_name(const struct run *run)
{
	struct buffer name;
	time_t now = time(NULL);
	struct tm when;
	char stamp[32];

	gmtime_r(&now, &when);
	strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H-%M-%SZ", &when);
	buffer_init(&name, 512);
	buffer_printf(&name, "%s_%s_%s_", stamp, run->name_space, run->pod);
	for (const char *at = run->artifact_name; *at && name.length < 250; at++) {
		unsigned char c = (unsigned char)*at;

		buffer_add_char(&name, c <= ' ' || c == '/' || c >= 0x7f ? '_' : (char)c);
	}
	return buffer_take(&name);
}

/* What was done is not done again because a store is away for a moment: it is kept again. */
int output_store(
	const char *target, const struct text_map *parameters, struct run *run, struct error *err)
{
	const struct store *store = store_find(target);
	const struct timespec wait = { .tv_nsec = WAIT_MS * NS_PER_MS };
	_cleanup_(freep) char *name = NULL;
	int r;

	if (!run->artifact.length)
		return 0;
	name = object_name(run);
	do
		r = store->keep(parameters, name, run, err);
	while (r == -EAGAIN && clock_ms(CLOCK_MONOTONIC) + WAIT_MS < run->until_ms &&
		nanosleep(&wait, NULL) == 0);
	return r == -EAGAIN ? -EIO : r;
}
