/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a process uses and has open. An exec tells some of it in its arguments; the rest, and all of
 * it at other events, /proc is asked for.
 */
#include "base/memory.h"
#include "sensor/fields/reader.h"
#include "sensor/fields/usage.h"
#include "sensor/sources/look.h"

#undef READER
#define READER(name)        \
	enum presence name( \
		const struct event *event, const struct field_use *use, struct value *ret_value)

#define CGROUPS_MAX 65536

static const struct usage *usage_of(const struct event *event)
{
	return event->process ? look_usage(event->look) : NULL;
}

/* A number of an exec's arguments, else a member of what /proc says. */
static enum presence give_number(const struct event *event, const char *argument, size_t member,
	uint64_t factor, struct value *ret_value)
{
	const struct usage *usage;
	struct value value;
	uint64_t number;

	if (argument && argument_get(event, argument, &value) && value.kind == VALUE_UNSIGNED)
		return give_unsigned(ret_value, value.size * factor);
	usage = usage_of(event);
	if (!usage)
		return ABSENT;
	memcpy(&number, (const char *)usage + member, sizeof(number));
	return give_unsigned(ret_value, number * factor);
}

#define USAGE(name, argument, member, factor)                                                \
	READER(name)                                                                         \
	{                                                                                    \
		return give_number(                                                          \
			event, argument, offsetof(struct usage, member), factor, ret_value); \
	}

USAGE(proc_nthreads, NULL, threads, 1)
USAGE(proc_vmsize, "vm_size", vm_size_kb, 1)
USAGE(proc_vmrss, "vm_rss", vm_rss_kb, 1)
USAGE(proc_vmswap, "vm_swap", vm_swap_kb, 1)
USAGE(thread_pfmajor, "pgft_maj", major_faults, 1)
USAGE(thread_pfminor, "pgft_min", minor_faults, 1)
USAGE(thread_totexectime, NULL, run_ns, 1)

/* Threads beside the main one. */
READER(proc_nchilds)
{
	const struct usage *usage = usage_of(event);

	return usage && usage->threads ? give_unsigned(ret_value, usage->threads - 1) : ABSENT;
}

/* Falco counts a process' memory once: other threads than the main one have none. */
static enum presence give_memory(const struct event *event, field_reader *of_process,
	uint64_t factor, struct value *ret_value)
{
	if (!event->process)
		return ABSENT;
	if (event->thread_id != event->process->pid)
		return give_unsigned(ret_value, 0);
	if (of_process(event, NULL, ret_value) != PRESENT)
		return ABSENT;
	ret_value->size *= factor;
	return PRESENT;
}

READER(thread_vmsize)
{
	return give_memory(event, proc_vmsize, 1, ret_value);
}

READER(thread_vmrss)
{
	return give_memory(event, proc_vmrss, 1, ret_value);
}

READER(thread_vmsize_b)
{
	return give_memory(event, proc_vmsize, 1024, ret_value);
}

READER(thread_vmrss_b)
{
	return give_memory(event, proc_vmrss, 1024, ret_value);
}

/* ---- processor time ---- */

READER(thread_cpu)
{
	const struct usage *usage = usage_of(event);

	return usage ? give_tenths(ret_value, usage->user_permille + usage->system_permille)
		     : ABSENT;
}

READER(thread_cpu_user)
{
	const struct usage *usage = usage_of(event);

	return usage ? give_tenths(ret_value, usage->user_permille) : ABSENT;
}

READER(thread_cpu_system)
{
	const struct usage *usage = usage_of(event);

	return usage ? give_tenths(ret_value, usage->system_permille) : ABSENT;
}

/* ---- descriptors ---- */

static uint64_t fd_limit_of(const struct event *event)
{
	const struct usage *usage;

	if (!event->process || event->process->fd_limit)
		return event->process ? event->process->fd_limit : 0;
	usage = usage_of(event);
	return usage ? usage->fd_limit : 0;
}

READER(proc_fdlimit)
{
	uint64_t limit = fd_limit_of(event);

	return limit ? give_signed(ret_value, (int64_t)limit) : ABSENT;
}

