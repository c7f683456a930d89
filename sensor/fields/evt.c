/* SPDX-License-Identifier: Apache-2.0 */
/* Fields of the event itself: when, what, with which arguments and which outcome. */
#include <inttypes.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"
#include "sensor/fields/families.h"
#include "sensor/fields/reader.h"

READER(evt_num)
{
	return give_unsigned(ret_value, event->number);
}

enum clock_zone { ZONE_LOCAL, ZONE_UTC };

static struct tm time_of(const struct event *event, enum clock_zone zone)
{
	time_t seconds = (time_t)(event->time_ns / (uint64_t)NS_PER_SECOND);
	struct tm tm;

	if (zone == ZONE_UTC)
		gmtime_r(&seconds, &tm);
	else
		localtime_r(&seconds, &tm);
	return tm;
}

static struct text clock_text(struct arena *arena, const struct tm *tm)
{
	return arena_printf(arena, "%02d:%02d:%02d", tm->tm_hour, tm->tm_min, tm->tm_sec);
}

static struct text date_text(struct arena *arena, const struct tm *tm)
{
	return arena_printf(
		arena, "%04d-%02d-%02d", tm->tm_year + 1900, tm->tm_mon + 1, tm->tm_mday);
}

static enum presence give_date(const struct event *event, struct value *ret_value,
	enum clock_zone zone, const char *between, const char *end)
{
	struct tm tm = time_of(event, zone);
	struct text date = date_text(event->arena, &tm);
	struct text clock = clock_text(event->arena, &tm);

	return give_text(ret_value,
		arena_printf(event->arena, TEXT_FORMAT "%s" TEXT_FORMAT ".%09" PRIu64 "%s",
			TEXT_PRINT(date), between, TEXT_PRINT(clock),
			event->time_ns % (uint64_t)NS_PER_SECOND, end));
}

READER(evt_time)
{
	struct tm tm = time_of(event, ZONE_LOCAL);
	struct text clock = clock_text(event->arena, &tm);

	return give_text(
		ret_value, arena_printf(event->arena, TEXT_FORMAT ".%09" PRIu64, TEXT_PRINT(clock),
				   event->time_ns % (uint64_t)NS_PER_SECOND));
}

READER(evt_time_s)
{
	struct tm tm = time_of(event, ZONE_LOCAL);

	return give_text(ret_value, clock_text(event->arena, &tm));
}

READER(evt_time_iso8601)
{
	return give_date(event, ret_value, ZONE_UTC, "T", "+0000");
}

READER(evt_datetime)
{
	return give_date(event, ret_value, ZONE_LOCAL, " ", "");
}

READER(evt_datetime_s)
{
	struct tm tm = time_of(event, ZONE_LOCAL);
	struct text date = date_text(event->arena, &tm);
	struct text clock = clock_text(event->arena, &tm);

	return give_text(ret_value, arena_printf(event->arena, TEXT_FORMAT " " TEXT_FORMAT,
					    TEXT_PRINT(date), TEXT_PRINT(clock)));
}

READER(evt_rawtime)
{
	return give_unsigned(ret_value, event->time_ns);
}

/* Processors write side by side: the event before may be a little younger. */
static uint64_t time_since(const struct event *event, uint64_t before_ns)
{
	return before_ns && event->time_ns > before_ns ? event->time_ns - before_ns : 0;
}

READER(evt_reltime)
{
	return give_unsigned(ret_value, time_since(event, event->first_time_ns));
}

READER(evt_reltime_s)
{
	return give_unsigned(
		ret_value, time_since(event, event->first_time_ns) / (uint64_t)NS_PER_SECOND);
}

READER(evt_reltime_ns)
{
	return give_unsigned(
		ret_value, time_since(event, event->first_time_ns) % (uint64_t)NS_PER_SECOND);
}

READER(evt_deltatime)
{
	return give_unsigned(ret_value, time_since(event, event->previous_time_ns));
}

