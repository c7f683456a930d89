/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fields of the process behind an event, of its ancestors and of the leaders of its session and
 * groups. A process that is not known makes all of them absent.
 */
#include "base/memory.h"
#include "sensor/fields/families.h"
#include "sensor/fields/reader.h"
#include "sensor/fields/usage.h"
#include "sensor/state/runtimes/metadata.h"

#define ANCESTORS_MAX 100
/* How far proc.aenv[NAME] looks up (spec/rule-language.md 13). */
#define ENVIRONMENT_ANCESTORS 20
#define LINE_MAX_BYTES	      65536

/* Parts each ended by a NUL, joined by one blank behind `first`. */
static struct text joined(struct arena *arena, struct text first, bool has_first, struct text parts)
{
	size_t length = 0;
	char *line = arena_take(arena, first.length + parts.length + 2);
	struct text part;

	if (first.length)
		memcpy(line, first.data, first.length);
	length = first.length;
	for (bool is_next = has_first; parts.length && text_split(&parts, '\0', &part);
		is_next = true) {
		if (is_next)
			line[length++] = ' ';
		if (part.length)
			memcpy(line + length, part.data, part.length);
		length += part.length;
	}
	line[length] = '\0';
	return (struct text){ line, length };
}

struct text process_arguments(struct arena *arena, const struct process *process)
{
	return joined(arena, TEXT(""), false, process->arguments);
}

struct text process_command_line(struct arena *arena, const struct process *process)
{
	return joined(arena, process->comm, true, process->arguments);
}

/* The n-th of parts that are each ended by a NUL. */
static struct text part_at(struct text parts, int64_t n)
{
	struct text part;

	for (; parts.length && text_split(&parts, '\0', &part); n--)
		if (!n)
			return part;
	return (struct text){};
}

static struct text environment_of(const struct process *process, struct text name)
{
	struct text rest = process->environment, part;

	while (rest.length && text_split(&rest, '\0', &part))
		if (part.length > name.length && part.data[name.length] == '=' &&
			text_starts_with(part, name))
			return text_slice(part, name.length + 1, part.length);
	return (struct text){};
}

/* One thing to read from any process; no data: it has none. */
typedef struct text process_text(struct arena *arena, const struct process *process);

static struct text comm_of(struct arena *arena, const struct process *process)
{
	return process->comm;
}

static struct text exe_of(struct arena *arena, const struct process *process)
{
	return process->exe;
}

/* Never absent: an unknown path is the empty text. */
static struct text exe_path_of(struct arena *arena, const struct process *process)
{
	return process->exe_path.data ? process->exe_path : TEXT("");
}

static struct text environment_line_of(struct arena *arena, const struct process *process)
{
	return joined(arena, TEXT(""), false, process->environment);
}

static enum presence give_process_text(const struct event *event, const struct process *process,
	process_text *get, struct value *ret_value)
{
	return process ? give_text(ret_value, get(event->arena, process)) : ABSENT;
}

static const struct process *parent_of(const struct event *event)
{
	return event->process ? process_ancestor(event->process, 1) : NULL;
}

/* FIELD[N], or without an index the list of all ancestors' values. */
static enum presence give_ancestor_text(const struct event *event, const struct field_use *use,
	process_text *get, struct value *ret_value)
{
	const struct process *process = event->process;
	struct value *items;
	size_t count = 0;

	if (!process)
		return ABSENT;
	if (use->has_argument)
		return give_process_text(event,
			process_ancestor(process, (unsigned)MIN_OF(use->index, ANCESTORS_MAX)), get,
			ret_value);
	items = ARENA_NEW(event->arena, struct value, ANCESTORS_MAX);
	while (count < ANCESTORS_MAX && (process = process_ancestor(process, 1)))
		items[count++] = value_text(get(event->arena, process));
	*ret_value = (struct value){ .kind = VALUE_LIST, .list = { items, count } };
	return count ? PRESENT : ABSENT;
}

READER(proc_exe)
{
	return give_process_text(event, event->process, exe_of, ret_value);
}

READER(proc_pexe)
{
	return give_process_text(event, parent_of(event), exe_of, ret_value);
}

READER(proc_aexe)
{
	return give_ancestor_text(event, use, exe_of, ret_value);
}