static const struct descriptors *descriptors_of(const struct event *event)
{
	return event->process ? look_descriptors(event->look, LOOK_DESCRIPTORS) : NULL;
}

READER(proc_fdopencount)
{
	const struct descriptors *all = descriptors_of(event);

	return all ? give_unsigned(ret_value, all->count) : ABSENT;
}

READER(proc_fdusage)
{
	const struct descriptors *all = descriptors_of(event);
	uint64_t limit = fd_limit_of(event);

	return all && limit ? give_tenths(ret_value, all->count * 1000 / limit) : ABSENT;
}

static const struct event_fd *standard_fd(const struct event *event, int64_t number)
{
	return event->process ? look_descriptor(event->look, LOOK_STANDARD, number) : NULL;
}

static enum presence give_type(const struct event_fd *fd, struct value *ret_value)
{
	return fd ? give_text(ret_value, fd_type_text(fd)) : ABSENT;
}

static enum presence give_name(const struct event_fd *fd, struct value *ret_value)
{
	return fd ? give_text(ret_value, fd->name.data ? fd->name : TEXT("")) : ABSENT;
}

#define STANDARD(field, number, give)                               \
	READER(field)                                               \
	{                                                           \
		return give(standard_fd(event, number), ret_value); \
	}

STANDARD(proc_stdin_type, 0, give_type)
STANDARD(proc_stdout_type, 1, give_type)
STANDARD(proc_stderr_type, 2, give_type)
STANDARD(proc_stdin_name, 0, give_name)
STANDARD(proc_stdout_name, 1, give_name)
STANDARD(proc_stderr_name, 2, give_name)

/* ---- control groups ---- */

/* On a unified hierarchy these share one path; Falco names them so. */
static const char *const unified[] = { "cpuset", "cpu", "cpuacct", "io", "memory" };

static bool list_has(struct text list, struct text name)
{
	struct text one;

	while (text_split(&list, ',', &one))
		if (text_equal(one, name))
			return true;
	return false;
}

/* The next line "ID:CONTROLLERS:PATH" of the file. */
static bool next_hierarchy(struct text *file, struct text *ret_controllers, struct text *ret_path)
{
	struct text line, id;

	while (text_split(file, '\n', &line))
		if (text_split(&line, ':', &id) && text_split(&line, ':', ret_controllers) &&
			line.data) {
			*ret_path = line;
			return true;
		}
	return false;
}

/* The controller's own hierarchy, else the unified one. */
static struct text path_of(struct text file, struct text controller)
{
	struct text controllers, path, found = {};

	while (next_hierarchy(&file, &controllers, &path)) {
		if (list_has(controllers, controller))
			return path;
		if (!controllers.length)
			found = path;
	}
	return found;
}

READER(thread_cgroup)
{
	const struct text *file = event->process ? look_cgroups(event->look) : NULL;
	struct text path = file ? path_of(*file, use->key) : (struct text){};

	if (path.data)
		return give_text(ret_value, path);
	/* The one that decides about containers is always known. */
	if (!event->process || !event->process->cgroup.length)
		return ABSENT;
	return give_text(ret_value, event->process->cgroup);
}

static void add_pair(struct buffer *out, struct text controller, struct text path)
{
	buffer_add_string(out, out->length ? " " : "");
	buffer_add_text(out, controller);
	buffer_add_char(out, '=');
	buffer_add_text(out, path);
}

static void add_pairs(struct buffer *out, struct text file)
{
	struct text controllers, path, one, rest = file;

	while (next_hierarchy(&rest, &controllers, &path))
		while (controllers.length && text_split(&controllers, ',', &one))
			add_pair(out, one, path);
	for (size_t i = 0; !out->length && i < COUNT_OF(unified); i++)
		add_pair(out, text_of(unified[i]), path_of(file, text_of(unified[i])));
}

READER(thread_cgroups)
{
	const struct text *file = event->process ? look_cgroups(event->look) : NULL;
	struct buffer line;
	struct text text;

	if (!file)
		return ABSENT;
	buffer_init(&line, CGROUPS_MAX);
	add_pairs(&line, *file);
	text = arena_copy(event->arena, buffer_text(&line));
	buffer_done(&line);
	return give_text(ret_value, text);
}