READER(evt_deltatime_s)
{
	return give_unsigned(
		ret_value, time_since(event, event->previous_time_ns) / (uint64_t)NS_PER_SECOND);
}

READER(evt_deltatime_ns)
{
	return give_unsigned(
		ret_value, time_since(event, event->previous_time_ns) % (uint64_t)NS_PER_SECOND);
}

READER(evt_rawtime_s)
{
	return give_unsigned(ret_value, event->time_ns / (uint64_t)NS_PER_SECOND);
}

READER(evt_rawtime_ns)
{
	return give_unsigned(ret_value, event->time_ns % (uint64_t)NS_PER_SECOND);
}

READER(evt_source)
{
	return give_text(ret_value, TEXT("syscall"));
}

READER(no)
{
	return give_bool(ret_value, false);
}

READER(zero)
{
	return give_unsigned(ret_value, 0);
}

READER(one)
{
	return give_unsigned(ret_value, 1);
}

READER(no_latency)
{
	return give_text(ret_value, TEXT("0ns"));
}

READER(evt_hostname)
{
	const char *given = getenv("FALCO_HOSTNAME");
	char name[256] = "";

	if (given && *given)
		return give_text(ret_value, text_of(given));
	if (gethostname(name, sizeof(name) - 1) < 0)
		return ABSENT;
	return give_text(ret_value, arena_copy(event->arena, text_of(name)));
}

READER(evt_dir)
{
	return give_text(ret_value, TEXT("<"));
}

READER(evt_type)
{
	return give_text(ret_value, text_of(event->type->name));
}

READER(evt_type_is)
{
	return give_unsigned(ret_value, text_is(use->key, event->type->name));
}

READER(syscall_type)
{
	return event->type->is_syscall ? evt_type(event, use, ret_value) : ABSENT;
}

READER(evt_cpu)
{
	return give_signed(ret_value, event->cpu);
}

READER(evt_args)
{
	return give_text(ret_value, arguments_text(event));
}

READER(evt_arg)
{
	int index = use->index >= 0 ? (int)MIN_OF(use->index, EVENT_ARGUMENTS_MAX)
				    : argument_index(event, use->key);
	struct text text = {};

	if (argument_text(event, index, &text) != PRESENT)
		return ABSENT;
	return give_text(ret_value, text);
}

READER(evt_category)
{
	return give_text(ret_value, event_category(event));
}

READER(evt_rawarg)
{
	int index = argument_index(event, use->key);

	if (index >= 0)
		event_fill_argument(event, index);
	if (index < 0 || !(event->arguments_present >> index & 1))
		return ABSENT;
	*ret_value = event->arguments[index];
	return ret_value->kind == value_type_kind(use->type) ? PRESENT : ABSENT;
}

READER(evt_res)
{
	if (!event->type->has_result)
		return ABSENT;
	return give_text(ret_value,
		event->result >= 0 ? TEXT("SUCCESS") : errno_text(event->arena, event->result));
}

READER(evt_rawres)
{
	return event->type->has_result ? give_signed(ret_value, event->result) : ABSENT;
}

READER(evt_failed)
{
	return event->type->has_result ? give_bool(ret_value, event->result < 0) : ABSENT;
}

static bool is_one_of(const struct event *event, const char *names)
{
	struct text rest = text_of(names), name;

	while (text_split(&rest, ' ', &name))
		if (text_is(name, event->type->name))
			return true;
	return false;
}

static bool is_read(const struct event *event)
{
	return is_one_of(
		event, "recvfrom recvmsg recvmmsg recv read pread pread64 readv preadv preadv2");
}

static bool is_write(const struct event *event)
{
	return is_one_of(event,
		"sendto sendmsg sendmmsg send sendfile write pwrite pwrite64 writev "
		"pwritev pwritev2");
}

READER(evt_is_io)
{
	return give_bool(ret_value, is_read(event) || is_write(event));
}

READER(evt_is_io_read)
{
	return give_bool(ret_value, is_read(event));
}

