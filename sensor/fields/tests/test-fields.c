/* SPDX-License-Identifier: Apache-2.0 */
/* Fields of made-up events; the processes' table and the passwd files are stood in for here. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/memory.h"
#include "sensor/fields/field.h"
#include "sensor/state/runtimes/metadata.h"
#include "sensor/state/domains.h"
#include "sensor/state/users.h"
#include "tests/test.h"

#define SLICE(literal)                          \
	{                                       \
		"" literal, sizeof(literal) - 1 \
	}

static const struct container host = { CONTAINER_HOST, SLICE("host"), SLICE("host"),
	SLICE("host") };
static const struct container box = { CONTAINER_RUNC, SLICE("6c9b72f1c563"),
	SLICE("6c9b72f1c563aaaaaaaaaaaaaaaaaaaa"), {} };

/* From the youngest to the eldest. */
static const struct process family[] = {
	{ .pid = 40,
		.parent_pid = 30,
		.vpid = 9,
		.session_id = 30,
		.group_id = 40,
		.virtual_group_id = 9,
		.effective_user_id = 0,
		.effective_group_id = 0,
		.login_uid = -1,
		.tty = 34816,
		.exe_flags = EXE_WRITABLE | EXE_UPPER_LAYER,
		.exe_inode = 77,
		.exe_inode_ctime_ns = 1622308700000000000,
		.exe_inode_mtime_ns = 1622308600000000000,
		.capabilities_effective = 1 << 21 | 1,
		.clone_time_ns = 1622308754000000000,
		.pid_namespace = 5,
		.comm = SLICE("cat"),
		.exe = SLICE("/bin/cat"),
		.exe_path = SLICE("/usr/bin/cat"),
		.arguments = SLICE("-A\0/etc/shadow\0"),
		.environment = SLICE("HOME=/root\0HO=x\0EMPTY=\0"),
		.working_directory = SLICE("/srv"),
		.cgroup = SLICE("/docker/6c9b72f1c563"),
		.container = &box },
	{ .pid = 30,
		.parent_pid = 20,
		.vpid = 1,
		.session_id = 30,
		.group_id = 30,
		.virtual_group_id = 1,
		.login_uid = 1000,
		.clone_time_ns = 1622308750000000000,
		.namespace_start_ns = 1622308750000000000,
		.pid_namespace = 5,
		.comm = SLICE("bash"),
		.exe = SLICE("bash"),
		.exe_path = SLICE("/bin/bash"),
		.environment = SLICE("SHARED=yes\0"),
		.container = &box },
	{ .pid = 20,
		.parent_pid = 1,
		.vpid = 20,
		.session_id = 20,
		.group_id = 20,
		.pid_namespace = 1,
		.comm = SLICE("runc"),
		.exe = SLICE("runc"),
		.arguments = SLICE("exec\0"),
		.container = &host },
};

const struct process *process_ancestor(const struct process *process, unsigned level)
{
	size_t at = (size_t)(process - family) + level;

	return at < COUNT_OF(family) ? &family[at] : NULL;
}

enum presence users_name_of(struct users *users, const struct container *container, int64_t pid,
	enum name_kind kind, uint32_t id, struct text *ret_name)
{
	static const char *const names[NAME_KINDS] = { "wendy", "wheel", "/home/wendy",
		"/bin/zsh" };

	*ret_name = text_of(names[kind]);
	if (kind == NAME_OF_GROUP)
		return id == 10 ? PRESENT : ABSENT;
	return id == 1000 ? PRESENT : id == 2000 ? WAITS : ABSENT;
}

size_t domains_of(struct domains *domains, const struct address *address, struct text *ret_names,
	size_t limit)
{
	ret_names[0] = TEXT("api.test");
	return address->bytes[1] == 96;
}

static struct arena *arena;

static void set_argument(struct event *event, const char *name, struct value value)
{
	for (int i = 0; i < event->type->argument_count; i++)
		if (!strcmp(event->type->arguments[i].name, name)) {
			event->arguments[i] = value;
			event->arguments_present |= UINT32_C(1) << i;
		}
}

static struct event event_of(const char *type)
{
	struct event event = { .number = 3,
		.time_ns = 1622308754363635208,
		.first_time_ns = 1622308752363635203,
		.previous_time_ns = 1622308754363635203,
		.cpu = 1,
		.thread_id = 40,
		.type = event_type_find(text_of(type)),
		.process = &family[0],
		.container = &box,
		.users = (struct users *)&arena };

	if (!arena)
		arena = arena_new(16 << 20);
	event.arena = arena;
	return event;
}

static struct event open_event(void)
{
	struct event event = event_of("openat");

	event.result = 4;
	event.fd = (struct event_fd){ .is_known = true,
		.number = 4,
		.type = FD_FILE,
		.name = TEXT("/etc/shadow"),
		.raw_name = TEXT("../etc/shadow"),
		.real_name = TEXT("/etc/shadow-real"),
		.device = 0x800015,
		.inode = 99,
		.open_flags = O_RDWR | O_CREAT };
	set_argument(&event, "fd", value_signed(4));
	set_argument(&event, "dirfd", value_signed(AT_FDCWD));
	set_argument(&event, "name", value_text(TEXT("../etc/shadow")));
	set_argument(&event, "flags", value_unsigned(3 | 1 << 2 | 1 << 12 | 1 << 15));
	set_argument(&event, "mode", value_unsigned(0755));
	set_argument(&event, "dev", value_unsigned(0x800015));
	set_argument(&event, "ino", value_unsigned(99));
	return event;
}

