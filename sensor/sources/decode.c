/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The decoder. A record's fixed part and the lengths of its parts are checked first; after that
 * everything is slices into the record, or made in the event's arena.
 */
#include <errno.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/memory.h"
#include "sensor/path.h"
#include "sensor/sources/decode-arguments.h"
#include "sensor/sources/decode-fd.h"
#include "sensor/sources/decode.h"
#include "sensor/state/users.h"

/*
 * An event's own texts are small, but rules read into its arena too: a hundred ancestors with
 * 4 KiB of arguments each, in several fields. More than this ends the program.
 */
#define EVENT_MEMORY_MAX (64 << 20)

struct decoder {
	struct containers *containers;
	struct processes *processes;
	struct users *users;
	struct arena *arena;
	struct event_set wanted;
	int64_t clock_offset_ns;
	uint64_t number, first_time_ns, previous_time_ns;
	struct call calls[EVENT_ROW_COUNT]; /* of each row; generic calls need none */
	struct event event;
	struct value_context context; /* of the event's arguments, until somebody asks for them */
	struct call_view view;
	const struct process *held; /* of the last event: its end must not take it away */
};

struct decoder *decoder_new(
	struct containers *containers, struct processes *processes, struct users *users)
{
	struct decoder *decoder = NEW(struct decoder);

	decoder->containers = containers;
	decoder->processes = processes;
	decoder->users = users;
	decoder->arena = arena_new(EVENT_MEMORY_MAX);
	for (unsigned event = 0; event < EVENT_ROW_COUNT; event++)
		(void)call_of_event(event, &decoder->calls[event]);
	return decoder;
}

void decoder_free(struct decoder *decoder)
{
	if (!decoder)
		return;
	process_release(decoder->held);
	arena_free(decoder->arena);
	free(decoder);
}

void decoder_want(struct decoder *decoder, const struct event_set *set)
{
	decoder->wanted = *set;
}

void decoder_set_clock(struct decoder *decoder, int64_t offset_ns)
{
	decoder->clock_offset_ns = offset_ns;
}

/* Cuts the parts behind the fixed one out of a record; false when they are longer than it is. */
static bool cut_parts(const void *data, size_t size, size_t fixed, const __u16 *lengths,
	struct text *ret_parts, size_t count)
{
	size_t at = fixed;

	for (size_t i = 0; i < count; i++) {
		if (lengths[i] > size - at)
			return false;
		ret_parts[i] = (struct text){ (const char *)data + at, lengths[i] };
		at += lengths[i];
	}
	return true;
}

static struct text comm_of(const struct record *record)
{
	return (struct text){ record->comm, strnlen(record->comm, COMM_LENGTH - 1) };
}

static const struct process *see(struct decoder *decoder, const struct record *record)
{
	struct process_sight sight = {
		.pid = record->pid,
		.parent_pid = record->parent_pid,
		.start_ns = record->start_ns,
		.parent_start_ns = record->parent_start_ns,
		.user_id = record->user,
		.group_gid = record->group,
		.effective_user_id = record->effective_user,
		.effective_group_id = record->effective_group,
		.comm = comm_of(record),
	};

	return processes_see(decoder->processes, &sight);
}

static struct event *begin_event(struct decoder *decoder, const struct record *record,
	const struct event_type *type, const struct process *process)
{
	struct event *event = &decoder->event;

	/* The arguments behind are cleared when they are filled in. */
	memset(event, 0, offsetof(struct event, arguments));
	process_release(decoder->held);
	decoder->held = process ? process_hold(process) : NULL;
	event->number = ++decoder->number;
	event->time_ns = record->time_ns + (uint64_t)decoder->clock_offset_ns;
	if (!decoder->first_time_ns)
		decoder->first_time_ns = event->time_ns;
	event->first_time_ns = decoder->first_time_ns;
	event->previous_time_ns = decoder->previous_time_ns;
	decoder->previous_time_ns = event->time_ns;
	event->type = type;
	event->cpu = record->cpu;
	event->thread_id = record->tid;
	event->process = process;
	event->container = process ? process->container : NULL;
	event->users = decoder->users;
	event->arena = decoder->arena;
	return event;
}

/* The file itself is made: Falco shows it among the flags. */
static void mark_created(struct event *event, int index, const struct call_record *record)
{
	if (record->file.is_created && !strcmp(event->type->arguments[index].name, "flags"))
		event->arguments[index].size |= 1 << 14; /* O_F_CREATED of arguments.def */
}