READER(evt_is_io_write)
{
	return give_bool(ret_value, is_write(event));
}

READER(evt_io_dir)
{
	if (is_read(event))
		return give_text(ret_value, TEXT("read"));
	return is_write(event) ? give_text(ret_value, TEXT("write")) : ABSENT;
}

READER(evt_is_wait)
{
	return give_bool(ret_value,
		is_one_of(event, "poll ppoll select pselect6 epoll_wait epoll_pwait epoll_pwait2 "
				 "nanosleep clock_nanosleep futex wait4 waitid pause"));
}

READER(evt_is_syslog)
{
	return give_bool(ret_value,
		is_write(event) && text_contains(event_fd_name(event), TEXT("/dev/log")));
}

READER(evt_buffer)
{
	return argument_get(event, "data", ret_value) && ret_value->kind == VALUE_BYTES ? PRESENT
											: ABSENT;
}

READER(evt_buflen)
{
	if (!(is_read(event) || is_write(event)) || !event->type->has_result || event->result < 0)
		return ABSENT;
	return give_unsigned(ret_value, (uint64_t)event->result);
}

READER(evt_buflen_in)
{
	return is_read(event) ? evt_buflen(event, use, ret_value) : ABSENT;
}

READER(evt_buflen_out)
{
	return is_write(event) ? evt_buflen(event, use, ret_value) : ABSENT;
}

static bool is_on_file(const struct event *event)
{
	return event->fd.is_known && event->fd.type == FD_FILE;
}

static bool is_on_network(const struct event *event)
{
	return event->fd.is_known && (event->fd.type == FD_IPV4 || event->fd.type == FD_IPV6);
}

READER(evt_buflen_file)
{
	return is_on_file(event) ? evt_buflen(event, use, ret_value) : ABSENT;
}

READER(evt_buflen_file_in)
{
	return is_on_file(event) ? evt_buflen_in(event, use, ret_value) : ABSENT;
}

READER(evt_buflen_file_out)
{
	return is_on_file(event) ? evt_buflen_out(event, use, ret_value) : ABSENT;
}

READER(evt_buflen_net)
{
	return is_on_network(event) ? evt_buflen(event, use, ret_value) : ABSENT;
}

READER(evt_buflen_net_in)
{
	return is_on_network(event) ? evt_buflen_in(event, use, ret_value) : ABSENT;
}

READER(evt_buflen_net_out)
{
	return is_on_network(event) ? evt_buflen_out(event, use, ret_value) : ABSENT;
}

static enum presence give_error_count(
	const struct event *event, struct value *ret_value, bool is_counted)
{
	if (!event->type->has_result)
		return ABSENT;
	return give_unsigned(ret_value, event->result < 0 && is_counted);
}

READER(evt_count_error)
{
	return give_error_count(event, ret_value, true);
}

static bool is_file_event(const struct event *event)
{
	return event->type->is_open || is_on_file(event);
}

static bool is_network_event(const struct event *event)
{
	return is_on_network(event) || (event->fd.is_known && event->fd.type == FD_UNIX);
}

static bool is_memory_event(const struct event *event)
{
	return is_one_of(event, "mmap mmap2 munmap mprotect brk mremap");
}

READER(evt_count_error_file)
{
	return give_error_count(event, ret_value, is_file_event(event));
}

READER(evt_count_error_net)
{
	return give_error_count(event, ret_value, is_network_event(event));
}

READER(evt_count_error_memory)
{
	return give_error_count(event, ret_value, is_memory_event(event));
}

READER(evt_count_error_other)
{
	return give_error_count(event, ret_value,
		!is_file_event(event) && !is_network_event(event) && !is_memory_event(event));
}