READER(proc_exepath)
{
	return give_process_text(event, event->process, exe_path_of, ret_value);
}

READER(proc_pexepath)
{
	return give_process_text(event, parent_of(event), exe_path_of, ret_value);
}

READER(proc_aexepath)
{
	return give_ancestor_text(event, use, exe_path_of, ret_value);
}

READER(proc_name)
{
	return give_process_text(event, event->process, comm_of, ret_value);
}

READER(proc_pname)
{
	return give_process_text(event, parent_of(event), comm_of, ret_value);
}

READER(proc_aname)
{
	return give_ancestor_text(event, use, comm_of, ret_value);
}

READER(proc_args)
{
	if (!event->process)
		return ABSENT;
	if (use->has_argument)
		return give_text(ret_value, part_at(event->process->arguments, use->index));
	return give_text(ret_value, process_arguments(event->arena, event->process));
}

/* Without an index the text of all ancestors, not a list (spec/rule-language.md 3.8). */
READER(proc_aargs)
{
	struct buffer line;
	struct text text;

	if (use->has_argument)
		return give_ancestor_text(event, use, process_arguments, ret_value);
	if (give_ancestor_text(event, use, process_arguments, ret_value) != PRESENT)
		return ABSENT;
	buffer_init(&line, LINE_MAX_BYTES);
	for (size_t i = 0; i < ret_value->list.count; i++) {
		buffer_add_string(&line, i ? " " : "");
		buffer_add_text(&line, ret_value->list.items[i].text);
	}
	text = arena_copy(event->arena, buffer_text(&line));
	buffer_done(&line);
	return give_text(ret_value, text.data ? text : TEXT(""));
}

READER(proc_cmdline)
{
	return give_process_text(event, event->process, process_command_line, ret_value);
}

READER(proc_pcmdline)
{
	return give_process_text(event, parent_of(event), process_command_line, ret_value);
}

READER(proc_acmdline)
{
	return give_ancestor_text(event, use, process_command_line, ret_value);
}

READER(proc_cmdnargs)
{
	uint64_t count = 0;

	if (!event->process)
		return ABSENT;
	for (size_t i = 0; i < event->process->arguments.length; i++)
		count += !event->process->arguments.data[i];
	return give_unsigned(ret_value, count);
}

READER(proc_cmdlenargs)
{
	uint64_t count = 0;

	if (!event->process)
		return ABSENT;
	for (size_t i = 0; i < event->process->arguments.length; i++)
		count += event->process->arguments.data[i] != '\0';
	return give_unsigned(ret_value, count);
}

READER(proc_exeline)
{
	struct text arguments;

	if (!event->process)
		return ABSENT;
	arguments = process_arguments(event->arena, event->process);
	return give_text(
		ret_value, arena_printf(event->arena, TEXT_FORMAT " " TEXT_FORMAT,
				   TEXT_PRINT(event->process->exe), TEXT_PRINT(arguments)));
}

/* A variable that is not set is the empty text. */
READER(proc_env)
{
	struct text found;

	if (!event->process)
		return ABSENT;
	if (!use->has_argument)
		return give_text(ret_value, environment_line_of(event->arena, event->process));
	found = environment_of(event->process, use->key);
	return give_text(ret_value, found.data ? found : TEXT(""));
}

READER(proc_aenv)
{
	const struct process *process = event->process;

	if (!process || !use->has_argument || use->index >= 0)
		return give_ancestor_text(event, use, environment_line_of, ret_value);
	for (unsigned n = 0; n < ENVIRONMENT_ANCESTORS; n++) {
		struct text found;

		process = process_ancestor(process, 1);
		if (!process)
			break;
		found = environment_of(process, use->key);
		if (found.data)
			return give_text(ret_value, found);
	}
	return give_text(ret_value, TEXT(""));
}

READER(proc_cwd)
{
	struct text directory;

	if (!event->process || !event->process->working_directory.length)
		return ABSENT;
	directory = event->process->working_directory;
	if (text_ends_with(directory, TEXT("/")))
		return give_text(ret_value, directory);
	return give_text(
		ret_value, arena_printf(event->arena, TEXT_FORMAT "/", TEXT_PRINT(directory)));
}