static const struct decoder *decoder_of(const struct event *event)
{
	return (const void *)((const char *)event - offsetof(struct decoder, event));
}

static void fill_argument(struct event *event, int index)
{
	const struct value_context *context = &decoder_of(event)->context;

	event->absolute[index] = (struct text){ NULL, 0 };
	if (argument_value(context, index, &event->arguments[index]))
		event->arguments_present |= UINT32_C(1) << index;
	if (event->type->is_open)
		mark_created(event, index, context->call->record);
}

static void name_descriptor(struct event *event)
{
	const struct value_context *context = &decoder_of(event)->context;

	name_fd(event, context->call, context->spec);
}

/* Filling them in takes longer than all else that is done for an event. */
static void fill_when_asked(struct decoder *decoder, const struct value_context *context)
{
	decoder->context = *context;
	decoder->context.event = &decoder->event;
	decoder->event.fill = fill_argument;
}

/* ---- the shape ---- */

/*
 * type 10 bits | has a descriptor 1, its kind 8, its number 3 | result 13 | io_uring 1, unproven 1,
 * created 1 | open flags 24, or of a socket protocol 8, server 1, connected 1, renamed 1 | 1
 */
#define SHAPE_FLAGS_MAX	 (1u << 24)
#define SHAPE_ERRORS_MAX 4095

static uint64_t small(int64_t number)
{
	return (uint64_t)(event_small(number) - EVENT_SMALL_MIN + 1);
}

/* What is told of opens, or of sockets: the others have neither. */
static uint32_t shape_details(const struct event *event)
{
	const struct event_fd *fd = &event->fd;

	if (event->type->is_open)
		return fd->open_flags;
	return fd->protocol | (uint32_t)fd->is_server << 8 | (uint32_t)fd->is_connected << 9 |
	       (uint32_t)fd->is_name_changed << 10;
}

static void set_shape(struct event *event, bool is_created)
{
	const struct event_fd *fd = &event->fd;
	uint32_t details = shape_details(event);
	uint64_t shape = event->type->id;

	if (details >= SHAPE_FLAGS_MAX || event->result < -SHAPE_ERRORS_MAX)
		return;
	shape = shape << 1 | fd->is_known;
	shape = shape << 8 | (uint8_t)fd->type;
	shape = shape << 3 | small(fd->number);
	shape = shape << 13 |
		(uint64_t)(MIN_OF(event->result, EVENT_SMALL_MAX + 1) + SHAPE_ERRORS_MAX);
	shape = shape << 1 | event->is_io_uring;
	shape = shape << 1 | event->is_path_unproven;
	shape = shape << 1 | is_created;
	event->shape = shape << 25 | details << 1 | 1;
}

static void set_shape_of_call(struct event *event, const struct call_record *record)
{
	/* Its flags are absent, and not 0. */
	if (event->type->id == EVENT_openat2 && !(record->flags & CALL_HAS_HOW))
		return;
	set_shape(event, record->file.is_created);
}

/* ---- records ---- */

/* After chdir and fchdir the record has the new working directory, as the kernel has it. */
static void follow_call(
	struct decoder *decoder, const struct event *event, const struct call_view *view)
{
	struct text path;

	if (!event_is_chdir(event->type->id) || event->result)
		return;
	path = path_of_walk(decoder->arena, view->parts[CALL_BASE_1], false);
	processes_move(decoder->processes, event->process->pid, path.length ? path : TEXT("/"));
}

static bool has_path(const struct call *spec)
{
	return spec->bases[0] != CALL_NOTHING || spec->bases[1] != CALL_NOTHING;
}

/*
 * Whether only the caller's memory says which path or address it was. A file that was opened, a
 * socket that is connected and the kernel's own copy of a path are proof; a chdir's record has the
 * folder itself.
 */
static bool is_unproven(
	const struct event *event, const struct call_record *record, const struct call *spec)
{
	const struct event_fd *fd = &event->fd;

	if (record->flags & CALL_IN_MEMORY)
		return true;
	if (event->type->is_open && record->result >= 0)
		return !has_real_name(fd, record) || record->flags & CALL_TEXT_0_FAILED;
	if (spec->address != CALL_NOTHING || spec->collector == COLLECT_MESSAGE)
		return fd->is_given;
	if (event_is_chdir(event->type->id) && !record->result)
		return false;
	return has_path(spec) && !(record->flags & CALL_IS_URING);
}

