/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A process as /proc tells of it: for those that ran before us, and for those whose records were
 * lost. What is in these files is the attacker's (names, arguments, links): everything is bounded
 * and nothing is trusted to be there.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/memory.h"
#include "sensor/kernel/wire.h"
#include "sensor/state/containers.h"
#include "sensor/state/process-files.h"
#include "sensor/state/processes.h"

#define FILE_MAX  8192
#define LINK_MAX_ 4096
#define TICK_NS	  UINT64_C(10000000)

#define CAP_DAC_OVERRIDE_BIT (UINT64_C(1) << 1)
#define CAP_FOWNER_BIT	     (UINT64_C(1) << 3)

bool exe_is_writable(const struct exe_access *access)
{
	if (access->capabilities & (CAP_DAC_OVERRIDE_BIT | CAP_FOWNER_BIT))
		return true;
	if (access->owner == access->user)
		return true; /* may chmod it */
	return access->mode & (access->group == access->user_group ? S_IWGRP : S_IWOTH);
}

static int open_process(const char *host_root, int64_t pid)
{
	char path[4200];

	snprintf(path, sizeof(path), "%s/proc/%lld", host_root ? host_root : "", (long long)pid);
	return open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

struct text process_file(struct arena *arena, int folder, const char *name, size_t limit)
{
	_cleanup_(closep) int fd = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	char *data;
	size_t length = 0;

	if (fd < 0)
		return TEXT("");
	data = arena_take(arena, limit + 1);
	while (length < limit) {
		ssize_t got = read(fd, data + length, limit - length);

		if (got <= 0)
			break;
		length += got;
	}
	data[length] = '\0';
	return (struct text){ data, length };
}

static struct text read_link(struct arena *arena, int folder, const char *name)
{
	char *data = arena_take(arena, LINK_MAX_);
	ssize_t got = readlinkat(folder, name, data, LINK_MAX_ - 1);
	struct text text = { data, got > 0 ? got : 0 };

	if (text_ends_with(text, TEXT(" (deleted)")))
		text.length -= strlen(" (deleted)");
	return text;
}

/* "pid:[4026531836]" */
static uint64_t read_namespace(int folder, const char *name)
{
	char link[64];
	ssize_t got = readlinkat(folder, name, link, sizeof(link));
	struct text text = { link, got > 0 ? got : 0 };
	ptrdiff_t at = text_find(text, TEXT("["));
	uint64_t number = 0;

	if (at < 0)
		return 0;
	(void)text_to_u64(text_slice(text, at + 1, text.length - at - 2), &number);
	return number;
}

uint64_t namespace_read(const char *host_root, int64_t pid, const char *name)
{
	_cleanup_(closep) int folder = open_process(host_root, pid);

	return folder < 0 ? 0 : read_namespace(folder, name);
}

static int64_t next_number(struct text *rest)
{
	struct text part;
	int64_t number = -1;

	if (!text_split(rest, ' ', &part))
		return -1;
	(void)text_to_i64(part, &number);
	return number;
}

/* proc(5): pid (comm) state ppid pgrp session tty_nr … starttime is the 22nd. */
static int read_stat(struct text stat, struct process *process, uint64_t *ret_start_tick)
{
	ptrdiff_t begin = text_find(stat, TEXT("("));
	struct text rest = stat;
	size_t end = stat.length;

	while (end && stat.data[end - 1] != ')')
		end--;
	if (begin < 0 || end < (size_t)begin + 2 || end + 3 > stat.length)
		return -ESRCH;
	if (stat.data[end + 1] == 'Z' || stat.data[end + 1] == 'X')
		return -ESRCH; /* it only waits to be reaped */
	process->comm = text_slice(stat, begin + 1, end - begin - 2);
	process->comm = text_slice(process->comm, 0, COMM_LENGTH - 1);
	rest = text_slice(stat, end + 3, SIZE_MAX);
	process->parent_pid = next_number(&rest);
	process->group_id = next_number(&rest);
	process->session_id = next_number(&rest);
	process->tty = next_number(&rest);
	for (int i = 8; i < 22; i++)
		(void)next_number(&rest);
	*ret_start_tick = (uint64_t)next_number(&rest);
	return 0;
}

/* The tab-separated numbers of a line "Name:\t1\t2"; the `index`-th, or -1. */
static int64_t status_number(struct text line, unsigned index)
{
	struct text part;
	int64_t number = -1;

	for (unsigned i = 0; text_split(&line, '\t', &part); i++)
		if (i == index + 1)
			return text_to_i64(text_trim(part), &number) ? -1 : number;
	return -1;
}

static int64_t status_last(struct text line)
{
	struct text part, last = { 0 };
	int64_t number = -1;

	while (text_split(&line, '\t', &part))
		last = part;
	return text_to_i64(text_trim(last), &number) ? -1 : number;
}

static uint64_t status_hex(struct text line)
{
	struct text part;
	uint64_t number = 0;

	(void)text_split(&line, '\t', &part);
	line = text_trim(line);
	for (size_t i = 0; i < line.length; i++) {
		char c = line.data[i];

		number = number << 4 | (uint64_t)(c <= '9' ? c - '0' : c - 'a' + 10);
	}
	return number;
}

static void read_status(struct text status, struct process *process)
{
	struct text line;

	while (text_split(&status, '\n', &line)) {
		if (text_starts_with(line, TEXT("Uid:"))) {
			process->user_id = status_number(line, 0);
			process->effective_user_id = status_number(line, 1);
		} else if (text_starts_with(line, TEXT("Gid:"))) {
			process->group_gid = status_number(line, 0);
			process->effective_group_id = status_number(line, 1);
		} else if (text_starts_with(line, TEXT("NStgid:"))) {
			process->vpid = status_last(line);
		} else if (text_starts_with(line, TEXT("NSpgid:"))) {
			process->virtual_group_id = status_last(line);
		} else if (text_starts_with(line, TEXT("NSsid:"))) {
			process->virtual_session_id = status_last(line);
		} else if (text_starts_with(line, TEXT("CapInh:"))) {
			process->capabilities_inheritable = status_hex(line);
		} else if (text_starts_with(line, TEXT("CapPrm:"))) {
			process->capabilities_permitted = status_hex(line);
		} else if (text_starts_with(line, TEXT("CapEff:"))) {
			process->capabilities_effective = status_hex(line);
		}
	}
}

/* In this order the controllers of version 1 are asked, as the kernel programs do it. */
static const char *const v1_controllers[] = { "pids", "devices", "freezer" };

static bool has_controller(struct text list, const char *name)
{
	struct text one;

	while (text_split(&list, ',', &one))
		if (text_is(one, name))
			return true;
	return false;
}

/* Lines "ID:CONTROLLERS:PATH"; the default hierarchy is "0::PATH". */
static struct text controller_path(struct text file, const char *controller)
{
	struct text line, part;

	while (text_split(&file, '\n', &line)) {
		(void)text_split(&line, ':', &part);
		if (!text_split(&line, ':', &part) || !line.data)
			continue;
		if (controller ? has_controller(part, controller) : !part.length)
			return line;
	}
	return TEXT("/");
}

static struct text deciding_cgroup(struct text file)
{
	struct text v1 = TEXT("/");

	for (size_t i = 0; v1.length < 2 && i < COUNT_OF(v1_controllers); i++)
		v1 = controller_path(file, v1_controllers[i]);
	return cgroup_deciding(controller_path(file, NULL), v1);
}

static void read_command_line(struct text line, struct process *process)
{
	struct text rest = line;

	if (!text_split(&rest, '\0', &process->exe))
		process->exe = TEXT("");
	process->arguments = rest.data ? rest : TEXT("");
}

/* "/memfd:NAME" is a memfd's link; Falco's exepath has no slash before it. */
static void read_exe(int folder, struct arena *arena, struct process *process)
{
	struct stat exe;

	process->exe_path = read_link(arena, folder, "exe");
	if (text_starts_with(process->exe_path, TEXT("/memfd:"))) {
		process->exe_path = text_slice(process->exe_path, 1, SIZE_MAX);
		process->exe_flags |= EXE_FROM_MEMFD;
	}
	if (fstatat(folder, "exe", &exe, 0))
		return;
	process->exe_inode = exe.st_ino;
	process->exe_device = exe.st_dev;
	process->exe_inode_ctime_ns =
		(uint64_t)exe.st_ctim.tv_sec * 1000000000 + (uint64_t)exe.st_ctim.tv_nsec;
	process->exe_inode_mtime_ns =
		(uint64_t)exe.st_mtim.tv_sec * 1000000000 + (uint64_t)exe.st_mtim.tv_nsec;
	if (exe_is_writable(&(struct exe_access){ .mode = exe.st_mode,
		    .owner = exe.st_uid,
		    .group = exe.st_gid,
		    .user = (uint32_t)process->effective_user_id,
		    .user_group = (uint32_t)process->effective_group_id,
		    .capabilities = process->capabilities_effective }))
		process->exe_flags |= EXE_WRITABLE;
}

static int64_t read_login_user(int folder, struct arena *arena)
{
	uint64_t number;

	if (text_to_u64(text_trim(process_file(arena, folder, "loginuid", 32)), &number) ||
		number == UINT32_MAX)
		return -1;
	return (int64_t)number;
}

/* When it started, since 1970; to a tick. */
static uint64_t started_ns(uint64_t tick)
{
	int64_t boot_ns = clock_ns(CLOCK_REALTIME) - clock_ns(CLOCK_BOOTTIME);

	return (uint64_t)boot_ns + tick * TICK_NS;
}

int process_read(const char *host_root, int64_t pid, struct arena *arena, struct process *ret_facts,
	uint64_t *ret_start_tick)
{
	_cleanup_(closep) int folder = open_process(host_root, pid);
	struct process facts = { .pid = pid,
		.vpid = -1,
		.login_uid = -1,
		.virtual_group_id = -1,
		.virtual_session_id = -1 };

	if (folder < 0)
		return -ESRCH;
	if (read_stat(process_file(arena, folder, "stat", 1024), &facts, ret_start_tick) < 0)
		return -ESRCH;
	read_status(process_file(arena, folder, "status", FILE_MAX), &facts);
	read_command_line(process_file(arena, folder, "cmdline", ARGUMENTS_MAX), &facts);
	facts.environment = process_file(arena, folder, "environ", ARGUMENTS_MAX);
	facts.working_directory = read_link(arena, folder, "cwd");
	read_exe(folder, arena, &facts);
	facts.login_uid = read_login_user(folder, arena);
	facts.cgroup = deciding_cgroup(process_file(arena, folder, "cgroup", FILE_MAX));
	facts.pid_namespace = read_namespace(folder, "ns/pid");
	facts.mount_namespace = read_namespace(folder, "ns/mnt");
	if (facts.vpid == 1)
		facts.namespace_start_ns = started_ns(*ret_start_tick);
	*ret_facts = facts;
	return 0;
}
