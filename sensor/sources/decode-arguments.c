/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The arguments of an event. A row of syscalls.def says where each comes from: that is told to the
 * kernel programs, which collect it, and here it is made of what they collected.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/wait.h>

#include "base/memory.h"
#include "sensor/path.h"
#include "sensor/sources/decode-arguments.h"
#include "sensor/sources/decode.h"

#define ARGUMENT_COUNT 6
#define TEXTS	       3 /* of struct call */
#define BASES	       2

/* ---- the rows ---- */

struct source_row {
	enum collector how;
	int fd;
	enum argument_source sources[EVENT_ARGUMENTS_MAX];
};

#define FD_AT_NONE		     CALL_NOTHING
#define FD_AT_RES		     CALL_RESULT
#define FD_AT_0			     0
#define FD_AT_PAIR		     CALL_PAIR
#define A(type, name, source)	     SOURCE_##source,
#define F(type, name, source, table) SOURCE_##source,
#define SYSCALL(name, collector, fd_at, rows) \
	[EVENT_##name] = { .how = COLLECT_##collector, .fd = FD_AT_##fd_at, .sources = { rows } },
#define EVENT(name, rows) [EVENT_##name] = { .fd = FD_AT_NONE, .sources = { rows } },
static const struct source_row source_rows[] = {
#include "sensor/kernel/syscalls.def"
};
#undef A
#undef F
#undef SYSCALL
#undef EVENT

static bool is_own_argument(enum argument_source source)
{
	return source < ARGUMENT_COUNT;
}

static bool is_text(enum value_type type)
{
	return type == TYPE_FSPATH || type == TYPE_FSRELPATH || type == TYPE_CHARBUF;
}

/* What a text of the caller is relative to: a path to the folder, the nearest fd before it, … */
static int base_of_text(const struct event_type *type, const struct source_row *row, int index)
{
	if (type->arguments[index].type == TYPE_CHARBUF)
		return CALL_NOTHING;
	if (type->arguments[index].type == TYPE_FSRELPATH)
		for (int i = index - 1; i >= 0; i--)
			if (type->arguments[i].type == TYPE_FD && is_own_argument(row->sources[i]))
				return (int)row->sources[i];
	return CALL_WORKING_DIRECTORY;
}

/* Numbers in the caller's structures: which argument points to them, and how many bytes they have.
 */
static const struct number_place {
	enum argument_source source;
	int8_t data, more; /* CALL_NOTHING: none */
	uint8_t size, more_size;
} number_places[] = {
	{ SOURCE_HOW_FLAGS, 2, CALL_NOTHING, 24, 0 },
	{ SOURCE_CLONE_FLAGS, 0, CALL_NOTHING, 8, 0 },
	{ SOURCE_PIPE_0, 0, CALL_NOTHING, 8, 0 },
	{ SOURCE_ENDS_0, 3, CALL_NOTHING, 8, 0 },
	{ SOURCE_LIMIT_CURRENT, 1, CALL_NOTHING, 16, 0 },
	{ SOURCE_NEW_CURRENT, 2, 3, 16, 16 },
	{ SOURCE_OPTION_VALUE, 3, CALL_NOTHING, 16, 0 },
	{ SOURCE_LENGTH_AT_4, 3, 4, 16, 4 },
	{ SOURCE_MASK_AT_1, 1, CALL_NOTHING, 8, 0 },
};

static void numbers_of_source(enum argument_source source, struct call *call)
{
	for (size_t i = 0; i < COUNT_OF(number_places); i++) {
		const struct number_place *place = &number_places[i];

		if (place->source != source)
			continue;
		call->data = place->data;
		call->more = place->more;
		call->how = (uint8_t)(place->size / 4 | place->more_size / 4 << 4);
	}
}

static void call_of_source(enum argument_source source, struct call *call)
{
	numbers_of_source(source, call);
	switch (source) {
	case SOURCE_SET_EFFECTIVE:
		call->how = HOW_CAPABILITIES;
		break;
	case SOURCE_PRCTL_TEXT:
		call->texts[0] = 1;
		break;
	case SOURCE_PAYLOAD_AT_0:
		call->data = 0;
		break;
	case SOURCE_DATA_AT_1:
		call->data = 1;
		break;
	case SOURCE_ADDRESS_AT_1:
		call->address = 1;
		break;
	case SOURCE_TUPLE_AT_4:
		call->address = 4;
		break;
	default:
		break;
	}
}

static bool is_exec(unsigned event)
{
	return event == EVENT_execve || event == EVENT_execveat;
}

/* An exec's row tells of its new image; what a failed one was called with is known here. */
static void call_of_exec(unsigned event, struct call *call)
{
	bool is_at = event == EVENT_execveat;

	call->texts[0] = is_at;
	call->bases[0] = is_at ? 0 : CALL_WORKING_DIRECTORY;
	call->data = is_at ? 2 : 1; /* argv, and envp behind it */
}

int call_of_event(unsigned event, struct call *ret_call)
{
	const struct event_type *type = event_type_at(event);
	struct call call = { .event = (uint16_t)event,
		.fd = CALL_NOTHING,
		.texts = { CALL_NOTHING, CALL_NOTHING, CALL_NOTHING },
		.bases = { CALL_NOTHING, CALL_NOTHING },
		.address = CALL_NOTHING,
		.data = CALL_NOTHING,
		.more = CALL_NOTHING,
		.collector = COLLECT_PLAIN };
	const struct source_row *row;
	int texts = 0;

	if (!type || !type->is_syscall)
		return -ENOENT;
	if (event >= COUNT_OF(source_rows)) {
		*ret_call = call;
		return 0;
	}
	row = &source_rows[event];
	call.collector = row->how;
	call.fd = (int8_t)row->fd;
	for (int i = 0; i < type->argument_count; i++) {
		call_of_source(row->sources[i], &call);
		if (!is_own_argument(row->sources[i]) || !is_text(type->arguments[i].type))
			continue;
		if (texts == TEXTS)
			continue;
		call.texts[texts] = (int8_t)row->sources[i];
		if (texts < BASES)
			call.bases[texts] = (int8_t)base_of_text(type, row, i);
		texts++;
	}
	call.connects = event == EVENT_connect;
	call.has_many = call.collector == COLLECT_MESSAGES;
	if (is_exec(event))
		call_of_exec(event, &call);
	if (event_is_chdir(event))
		call.bases[1] = CALL_WORKING_DIRECTORY;
	*ret_call = call;
	return 0;
}

enum argument_source argument_source_of(unsigned event, int argument)
{
	return event < COUNT_OF(source_rows) ? source_rows[event].sources[argument]
					     : SOURCE_UNKNOWN;
}

/* ---- values of arguments ---- */

/* By the kind of the argument's type: numbers come as 64 bits and are cut to what they are. */
static bool give_number(
	const struct event_argument *argument, uint64_t number, struct value *ret_value)
{
	switch (argument->type) {
	case TYPE_FD:
	case TYPE_INT32:
		*ret_value = value_signed((int32_t)number);
		break;
	case TYPE_PID:
	case TYPE_ERRNO:
	case TYPE_INT64:
		*ret_value = value_signed((int64_t)number);
		break;
	case TYPE_FLAGS8:
	case TYPE_FLAGS16:
	case TYPE_FLAGS32:
	case TYPE_ENUMFLAGS8:
	case TYPE_ENUMFLAGS16:
	case TYPE_ENUMFLAGS32:
	case TYPE_MODE:
		*ret_value = value_unsigned(flags_from_native(argument->names, (uint32_t)number));
		break;
	case TYPE_UINT8:
		*ret_value = value_unsigned((uint8_t)number);
		break;
	case TYPE_UINT16:
		*ret_value = value_unsigned((uint16_t)number);
		break;
	case TYPE_UINT32:
	case TYPE_UID:
	case TYPE_GID:
		*ret_value = value_unsigned((uint32_t)number);
		break;
	case TYPE_DYN:
		*ret_value = value_text((struct text){ 0 });
		return false;
	default:
		*ret_value = value_unsigned(number);
		break;
	}
	return true;
}

static bool give_text(
	const struct event_argument *argument, struct text text, struct value *ret_value)
{
	*ret_value = value_text(text);
	if (argument->type == TYPE_BYTEBUF)
		ret_value->kind = VALUE_BYTES;
	return text.data != NULL;
}

/* A path argument made absolute; NULL data for texts that are no paths. */
static struct text absolute_text(const struct value_context *context, int i)
{
	const struct call_view *call = context->call;
	struct arena *arena = context->event->arena;

	if (i >= BASES || context->spec->bases[i] == CALL_NOTHING)
		return (struct text){ NULL, 0 };
	event_name_fd(context->event);
	if (context->event->type->is_open) /* the same text, made already */
		return context->event->fd.name;
	return path_absolute(arena, path_of_walk(arena, call->parts[CALL_BASE_0 + i], false),
		call->parts[CALL_TEXT_0 + i]);
}

static const uint16_t text_failures[TEXTS] = { CALL_TEXT_0_FAILED, CALL_TEXT_1_FAILED,
	CALL_TEXT_2_FAILED };

/* A call's own argument: a number, or a text that was read from the caller's memory. */
static bool give_own(const struct value_context *context, int index,
	const struct event_argument *argument, unsigned source, struct value *ret_value)
{
	const struct call_view *call = context->call;

	if (!call)
		return false;
	if (!is_text(argument->type)) {
		if (argument->type == TYPE_DYN) {
			*ret_value = value_text(arena_printf(context->event->arena, "%llx",
				(unsigned long long)call->record->arguments[source]));
			return true;
		}
		return give_number(argument, call->record->arguments[source], ret_value);
	}
	for (int i = 0; i < TEXTS; i++) {
		if (context->spec->texts[i] != (int)source)
			continue;
		if (call->record->flags & text_failures[i])
			return false;
		context->event->absolute[index] = absolute_text(context, i);
		return give_text(argument, call->parts[CALL_TEXT_0 + i], ret_value);
	}
	return false;
}

uint64_t open_flags(const struct call_record *record)
{
	bool is_how = record->flags & CALL_HAS_HOW;

	switch (record->event) {
	case EVENT_open:
		return record->arguments[1];
	case EVENT_openat:
	case EVENT_open_by_handle_at:
		return record->arguments[2];
	case EVENT_openat2:
		return is_how ? record->how[0] : 0;
	case EVENT_creat:
		return O_CREAT | O_WRONLY | O_TRUNC;
	default:
		return 0;
	}
}

static uint64_t open_mode(const struct call_record *record)
{
	if (!(open_flags(record) & O_CREAT) && (open_flags(record) & O_TMPFILE) != O_TMPFILE)
		return 0;
	switch (record->event) {
	case EVENT_open:
		return record->arguments[2];
	case EVENT_openat:
		return record->arguments[3];
	default:
		return record->how[1];
	}
}

/* A pair of limits at a place of `how`; those of 32-bit callers have half the size. */
static bool give_limit(const struct value_context *context, const struct event_argument *argument,
	size_t place, uint16_t flag, struct value *ret_value)
{
	const struct call_record *record = context->call->record;
	bool is_narrow = record->header.abi == ABI_IA32 && record->event != EVENT_prlimit;
	uint64_t limit = record->how[place];

	if (!(record->flags & flag))
		return false;
	if (is_narrow) {
		uint32_t half = (uint32_t)(record->how[place & 2] >> (place & 1 ? 32 : 0));

		limit = half == UINT32_MAX ? UINT64_MAX : half;
	}
	return give_number(argument, limit, ret_value);
}

#define SOCKET_LEVEL	1 /* SOL_SOCKET */
#define RECEIVE_TIMEOUT 20
#define SEND_TIMEOUT	21
#define NAME_OPTION	15 /* PR_SET_NAME, and PR_GET_NAME behind it */

/* A number, or a time in nanoseconds; what is longer stays in the caller's memory. */
static bool give_option(const struct value_context *context, struct value *ret_value)
{
	const struct call_record *record = context->call->record;
	struct arena *arena = context->event->arena;
	uint64_t length =
		record->flags & CALL_HAS_MORE ? (uint32_t)record->how[2] : record->arguments[4];
	bool is_time =
		record->arguments[1] == SOCKET_LEVEL &&
		(record->arguments[2] == RECEIVE_TIMEOUT || record->arguments[2] == SEND_TIMEOUT);

	if (!(record->flags & CALL_HAS_HOW))
		return false;
	if (is_time && length == 16)
		*ret_value = value_text(arena_printf(arena, "%llu",
			(unsigned long long)(record->how[0] * 1000000000ull +
					     record->how[1] * 1000ull)));
	else if (length == 4)
		*ret_value = value_text(arena_printf(arena, "%d", (int32_t)record->how[0]));
	else if (length == 8)
		*ret_value =
			value_text(arena_printf(arena, "%llu", (unsigned long long)record->how[0]));
	else
		return false;
	return true;
}

/* The name of PR_SET_NAME, "" of others, whose argument may point anywhere. */
static bool give_prctl_text(const struct value_context *context,
	const struct event_argument *argument, struct value *ret_value)
{
	const struct call_record *record = context->call->record;

	if (record->arguments[0] != NAME_OPTION && record->arguments[0] != NAME_OPTION + 1)
		return give_text(argument, TEXT(""), ret_value);
	return !(record->flags & CALL_TEXT_0_FAILED) &&
	       give_text(argument, context->call->parts[CALL_TEXT_0], ret_value);
}

/* Of the pair only what the call made. */
static bool give_end(const struct value_context *context, const struct event_argument *argument,
	int place, struct value *ret_value)
{
	const struct call_record *record = context->call->record;

	if (!(record->flags & CALL_HAS_HOW) || record->result)
		return give_number(argument, (uint64_t)-1, ret_value);
	return give_number(argument, (uint32_t)(record->how[0] >> (place ? 32 : 0)), ret_value);
}

/* Values that stand in the caller's structures. */
static bool give_of_structure(const struct value_context *context,
	const struct event_argument *argument, enum argument_source source, struct value *ret_value)
{
	const struct call_record *record = context->call->record;
	bool has_how = record->flags & CALL_HAS_HOW;

	switch (source) {
	case SOURCE_PIPE_0:
	case SOURCE_ENDS_0:
		return give_end(context, argument, 0, ret_value);
	case SOURCE_PIPE_1:
	case SOURCE_ENDS_1:
		return give_end(context, argument, 1, ret_value);
	case SOURCE_END_ADDRESS:
		return give_number(argument, record->socket.address, ret_value);
	case SOURCE_END_PEER:
		return give_number(argument, record->socket.peer_address, ret_value);
	case SOURCE_LIMIT_CURRENT:
	case SOURCE_NEW_CURRENT:
		return give_limit(context, argument, 0, CALL_HAS_HOW, ret_value);
	case SOURCE_LIMIT_MAX:
	case SOURCE_NEW_MAX:
		return give_limit(context, argument, 1, CALL_HAS_HOW, ret_value);
	case SOURCE_OLD_CURRENT:
		return give_limit(context, argument, 2, CALL_HAS_MORE, ret_value);
	case SOURCE_OLD_MAX:
		return give_limit(context, argument, 3, CALL_HAS_MORE, ret_value);
	case SOURCE_SET_INHERITABLE:
		return has_how && give_number(argument, record->how[0], ret_value);
	case SOURCE_SET_PERMITTED:
		return has_how && give_number(argument, record->how[1], ret_value);
	case SOURCE_SET_EFFECTIVE:
		return has_how && give_number(argument, record->how[2], ret_value);
	case SOURCE_OPTION:
		return give_number(argument,
			record->arguments[1] == SOCKET_LEVEL ? record->arguments[2] : UINT32_MAX,
			ret_value);
	case SOURCE_OPTION_VALUE:
		return give_option(context, ret_value);
	case SOURCE_LENGTH_AT_4:
		return record->flags & CALL_HAS_MORE &&
		       give_number(argument, record->how[2], ret_value);
	case SOURCE_PRCTL_TEXT:
		return give_prctl_text(context, argument, ret_value);
	case SOURCE_PRCTL_NUMBER:
		return give_number(argument,
			record->arguments[0] == NAME_OPTION ||
					record->arguments[0] == NAME_OPTION + 1
				? 0
				: record->arguments[1],
			ret_value);
	case SOURCE_MASK_AT_1:
		return has_how && give_number(argument, record->how[0], ret_value);
	case SOURCE_ZERO:
		return give_number(argument, 0, ret_value);
	default:
		return false;
	}
}

/* Values that only a call's record has. */
static bool give_of_call(const struct value_context *context, const struct event_argument *argument,
	enum argument_source source, struct value *ret_value)
{
	const struct call_record *record = context->call->record;
	const struct event_fd *fd = &context->event->fd;
	struct arena *arena = context->event->arena;
	bool has_file = record->flags & CALL_HAS_FILE;

	event_name_fd(context->event);
	switch (source) {
	case SOURCE_MODE_IF_CREATING:
		return give_number(argument, open_mode(record), ret_value);
	case SOURCE_DEVICE:
		return has_file && give_number(argument, fd->device, ret_value);
	case SOURCE_INODE:
		return has_file && give_number(argument, fd->inode, ret_value);
	case SOURCE_CREATED:
		return has_file && give_number(argument, record->file.layer, ret_value);
	case SOURCE_REAL_PATH:
		return give_text(argument, fd->real_name, ret_value);
	case SOURCE_HOW_FLAGS:
		return record->flags & CALL_HAS_HOW &&
		       give_number(argument, record->how[0], ret_value);
	case SOURCE_HOW_RESOLVE:
		return record->flags & CALL_HAS_HOW &&
		       give_number(argument, record->how[2], ret_value);
	case SOURCE_CLONE_FLAGS:
		return record->flags & CALL_HAS_HOW &&
		       give_number(argument, record->how[0], ret_value);
	case SOURCE_CONTROL:
		return context->call->parts[CALL_CONTROL].length &&
		       give_text(argument, context->call->parts[CALL_CONTROL], ret_value);
	case SOURCE_TUPLE:
	case SOURCE_TUPLE_AT_4:
		return fd->name.length && give_text(argument, fd->name, ret_value);
	case SOURCE_ADDRESS_AT_1:
		return give_text(argument,
			address_text(arena, context->event, context->call->parts[CALL_ADDRESS]),
			ret_value);
	case SOURCE_DATA:
	case SOURCE_DATA_AT_1:
	case SOURCE_PAYLOAD_AT_0:
		return context->call->parts[CALL_DATA].length &&
		       give_text(argument, context->call->parts[CALL_DATA], ret_value);
	case SOURCE_MESSAGE_SIZE:
		return give_number(argument, record->how[0], ret_value);
	case SOURCE_QUEUE_LENGTH:
		return give_number(argument, record->socket.queue_length, ret_value);
	case SOURCE_QUEUE_MAX:
		return give_number(argument, record->socket.queue_max, ret_value);
	case SOURCE_QUEUE_PERCENT:
		return give_number(argument,
			record->socket.queue_max
				? 100ull * record->socket.queue_length / record->socket.queue_max
				: 0,
			ret_value);
	case SOURCE_SOCKET_TYPE:
		return give_number(argument, record->arguments[1] & 0xf, ret_value);
	case SOURCE_SOCKET_FLAGS:
		return give_number(argument, record->arguments[1] & ~0xfull, ret_value);
	default:
		return give_of_structure(context, argument, source, ret_value);
	}
}

/* Values that only the record of a successful exec has. */
static bool give_of_exec(const struct value_context *context, const struct event_argument *argument,
	enum argument_source source, struct value *ret_value)
{
	switch (source) {
	case SOURCE_FD_LIMIT:
		return give_number(argument, context->exec->fd_limit, ret_value);
	case SOURCE_MAJOR_FAULTS:
		return give_number(argument, context->exec->major_faults, ret_value);
	case SOURCE_MINOR_FAULTS:
		return give_number(argument, context->exec->minor_faults, ret_value);
	case SOURCE_VM_SIZE:
		return give_number(argument, context->exec->vm_size_kb, ret_value);
	case SOURCE_VM_RSS:
		return give_number(argument, context->exec->vm_rss_kb, ret_value);
	case SOURCE_VM_SWAP:
		return give_number(argument, context->exec->vm_swap_kb, ret_value);
	case SOURCE_FILE_NAME:
		return give_text(argument, context->file_name, ret_value);
	default:
		return false;
	}
}

static bool give_of_exit(const struct value_context *context, const struct event_argument *argument,
	enum argument_source source, struct value *ret_value)
{
	int status = (int)context->exit->status;

	switch (source) {
	case SOURCE_EXIT_STATUS:
		return give_number(argument, context->exit->status, ret_value);
	case SOURCE_EXIT_CODE:
		return give_number(
			argument, WIFEXITED(status) ? WEXITSTATUS(status) : 0, ret_value);
	case SOURCE_EXIT_SIGNAL:
		return give_number(argument, status & 0x7f, ret_value);
	case SOURCE_EXIT_CORE:
		return give_number(argument, !!(status & 0x80), ret_value);
	case SOURCE_REAPER:
		return give_number(argument, context->exit->reaper_pid, ret_value);
	default:
		return false;
	}
}

static bool give_of_process(const struct process *process, const struct event_argument *argument,
	enum argument_source source, struct value *ret_value)
{
	switch (source) {
	case SOURCE_EXE:
		return give_text(argument, process->exe, ret_value);
	case SOURCE_ARGUMENTS:
		return give_text(argument, process->arguments, ret_value);
	case SOURCE_ENVIRONMENT:
		return give_text(argument, process->environment, ret_value);
	case SOURCE_PID:
		return give_number(argument, (uint64_t)process->pid, ret_value);
	case SOURCE_PARENT_PID:
		return give_number(argument, (uint64_t)process->parent_pid, ret_value);
	case SOURCE_WORKING_DIRECTORY:
		return give_text(argument, process->working_directory, ret_value);
	case SOURCE_COMM:
		return give_text(argument, process->comm, ret_value);
	case SOURCE_CGROUPS:
		return give_text(argument, process->cgroup, ret_value);
	case SOURCE_TTY:
		return give_number(argument, process->tty, ret_value);
	case SOURCE_VIRTUAL_GROUP:
		return give_number(argument, (uint64_t)process->virtual_group_id, ret_value);
	case SOURCE_GROUP:
		return give_number(argument, (uint64_t)process->group_id, ret_value);
	case SOURCE_LOGIN_UID:
		return give_number(argument, (uint64_t)process->login_uid, ret_value);
	case SOURCE_EXE_FLAGS:
		return give_number(argument, process->exe_flags, ret_value);
	case SOURCE_CAPABILITIES_INHERITABLE:
		return give_number(argument, process->capabilities_inheritable, ret_value);
	case SOURCE_CAPABILITIES_PERMITTED:
		return give_number(argument, process->capabilities_permitted, ret_value);
	case SOURCE_CAPABILITIES_EFFECTIVE:
		return give_number(argument, process->capabilities_effective, ret_value);
	case SOURCE_EXE_INODE:
		return give_number(argument, process->exe_inode, ret_value);
	case SOURCE_EXE_CTIME:
		return give_number(argument, process->exe_inode_ctime_ns, ret_value);
	case SOURCE_EXE_MTIME:
		return give_number(argument, process->exe_inode_mtime_ns, ret_value);
	case SOURCE_EXE_PATH:
		return give_text(argument, process->exe_path, ret_value);
	case SOURCE_UID:
		return give_number(argument, (uint64_t)process->effective_user_id, ret_value);
	case SOURCE_GID:
		return give_number(argument, (uint64_t)process->effective_group_id, ret_value);
	default:
		return false;
	}
}

/*
 * The process of an exec that failed is not what it wanted to be: command line and environment are
 * those that it asked for, and of the image nothing is known.
 */
static bool give_of_failed_exec(const struct value_context *context,
	const struct event_argument *argument, enum argument_source source, struct value *ret_value)
{
	struct text arguments = context->call->parts[CALL_ARGUMENTS], exe = { NULL, 0 };

	if (arguments.length)
		(void)text_split(&arguments, '\0', &exe);
	else
		arguments = (struct text){ NULL, 0 };
	switch (source) {
	case SOURCE_EXE:
		return give_text(argument, exe, ret_value);
	case SOURCE_ARGUMENTS:
		return give_text(argument, arguments, ret_value);
	case SOURCE_ENVIRONMENT:
		return give_text(argument, context->call->parts[CALL_ENVIRONMENT], ret_value);
	case SOURCE_FILE_NAME:
		return !(context->call->record->flags & CALL_TEXT_0_FAILED) &&
		       give_text(argument, context->call->parts[CALL_TEXT_0], ret_value);
	case SOURCE_EXE_FLAGS:
	case SOURCE_EXE_INODE:
	case SOURCE_EXE_CTIME:
	case SOURCE_EXE_MTIME:
	case SOURCE_EXE_PATH:
		return false;
	default:
		return give_of_process(context->event->process, argument, source, ret_value);
	}
}

bool argument_value(const struct value_context *context, int index, struct value *ret_value)
{
	struct event *event = context->event;
	const struct event_argument *argument = &event->type->arguments[index];
	enum argument_source source = source_rows[event->type->id].sources[index];

	if (is_own_argument(source))
		return give_own(context, index, argument, source, ret_value);
	if (source == SOURCE_RES)
		return give_number(argument, (uint64_t)event->result, ret_value);
	if (source == SOURCE_TID)
		return give_number(argument, (uint64_t)event->thread_id, ret_value);
	if (context->call && give_of_call(context, argument, source, ret_value))
		return true;
	if (context->exec && give_of_exec(context, argument, source, ret_value))
		return true;
	if (context->exit && give_of_exit(context, argument, source, ret_value))
		return true;
	if (context->call && is_exec(event->type->id))
		return give_of_failed_exec(context, argument, source, ret_value);
	return give_of_process(event->process, argument, source, ret_value);
}