READER(proc_loginshellid)
{
	const struct process *process = event->process;
	int64_t found = -1;

	for (unsigned n = 0; process && n <= ANCESTORS_MAX; n++) {
		if (text_ends_with(process->comm, TEXT("sh")))
			found = process->pid;
		process = process_ancestor(process, 1);
	}
	return give_id(ret_value, found);
}

READER(proc_tty)
{
	return event->process ? give_unsigned(ret_value, event->process->tty) : ABSENT;
}

READER(proc_pid)
{
	return event->process ? give_id(ret_value, event->process->pid) : ABSENT;
}

READER(proc_ppid)
{
	return event->process ? give_id(ret_value, event->process->parent_pid) : ABSENT;
}

READER(proc_apid)
{
	const struct process *process;
	struct value *items;
	size_t count = 0;

	if (!event->process)
		return ABSENT;
	if (use->has_argument) {
		process = process_ancestor(
			event->process, (unsigned)MIN_OF(use->index, ANCESTORS_MAX));
		return process ? give_id(ret_value, process->pid) : ABSENT;
	}
	items = ARENA_NEW(event->arena, struct value, ANCESTORS_MAX);
	process = event->process;
	while (count < ANCESTORS_MAX && (process = process_ancestor(process, 1)))
		items[count++] = value_signed(process->pid);
	*ret_value = (struct value){ .kind = VALUE_LIST, .list = { items, count } };
	return count ? PRESENT : ABSENT;
}

READER(proc_vpid)
{
	return event->process ? give_id(ret_value, event->process->vpid) : ABSENT;
}

READER(proc_pvpid)
{
	const struct process *parent = parent_of(event);

	return parent ? give_id(ret_value, parent->vpid) : ABSENT;
}

/* The numbers by which a process belongs to a group with a leader. */
enum membership { SESSION, GROUP, VIRTUAL_GROUP };

static int64_t membership_id(const struct process *process, enum membership membership)
{
	switch (membership) {
	case SESSION:
		return process->session_id;
	case GROUP:
		return process->group_id;
	default:
		return process->virtual_group_id;
	}
}

/* The number that a leader shares with its group. */
static int64_t leader_id(const struct process *process, enum membership membership)
{
	return membership == VIRTUAL_GROUP ? process->vpid : process->pid;
}

/* The leader among the process and its ancestors, or the eldest that belongs to the same group. */
static const struct process *leader_of(const struct event *event, enum membership membership)
{
	const struct process *process = event->process, *leader = NULL;
	int64_t wanted = process ? membership_id(process, membership) : -1;

	for (unsigned n = 0; process && wanted >= 0 && n <= ANCESTORS_MAX; n++) {
		if (membership_id(process, membership) != wanted)
			break;
		leader = process;
		if (leader_id(process, membership) == wanted)
			break;
		process = process_ancestor(process, 1);
	}
	return leader;
}

READER(proc_sid)
{
	return event->process ? give_id(ret_value, event->process->session_id) : ABSENT;
}

READER(proc_sname)
{
	return give_process_text(event, leader_of(event, SESSION), comm_of, ret_value);
}

READER(proc_sid_exe)
{
	return give_process_text(event, leader_of(event, SESSION), exe_of, ret_value);
}

READER(proc_sid_exepath)
{
	return give_process_text(event, leader_of(event, SESSION), exe_path_of, ret_value);
}

READER(proc_vpgid)
{
	return event->process ? give_id(ret_value, event->process->virtual_group_id) : ABSENT;
}

READER(proc_vpgid_name)
{
	return give_process_text(event, leader_of(event, VIRTUAL_GROUP), comm_of, ret_value);
}

READER(proc_vpgid_exe)
{
	return give_process_text(event, leader_of(event, VIRTUAL_GROUP), exe_of, ret_value);
}

READER(proc_vpgid_exepath)
{
	return give_process_text(event, leader_of(event, VIRTUAL_GROUP), exe_path_of, ret_value);
}

READER(proc_pgid)
{
	return event->process ? give_id(ret_value, event->process->group_id) : ABSENT;
}

READER(proc_pgid_name)
{
	return give_process_text(event, leader_of(event, GROUP), comm_of, ret_value);
}