static struct event connect_event(void)
{
	struct event event = event_of("connect");

	event.result = -EINPROGRESS;
	event.fd = (struct event_fd){ .is_known = true,
		.number = 5,
		.type = FD_IPV4,
		.name = TEXT("10.0.0.1:40000->10.96.0.1:443"),
		.protocol = 6,
		.is_connected = true,
		.has_peer = true,
		.local = { 4, { 10, 0, 0, 1 } },
		.remote = { 4, { 10, 96, 0, 1 } },
		.local_port = 40000,
		.remote_port = 443 };
	set_argument(&event, "res", value_signed(-EINPROGRESS));
	set_argument(&event, "fd", value_signed(5));
	set_argument(&event, "tuple", value_text(TEXT("10.0.0.1:40000->10.96.0.1:443")));
	return event;
}

static struct event socket_event(void)
{
	struct event event = event_of("socket");

	event.result = 3;
	event.fd = (struct event_fd){
		.is_known = true, .number = 3, .type = FD_OTHER, .name = TEXT("")
	};
	set_argument(&event, "fd", value_signed(3));
	set_argument(&event, "domain", value_unsigned(17));
	set_argument(&event, "type", value_unsigned(3));
	set_argument(&event, "proto", value_unsigned(768));
	set_argument(&event, "flags", value_unsigned(0));
	return event;
}

static struct event link_event(void)
{
	struct event event = event_of("symlinkat");

	event.result = 0;
	set_argument(&event, "res", value_signed(0));
	set_argument(&event, "target", value_text(TEXT("/etc//shadow")));
	set_argument(&event, "linkdirfd", value_signed(AT_FDCWD));
	set_argument(&event, "linkpath", value_text(TEXT("x//sl")));
	event.absolute[3] = TEXT("/srv/x//sl");
	return event;
}

static struct event exec_event(void)
{
	struct event event = event_of("execve");

	set_argument(&event, "res", value_signed(0));
	set_argument(&event, "flags", value_unsigned(3));
	set_argument(&event, "ptid", value_signed(30));
	set_argument(&event, "args", (struct value){ .kind = VALUE_BYTES, .text = TEXT("a\0b\0") });
	set_argument(&event, "uid", value_unsigned(UINT32_MAX));
	return event;
}

/* The field as text, then as JSON, with " | " between; free() it. */
static char *shown(const struct event *event, const char *name)
{
	struct error err = {};
	struct field_use use;
	struct json_writer json;
	struct buffer out;

	if (field_resolve(text_of(name), NULL, &use, &err) < 0)
		return string_copy(err.message);
	buffer_init(&out, 65536);
	field_print(event, &use, &out);
	buffer_add_string(&out, " | ");
	json_writer_init(&json, &out);
	field_print_json(event, &use, &json);
	field_use_done(&use);
	return buffer_take(&out);
}

struct expectation {
	const char *field, *shown;
};

static void check_all(
	const struct event *event, const struct expectation *expectations, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		_cleanup_(freep) char *got = shown(event, expectations[i].field);

		if (strcmp(got, expectations[i].shown))
			printf("# %s of %s:\n", expectations[i].field, event->type->name);
		CHECK_TEXT(got, expectations[i].shown);
	}
}

#define CHECK_FIELDS(event, ...)                                                   \
	do {                                                                       \
		static const struct expectation expectations_[] = { __VA_ARGS__ }; \
		check_all(&(event), expectations_, COUNT_OF(expectations_));       \
	} while (0)

