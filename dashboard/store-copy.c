/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A copy of the store while it is written to.
 */
#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "dashboard/store-days.h"

static int is_day_file(const struct dirent *entry)
{
	char day[DAY_NAME_MAX];
	int part;

	return day_parse_name(entry->d_name, day, &part);
}

static int copy_one(const char *folder, const char *target, const char *name, store_copied *copied,
	void *context, struct error *err)
{
	_cleanup_(freep) char *from = string_printf("%s/%s", folder, name);
	_cleanup_(freep) char *to = string_printf("%s/%s", target, name);
	int r = day_file_copy(from, to, err);

	if (r == -ENOENT && access(from, F_OK) < 0)
		return 0;
	return r < 0 ? r : copied(context, name, to, err);
}

int store_copy(const char *folder, const char *target, store_copied *copied, void *context,
	struct error *err)
{
	struct dirent **entries = NULL;
	int count = scandir(folder, &entries, is_day_file, alphasort), r = 0;

	if (count < 0)
		return error_set(err, -errno, "%s: %s", folder, strerror(errno));
	for (int i = 0; i < count; i++) {
		if (!r)
			r = copy_one(folder, target, entries[i]->d_name, copied, context, err);
		free(entries[i]);
	}
	free(entries);
	return r;
}