static int take_call(
	struct decoder *decoder, const void *data, size_t size, struct event **ret_event)
{
	const struct call_record *record = data;
	struct call_view *view = &decoder->view;
	const struct event_type *type;
	const struct call *spec;
	struct event *event;

	if (size < sizeof(*record) || !cut_parts(data, size, sizeof(*record), record->lengths,
					      view->parts, CALL_PART_COUNT))
		return -EBADMSG;
	view->record = record;
	type = event_type_at(record->event);
	if (!type || !type->is_syscall)
		return -EBADMSG;

	event = begin_event(decoder, &record->header, type, see(decoder, &record->header));
	if (type->is_generic) {
		set_shape(event, false);
		*ret_event = event;
		return 1;
	}
	event->result = record->result;
	spec = &decoder->calls[record->event];
	fill_when_asked(decoder, &(struct value_context){ .call = view, .spec = spec });
	if (type->is_open)
		event->fd.open_flags = (uint32_t)open_flags(record);
	describe_fd(event, view, spec);
	event->name_fd = name_descriptor;
	event->is_io_uring = record->flags & CALL_IS_URING;
	event->is_path_unproven = is_unproven(event, record, spec);
	set_shape_of_call(event, record);
	follow_call(decoder, event, view);
	*ret_event = event;
	return 1;
}

static void task_into(
	const struct record *record, const struct task_info *task, struct process *process)
{
	*process = (struct process){
		.pid = record->pid,
		.start_ns = record->start_ns,
		.parent_pid = record->parent_pid,
		.parent_start_ns = record->parent_start_ns,
		.user_id = record->user,
		.effective_user_id = record->effective_user,
		.group_gid = record->group,
		.effective_group_id = record->effective_group,
		.comm = comm_of(record),
		.vpid = task->virtual_pid,
		.group_id = task->group,
		.virtual_group_id = task->virtual_group,
		.session_id = task->session,
		.virtual_session_id = task->virtual_session,
		.login_uid = task->login_user == UINT32_MAX ? -1 : (int64_t)task->login_user,
		.tty = task->tty,
		.pid_namespace = task->pid_namespace,
		.mount_namespace = task->mount_namespace,
		.capabilities_inheritable = task->inheritable,
		.capabilities_permitted = task->permitted,
		.capabilities_effective = task->effective,
		.cgroup_id = task->cgroup_id,
	};
}

static struct text cgroup_of(struct arena *arena, struct text unified, struct text v1)
{
	struct text path = cgroup_deciding(
		path_of_walk(arena, unified, false), path_of_walk(arena, v1, false));

	return path.length ? path : TEXT("/");
}

static uint32_t exe_flags_of(const struct exec_record *record, struct text exe_path)
{
	struct exe_access access = {
		.mode = record->exe.mode,
		.owner = record->exe_user,
		.group = record->exe_group,
		.user = record->file_user,
		.user_group = record->file_group,
		.capabilities = record->task.effective,
	};
	uint32_t flags = 0;

	if (exe_is_writable(&access))
		flags |= EXE_WRITABLE;
	if (record->exe.layer == LAYER_UPPER)
		flags |= EXE_UPPER_LAYER;
	if (record->exe.layer == LAYER_LOWER)
		flags |= EXE_LOWER_LAYER;
	if (record->flags & CALL_REAL_PATH_DETACHED && text_starts_with(exe_path, TEXT("memfd:")))
		flags |= EXE_FROM_MEMFD;
	return flags;
}

static void image_into(struct decoder *decoder, const struct exec_record *record,
	const struct text *parts, struct process *process)
{
	struct text arguments = parts[EXEC_ARGUMENTS];

	if (!text_split(&arguments, '\0', &process->exe))
		process->exe = TEXT("");
	process->arguments = arguments.data ? arguments : TEXT("");
	process->environment = parts[EXEC_ENVIRONMENT];
	process->exe_path = path_of_walk(
		decoder->arena, parts[EXEC_EXE_PATH], record->flags & CALL_REAL_PATH_DETACHED);
	process->working_directory =
		path_of_walk(decoder->arena, parts[EXEC_WORKING_DIRECTORY], false);
	if (!process->working_directory.length)
		process->working_directory = TEXT("/");
	process->cgroup = cgroup_of(decoder->arena, parts[EXEC_CGROUP], parts[EXEC_CGROUP_V1]);
	process->exe_inode = record->exe.inode;
	process->exe_device = device_of_kernel(record->exe.device);
	process->exe_inode_ctime_ns = record->exe_ctime_ns;
	process->exe_inode_mtime_ns = record->exe_mtime_ns;
	process->exe_flags = exe_flags_of(record, process->exe_path);
	process->fd_limit = record->fd_limit;
}