TEST(the_fields_of_an_opened_file_are_as_falco_prints_them)
{
	struct event event = open_event();

	setenv("TZ", "UTC", 1);
	CHECK_FIELDS(event, { "evt.num", "3 | 3" },
		{ "evt.time", "17:19:14.363635208 | 1622308754363635208" },
		{ "evt.time.iso8601", "2021-05-29T17:19:14.363635208+0000 | 1622308754363635208" },
		{ "evt.datetime.s", "2021-05-29 17:19:14 | 1622308754363635208" },
		{ "evt.reltime", "2000000005 | 2000000005" }, { "evt.reltime.s", "2 | 2" },
		{ "evt.reltime.ns", "000000005 | 5" }, { "evt.deltatime", "5 | 5" },
		{ "evt.deltatime.s", "0 | 0" }, { "evt.rawtime.ns", "363635208 | 363635208" },
		{ "evt.type", "openat | \"openat\"" }, { "evt.type.is.openat", "1 | 1" },
		{ "evt.type.is.open", "0 | 0" }, { "evt.res", "SUCCESS | \"SUCCESS\"" },
		{ "evt.rawres", "4 | 4" }, { "evt.failed", "false | false" },
		{ "evt.arg.fd", "<f>/etc/shadow | \"<f>/etc/shadow\"" },
		{ "evt.arg[0]", "<f>/etc/shadow | \"<f>/etc/shadow\"" },
		{ "evt.arg.dirfd", "AT_FDCWD | \"AT_FDCWD\"" },
		{ "evt.arg.name", "/etc/shadow | \"/etc/shadow\"" },
		{ "evt.arg.flags", "O_CREAT|O_RDWR|O_CLOEXEC|FD_UPPER_LAYER | "
				   "\"O_CREAT|O_RDWR|O_CLOEXEC|FD_UPPER_LAYER\"" },
		{ "evt.rawarg.mode", "493 | 493" },
		{ "evt.rawarg.name", "../etc/shadow | "
				     "\"../etc/shadow\"" },
		{ "evt.abspath", "/etc/shadow | \"/etc/shadow\"" },
		{ "evt.is_open_read", "true | true" }, { "evt.is_open_write", "true | true" },
		{ "evt.is_open_exec", "true | true" }, { "evt.is_open_create", "false | false" },
		{ "evt.path.view", "lexical | \"lexical\"" }, { "fd.num", "4 | 4" },
		{ "fd.name", "/etc/shadow | \"/etc/shadow\"" },
		{ "fd.realname", "/etc/shadow-real | \"/etc/shadow-real\"" },
		{ "fd.nameraw", "../etc/shadow | \"../etc/shadow\"" },
		{ "fd.directory", "/etc | \"/etc\"" }, { "fd.filename", "shadow | \"shadow\"" },
		{ "fd.type", "file | \"file\"" }, { "fd.typechar", "f | \"f\"" },
		{ "fd.dev", "800015 | 8388629" }, { "fd.dev.major", "0 | 0" },
		{ "fd.dev.minor", "2069 | 2069" }, { "fd.ino", "99 | 99" },
		{ "fd.ip", "<NA> | null" }, { "fd.sip", "<NA> | null" },
		{ "fd.l4proto", "<NA> | \"<NA>\"" }, { "fd.uid", "404 | \"404\"" },
		{ "fd.is_upper_layer", "true | true" },
		{ "fd.containername", "6c9b72f1c563:/etc/shadow | \"6c9b72f1c563:/etc/shadow\"" },
		{ "fs.path.name", "/etc/shadow | \"/etc/shadow\"" },
		{ "fs.path.nameraw", "../etc/shadow | \"../etc/shadow\"" });
	event.view = VIEW_REAL;
	CHECK_FIELDS(event, { "fd.name", "/etc/shadow-real | \"/etc/shadow-real\"" },
		{ "evt.arg.name", "/etc/shadow-real | \"/etc/shadow-real\"" },
		{ "fd.filename", "shadow-real | \"shadow-real\"" },
		{ "evt.path.view", "real | \"real\"" });
	arena_reset(arena);
}

TEST(the_fields_of_a_process_its_ancestors_and_leaders_are_right)
{
	struct event event = open_event();

	CHECK_FIELDS(event, { "proc.name", "cat | \"cat\"" },
		{ "proc.exe", "/bin/cat | \"/bin/cat\"" },
		{ "proc.exepath", "/usr/bin/cat | \"/usr/bin/cat\"" },
		{ "proc.args", "-A /etc/shadow | \"-A /etc/shadow\"" },
		{ "proc.args[1]", "/etc/shadow | \"/etc/shadow\"" },
		{ "proc.args[2]", "<NA> | null" },
		{ "proc.cmdline", "cat -A /etc/shadow | \"cat -A /etc/shadow\"" },
		{ "proc.exeline", "/bin/cat -A /etc/shadow | \"/bin/cat -A /etc/shadow\"" },
		{ "proc.cmdnargs", "2 | 2" }, { "proc.cmdlenargs", "13 | 13" },
		{ "proc.pname", "bash | \"bash\"" }, { "proc.pcmdline", "bash | \"bash\"" },
		{ "proc.pexepath", "/bin/bash | \"/bin/bash\"" },
		{ "proc.aname[0]", "cat | \"cat\"" }, { "proc.aname[2]", "runc | \"runc\"" },
		{ "proc.aname[3]", "<NA> | null" }, { "proc.aname", "bash runc | \"bash runc\"" },
		{ "proc.aexepath[2]", " | \"\"" },
		{ "proc.acmdline[2]", "runc exec | \"runc exec\"" },
		{ "proc.aargs", " exec | \" exec\"" }, { "proc.apid", "30 20 | \"30 20\"" },
		{ "proc.env[HOME]", "/root | \"/root\"" }, { "proc.env[HO]", "x | \"x\"" },
		{ "proc.env[NONE]", " | \"\"" }, { "proc.aenv[SHARED]", "yes | \"yes\"" },
		{ "proc.env", "HOME=/root HO=x EMPTY= | \"HOME=/root HO=x EMPTY=\"" },
		{ "proc.cwd", "/srv/ | \"/srv/\"" }, { "proc.loginshellid", "30 | 30" },
		{ "proc.tty", "34816 | 34816" }, { "proc.pid", "40 | 40" },
		{ "proc.ppid", "30 | 30" }, { "proc.vpid", "9 | 9" }, { "proc.pvpid", "1 | 1" },
		{ "proc.sid", "30 | 30" }, { "proc.sname", "bash | \"bash\"" },
		{ "proc.pgid.name", "cat | \"cat\"" },
		{ "proc.vpgid.exepath", "/usr/bin/cat | \"/usr/bin/cat\"" },
		{ "proc.duration", "363635208 | 363635208" },
		{ "proc.ppid.duration", "4363635208 | 4363635208" },
		{ "proc.is_exe_upper_layer", "true | true" },
		{ "proc.is_exe_from_memfd", "false | false" },
		{ "proc.is_sid_leader", "false | false" }, { "proc.is_pgid_leader", "true | true" },
		{ "proc.exe_ino", "77 | 77" },
		{ "proc.exe_ino.ctime_duration_proc_start", "54000000000 | 54000000000" },
		{ "proc.exe_ino.ctime_duration_pidns_start", "<NA> | null" },
		{ "proc.pidns_init_start_ts", "1622308750000000000 | 1622308750000000000" },
		{ "thread.cap_effective", "CAP_CHOWN CAP_SYS_ADMIN | \"CAP_CHOWN CAP_SYS_ADMIN\"" },
		{ "thread.cap_permitted", " | \"\"" }, { "thread.tid", "40 | 40" },
		{ "thread.ismain", "true | true" },
		{ "thread.cgroup.cpu", "/docker/6c9b72f1c563 | \"/docker/6c9b72f1c563\"" });
	event.process = NULL;
	CHECK_FIELDS(event, { "proc.name", "<NA> | null" }, { "proc.pname", "<NA> | null" },
		{ "proc.aname", "<NA> | null" }, { "fd.name", "<NA> | null" },
		{ "user.name", "<NA> | null" });
	event.process = &family[2];
	CHECK_FIELDS(event, { "proc.pname", "<NA> | null" }, { "proc.duration", "<NA> | null" });
	arena_reset(arena);
}