/* Which arguments hold the paths of a call: its only one, or two. */
READER(evt_abspath)
{
	const struct path_arguments *paths = path_arguments_of(event->type);
	const char *name = NULL;
	struct text text = {};

	if (!paths)
		return ABSENT;
	if (!use->has_argument)
		name = paths->path ? paths->path : paths->to;
	else if (text_is(use->key, "src"))
		name = paths->from;
	else if (text_is(use->key, "dst"))
		name = paths->to;
	if (!name || argument_text(event, argument_index(event, text_of(name)), &text) != PRESENT)
		return ABSENT;
	return give_text(ret_value, text);
}

/* The access mode as the caller gave it: O_RDWR has both. */
READER(evt_is_open_read)
{
	unsigned mode = event->fd.open_flags & 3;

	return give_bool(ret_value, event->type->is_open && mode != 1);
}

READER(evt_is_open_write)
{
	unsigned mode = event->fd.open_flags & 3;

	return give_bool(ret_value, event->type->is_open && (mode == 1 || mode == 2));
}

READER(evt_is_open_exec)
{
	bool is_creating = argument_has_flag(event, "flags", "O_CREAT") ||
			   argument_has_flag(event, "flags", "O_TMPFILE") ||
			   text_is(TEXT("creat"), event->type->name);
	struct value mode;

	return give_bool(ret_value, event->type->is_open && is_creating &&
					    argument_get(event, "mode", &mode) &&
					    (mode.size & 0111));
}

READER(evt_is_open_create)
{
	return give_bool(
		ret_value, event->type->is_open && event->result >= 0 &&
				   (argument_has_flag(event, "flags", "O_F_CREATED") ||
					   argument_has_flag(event, "flags", "O_TMPFILE")));
}

READER(evt_path_view)
{
	return give_text(ret_value, event->view == VIEW_REAL ? TEXT("real") : TEXT("lexical"));
}

READER(evt_path_unproven)
{
	return give_bool(ret_value, event->is_path_unproven);
}

READER(evt_is_io_uring)
{
	return give_bool(ret_value, event->is_io_uring);
}