READER(proc_pgid_exe)
{
	return give_process_text(event, leader_of(event, GROUP), exe_of, ret_value);
}

READER(proc_pgid_exepath)
{
	return give_process_text(event, leader_of(event, GROUP), exe_path_of, ret_value);
}

static enum presence give_age(
	const struct event *event, const struct process *process, struct value *ret_value)
{
	if (!process || !process->clone_time_ns || process->clone_time_ns > event->time_ns)
		return ABSENT;
	return give_unsigned(ret_value, event->time_ns - process->clone_time_ns);
}

READER(proc_duration)
{
	return give_age(event, event->process, ret_value);
}

READER(proc_ppid_duration)
{
	return give_age(event, parent_of(event), ret_value);
}

static enum presence give_clone_time(const struct process *process, struct value *ret_value)
{
	if (!process || !process->clone_time_ns)
		return ABSENT;
	return give_unsigned(ret_value, process->clone_time_ns);
}

READER(proc_pid_ts)
{
	return give_clone_time(event->process, ret_value);
}

READER(proc_ppid_ts)
{
	return give_clone_time(parent_of(event), ret_value);
}

static enum presence give_exe_flag(
	const struct event *event, enum exe_flags flag, struct value *ret_value)
{
	if (!event->process)
		return ABSENT;
	return give_bool(ret_value, (event->process->exe_flags & flag) != 0);
}

READER(proc_is_exe_writable)
{
	return give_exe_flag(event, EXE_WRITABLE, ret_value);
}

READER(proc_is_exe_upper_layer)
{
	return give_exe_flag(event, EXE_UPPER_LAYER, ret_value);
}

READER(proc_is_exe_lower_layer)
{
	return give_exe_flag(event, EXE_LOWER_LAYER, ret_value);
}

READER(proc_is_exe_from_memfd)
{
	return give_exe_flag(event, EXE_FROM_MEMFD, ret_value);
}

/* Falco compares the session with the pid of the namespace; both ways of counting are right. */
READER(proc_is_sid_leader)
{
	const struct process *process = event->process;

	if (!process)
		return ABSENT;
	return give_bool(ret_value, process->session_id == process->pid);
}

READER(proc_is_vpgid_leader)
{
	const struct process *process = event->process;

	if (!process)
		return ABSENT;
	return give_bool(ret_value, process->virtual_group_id == process->vpid);
}

READER(proc_is_pgid_leader)
{
	const struct process *process = event->process;

	return process ? give_bool(ret_value, process->group_id == process->pid) : ABSENT;
}

READER(proc_exe_ino)
{
	if (!event->process || !event->process->exe_inode)
		return ABSENT;
	return give_signed(ret_value, (int64_t)event->process->exe_inode);
}

READER(proc_exe_ino_ctime)
{
	if (!event->process || !event->process->exe_inode_ctime_ns)
		return ABSENT;
	return give_unsigned(ret_value, event->process->exe_inode_ctime_ns);
}

READER(proc_exe_ino_mtime)
{
	if (!event->process || !event->process->exe_inode_mtime_ns)
		return ABSENT;
	return give_unsigned(ret_value, event->process->exe_inode_mtime_ns);
}

static enum presence give_span(struct value *ret_value, uint64_t from_ns, uint64_t to_ns)
{
	if (!from_ns || !to_ns || from_ns > to_ns)
		return ABSENT;
	return give_unsigned(ret_value, to_ns - from_ns);
}

READER(proc_exe_ino_ctime_duration_proc_start)
{
	if (!event->process)
		return ABSENT;
	return give_span(
		ret_value, event->process->exe_inode_ctime_ns, event->process->clone_time_ns);
}

uint64_t namespace_start_ns(const struct process *process)
{
	uint64_t namespace = process ? process->pid_namespace : 0;

	for (unsigned n = 0; process && n <= ANCESTORS_MAX; n++) {
		if (process->pid_namespace != namespace)
			break;
		if (process->namespace_start_ns || process->vpid == 1)
			return process->namespace_start_ns;
		process = process_ancestor(process, 1);
	}
	return 0;
}

READER(proc_exe_ino_ctime_duration_pidns_start)
{
	if (!event->process)
		return ABSENT;
	return give_span(
		ret_value, namespace_start_ns(event->process), event->process->exe_inode_ctime_ns);
}