TEST(a_connection_has_a_client_and_a_server_end)
{
	struct event event = connect_event();

	CHECK_FIELDS(event, { "evt.res", "EINPROGRESS | \"EINPROGRESS\"" },
		{ "evt.failed", "true | true" }, { "evt.arg.res", "EINPROGRESS | \"EINPROGRESS\"" },
		{ "evt.rawarg.res", "-115 | -115" },
		{ "evt.arg.fd", "<4t>10.0.0.1:40000->10.96.0.1:443 | "
				"\"<4t>10.0.0.1:40000->10.96.0.1:443\"" },
		{ "evt.args", "res=-115(EINPROGRESS) tuple=10.0.0.1:40000->10.96.0.1:443 "
			      "fd=5(<4t>10.0.0.1:40000->10.96.0.1:443) addr=<NA> | "
			      "\"res=-115(EINPROGRESS) tuple=10.0.0.1:40000->10.96.0.1:443 "
			      "fd=5(<4t>10.0.0.1:40000->10.96.0.1:443) addr=<NA>\"" },
		{ "fd.type", "ipv4 | \"ipv4\"" }, { "fd.typechar", "4 | \"4\"" },
		{ "fd.cip", "10.0.0.1 | \"10.0.0.1\"" }, { "fd.sip", "10.96.0.1 | \"10.96.0.1\"" },
		{ "fd.lip", "10.0.0.1 | \"10.0.0.1\"" }, { "fd.rip", "10.96.0.1 | \"10.96.0.1\"" },
		{ "fd.cport", "40000 | 40000" }, { "fd.sport", "443 | 443" },
		{ "fd.sip.name", "api.test | \"api.test\"" }, { "fd.cip.name", "<NA> | null" },
		{ "fd.lport", "40000 | 40000" }, { "fd.rport", "443 | 443" },
		{ "fd.sproto", "https | \"https\"" }, { "fd.l4proto", "tcp | \"tcp\"" },
		{ "fd.sockfamily", "ip | \"ip\"" }, { "fd.is_server", "false | false" },
		{ "fd.connected", "true | true" }, { "fd.name_changed", "true | true" },
		{ "fd.net", "<NA> | null" }, { "fd.directory", "<NA> | null" },
		{ "fs.path.name", "<NA> | null" });
	event.fd.is_server = true;
	CHECK_FIELDS(event, { "fd.sip", "10.0.0.1 | \"10.0.0.1\"" }, { "fd.cport", "443 | 443" },
		{ "fd.lport", "40000 | 40000" });
	event.fd.has_peer = false;
	CHECK_FIELDS(event, { "fd.sip", "10.0.0.1 | \"10.0.0.1\"" }, { "fd.cip", "<NA> | null" },
		{ "fd.rport", "<NA> | null" });
	arena_reset(arena);
}

/* The category of a call, with the type of its descriptor. */
static void check_category(const char *call, enum fd_type type, const char *wanted)
{
	struct event event = event_of(call);
	_cleanup_(freep) char *got = NULL;

	event.fd = (struct event_fd){ .is_known = type != FD_NONE, .type = type };
	got = shown(&event, "evt.category");
	CHECK(!strncmp(got, wanted, strlen(wanted)) && got[strlen(wanted)] == ' ');
}

TEST(a_call_that_moves_bytes_has_the_category_of_what_is_behind_its_descriptor)
{
	check_category("openat", FD_NONE, "file");
	check_category("connect", FD_IPV4, "net");
	check_category("execve", FD_NONE, "process");
	check_category("setuid", FD_NONE, "user");
	check_category("read", FD_FILE, "file");
	check_category("sendto", FD_IPV6, "net");
	check_category("recvmsg", FD_UNIX, "ipc");
	check_category("dup2", FD_NONE, "unknown");
	check_category("sync", FD_NONE, "other");
	arena_reset(arena);
}

/* Falco takes the count of descriptors when it does not know, and any descriptor for an address. */
TEST(what_falco_gets_wrong_of_parents_and_addresses_is_absent)
{
	struct event event = open_event();
	struct field_use use;
	struct value value;

	event.process = &family[1];
	CHECK_FIELDS(event, { "proc.ppid.duration", "<NA> | null" });
	event.fd.type = FD_UNIX;
	CHECK_NUMBER(field_resolve(TEXT("fd.ip"), NULL, &use, NULL), 0);
	CHECK_NUMBER(field_read(&event, &use, &value), ABSENT);
	field_use_done(&use);
	CHECK_NUMBER(field_resolve(TEXT("fd.net"), NULL, &use, NULL), 0);
	CHECK_NUMBER(field_read(&event, &use, &value), ABSENT);
	field_use_done(&use);
	arena_reset(arena);
}