static const struct field fields[] = {
	{ "evt.num", TYPE_UINT64, ARGUMENT_NONE, 0, "Running number of the event, from 1",
		evt_num },
	{ "evt.time", TYPE_CHARBUF, ARGUMENT_NONE, FIELD_TIME_JSON,
		"Time of day in the local zone with nanoseconds; a number of ns since 1970 in JSON",
		evt_time },
	{ "evt.time.s", TYPE_CHARBUF, ARGUMENT_NONE, FIELD_TIME_JSON,
		"Time of day in the local zone, to the second", evt_time_s },
	{ "evt.time.iso8601", TYPE_CHARBUF, ARGUMENT_NONE, FIELD_TIME_JSON,
		"Date and time in UTC as ISO 8601 writes it", evt_time_iso8601 },
	{ "evt.datetime", TYPE_CHARBUF, ARGUMENT_NONE, FIELD_TIME_JSON,
		"Date and time in the local zone with nanoseconds", evt_datetime },
	{ "evt.datetime.s", TYPE_CHARBUF, ARGUMENT_NONE, FIELD_TIME_JSON,
		"Date and time in the local zone, to the second", evt_datetime_s },
	{ "evt.rawtime", TYPE_ABSTIME, ARGUMENT_NONE, 0, "Time of the event in ns since 1970",
		evt_rawtime },
	{ "evt.rawtime.s", TYPE_ABSTIME, ARGUMENT_NONE, 0, "Seconds part of evt.rawtime",
		evt_rawtime_s },
	{ "evt.rawtime.ns", TYPE_ABSTIME, ARGUMENT_NONE, FIELD_NINE_DIGITS,
		"Fraction of a second in evt.rawtime, in ns", evt_rawtime_ns },
	{ "evt.reltime", TYPE_RELTIME, ARGUMENT_NONE, 0,
		"Time since the first event of this run, in ns", evt_reltime },
	{ "evt.reltime.s", TYPE_RELTIME, ARGUMENT_NONE, 0, "Seconds part of evt.reltime",
		evt_reltime_s },
	{ "evt.reltime.ns", TYPE_RELTIME, ARGUMENT_NONE, FIELD_NINE_DIGITS,
		"Fraction of a second in evt.reltime, in ns", evt_reltime_ns },
	{ "evt.pluginname", TYPE_CHARBUF, ARGUMENT_NONE, 0,
		"Plugin that the event came from; system calls have none" },
	{ "evt.plugininfo", TYPE_CHARBUF, ARGUMENT_NONE, 0,
		"The plugin's own line about the event" },
	{ "evt.source", TYPE_CHARBUF, ARGUMENT_NONE, 0, "Name of the source that made the event",
		evt_source },
	{ "evt.is_async", TYPE_BOOL, ARGUMENT_NONE, 0,
		"Whether the event was injected beside the stream of calls", no },
	{ "evt.asynctype", TYPE_CHARBUF, ARGUMENT_NONE, 0, "Name of an injected event" },
	{ "evt.hostname", TYPE_CHARBUF, ARGUMENT_NONE, 0,
		"Name of this host, or what FALCO_HOSTNAME says", evt_hostname },
	{ "evt.latency", TYPE_RELTIME, ARGUMENT_NONE, FIELD_DEPRECATED,
		"Always 0: entries of calls are not recorded", zero },
	{ "evt.latency.s", TYPE_RELTIME, ARGUMENT_NONE, FIELD_DEPRECATED, "Always 0", zero },
	{ "evt.latency.ns", TYPE_RELTIME, ARGUMENT_NONE, FIELD_DEPRECATED, "Always 0", zero },
	{ "evt.latency.quantized", TYPE_UINT64, ARGUMENT_NONE, FIELD_HIDDEN | FIELD_DEPRECATED,
		"Always 0", zero },
	{ "evt.latency.human", TYPE_CHARBUF, ARGUMENT_NONE, FIELD_DEPRECATED, "Always 0ns",
		no_latency },
	{ "evt.deltatime", TYPE_RELTIME, ARGUMENT_NONE, 0, "Time since the event before, in ns",
		evt_deltatime },
	{ "evt.deltatime.s", TYPE_RELTIME, ARGUMENT_NONE, 0, "Seconds part of evt.deltatime",
		evt_deltatime_s },
	{ "evt.deltatime.ns", TYPE_RELTIME, ARGUMENT_NONE, 0,
		"Fraction of a second in evt.deltatime, in ns", evt_deltatime_ns },
	{ "evt.outputtime", TYPE_CHARBUF, ARGUMENT_NONE, FIELD_PRINT_ONLY,
		"Time of day as evt.time, the form in which capture tools print it", evt_time },
	{ "evt.dir", TYPE_CHARBUF, ARGUMENT_NONE, FIELD_DEPRECATED,
		"Always \"<\": only the ends of calls are events", evt_dir },
	{ "evt.type", TYPE_CHARBUF, ARGUMENT_NONE, FIELD_OF_CALL,
		"Name of the event, for a system call the call's", evt_type },
	{ "evt.type.is", TYPE_UINT32, ARGUMENT_SUFFIX, FIELD_OF_CALL,
		"1 when the event has the name behind the dot, else 0", evt_type_is },
	{ "syscall.type", TYPE_CHARBUF, ARGUMENT_NONE, FIELD_OF_CALL,
		"Name of the system call; absent for other events", syscall_type },
	{ "evt.category", TYPE_CHARBUF, ARGUMENT_NONE, 0,
		"Broad kind of the call: file, net, process, memory …", evt_category },
	{ "evt.cpu", TYPE_INT16, ARGUMENT_NONE, 0, "Processor on which it happened", evt_cpu },
	{ "evt.args", TYPE_CHARBUF, ARGUMENT_NONE, FIELD_PATH_VIEW,
		"All arguments as name=value, raw and readable", evt_args },
	{ "evt.arg", TYPE_CHARBUF, ARGUMENT_NAME_OR_INDEX, FIELD_PATH_VIEW,
		"One argument in readable form, by name or position", evt_arg },
	{ "evt.rawarg", TYPE_DYN, ARGUMENT_SUFFIX, ALONE, "One argument in its own type, by name",
		evt_rawarg },
	{ "evt.info", TYPE_CHARBUF, ARGUMENT_NONE, FIELD_PATH_VIEW, "The same as evt.args",
		evt_args },
	{ "evt.buffer", TYPE_BYTEBUF, ARGUMENT_NONE, 0, "First bytes that the call read or wrote",
		evt_buffer },
	{ "evt.buflen", TYPE_UINT64, ARGUMENT_NONE, 0, "How many bytes it read or wrote",
		evt_buflen },
	{ "evt.res", TYPE_CHARBUF, ARGUMENT_NONE, FIELD_OF_CALL,
		"Outcome of the call: SUCCESS, or the error's symbol", evt_res },
	{ "evt.rawres", TYPE_INT64, ARGUMENT_NONE, FIELD_SMALL_OF_CALL,
		"What the call returned; errors are negative", evt_rawres },
	{ "evt.failed", TYPE_BOOL, ARGUMENT_NONE, FIELD_OF_CALL,
		"Whether the call returned an error", evt_failed },
	{ "evt.is_io", TYPE_BOOL, ARGUMENT_NONE, FIELD_OF_CALL,
		"Whether it moves bytes through a descriptor", evt_is_io },
	{ "evt.is_io_read", TYPE_BOOL, ARGUMENT_NONE, FIELD_OF_CALL, "Whether it takes bytes in",
		evt_is_io_read },
	{ "evt.is_io_write", TYPE_BOOL, ARGUMENT_NONE, FIELD_OF_CALL, "Whether it sends bytes out",
		evt_is_io_write },
	{ "evt.io_dir", TYPE_CHARBUF, ARGUMENT_NONE, FIELD_OF_CALL,
		"Which way the bytes go: read or write", evt_io_dir },
	{ "evt.is_wait", TYPE_BOOL, ARGUMENT_NONE, FIELD_OF_CALL,
		"Whether the call may sleep for something", evt_is_wait },
	{ "evt.wait_latency", TYPE_RELTIME, ARGUMENT_NONE, FIELD_DEPRECATED, "Always 0", zero },
	{ "evt.is_syslog", TYPE_BOOL, ARGUMENT_NONE, 0, "Whether it writes to the system log",
		evt_is_syslog },
	{ "evt.count", TYPE_UINT32, ARGUMENT_NONE, 0, "1, to be added up", one },
	{ "evt.count.error", TYPE_UINT32, ARGUMENT_NONE, 0, "1 when the call failed",
		evt_count_error },
	{ "evt.count.error.file", TYPE_UINT32, ARGUMENT_NONE, 0, "1 when a call on files failed",
		evt_count_error_file },
	{ "evt.count.error.net", TYPE_UINT32, ARGUMENT_NONE, 0, "1 when a call on sockets failed",
		evt_count_error_net },
	{ "evt.count.error.memory", TYPE_UINT32, ARGUMENT_NONE, 0, "1 when a call on memory failed",
		evt_count_error_memory },
	{ "evt.count.error.other", TYPE_UINT32, ARGUMENT_NONE, 0, "1 when any other call failed",
		evt_count_error_other },
	{ "evt.count.exit", TYPE_UINT32, ARGUMENT_NONE, 0,
		"1 for the end of a call, as every event is", one },
	{ "evt.count.procinfo", TYPE_UINT32, ARGUMENT_NONE, FIELD_HIDDEN,
		"1 for a process' figures" },
	{ "evt.count.threadinfo", TYPE_UINT32, ARGUMENT_NONE, FIELD_HIDDEN,
		"1 for a thread's figures" },
	{ "evt.around", TYPE_UINT64, ARGUMENT_KEY, FIELD_FILTER_ONLY | ALONE,
		"Events within so many ms of the time in brackets" },
	{ "evt.abspath", TYPE_CHARBUF, ARGUMENT_KEY_OPTIONAL, FIELD_PATH_VIEW | FIELD_DOTTED_KEY,
		"The call's path made absolute; .src and .dst where it has two", evt_abspath },
	{ "evt.buflen.in", TYPE_UINT64, ARGUMENT_NONE, FIELD_HIDDEN, "Bytes taken in",
		evt_buflen_in },
	{ "evt.buflen.out", TYPE_UINT64, ARGUMENT_NONE, FIELD_HIDDEN, "Bytes sent out",
		evt_buflen_out },
	{ "evt.buflen.file", TYPE_UINT64, ARGUMENT_NONE, FIELD_HIDDEN, "Bytes moved on files",
		evt_buflen_file },
	{ "evt.buflen.file.in", TYPE_UINT64, ARGUMENT_NONE, FIELD_HIDDEN, "Bytes read from files",
		evt_buflen_file_in },
	{ "evt.buflen.file.out", TYPE_UINT64, ARGUMENT_NONE, FIELD_HIDDEN, "Bytes written to files",
		evt_buflen_file_out },
	{ "evt.buflen.net", TYPE_UINT64, ARGUMENT_NONE, FIELD_HIDDEN, "Bytes moved on sockets",
		evt_buflen_net },
	{ "evt.buflen.net.in", TYPE_UINT64, ARGUMENT_NONE, FIELD_HIDDEN, "Bytes received",
		evt_buflen_net_in },
	{ "evt.buflen.net.out", TYPE_UINT64, ARGUMENT_NONE, FIELD_HIDDEN, "Bytes sent",
		evt_buflen_net_out },
	{ "evt.is_open_read", TYPE_BOOL, ARGUMENT_NONE, FIELD_OF_CALL,
		"Whether it opens something for reading", evt_is_open_read },
	{ "evt.is_open_write", TYPE_BOOL, ARGUMENT_NONE, FIELD_OF_CALL,
		"Whether it opens something for writing", evt_is_open_write },
	{ "evt.infra.docker.name", TYPE_CHARBUF, ARGUMENT_NONE, FIELD_HIDDEN,
		"Of an event type that is gone" },
	{ "evt.infra.docker.container.id", TYPE_CHARBUF, ARGUMENT_NONE, FIELD_HIDDEN,
		"Of an event type that is gone" },
	{ "evt.infra.docker.container.name", TYPE_CHARBUF, ARGUMENT_NONE, FIELD_HIDDEN,
		"Of an event type that is gone" },
	{ "evt.infra.docker.container.image", TYPE_CHARBUF, ARGUMENT_NONE, FIELD_HIDDEN,
		"Of an event type that is gone" },
	{ "evt.is_open_exec", TYPE_BOOL, ARGUMENT_NONE, 0,
		"Whether it makes a file that someone may execute", evt_is_open_exec },
	{ "evt.is_open_create", TYPE_BOOL, ARGUMENT_NONE, 0, "Whether the open made the file",
		evt_is_open_create },
	{ "evt.path.view", TYPE_CHARBUF, ARGUMENT_NONE, FIELD_PATH_VIEW,
		"Which name of an opened file the rule matched: lexical, as the caller wrote it, "
		"or "
		"real, what was opened (Tercel's own)",
		evt_path_view },
	{ "evt.path.unproven", TYPE_BOOL, ARGUMENT_NONE, FIELD_OF_CALL,
		"Whether only the caller's memory says which path or address it was, so that the "
		"caller may have changed it during the call (Tercel's own)",
		evt_path_unproven },
	{ "evt.is_io_uring", TYPE_BOOL, ARGUMENT_NONE, FIELD_OF_CALL,
		"Whether it was a request of io_uring that does what the call does (Tercel's own)",
		evt_is_io_uring },
};

const struct field_family family_evt = { "evt", "The event: when, what, with which outcome", fields,
	COUNT_OF(fields) };