READER(proc_pidns_init_start_ts)
{
	uint64_t start_ns = namespace_start_ns(event->process);

	return start_ns ? give_unsigned(ret_value, start_ns) : ABSENT;
}

#define ANCESTORS (FIELD_ANY_ANCESTOR | FIELD_OF_PROCESS | ALONE)

/* The command line of argv, as a runtime prints a probe's. */
static struct text argv_text(struct arena *arena, const struct process *process)
{
	return joined(arena, process->exe, true, process->arguments);
}

/*
 * The metadata's text was cleaned when it was kept, so that a command of many lines has blanks.
 * A probe is entered from outside: the process that runs its command has a parent that is not in
 * the container. So nothing inside can pass for one.
 */
static bool belongs_to_probe(const struct event *event, struct text probe)
{
	const struct process *process;

	for (unsigned i = 0; (process = process_ancestor(event->process, i)); i++) {
		const struct process *parent = process_ancestor(event->process, i + 1);

		if (process->container != event->container || !parent)
			return false;
		if (parent->container != event->container)
			return kept_equals(probe, argv_text(event->arena, process));
	}
	return false;
}

static enum presence give_is_probe(const struct event *event, struct value *ret_value,
	struct text (*probe_of)(const struct metadata *metadata))
{
	const struct metadata *metadata;
	enum presence presence = metadata_of(event, &metadata);

	if (presence == WAITS)
		return WAITS;
	if (presence == ABSENT || !event->process || !probe_of(metadata).length)
		return give_bool(ret_value, false);
	return give_bool(ret_value, belongs_to_probe(event, probe_of(metadata)));
}