TEST(either_end_fields_give_both_ends_to_conditions)
{
	struct event event = connect_event();
	struct field_use use;
	struct value value;

	CHECK_NUMBER(field_resolve(TEXT("fd.port"), NULL, &use, NULL), 0);
	CHECK_NUMBER(field_read(&event, &use, &value), PRESENT);
	CHECK_NUMBER(value.kind, VALUE_LIST);
	CHECK_NUMBER(value.list.count, 2);
	CHECK_NUMBER(value.list.items[0].size, 40000);
	CHECK_NUMBER(value.list.items[1].size, 443);
	field_use_done(&use);
	arena_reset(arena);
}

TEST(arguments_print_raw_and_readable)
{
	struct event event = socket_event();

	CHECK_FIELDS(event,
		{ "evt.args", "fd=3(<o>) domain=17(AF_PACKET) type=3 proto=768 flags=0(O_NONE) | "
			      "\"fd=3(<o>) domain=17(AF_PACKET) type=3 proto=768 "
			      "flags=0(O_NONE)\"" },
		{ "evt.arg.domain", "AF_PACKET | \"AF_PACKET\"" }, { "evt.arg.type", "3 | \"3\"" },
		{ "fd.type", "<NA> | \"<NA>\"" }, { "fd.name", " | \"\"" },
		{ "fd.lport", "<NA> | null" });
	event = exec_event();
	CHECK_FIELDS(event,
		{ "evt.arg.flags", "EXE_WRITABLE|EXE_UPPER_LAYER | "
				   "\"EXE_WRITABLE|EXE_UPPER_LAYER\"" },
		{ "evt.arg.ptid", "bash | \"bash\"" }, { "evt.arg.args", "a.b. | \"a.b.\"" },
		{ "evt.arg.uid", "<NONE> | \"<NONE>\"" }, { "evt.arg.pid", "<NA> | null" },
		{ "fd.name", "<NA> | null" });
	set_argument(&event, "flags", value_unsigned(0));
	CHECK_FIELDS(event, { "evt.arg.flags", "0 | \"0\"" });
	event = link_event();
	CHECK_FIELDS(event, { "evt.arg.target", "/etc//shadow | \"/etc//shadow\"" },
		{ "evt.arg.linkpath", "/srv/x/sl | \"/srv/x/sl\"" },
		{ "fs.path.source", "/srv/x/sl | \"/srv/x/sl\"" },
		{ "fs.path.sourceraw", "x/sl | \"x/sl\"" },
		{ "fs.path.target", "/etc//shadow | \"/etc//shadow\"" },
		{ "evt.abspath.dst", "/srv/x/sl | \"/srv/x/sl\"" });
	event.result = -EPERM;
	CHECK_FIELDS(event, { "fs.path.source", "<NA> | null" });
	arena_reset(arena);
}

TEST(user_and_container_fields_have_their_fallbacks)
{
	struct event event = open_event();
	struct process process = family[1];

	CHECK_FIELDS(event, { "user.uid", "0 | 0" }, { "user.name", "root | \"root\"" },
		{ "user.loginuid", "-1 | -1" }, { "user.loginname", "<NA> | \"<NA>\"" },
		{ "user.homedir", "/root | \"/root\"" }, { "user.shell", "<NA> | \"<NA>\"" },
		{ "group.gid", "0 | 0" }, { "group.name", "root | \"root\"" },
		{ "container.id", "6c9b72f1c563 | \"6c9b72f1c563\"" },
		{ "container.type", "runc | \"runc\"" }, { "container.name", "<NA> | null" },
		{ "container.image.repository", "<NA> | null" },
		{ "container.start_ts", "1622308750000000000 | 1622308750000000000" },
		{ "k8s.pod.name", "<NA> | null" }, { "k8s.ns.name", "<NA> | null" });
	process.effective_user_id = 1000;
	process.effective_group_id = 10;
	event.process = &process;
	CHECK_FIELDS(event, { "user.name", "wendy | \"wendy\"" },
		{ "group.name", "wheel | \"wheel\"" }, { "user.loginname", "wendy | \"wendy\"" },
		{ "user.homedir", "/home/wendy | \"/home/wendy\"" },
		{ "user.shell", "/bin/zsh | \"/bin/zsh\"" });
	process.effective_user_id = 2000;
	CHECK_FIELDS(event, { "user.name", "<NA> | \"<NA>\"" });
	process.effective_user_id = 77;
	CHECK_FIELDS(event, { "user.name", "<NA> | \"<NA>\"" });
	event.container = &host;
	CHECK_FIELDS(event, { "container.id", "host | \"host\"" },
		{ "container.name", "host | \"host\"" }, { "container.type", "host | \"host\"" },
		{ "container.image.repository", " | \"\"" }, { "container.image.tag", " | \"\"" },
		{ "container.privileged", "false | false" });
	arena_reset(arena);
}

/* What a runtime told of a container in a pod. */
static struct metadata *told(void)
{
	struct metadata *metadata = metadata_new("containerd");
	struct pod *pod = pod_new();
	struct kept *kept = &metadata->kept;

