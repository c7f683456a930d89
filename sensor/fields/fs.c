/* SPDX-License-Identifier: Apache-2.0 */
/* Fields of what a call did to the file system: its path, or where from and where to. */
#include "base/memory.h"
#include "sensor/fields/families.h"
#include "sensor/fields/reader.h"
#include "sensor/path.h"

static const struct path_arguments calls[] = {
	{ "open", .path = "name" },
	{ "openat", .path = "name" },
	{ "openat2", .path = "name" },
	{ "creat", .path = "name" },
	{ "open_by_handle_at", .path = "path" },
	{ "unlink", .path = "path" },
	{ "unlinkat", .path = "name" },
	{ "mkdir", .path = "path" },
	{ "mkdirat", .path = "path" },
	{ "rmdir", .path = "path" },
	{ "chmod", .path = "filename" },
	{ "fchmodat", .path = "filename" },
	{ "chdir", .path = "path" },
	{ "chroot", .path = "path" },
	{ "rename", .from = "oldpath", .to = "newpath" },
	{ "renameat", .from = "oldpath", .to = "newpath" },
	{ "renameat2", .from = "oldpath", .to = "newpath" },
	{ "link", .from = "oldpath", .to = "newpath", .is_link = true },
	{ "linkat", .from = "oldpath", .to = "newpath", .is_link = true },
	{ "symlink", .from = "target", .to = "linkpath", .is_link = true },
	{ "symlinkat", .from = "target", .to = "linkpath", .is_link = true },
	{ "mount", .from = "dev", .to = "dir" },
};

const struct path_arguments *path_arguments_of(const struct event_type *type)
{
	for (size_t i = 0; i < COUNT_OF(calls); i++)
		if (text_is(text_of(type->name), calls[i].call))
			return &calls[i];
	return NULL;
}

enum form { RAW, RESOLVED };

/* Failed calls did nothing to the file system. */
static enum presence give_path(
	const struct event *event, const char *name, enum form form, struct value *ret_value)
{
	int index = name ? argument_index(event, text_of(name)) : -1;
	struct text text = {};

	if (index < 0 || (event->type->has_result && event->result < 0))
		return ABSENT;
	if (form == RESOLVED)
		return argument_text(event, index, &text) == PRESENT ? give_text(ret_value, text)
								     : ABSENT;
	if (argument_raw_text(event, index, &text) != PRESENT)
		return ABSENT;
	return give_text(ret_value, path_collapsed(event->arena, text));
}

static const char *path_name(const struct event *event)
{
	const struct path_arguments *paths = path_arguments_of(event->type);

	return paths ? paths->path : NULL;
}

/* Falco calls the new name of a link its source, and what it leads to its target. */
static const char *source_name(const struct event *event)
{
	const struct path_arguments *paths = path_arguments_of(event->type);

	return !paths ? NULL : paths->is_link ? paths->to : paths->from;
}

static const char *target_name(const struct event *event)
{
	const struct path_arguments *paths = path_arguments_of(event->type);

	return !paths ? NULL : paths->is_link ? paths->from : paths->to;
}

READER(fs_path_name)
{
	return give_path(event, path_name(event), RESOLVED, ret_value);
}

READER(fs_path_nameraw)
{
	return give_path(event, path_name(event), RAW, ret_value);
}

READER(fs_path_source)
{
	return give_path(event, source_name(event), RESOLVED, ret_value);
}

READER(fs_path_sourceraw)
{
	return give_path(event, source_name(event), RAW, ret_value);
}

READER(fs_path_target)
{
	return give_path(event, target_name(event), RESOLVED, ret_value);
}

READER(fs_path_targetraw)
{
	return give_path(event, target_name(event), RAW, ret_value);
}

static const struct field fields[] = {
	{ "fs.path.name", TYPE_CHARBUF, ARGUMENT_NONE, FIELD_PATH_VIEW,
		"Absolute path of a call that worked on one path and succeeded", fs_path_name },
	{ "fs.path.nameraw", TYPE_CHARBUF, ARGUMENT_NONE, 0, "The same as the caller wrote it",
		fs_path_nameraw },
	{ "fs.path.source", TYPE_CHARBUF, ARGUMENT_NONE, 0,
		"Absolute first path of a rename or mount; for links the new name",
		fs_path_source },
	{ "fs.path.sourceraw", TYPE_CHARBUF, ARGUMENT_NONE, 0, "The same as the caller wrote it",
		fs_path_sourceraw },
	{ "fs.path.target", TYPE_CHARBUF, ARGUMENT_NONE, 0,
		"Absolute second path of a rename or mount; for links what they lead to",
		fs_path_target },
	{ "fs.path.targetraw", TYPE_CHARBUF, ARGUMENT_NONE, 0, "The same as the caller wrote it",
		fs_path_targetraw },
};

const struct field_family family_fs = { "fs", "What a call did to the file system", fields,
	COUNT_OF(fields) };
