/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "sensor/events.h"
#include "tests/test.h"

TEST(every_type_has_its_own_name_and_its_index_as_id)
{
	size_t count;
	const struct event_type *types = event_types(&count);

	for (size_t i = 0; i < count; i++) {
		CHECK_NUMBER(types[i].id, i);
		CHECK(event_type_find(text_of(types[i].name)) == &types[i]);
		CHECK(event_type_at(i) == &types[i]);
	}
	CHECK(!event_type_at(count));
	CHECK(!event_type_find(TEXT("opena")));
}

/* The events that the specification lists for the state alone, and what the table of Falco gives
 * them. */
static const struct {
	const char *name, *arguments;
} state_events[] = {
	{ "close", "res fd" },
	{ "fcntl", "res fd cmd arg" },
	{ "bind", "res addr fd" },
	{ "getsockopt", "res fd level optname val optlen" },
	{ "socketpair", "res fd1 fd2 source peer domain type proto" },
	{ "pipe", "res fd1 fd2 ino" },
	{ "pipe2", "res fd1 fd2 ino flags" },
	{ "eventfd", "res initval flags" },
	{ "eventfd2", "res flags initval" },
	{ "signalfd", "res fd mask flags" },
	{ "signalfd4", "res flags fd mask" },
	{ "timerfd_create", "res clockid flags" },
	{ "inotify_init", "res flags" },
	{ "inotify_init1", "res flags" },
	{ "epoll_create", "res size" },
	{ "epoll_create1", "res flags" },
	{ "memfd_create", "fd name flags" },
	{ "userfaultfd", "res flags" },
	{ "pidfd_open", "fd pid flags" },
	{ "capset", "res cap_inheritable cap_permitted cap_effective" },
	{ "prctl", "res option arg2_str arg2_int" },
	{ "prlimit", "res newcur newmax oldcur oldmax pid resource" },
	{ "setrlimit", "res cur max resource" },
	{ "getrlimit", "res cur max resource" },
	{ "shutdown", "res fd how" },
	{ "recvmmsg", "res fd size data tuple msgcontrol" },
	{ "sendmmsg", "res fd size data tuple" },
	{ "setsid", "res" },
	{ "setpgid", "res pid pgid" },
	{ "chroot", "res path" },
	{ "init_module", "res img length uargs" },
	{ "close_range", "res first last flags" },
	{ "setsockopt", "res fd level optname val optlen" },
	{ "umount", "res name" },
	{ "read", "res data fd size" },
	{ "write", "res data fd size" },
	{ "mknod", "res path mode dev" },
	{ "mknodat", "res dirfd path mode dev" },
	{ "delete_module", "res name flags" },
	{ "seccomp", "res op flags" },
	{ "ioctl", "res fd request argument" },
};

static char *argument_names(const struct event_type *type)
{
	char *names = string_copy("");

	for (int i = 0; i < type->argument_count; i++) {
		char *more = string_printf("%s%s%s", names, i ? " " : "", type->arguments[i].name);

		free(names);
		names = more;
	}
	return names;
}

TEST(every_event_that_is_for_the_state_has_its_arguments)
{
	for (size_t i = 0; i < COUNT_OF(state_events); i++) {
		const struct event_type *type = event_type_find(text_of(state_events[i].name));
		_cleanup_(freep) char *names = type ? argument_names(type) : string_copy("(none)");

		CHECK_TEXT(names, state_events[i].arguments);
		CHECK(type && !type->is_generic);
	}
}

TEST(a_value_that_an_enumeration_does_not_know_is_named_so)
{
	const struct event_argument *how = &event_type_find(TEXT("shutdown"))->arguments[2];
	const struct event_argument *cmd = &event_type_find(TEXT("fcntl"))->arguments[2];

	CHECK_NUMBER(flags_from_native(how->names, 2), 2);
	CHECK_NUMBER(flags_from_native(how->names, 77), 0xff);
	CHECK_NUMBER(flags_from_native(cmd->names, 1030), 26);
	CHECK_NUMBER(flags_from_native(cmd->names, 77), 0);
}