	metadata->name = TEXT("web");
	metadata->image = TEXT("quay.io/team/web:1.2");
	metadata->image_id = TEXT("e181");
	metadata_set_image(
		metadata, metadata->image, NULL, 0, &TEXT("quay.io/team/web@sha256:be"), 1);
	metadata->is_privileged = YES;
	labels_add(&metadata->labels, kept, TEXT("team"), TEXT("blue"));
	labels_add(&metadata->labels, kept, TEXT("app.kubernetes.io/name"), TEXT("shop"));
	metadata_add_mount(metadata, &(struct mount){ TEXT("/etc"), TEXT("/host/etc"), TEXT("ro"),
					     TEXT("rslave"), {}, false });
	metadata_add_mount(metadata, &(struct mount){ TEXT("/var/run/docker.sock"), TEXT("/sock"),
					     TEXT(""), TEXT("private"), {}, true });
	metadata->healthcheck = TEXT("/bin/cat -A /etc/shadow");
	pod->name = TEXT("shop-7d4b9c6f5-x2x9k");
	pod->uid = TEXT("5f6a");
	pod->namespace_name = TEXT("store");
	pod->sandbox_id = TEXT("0123456789abcdef");
	pod->ip = TEXT("10.0.0.7");
	pod->host_network = NO;
	labels_add(&pod->labels, &pod->kept, TEXT("pod-template-hash"), TEXT("7d4b9c6f5"));
	pod_finish(pod);
	metadata->pod = pod;
	metadata_finish(metadata);
	return metadata;
}

TEST(what_a_runtime_told_of_a_container_and_its_pod_is_read)
{
	struct event event = open_event();
	struct container known = box;
	struct metadata *metadata = told();

	known.kind = CONTAINER_DOCKER;
	known.state = METADATA_KNOWN;
	known.metadata = metadata;
	known.name = metadata->name;
	event.container = &known;
	CHECK_FIELDS(event, { "container.name", "web | \"web\"" },
		{ "container.type", "containerd | \"containerd\"" },
		{ "container.image", "quay.io/team/web:1.2 | \"quay.io/team/web:1.2\"" },
		{ "container.image.id", "e181 | \"e181\"" },
		{ "container.image.repository", "quay.io/team/web | \"quay.io/team/web\"" },
		{ "container.image.tag", "1.2 | \"1.2\"" },
		{ "container.image.digest", "sha256:be | \"sha256:be\"" },
		{ "container.privileged", "true | true" },
		{ "container.host_network", "false | false" },
		{ "container.host_pid", "<NA> | null" },
		{ "container.ip", "10.0.0.7 | \"10.0.0.7\"" },
		{ "container.label[team]", "blue | \"blue\"" },
		{ "container.label.app.kubernetes.io/name",
			"no field \"container.label.app.kubernetes."
			"io/name\"; did you mean "
			"\"container.label\"?" },
		{ "container.label[app.kubernetes.io/name]", "shop | \"shop\"" },
		{ "container.label.none", "<NA> | null" },
		{ "container.labels", "app.kubernetes.io/name:shop, team:blue | "
				      "\"app.kubernetes.io/name:shop, team:blue\"" });
	CHECK_FIELDS(event,
		{ "container.mounts",
			"/etc:/host/etc:ro:false:rslave,/var/run/docker.sock:/sock::true:private | "
			"\"/etc:/host/etc:ro:false:rslave,/var/run/docker.sock:/sock::true:private\"" },
		{ "container.mount[1]", "/var/run/docker.sock:/sock::true:private | "
					"\"/var/run/docker.sock:/sock::true:private\"" },
		{ "container.mount[2]", "<NA> | null" },
		{ "container.mount.dest[/var/run/*]", "/sock | \"/sock\"" },
		{ "container.mount.dest[/etc]", "/host/etc | \"/host/etc\"" },
		{ "container.mount.source[/sock]",
			"/var/run/docker.sock | \"/var/run/docker.sock\"" },
		{ "container.mount.mode[0]", "ro | \"ro\"" },
		{ "container.mount.rdwr[/etc]", "false | \"false\"" },
		{ "container.mount.propagation[0]", "rslave | \"rslave\"" },
		{ "container.mount.dest[/etc/*]", "<NA> | null" });
	CHECK_FIELDS(event, { "k8s.pod.name", "shop-7d4b9c6f5-x2x9k | \"shop-7d4b9c6f5-x2x9k\"" },
		{ "k8s.ns.name", "store | \"store\"" }, { "k8s.pod.uid", "5f6a | \"5f6a\"" },
		{ "k8s.pod.id", "5f6a | \"5f6a\"" },
		{ "k8s.pod.sandbox_id", "0123456789ab | \"0123456789ab\"" },
		{ "k8s.pod.full_sandbox_id", "0123456789abcdef | \"0123456789abcdef\"" },
		{ "k8s.pod.ip", "10.0.0.7 | \"10.0.0.7\"" },
		{ "k8s.pod.labels",
			"pod-template-hash:7d4b9c6f5 | \"pod-template-hash:7d4b9c6f5\"" },
		{ "k8s.rs.name", "shop-7d4b9c6f5 | \"shop-7d4b9c6f5\"" },
		{ "k8s.deployment.name", "shop | \"shop\"" }, { "k8s.svc.name", "<NA> | null" });
	metadata_release(metadata);
	arena_reset(arena);
}