static int take_exec(
	struct decoder *decoder, const void *data, size_t size, struct event **ret_event)
{
	const struct exec_record *record = data;
	struct text parts[EXEC_PART_COUNT];
	const struct process *now;
	struct process process;
	unsigned id;

	if (size < sizeof(*record) ||
		!cut_parts(data, size, sizeof(*record), record->lengths, parts, EXEC_PART_COUNT))
		return -EBADMSG;
	task_into(&record->header, &record->task, &process);
	image_into(decoder, record, parts, &process);
	process.clone_time_ns = record->header.start_ns + (uint64_t)decoder->clock_offset_ns;
	process.exec_count = 1;
	now = processes_exec(decoder->processes, &process);
	if (decoder->users)
		users_prepare(decoder->users, now->container, now->pid);

	id = record->is_execveat ? EVENT_execveat : EVENT_execve;
	if (!event_set_has(&decoder->wanted, id))
		return 0;
	*ret_event = begin_event(decoder, &record->header, event_type_at(id), now);
	set_shape(*ret_event, false);
	fill_when_asked(decoder,
		&(struct value_context){ .exec = record, .file_name = parts[EXEC_FILE_NAME] });
	return 1;
}

static int take_fork(struct decoder *decoder, const void *data, size_t size)
{
	const struct fork_record *record = data;
	struct text parts[FORK_PART_COUNT];
	struct process child;

	if (size < sizeof(*record) ||
		!cut_parts(data, size, sizeof(*record), record->lengths, parts, FORK_PART_COUNT))
		return -EBADMSG;
	task_into(&record->header, &record->task, &child);
	child.clone_time_ns = record->header.start_ns + (uint64_t)decoder->clock_offset_ns;
	child.cgroup = cgroup_of(decoder->arena, parts[FORK_CGROUP], parts[FORK_CGROUP_V1]);
	(void)processes_fork(decoder->processes, record->forker_pid, &child);
	return 0;
}

static int take_exit(
	struct decoder *decoder, const void *data, size_t size, struct event **ret_event)
{
	const struct exit_record *record = data;
	bool is_wanted = event_set_has(&decoder->wanted, EVENT_procexit);

	if (size < sizeof(*record))
		return -EBADMSG;
	if (is_wanted) {
		*ret_event = begin_event(decoder, &record->header, event_type_at(EVENT_procexit),
			see(decoder, &record->header));
		fill_when_asked(decoder, &(struct value_context){ .exit = record });
	}
	processes_exit(decoder->processes, record->header.pid, record->header.start_ns,
		record->reaper_pid);
	return is_wanted;
}

static int take_cgroup(struct decoder *decoder, const void *data, size_t size)
{
	const struct cgroup_record *record = data;
	struct text path;

	if (size < sizeof(*record) ||
		!cut_parts(data, size, sizeof(*record), &record->length, &path, 1))
		return -EBADMSG;
	containers_expect(decoder->containers, path);
	return 0;
}

static int take_record(
	struct decoder *decoder, const struct record *record, struct event **ret_event)
{
	switch (record->kind) {
	case RECORD_CALL:
		return take_call(decoder, record, record->size, ret_event);
	case RECORD_EXEC:
		return take_exec(decoder, record, record->size, ret_event);
	case RECORD_FORK:
		return take_fork(decoder, record, record->size);
	case RECORD_EXIT:
		return take_exit(decoder, record, record->size, ret_event);
	case RECORD_CGROUP:
		return take_cgroup(decoder, record, record->size);
	case RECORD_RENAME:
		(void)see(decoder, record);
		return 0;
	default:
		return -EBADMSG;
	}
}

int decoder_take(struct decoder *decoder, const void *data, size_t size, struct event **ret_event)
{
	const struct record *record = data;
	int r;

	arena_reset(decoder->arena);
	if (size < sizeof(*record) || record->size > size || (uintptr_t)data % 8)
		return -EBADMSG;
	r = take_record(decoder, record, ret_event);
	return r > 0 && record->is_ignored ? 0 : r;
}