TEST(every_call_that_the_official_stable_rules_name_has_arguments)
{
	static const char *const names[] = { "connect", "dup", "dup2", "dup3", "execve", "execveat",
		"finit_module", "init_module", "link", "linkat", "open", "openat", "openat2",
		"ptrace", "sendmsg", "sendto", "socket", "symlink", "symlinkat" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const struct event_type *type = event_type_find(text_of(names[i]));

		CHECK(type && type->is_syscall && type->has_result && type->argument_count > 1);
	}
}

TEST(a_call_without_a_row_is_generic)
{
	const struct event_type *type = event_type_find(TEXT("getppid"));

	CHECK(type && type->is_syscall && type->is_generic && !type->has_result);
	CHECK_NUMBER(type->argument_count, 0);
	CHECK(event_type_find(TEXT("openat"))->is_open);
	CHECK(event_type_find(TEXT("dup2"))->is_new_fd);
	CHECK(!event_type_find(TEXT("connect"))->is_new_fd);
	CHECK(!event_type_find(TEXT("procexit"))->is_syscall);
}

static const struct flag_name *names_of(const char *call, const char *argument)
{
	const struct event_type *type = event_type_find(text_of(call));

	for (unsigned i = 0; i < type->argument_count; i++)
		if (!strcmp(type->arguments[i].name, argument))
			return type->arguments[i].names;
	return NULL;
}

TEST(flags_come_out_in_falcos_numbering)
{
	const struct flag_name *opens = names_of("openat", "flags");

	CHECK_NUMBER(flags_from_native(opens, O_RDONLY), 1);
	CHECK_NUMBER(flags_from_native(opens, O_WRONLY | O_CREAT | O_TRUNC), 2 | 4 | 256);
	CHECK_NUMBER(flags_from_native(opens, O_RDWR | O_CLOEXEC), 3 | 4096);
	CHECK_NUMBER(flags_from_native(names_of("ptrace", "request"), 16), 11);
	CHECK_NUMBER(flags_from_native(names_of("ptrace", "request"), 0x9999), 0);
	CHECK_NUMBER(flags_from_native(names_of("socket", "domain"), 17), 17);
	CHECK_NUMBER(flags_from_native(names_of("chmod", "mode"), 04755), 04755);
}

/* "res:ERRNO fd:FD …" against the row of syscalls.def: the same arguments first; ours come behind.
 */
static void check_arguments(const struct event_type *type, struct text wanted)
{
	struct text one, name;
	int at = 0;

	while (text_split(&wanted, ' ', &one)) {
		char *got, *want = text_to_string(one);

		(void)text_split(&one, ':', &name);
		got = at < type->argument_count ? string_printf("%s:%s", type->arguments[at].name,
							  value_type_name(type->arguments[at].type))
						: string_copy("(none)");
		CHECK_TEXT(got, want);
		free(got);
		free(want);
		at++;
	}
}

static FILE *open_table(void)
{
	const char *shared = getenv("TERCEL_SHARED"), *source = getenv("TERCEL_SOURCE");
	_cleanup_(freep) char *path =
		shared ? string_printf("%s/spec/events.tsv", shared)
		       : string_printf("%s/../shared/spec/events.tsv", source ? source : ".");

	return fopen(path, "re");
}

TEST(every_event_of_the_specification_has_its_arguments_in_its_order)
{
	_cleanup_(fclosep) FILE *table = open_table();
	_cleanup_(freep) char *line = NULL;
	size_t size = 0, rows = 0;

	if (!table)
		SKIP("no ../shared/spec/events.tsv");
	while (getline(&line, &size, table) > 0) {
		struct text rest = text_of(line), column[7] = { 0 };
		const struct event_type *type;

		for (int i = 0; i < 7; i++)
			(void)text_split(&rest, '\t', &column[i]);
		if (!text_is(column[1], "syscall exit"))
			continue;
		type = event_type_find(column[0]);
		CHECK(type != NULL);
		if (type)
			check_arguments(type, column[6]);
		rows++;
	}
	CHECK(rows > 40);
}