/* Of an event whose container is the real family's, so that the ancestors fit. */
TEST(a_probe_is_what_was_entered_from_outside)
{
	struct event event = open_event();
	struct container known = box;
	struct metadata *metadata = told();

	known.metadata = metadata;
	event.container = &known;
	/* cat is bash's child, and bash is in the container too. */
	CHECK_FIELDS(event, { "proc.is_container_healthcheck", "false | false" },
		{ "container.healthcheck",
			"/bin/cat -A /etc/shadow | \"/bin/cat -A /etc/shadow\"" },
		{ "proc.is_container_liveness_probe", "false | false" });
	metadata_release(metadata);
	arena_reset(arena);
}

static enum presence presence_of(const struct event *event, const char *name)
{
	struct field_use use;
	struct value value;
	enum presence presence;

	CHECK_NUMBER(field_resolve(text_of(name), NULL, &use, NULL), 0);
	presence = field_read(event, &use, &value);
	field_use_done(&use);
	return presence;
}

TEST(metadata_waits_until_a_runtime_answered_or_time_is_up)
{
	static const char *const names[] = { "container.name", "container.image",
		"container.privileged", "container.image.repository", "container.mounts",
		"container.label[a]", "k8s.pod.name", "k8s.ns.name", "k8s.deployment.name",
		"proc.is_container_healthcheck" };
	struct event event = open_event();
	struct container awaited = box;
	struct metadata *metadata = metadata_new("docker");

	awaited.kind = CONTAINER_DOCKER;
	awaited.state = METADATA_AWAITED;
	event.container = &awaited;
	for (size_t i = 0; i < COUNT_OF(names); i++)
		CHECK_NUMBER(presence_of(&event, names[i]), WAITS);
	CHECK_NUMBER(presence_of(&event, "container.id"), PRESENT);
	event.is_overdue = true;
	for (size_t i = 0; i < COUNT_OF(names); i++)
		CHECK_NUMBER(presence_of(&event, names[i]), ABSENT);

	/* The first answer has what decides; digest and pod come with the second. */
	event.is_overdue = false;
	metadata->is_partial = true;
	metadata->is_privileged = NO;
	awaited.metadata = metadata;
	CHECK_NUMBER(presence_of(&event, "container.privileged"), PRESENT);
	CHECK_NUMBER(presence_of(&event, "container.image.digest"), WAITS);
	CHECK_NUMBER(presence_of(&event, "k8s.pod.ip"), WAITS);
	metadata->is_partial = false;
	CHECK_NUMBER(presence_of(&event, "container.image.digest"), ABSENT);
	CHECK_NUMBER(presence_of(&event, "k8s.pod.ip"), ABSENT);
	metadata_release(metadata);
	arena_reset(arena);
}

TEST(a_wrong_name_gets_advice)
{
	struct event event = open_event();

	CHECK_FIELDS(event,
		{ "proc.cmdlin", "no field \"proc.cmdlin\"; did you mean \"proc.cmdline\"?" },
		{ "proc.name.foo", "no field \"proc.name.foo\"; did you mean \"proc.name\"?" },
		{ "nothing.at.all.like.this",
			"no field \"nothing.at.all.like.this\"; `tercel fields` lists them" },
		{ "evt.arg", "field \"evt.arg\" needs an argument: evt.arg.NAME or [0]" },
		{ "evt.arg.flag", "unknown event argument flag; did you mean \"flags\"?" },
		{ "proc.aname[x]", "field \"proc.aname\": \"x\" is no index; write proc.aname[1]" },
		{ "proc.name[1]", "field \"proc.name\" takes no argument" },
		{ "evt.type.is.opn", "unknown event type opn" });
}

TEST(a_format_takes_the_longest_name_and_leaves_the_rest)
{
	static const struct {
		const char *text;
		const char *name, *key;
	} cases[] = {
		{ "proc.name: x", "proc.name", "" },
		{ "user.name.", "user.name", "" },
		{ "proc.aname[2])", "proc.aname[2]", "2" },
		{ "proc.env[\"A B]\"] ", "proc.env[\"A B]\"]", "A B]" },
		{ "evt.arg.flags.", "evt.arg.flags", "flags" },
		{ "evt.args x", "evt.args", "" },
		{ "container.label.app.kubernetes.io/x", "container.label.app.kubernetes.io",
			"app.kubernetes.io" },
		{ "container.label[app.kubernetes.io/x]", "container.label[app.kubernetes.io/x]",
			"app.kubernetes.io/x" },
		{ "proc.cmdlines", "proc.cmdline", "" },
		{ "static.cluster)", "static.cluster", "cluster" },
	};

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct field_use use = {};
		size_t used = 0;
		_cleanup_(freep) char *key = NULL;

		CHECK_NUMBER(field_resolve(text_of(cases[i].text), &used, &use, NULL), 0);
		key = text_to_string(use.key);
		CHECK_TEXT(use.name.data, cases[i].name);
		CHECK_NUMBER(used, strlen(cases[i].name));
		CHECK_TEXT(key, cases[i].key);
		field_use_done(&use);
	}
}

TEST(given_values_are_read_in_place_of_the_events)
{
	struct event event = open_event();
	const struct given_value given[] = {
		{ "proc.name", PRESENT, value_text(TEXT("nc")) },
		{ "proc.aname[2]", PRESENT, value_text(TEXT("containerd-shim")) },
		{ "fd.name", ABSENT, {} },
	};

	event.given = given;
	event.given_count = COUNT_OF(given);
	CHECK_FIELDS(event, { "proc.name", "nc | \"nc\"" },
		{ "proc.aname[2]", "containerd-shim | \"containerd-shim\"" },
		{ "proc.aname[1]", "bash | \"bash\"" }, { "fd.name", "<NA> | null" });
	arena_reset(arena);
}