#define IS_PROBE(name)                                                     \
	static struct text text_of_##name(const struct metadata *metadata) \
	{                                                                  \
		return metadata->name;                                     \
	}                                                                  \
	READER(proc_is_##name)                                             \
	{                                                                  \
		return give_is_probe(event, ret_value, text_of_##name);    \
	}

IS_PROBE(healthcheck)
IS_PROBE(liveness_probe)
IS_PROBE(readiness_probe)

static const struct field fields[] = {
	{ "proc.exe", TYPE_CHARBUF, ARGUMENT_NONE, FIELD_OF_PROCESS,
		"First argument of the exec, untouched", proc_exe },
	{ "proc.pexe", TYPE_CHARBUF, ARGUMENT_NONE, FIELD_OF_PROCESS, "proc.exe of the parent",
		proc_pexe },
	{ "proc.aexe", TYPE_CHARBUF, ARGUMENT_INDEX_OPTIONAL, ANCESTORS,
		"proc.exe of an ancestor: [1] is the parent; without index any of them",
		proc_aexe },
	{ "proc.exepath", TYPE_CHARBUF, ARGUMENT_NONE, FIELD_OF_PROCESS,
		"Resolved path of the program; empty when it is not known", proc_exepath },
	{ "proc.pexepath", TYPE_CHARBUF, ARGUMENT_NONE, FIELD_OF_PROCESS,
		"proc.exepath of the parent", proc_pexepath },
	{ "proc.aexepath", TYPE_CHARBUF, ARGUMENT_INDEX_OPTIONAL, ANCESTORS,
		"proc.exepath of an ancestor; without index any of them", proc_aexepath },
	{ "proc.name", TYPE_CHARBUF, ARGUMENT_NONE, FIELD_OF_PROCESS,
		"Command name as the kernel keeps it, at most 15 bytes", proc_name },
	{ "proc.pname", TYPE_CHARBUF, ARGUMENT_NONE, FIELD_OF_PROCESS,
		"proc.name of the parent; absent when the parent is not known", proc_pname },
	{ "proc.aname", TYPE_CHARBUF, ARGUMENT_INDEX_OPTIONAL, ANCESTORS,
		"proc.name of an ancestor: [0] is the process; without index any ancestor",
		proc_aname },
	{ "proc.args", TYPE_CHARBUF, ARGUMENT_INDEX_OPTIONAL, FIELD_OF_PROCESS,
		"Arguments behind the first, joined by blanks, or one of them from [0]",
		proc_args },
	{ "proc.aargs", TYPE_CHARBUF, ARGUMENT_INDEX_OPTIONAL, FIELD_OF_PROCESS,
		"proc.args of an ancestor; without index those of all ancestors in one line",
		proc_aargs },
	{ "proc.cmdline", TYPE_CHARBUF, ARGUMENT_NONE, FIELD_OF_PROCESS,
		"Command line: proc.name and proc.args", proc_cmdline },
	{ "proc.pcmdline", TYPE_CHARBUF, ARGUMENT_NONE, FIELD_OF_PROCESS,
		"proc.cmdline of the parent", proc_pcmdline },
	{ "proc.acmdline", TYPE_CHARBUF, ARGUMENT_INDEX_OPTIONAL, ANCESTORS,
		"proc.cmdline of an ancestor; without index any of them", proc_acmdline },
	{ "proc.cmdnargs", TYPE_UINT64, ARGUMENT_NONE, FIELD_OF_PROCESS,
		"How many arguments proc.args has", proc_cmdnargs },
	{ "proc.cmdlenargs", TYPE_UINT64, ARGUMENT_NONE, FIELD_OF_PROCESS,
		"Bytes of all arguments without the blanks between them", proc_cmdlenargs },
	{ "proc.exeline", TYPE_CHARBUF, ARGUMENT_NONE, FIELD_OF_PROCESS, "proc.exe and proc.args",
		proc_exeline },
	{ "proc.env", TYPE_CHARBUF, ARGUMENT_KEY_OPTIONAL, FIELD_OF_PROCESS,
		"Environment in one line, or one variable; empty when that is not set", proc_env },
	{ "proc.aenv", TYPE_CHARBUF, ARGUMENT_KEY_OPTIONAL, ANCESTORS,
		"Environment of an ancestor by index, or the nearest ancestor's variable by name",
		proc_aenv },
	{ "proc.cwd", TYPE_CHARBUF, ARGUMENT_NONE, FIELD_OF_PROCESS,
		"Working directory with a slash at its end", proc_cwd, "chdir fchdir" },
	{ "proc.loginshellid", TYPE_INT64, ARGUMENT_NONE, FIELD_OF_PROCESS,
		"Pid of the eldest ancestor whose name ends in sh", proc_loginshellid },
	{ "proc.tty", TYPE_UINT32, ARGUMENT_NONE, FIELD_OF_PROCESS,
		"Number of the controlling terminal; 0 without one", proc_tty },
	{ "proc.pid", TYPE_INT64, ARGUMENT_NONE, FIELD_OF_PROCESS, "Process id on the host",
		proc_pid },
	{ "proc.ppid", TYPE_INT64, ARGUMENT_NONE, FIELD_OF_PROCESS, "Process id of the parent",
		proc_ppid },
	{ "proc.apid", TYPE_INT64, ARGUMENT_INDEX_OPTIONAL, ANCESTORS,
		"Process id of an ancestor; without index any of them", proc_apid },
	{ "proc.vpid", TYPE_INT64, ARGUMENT_NONE, FIELD_OF_PROCESS,
		"Process id inside its own pid namespace; 1 is a container's first process",
		proc_vpid },
	{ "proc.pvpid", TYPE_INT64, ARGUMENT_NONE, FIELD_OF_PROCESS, "proc.vpid of the parent",
		proc_pvpid },
	{ "proc.sid", TYPE_INT64, ARGUMENT_NONE, FIELD_OF_PROCESS, "Session id", proc_sid },
	{ "proc.sname", TYPE_CHARBUF, ARGUMENT_NONE, FIELD_OF_PROCESS,
		"proc.name of the session's leader", proc_sname },
	{ "proc.sid.exe", TYPE_CHARBUF, ARGUMENT_NONE, FIELD_OF_PROCESS,
		"proc.exe of the session's leader", proc_sid_exe },
	{ "proc.sid.exepath", TYPE_CHARBUF, ARGUMENT_NONE, FIELD_OF_PROCESS,
		"proc.exepath of the session's leader", proc_sid_exepath },
	{ "proc.vpgid", TYPE_INT64, ARGUMENT_NONE, FIELD_OF_PROCESS,
		"Process group id inside the pid namespace", proc_vpgid },
	{ "proc.vpgid.name", TYPE_CHARBUF, ARGUMENT_NONE, FIELD_OF_PROCESS,
		"proc.name of the leader of proc.vpgid", proc_vpgid_name },
	{ "proc.vpgid.exe", TYPE_CHARBUF, ARGUMENT_NONE, FIELD_OF_PROCESS,
		"proc.exe of the leader of proc.vpgid", proc_vpgid_exe },
	{ "proc.vpgid.exepath", TYPE_CHARBUF, ARGUMENT_NONE, FIELD_OF_PROCESS,
		"proc.exepath of the leader of proc.vpgid", proc_vpgid_exepath },
	{ "proc.pgid", TYPE_INT64, ARGUMENT_NONE, FIELD_OF_PROCESS, "Process group id on the host",
		proc_pgid },
	{ "proc.pgid.name", TYPE_CHARBUF, ARGUMENT_NONE, FIELD_OF_PROCESS,
		"proc.name of the leader of proc.pgid", proc_pgid_name },
	{ "proc.pgid.exe", TYPE_CHARBUF, ARGUMENT_NONE, FIELD_OF_PROCESS,
		"proc.exe of the leader of proc.pgid", proc_pgid_exe },
	{ "proc.pgid.exepath", TYPE_CHARBUF, ARGUMENT_NONE, FIELD_OF_PROCESS,
		"proc.exepath of the leader of proc.pgid", proc_pgid_exepath },
	{ "proc.duration", TYPE_RELTIME, ARGUMENT_NONE, 0,
		"Age of the process in ns; absent when it is older than the sensor",
		proc_duration },
	{ "proc.ppid.duration", TYPE_RELTIME, ARGUMENT_NONE, 0, "proc.duration of the parent",
		proc_ppid_duration },
	{ "proc.pid.ts", TYPE_RELTIME, ARGUMENT_NONE, FIELD_OF_PROCESS,
		"When the process began, ns since 1970", proc_pid_ts },
	{ "proc.ppid.ts", TYPE_RELTIME, ARGUMENT_NONE, FIELD_OF_PROCESS,
		"proc.pid.ts of the parent", proc_ppid_ts },
	{ "proc.is_exe_writable", TYPE_BOOL, ARGUMENT_NONE, FIELD_OF_PROCESS,
		"Whether the process' user may write to its program file", proc_is_exe_writable },
	{ "proc.is_exe_upper_layer", TYPE_BOOL, ARGUMENT_NONE, FIELD_OF_PROCESS,
		"Whether the program was put into the container after it was made from its image",
		proc_is_exe_upper_layer },
	{ "proc.is_exe_lower_layer", TYPE_BOOL, ARGUMENT_NONE, FIELD_OF_PROCESS,
		"Whether the program is one of the image's", proc_is_exe_lower_layer },
	{ "proc.is_exe_from_memfd", TYPE_BOOL, ARGUMENT_NONE, FIELD_OF_PROCESS,
		"Whether the program lies in memory alone (memfd_create)", proc_is_exe_from_memfd },
	{ "proc.is_sid_leader", TYPE_BOOL, ARGUMENT_NONE, FIELD_OF_PROCESS,
		"Whether it leads its session", proc_is_sid_leader },
	{ "proc.is_vpgid_leader", TYPE_BOOL, ARGUMENT_NONE, FIELD_OF_PROCESS,
		"Whether it leads its group, in the namespace's numbers", proc_is_vpgid_leader },
	{ "proc.is_pgid_leader", TYPE_BOOL, ARGUMENT_NONE, FIELD_OF_PROCESS,
		"Whether it leads its group", proc_is_pgid_leader },
	{ "proc.exe_ino", TYPE_INT64, ARGUMENT_NONE, FIELD_OF_PROCESS, "Inode of the program file",
		proc_exe_ino },
	{ "proc.exe_ino.ctime", TYPE_ABSTIME, ARGUMENT_NONE, FIELD_OF_PROCESS,
		"When the program file's inode last changed, ns since 1970", proc_exe_ino_ctime },
	{ "proc.exe_ino.mtime", TYPE_ABSTIME, ARGUMENT_NONE, FIELD_OF_PROCESS,
		"When the program file's content last changed, ns since 1970", proc_exe_ino_mtime },
	{ "proc.exe_ino.ctime_duration_proc_start", TYPE_ABSTIME, ARGUMENT_NONE, FIELD_OF_PROCESS,
		"Time from the program file's last change to the start of the process, ns",
		proc_exe_ino_ctime_duration_proc_start },
	{ "proc.exe_ino.ctime_duration_pidns_start", TYPE_ABSTIME, ARGUMENT_NONE, FIELD_OF_PROCESS,
		"Time from the start of the pid namespace to the program file's last change, ns",
		proc_exe_ino_ctime_duration_pidns_start },
	{ "proc.pidns_init_start_ts", TYPE_UINT64, ARGUMENT_NONE, FIELD_OF_PROCESS,
		"When the pid namespace's first process began, ns since 1970",
		proc_pidns_init_start_ts },
	{ "proc.fdopencount", TYPE_UINT64, ARGUMENT_NONE, FIELD_LOOK,
		"How many descriptors are open, counted up to 4096", proc_fdopencount },
	{ "proc.fdlimit", TYPE_INT64, ARGUMENT_NONE, FIELD_LOOK, "How many descriptors may be open",
		proc_fdlimit },
	{ "proc.fdusage", TYPE_DOUBLE, ARGUMENT_NONE, FIELD_LOOK,
		"Share of the allowed descriptors that is open, in percent; conditions compare the "
		"whole part",
		proc_fdusage },
	{ "proc.vmsize", TYPE_UINT64, ARGUMENT_NONE, FIELD_LOOK, "Virtual memory, kB",
		proc_vmsize },
	{ "proc.vmrss", TYPE_UINT64, ARGUMENT_NONE, FIELD_LOOK, "Resident memory, kB", proc_vmrss },
	{ "proc.vmswap", TYPE_UINT64, ARGUMENT_NONE, FIELD_LOOK, "Swapped memory, kB",
		proc_vmswap },
	{ "proc.nthreads", TYPE_UINT64, ARGUMENT_NONE, FIELD_LOOK, "Threads that it has",
		proc_nthreads },
	{ "proc.nchilds", TYPE_UINT64, ARGUMENT_NONE, FIELD_LOOK, "Threads beside the main one",
		proc_nchilds },
	{ "proc.stdin.type", TYPE_CHARBUF, ARGUMENT_NONE, FIELD_LOOK, "fd.type of its descriptor 0",
		proc_stdin_type },
	{ "proc.stdout.type", TYPE_CHARBUF, ARGUMENT_NONE, FIELD_LOOK,
		"fd.type of its descriptor 1", proc_stdout_type },
	{ "proc.stderr.type", TYPE_CHARBUF, ARGUMENT_NONE, FIELD_LOOK,
		"fd.type of its descriptor 2", proc_stderr_type },
	{ "proc.stdin.name", TYPE_CHARBUF, ARGUMENT_NONE, FIELD_LOOK, "fd.name of its descriptor 0",
		proc_stdin_name },
	{ "proc.stdout.name", TYPE_CHARBUF, ARGUMENT_NONE, FIELD_LOOK,
		"fd.name of its descriptor 1", proc_stdout_name },
	{ "proc.stderr.name", TYPE_CHARBUF, ARGUMENT_NONE, FIELD_LOOK,
		"fd.name of its descriptor 2", proc_stderr_name },
	{ "proc.is_container_healthcheck", TYPE_BOOL, ARGUMENT_NONE,
		FIELD_METADATA | FIELD_OF_PROCESS,
		"Whether it is, or belongs to, the container's health check", proc_is_healthcheck },
	{ "proc.is_container_liveness_probe", TYPE_BOOL, ARGUMENT_NONE,
		FIELD_METADATA | FIELD_OF_PROCESS,
		"Whether it is, or belongs to, the container's liveness probe",
		proc_is_liveness_probe },
	{ "proc.is_container_readiness_probe", TYPE_BOOL, ARGUMENT_NONE,
		FIELD_METADATA | FIELD_OF_PROCESS,
		"Whether it is, or belongs to, the container's readiness probe",
		proc_is_readiness_probe },
};

const struct field_family family_proc = { "proc", "The process and its ancestors", fields,
	COUNT_OF(fields) };