/* The text by which a field is used, with an argument where it needs one; free() it. */
static char *use_text(const struct field *field)
{
	bool is_type = !strcmp(field->name, "evt.type.is");

	switch (field->argument) {
	case ARGUMENT_INDEX:
	case ARGUMENT_NAME_OR_INDEX:
		return string_printf("%s[0]", field->name);
	case ARGUMENT_KEY:
		return string_printf("%s[key]", field->name);
	case ARGUMENT_SUFFIX:
		return string_printf("%s.%s", field->name, is_type ? "open" : "name");
	default:
		return string_copy(field->name);
	}
}

/* Whether what was read is of the kind that the field's row says. */
static bool has_kind(const struct field_use *use, const struct value *value)
{
	enum value_kind kind = value_type_kind(use->type);

	if (value->kind != VALUE_LIST || kind == VALUE_LIST)
		return value->kind == kind;
	return !value->list.count || value->list.items[0].kind == kind;
}

static void read_all(const struct event *event)
{
	size_t count;
	const struct field_family *const *families = field_families(&count);

	for (size_t i = 0; i < count; i++)
		for (size_t j = 0; j < families[i]->count; j++) {
			const struct field *field = &families[i]->fields[j];
			_cleanup_(freep) char *name = use_text(field);
			_cleanup_(freep) char *text = shown(event, name);
			struct field_use use = {};
			struct value value = {};

			CHECK_NUMBER(field_resolve(text_of(name), NULL, &use, NULL), 0);
			if (field_read(event, &use, &value) == PRESENT && !has_kind(&use, &value)) {
				printf("# %s of %s\n", name, event->type->name);
				CHECK(has_kind(&use, &value));
			}
			CHECK(text && *text);
			field_use_done(&use);
		}
}

TEST(every_field_of_every_kind_of_event_reads_as_its_row_says)
{
	struct event events[] = { open_event(), connect_event(), socket_event(), link_event(),
		exec_event(), event_of("getpid"), event_of("procexit"), event_of("openat") };

	for (size_t i = 0; i < COUNT_OF(events); i++) {
		read_all(&events[i]);
		events[i].process = NULL;
		events[i].container = NULL;
		events[i].users = NULL;
		read_all(&events[i]);
	}
	arena_reset(arena);
}

TEST(every_row_is_documented_and_needs_events_that_exist)
{
	size_t count;
	const struct field_family *const *families = field_families(&count);

	for (size_t i = 0; i < count; i++)
		for (size_t j = 0; j < families[i]->count; j++) {
			const struct field *field = &families[i]->fields[j];
			struct text rest = text_of(field->needs), name;

			CHECK(field->about && strlen(field->about) > 3);
			while (text_split(&rest, ' ', &name))
				CHECK(event_type_find(name) != NULL);
		}
}

TEST(the_reference_lists_all_fields_but_the_hidden_ones)
{
	struct buffer out;
	struct json_object *parsed = NULL;

	buffer_init(&out, 1 << 20);
	fields_print(FIELDS_NAMES, &out);
	CHECK(text_contains(buffer_text(&out), TEXT("proc.name\nproc.pname\n")));
	CHECK(!text_contains(buffer_text(&out), TEXT("evt.buflen.net.in\n")));
	buffer_clear(&out);
	fields_print(FIELDS_MARKDOWN, &out);
	CHECK(text_contains(buffer_text(&out), TEXT("| `fd.num` | INT64 |  | ")));
	buffer_clear(&out);
	fields_print(FIELDS_DETAILED_TEXT, &out);
	CHECK(text_contains(
		buffer_text(&out), TEXT("type CHARBUF, written proc.env[KEY] or alone")));
	buffer_clear(&out);
	fields_print(FIELDS_JSON, &out);
	CHECK_NUMBER(json_parse(buffer_text(&out), &parsed, NULL, NULL), 0);
	json_object_put(parsed);
	buffer_done(&out);
}

static const struct field *field_named(struct text name)
{
	size_t count;
	const struct field_family *const *families = field_families(&count);

	for (size_t i = 0; i < count; i++)
		for (size_t j = 0; j < families[i]->count; j++)
			if (text_is(name, families[i]->fields[j].name))
				return &families[i]->fields[j];
	return NULL;
}

static void check_listed(struct text line)
{
	struct text name = {}, type = {};
	const struct field *field;

	text_split(&line, '\t', &name);
	text_split(&line, '\t', &type);
	field = field_named(text_is(name, "static.<key>") ? TEXT("static") : name);
	if (!field || !text_contains(type, text_of(value_type_name(field->type))))
		printf("# " TEXT_FORMAT " " TEXT_FORMAT " is %s\n", TEXT_PRINT(name),
			TEXT_PRINT(type), field ? value_type_name(field->type) : "not there");
	CHECK(field && text_contains(type, text_of(value_type_name(field->type))));
}

TEST(every_field_that_falco_knows_is_known_with_its_type)
{
	const char *shared = getenv("TERCEL_SHARED");
	_cleanup_(freep) char *path =
		string_printf("%s/spec/fields.tsv", shared ? shared : "../shared");
	_cleanup_(fclosep) FILE *file = fopen(path, "r");
	char line[4096];
	int count = 0;

	if (!file)
		SKIP("no ../shared/spec/fields.tsv");
	while (fgets(line, sizeof(line), file))
		if (count++)
			check_listed(text_of(line));
	CHECK_NUMBER(count, 423);
}
