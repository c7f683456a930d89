/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The real programs in the real kernel: a child does something, and what the source tells of it is
 * checked. Needs root; is skipped without.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"
#include "sensor/filter/filter.h"
#include "sensor/rules/rules.h"
#include "sensor/sources/source.h"
#include "tests/test.h"

#define PATIENCE_MS 30000

static const char *const everything[] = { "open", "openat", "openat2", "creat", "execve",
	"execveat", "connect", "accept", "accept4", "bind", "listen", "sendto", "sendmsg",
	"recvfrom", "socket", "dup", "dup2", "dup3", "link", "linkat", "symlink", "symlinkat",
	"ptrace", "init_module", "finit_module", "chdir", "chmod", "fchmod", "unlinkat",
	"renameat2", "setuid", "procexit", "clone", "getppid", "memfd_create", "mkdirat" };

static struct source *open_source(void)
{
	/* The whole machine's calls come in, and others may be busy while we test. */
	struct kernel_source_options options = { .ring_bytes = 64 << 20 };
	struct source *source = NULL;
	struct event_set set = { 0 };
	struct error err = { 0 };

	if (kernel_source_new(&options, &source, &err) < 0) {
		printf("# %s\n", err.message);
		return NULL;
	}
	for (size_t i = 0; i < COUNT_OF(everything); i++)
		event_set_add(&set, event_type_find(text_of(everything[i]))->id);
	if (source->operations->want(source, &set, &err) < 0)
		printf("# %s\n", err.message);
	return source;
}

/* One source for all tests: loading takes most of their time. */
static struct source *the_source(void)
{
	static struct source *source;

	if (!source)
		source = open_source();
	return source;
}

#define NEED_ROOT()                                                 \
	do {                                                        \
		if (geteuid())                                      \
			SKIP("needs root to load kernel programs"); \
	} while (0)

/* The next event of a type from a process; NULL when none comes in time. */
static struct event *await(const char *type, pid_t pid)
{
	struct source *source = the_source();
	int64_t deadline = clock_ms(CLOCK_MONOTONIC) + PATIENCE_MS;
	struct error err = { 0 };
	struct event *event;

	while (source && clock_ms(CLOCK_MONOTONIC) < deadline) {
		if (source->operations->next(source, 100, &event, &err) != 1)
			continue;
		if (!event->process || event->process->pid != pid ||
			strcmp(event->type->name, type))
			continue;
		event_name_fd(event);
		return event;
	}
	return NULL;
}

static struct event *await_exec_or_exit(pid_t pid)
{
	struct source *source = the_source();
	int64_t deadline = clock_ms(CLOCK_MONOTONIC) + PATIENCE_MS;
	struct error err = { 0 };
	struct event *event;

	while (source && clock_ms(CLOCK_MONOTONIC) < deadline) {
		if (source->operations->next(source, 100, &event, &err) != 1 || !event->process ||
			event->process->pid != pid)
			continue;
		if (event->type->id == EVENT_execve || event->type->id == EVENT_procexit)
			return event;
	}
	return NULL;
}

/* What the rest of the machine did meanwhile may fill the ring, and then calls are shed. */
static void drain(void)
{
	int64_t deadline = clock_ms(CLOCK_MONOTONIC) + PATIENCE_MS;
	struct source *source = the_source();
	struct error err = { 0 };
	struct event *event;

	while (source && clock_ms(CLOCK_MONOTONIC) < deadline &&
		source->operations->next(source, 0, &event, &err) == 1)
		;
}

/* A child that does `act`, once the source watches. */
static pid_t start(void (*act)(void))
{
	pid_t pid;

	drain();
	pid = fork();
	if (pid)
		return pid;
	act();
	_exit(0);
}

static struct event *event_of(void (*act)(void), const char *type, pid_t *ret_pid)
{
	struct event *event;

	*ret_pid = start(act);
	event = await(type, *ret_pid);
	CHECK(event != NULL);
	return event;
}

static void reap(pid_t pid)
{
	waitpid(pid, NULL, 0);
}

/* Text of an argument by name; "(absent)" when it has no value. Freed by the next call. */
static const char *argument_text(const struct event *event, const char *name)
{
	static char *copy;

	free(copy);
	copy = NULL;
	event_fill(event);
	for (int i = 0; i < event->type->argument_count; i++)
		if (!strcmp(event->type->arguments[i].name, name) &&
			event->arguments_present >> i & 1)
			copy = text_to_string(event->arguments[i].text);
	return copy ? copy : "(absent)";
}

static int64_t argument_number(const struct event *event, const char *name)
{
	event_fill(event);
	for (int i = 0; i < event->type->argument_count; i++)
		if (!strcmp(event->type->arguments[i].name, name) &&
			event->arguments_present >> i & 1)
			return event->arguments[i].number;
	return -999;
}

#define CHECK_SLICE(got, want)                      \
	do {                                        \
		char *slice_ = text_to_string(got); \
		CHECK_TEXT(slice_, want);           \
		free(slice_);                       \
	} while (0)

static void open_absolute(void)
{
	(void)!open("/etc/../etc//hostname", O_RDONLY | O_CLOEXEC);
}

TEST(an_open_has_both_views_flags_and_the_file)
{
	struct event *event;
	struct stat file;
	pid_t pid;

	NEED_ROOT();
	if (stat("/etc/hostname", &file))
		SKIP("no /etc/hostname");
	event = event_of(open_absolute, "openat", &pid);
	if (!event)
		return;
	CHECK_SLICE(event->fd.name, "/etc/hostname");
	CHECK_SLICE(event->fd.raw_name, "/etc/../etc/hostname");
	CHECK_SLICE(event->fd.real_name, "/etc/hostname");
	CHECK_NUMBER(event->fd.type, FD_FILE);
	CHECK_NUMBER(event->fd.inode, file.st_ino);
	CHECK_NUMBER(event->fd.device, file.st_dev);
	CHECK(event->result >= 0 && event->fd.number == event->result);
	CHECK_NUMBER(argument_number(event, "flags"), 1 | 1 << 12);
	CHECK_NUMBER(argument_number(event, "dirfd"), AT_FDCWD);
	CHECK_TEXT(argument_text(event, "name"), "/etc/../etc//hostname");
	CHECK_NUMBER(event->thread_id, pid);
	CHECK(event->time_ns / 1000000000 >= (uint64_t)time(NULL) - 5 &&
		event->time_ns / 1000000000 <= (uint64_t)time(NULL) + 1);
	CHECK_SLICE(event->container->id, "host");
	reap(pid);
}

static char folder[] = "/tmp/tercel-test-XXXXXX";

static const char *a_folder(void)
{
	static bool is_made;

	if (!is_made && !mkdtemp(folder))
		abort();
	is_made = true;
	return folder;
}

static void open_by_symlink(void)
{
	int at = open(a_folder(), O_PATH | O_DIRECTORY);

	(void)!symlinkat("/etc", at, "link");
	(void)!mkdirat(at, "sub", 0700);
	(void)!chdir(folder);
	(void)!openat(AT_FDCWD, "sub/../link/passwd", O_RDONLY);
}

TEST(a_relative_open_through_a_symlink_shows_where_it_really_went)
{
	struct event *event;
	char want[128];
	pid_t pid;

	NEED_ROOT();
	a_folder();
	event = event_of(open_by_symlink, "symlinkat", &pid);
	if (!event)
		return;
	CHECK_TEXT(argument_text(event, "target"), "/etc");
	CHECK_TEXT(argument_text(event, "linkpath"), "link");
	snprintf(want, sizeof(want), "%s/link", folder);
	CHECK_SLICE(event->absolute[3], want);

	event = await("openat", pid);
	CHECK(event != NULL);
	if (!event)
		return;
	snprintf(want, sizeof(want), "%s/link/passwd", folder);
	CHECK_SLICE(event->fd.name, want);
	CHECK_SLICE(event->fd.raw_name, "sub/../link/passwd");
	CHECK_SLICE(event->fd.real_name, "/etc/passwd");
	reap(pid);
}

static void open_by_fd(void)
{
	int at = open("/etc", O_PATH | O_DIRECTORY);

	(void)!openat(at, "passwd", O_RDWR);
}

TEST(an_open_below_a_descriptor_is_named_by_it)
{
	struct event *event;
	pid_t pid;

	NEED_ROOT();
	pid = start(open_by_fd);
	event = await("openat", pid);
	CHECK(event && event->fd.type == FD_DIRECTORY);
	event = await("openat", pid);
	CHECK(event != NULL);
	if (!event)
		return;
	CHECK_SLICE(event->fd.name, "/etc/passwd");
	CHECK_SLICE(event->fd.raw_name, "passwd");
	CHECK_NUMBER(argument_number(event, "flags"), 3);
	reap(pid);
}

static void open_missing(void)
{
	syscall(SYS_open, "/nowhere/at/all", O_RDONLY);
}

TEST(a_failed_open_is_a_file_with_its_lexical_name_alone)
{
	struct event *event;
	pid_t pid;

	NEED_ROOT();
	event = event_of(open_missing, "open", &pid);
	if (!event)
		return;
	CHECK_NUMBER(event->result, -ENOENT);
	CHECK_NUMBER(event->fd.number, -ENOENT);
	CHECK_NUMBER(event->fd.type, FD_FILE);
	CHECK_SLICE(event->fd.name, "/nowhere/at/all");
	CHECK(!event->fd.real_name.data);
	reap(pid);
}

static void open_with_how(void)
{
	struct {
		uint64_t flags, mode, resolve;
	} how = { O_RDONLY, 0, 0x08 /* RESOLVE_BENEATH */ };

	syscall(SYS_openat2, AT_FDCWD, "proc/self/status", &how, sizeof(how));
}

static void open_with_how_at_root(void)
{
	(void)!chdir("/");
	open_with_how();
}

TEST(openat2_gets_its_flags_from_the_callers_structure)
{
	struct event *event;
	pid_t pid;

	NEED_ROOT();
	event = event_of(open_with_how_at_root, "openat2", &pid);
	if (!event)
		return;
	CHECK_NUMBER(argument_number(event, "flags"), 1);
	CHECK_NUMBER(argument_number(event, "resolve"), 1);
	CHECK_SLICE(event->fd.name, "/proc/self/status");
	reap(pid);
}

static void create_a_file(void)
{
	char path[64];

	snprintf(path, sizeof(path), "%s/new", a_folder());
	(void)!open(path, O_CREAT | O_WRONLY | O_TRUNC, 0640);
}

TEST(a_file_that_an_open_made_is_marked)
{
	struct event *event;
	pid_t pid;

	NEED_ROOT();
	a_folder();
	event = event_of(create_a_file, "openat", &pid);
	if (!event)
		return;
	CHECK_NUMBER(argument_number(event, "flags"), 2 | 4 | 256 | 1 << 14);
	CHECK_NUMBER(argument_number(event, "mode"), 0640);
	reap(pid);
}

static void run_true(void)
{
	char *const arguments[] = { "tr ue", "a b", "", "c", NULL };
	char *const environment[] = { "HOME=/root", "X=1", NULL };

	(void)!chdir("/usr");
	execve("/bin/true", arguments, environment);
}

TEST(an_exec_describes_the_new_image_and_its_parent)
{
	struct event *event;
	const struct process *process, *parent;
	struct stat file;
	pid_t pid;

	NEED_ROOT();
	event = event_of(run_true, "execve", &pid);
	if (!event)
		return;
	process = event->process;
	CHECK_NUMBER(event->result, 0);
	CHECK_SLICE(process->comm, "true");
	CHECK_SLICE(process->exe, "tr ue");
	CHECK_SLICE(process->exe_path, "/usr/bin/true");
	CHECK_SLICE(process->working_directory, "/usr");
	CHECK_NUMBER(process->arguments.length, sizeof("a b\0\0c"));
	CHECK(!memcmp(process->arguments.data, "a b\0\0c", sizeof("a b\0\0c")));
	CHECK(!memcmp(process->environment.data, "HOME=/root\0X=1", sizeof("HOME=/root\0X=1")));
	CHECK_NUMBER(process->parent_pid, getpid());
	CHECK_NUMBER(process->vpid, pid);
	CHECK_NUMBER(process->session_id, getsid(0));
	CHECK_NUMBER(process->group_id, getpgid(0));
	CHECK_NUMBER(process->effective_user_id, 0);
	CHECK(process->capabilities_effective != 0);
	CHECK_NUMBER(process->exec_count, 1);
	CHECK(process->clone_time_ns / 1000000000 >= (uint64_t)time(NULL) - 10);
	if (!stat("/usr/bin/true", &file)) {
		CHECK_NUMBER(process->exe_inode, file.st_ino);
		CHECK_NUMBER(process->exe_device, file.st_dev);
		CHECK_NUMBER(process->exe_inode_ctime_ns / 1000000000, file.st_ctim.tv_sec);
		CHECK_NUMBER(process->exe_inode_mtime_ns % 1000000000, file.st_mtim.tv_nsec);
	}
	CHECK(process->exe_flags & EXE_WRITABLE);
	CHECK(!(process->exe_flags & EXE_FROM_MEMFD));
	CHECK_TEXT(argument_text(event, "exe"), "tr ue");
	CHECK_TEXT(argument_text(event, "comm"), "true");
	CHECK_NUMBER(argument_number(event, "ptid"), getpid());

	parent = process_ancestor(process, 1);
	CHECK(parent && parent->pid == getpid());
	CHECK(parent && text_starts_with(parent->comm, TEXT("test-")));
	parent = process_ancestor(process, 2);
	CHECK(parent && parent->pid == getppid());
	reap(pid);
}

static void run_nothing(void)
{
	/* Not literals: their page is not there yet, and the kernel never looks. */
	char name[] = "x", option[] = "-y", home[] = "HOME=/";
	char *const arguments[] = { name, option, NULL }, *const environment[] = { home, NULL };

	execve("/no/such/program", arguments, environment);
}

TEST(a_failed_exec_is_reported_with_the_callers_process)
{
	struct event *event;
	pid_t pid;

	NEED_ROOT();
	event = event_of(run_nothing, "execve", &pid);
	if (!event)
		return;
	CHECK_NUMBER(event->result, -ENOENT);
	CHECK_TEXT(argument_text(event, "filename"), "/no/such/program");
	CHECK_TEXT(argument_text(event, "exe"), "x");
	CHECK_TEXT(argument_text(event, "args"), "-y");
	CHECK_TEXT(argument_text(event, "env"), "HOME=/");
	CHECK(text_starts_with(event->process->comm, TEXT("test-")));
	reap(pid);
}

static void run_from_memory(void)
{
	char *const arguments[] = { "quiet", NULL };
	char buffer[65536];
	int to = memfd_create("hidden", MFD_CLOEXEC), from = open("/bin/true", O_RDONLY);
	ssize_t got;

	while ((got = read(from, buffer, sizeof(buffer))) > 0)
		(void)!write(to, buffer, (size_t)got);
	fexecve(to, arguments, environ);
}

TEST(an_exec_from_a_memfd_is_marked)
{
	struct event *event;
	pid_t pid;

	NEED_ROOT();
	event = event_of(run_from_memory, "execveat", &pid);
	if (!event)
		return;
	if (event->result == -ENOENT) {
		reap(pid);
		SKIP("this kernel itself runs no memfd"); /* Debian's 5.10.223, without us too */
	}
	CHECK_NUMBER(event->result, 0);
	CHECK_SLICE(event->process->exe_path, "memfd:hidden");
	CHECK(event->process->exe_flags & EXE_FROM_MEMFD);
	CHECK_SLICE(event->process->exe, "quiet");
	reap(pid);
}

/* An overlay of /usr/bin in mounts of its own; /bin/true is run from the lower layer, or, once it
 * was touched there, from the upper one. */
static void run_from_overlay(bool is_changed)
{
	char options[256], at[64], program[96];
	char *const arguments[] = { "true", NULL };

	if (unshare(CLONE_NEWNS) || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
		mount("none", "/mnt", "tmpfs", 0, NULL))
		_exit(0);
	(void)!mkdir("/mnt/upper", 0755);
	(void)!mkdir("/mnt/work", 0755);
	(void)!mkdir("/mnt/all", 0755);
	snprintf(at, sizeof(at), "/mnt/all");
	snprintf(options, sizeof(options),
		"lowerdir=/usr/bin,upperdir=/mnt/upper,workdir=/mnt/work");
	if (mount("overlay", at, "overlay", 0, options))
		_exit(0);
	snprintf(program, sizeof(program), "%s/true", at);
	if (is_changed)
		(void)!chmod(program, 0755);
	execv(program, arguments);
}

static void run_from_lower(void)
{
	run_from_overlay(false);
}

static void run_from_upper(void)
{
	run_from_overlay(true);
}

TEST(an_exec_from_an_overlay_says_which_layer)
{
	struct event *event;
	pid_t pid;

	NEED_ROOT();
	pid = start(run_from_lower);
	event = await_exec_or_exit(pid);
	if (!event || event->type->id != EVENT_execve)
		SKIP("no overlay file system here");
	CHECK_SLICE(event->process->exe_path, "/mnt/all/true");
	CHECK(event->process->exe_flags & EXE_LOWER_LAYER);
	CHECK(!(event->process->exe_flags & EXE_UPPER_LAYER));
	reap(pid);
	pid = start(run_from_upper);
	event = await_exec_or_exit(pid);
	CHECK(event && event->process->exe_flags & EXE_UPPER_LAYER);
	CHECK(event && !(event->process->exe_flags & EXE_LOWER_LAYER));
	reap(pid);
}

static void rename_and_open(void)
{
	prctl(PR_SET_NAME, "innocent");
	(void)!open("/dev/null", O_RDONLY);
}

TEST(a_process_that_renames_itself_is_seen_under_its_new_name)
{
	struct event *event;
	pid_t pid;

	NEED_ROOT();
	event = event_of(rename_and_open, "openat", &pid);
	if (!event)
		return;
	CHECK_SLICE(event->process->comm, "innocent");
	reap(pid);
}

static void orphan(void)
{
	pid_t middle;

	prctl(PR_SET_CHILD_SUBREAPER, 1);
	middle = fork();
	if (!middle) {
		middle = getpid();
		if (fork())
			_exit(0);
		while (getppid() == middle)
			;
		execl("/bin/true", "orphaned", NULL);
	}
	while (wait(NULL) > 0)
		;
}

TEST(the_child_of_a_process_that_ended_has_the_reaper_as_its_parent)
{
	struct source *source;
	struct event *event = NULL;
	struct error err = { 0 };
	int64_t deadline = clock_ms(CLOCK_MONOTONIC) + PATIENCE_MS;
	const struct process *parent;
	pid_t pid;

	NEED_ROOT();
	source = the_source();
	pid = start(orphan);
	while (source && clock_ms(CLOCK_MONOTONIC) < deadline) {
		if (source->operations->next(source, 100, &event, &err) == 1 &&
			event->type->id == EVENT_execve && text_is(event->process->exe, "orphaned"))
			break;
		event = NULL;
	}
	CHECK(event != NULL);
	if (event) {
		parent = process_ancestor(event->process, 1);
		CHECK(parent && parent->pid == pid);
	}
	reap(pid);
}

/* ---- sockets ---- */

static int listener(int family, struct sockaddr_storage *ret_address)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	socklen_t size = sizeof(*ret_address);
	int fd = socket(family, SOCK_STREAM, 0);

	if (family == AF_INET ? bind(fd, (void *)&v4, sizeof(v4))
			      : bind(fd, (void *)&v6, sizeof(v6)))
		return -1;
	listen(fd, 5);
	getsockname(fd, (void *)ret_address, &size);
	return fd;
}

static struct sockaddr_storage target;

static void connect_to_target(void)
{
	int fd = socket(target.ss_family, SOCK_STREAM, 0);

	(void)!connect(fd, (void *)&target, sizeof(target));
	dup2(fd, 0);
}

TEST(a_connect_has_the_tuple_with_the_client_first)
{
	struct event *event;
	int server;
	pid_t pid;
	char *end;
	char name[96];

	NEED_ROOT();
	the_source();
	server = listener(AF_INET, &target);
	event = event_of(connect_to_target, "connect", &pid);
	if (!event)
		return;
	CHECK_NUMBER(event->result, 0);
	CHECK_NUMBER(event->fd.type, FD_IPV4);
	CHECK_NUMBER(event->fd.protocol, IPPROTO_TCP);
	CHECK(event->fd.is_connected && event->fd.has_peer && !event->fd.is_server);
	CHECK_NUMBER(event->fd.remote_port, ntohs(((struct sockaddr_in *)&target)->sin_port));
	CHECK(event->fd.local_port != 0);
	snprintf(name, sizeof(name), "127.0.0.1:%u->127.0.0.1:%u", event->fd.local_port,
		event->fd.remote_port);
	CHECK_SLICE(event->fd.name, name);
	CHECK_TEXT(argument_text(event, "tuple"), name);
	end = strchr(name, '>') + 1;
	CHECK_TEXT(argument_text(event, "addr"), end);

	/* The copy on standard input is the same connection. */
	event = await("dup2", pid);
	CHECK(event != NULL);
	if (event) {
		CHECK_NUMBER(event->fd.number, 0);
		CHECK_NUMBER(event->fd.type, FD_IPV4);
		CHECK_SLICE(event->fd.name, name);
		CHECK_NUMBER(argument_number(event, "newfd"), 0);
	}
	reap(pid);
	close(server);
}

TEST(a_connect_over_ipv6_is_named_as_such)
{
	struct event *event;
	int server;
	pid_t pid;

	NEED_ROOT();
	the_source();
	server = listener(AF_INET6, &target);
	if (server < 0)
		SKIP("no IPv6 here");
	event = event_of(connect_to_target, "connect", &pid);
	if (!event)
		return;
	CHECK_NUMBER(event->fd.type, FD_IPV6);
	CHECK(text_starts_with(event->fd.name, TEXT("::1:")));
	CHECK(text_contains(event->fd.name, TEXT("->::1:")));
	reap(pid);
	close(server);
}

static void connect_refused(void)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
		.sin_port = htons(1),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

	(void)!connect(socket(AF_INET, SOCK_STREAM, 0), (void *)&to, sizeof(to));
}

TEST(a_refused_connect_still_says_where_to)
{
	struct event *event;
	pid_t pid;

	NEED_ROOT();
	event = event_of(connect_refused, "connect", &pid);
	if (!event)
		return;
	CHECK_NUMBER(event->result, -ECONNREFUSED);
	CHECK_NUMBER(event->fd.type, FD_IPV4);
	CHECK_NUMBER(event->fd.remote_port, 1);
	CHECK(text_ends_with(event->fd.name, TEXT("->127.0.0.1:1")));
	CHECK(!event->fd.is_connected);
	reap(pid);
}

static void connect_unix(void)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int server = socket(AF_UNIX, SOCK_STREAM, 0), client = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(to.sun_path, sizeof(to.sun_path), "%s/socket", a_folder());
	(void)!bind(server, (void *)&to, sizeof(to));
	listen(server, 1);
	(void)!connect(client, (void *)&to, sizeof(to));
	(void)!accept(server, NULL, NULL);
}

TEST(a_unix_connect_names_the_path)
{
	struct event *event;
	char path[64];
	pid_t pid;

	NEED_ROOT();
	a_folder();
	event = event_of(connect_unix, "connect", &pid);
	if (!event)
		return;
	CHECK_NUMBER(event->fd.type, FD_UNIX);
	snprintf(path, sizeof(path), " %s/socket", folder);
	CHECK(text_ends_with(event->fd.name, text_of(path)));
	CHECK(text_contains(event->fd.name, TEXT("->")));
	CHECK(event->fd.is_connected);
	event = await("accept", pid);
	CHECK(event && event->fd.type == FD_UNIX && event->fd.is_server);
	reap(pid);
}

static void connect_and_accept(void)
{
	struct sockaddr_storage address;
	int server = listener(AF_INET, &address), client = socket(AF_INET, SOCK_STREAM, 0);

	(void)!connect(client, (void *)&address, sizeof(address));
	(void)!dup(accept4(server, NULL, NULL, SOCK_CLOEXEC));
}

TEST(an_accepted_connection_names_the_client_first_and_we_are_the_server)
{
	struct event *event;
	char name[96];
	pid_t pid;

	NEED_ROOT();
	event = event_of(connect_and_accept, "accept4", &pid);
	if (!event)
		return;
	CHECK(event->result >= 0);
	CHECK(event->fd.is_server && event->fd.is_connected);
	snprintf(name, sizeof(name), "127.0.0.1:%u->127.0.0.1:%u", event->fd.remote_port,
		event->fd.local_port);
	CHECK_SLICE(event->fd.name, name);
	CHECK_NUMBER(argument_number(event, "queuemax"), 5);
	/* And its copy still knows. */
	event = await("dup", pid);
	CHECK(event && event->fd.is_server);
	reap(pid);
}

static void send_datagrams(void)
{
	struct sockaddr_in one = { .sin_family = AF_INET,
		.sin_port = htons(5353),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct sockaddr_in other = one;
	struct iovec vector = { "ping", 4 };
	struct msghdr message = { .msg_name = &other,
		.msg_namelen = sizeof(other),
		.msg_iov = &vector,
		.msg_iovlen = 1 };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	other.sin_port = htons(5454);
	sendto(fd, "hello", 5, 0, (void *)&one, sizeof(one));
	sendto(fd, "again", 5, 0, (void *)&one, sizeof(one));
	sendmsg(fd, &message, 0);
}

TEST(a_send_without_a_connection_says_where_to_and_when_that_changes)
{
	struct event *event;
	pid_t pid;

	NEED_ROOT();
	event = event_of(send_datagrams, "sendto", &pid);
	if (!event)
		return;
	CHECK_NUMBER(event->fd.protocol, IPPROTO_UDP);
	CHECK_NUMBER(event->fd.remote_port, 5353);
	CHECK(event->fd.is_name_changed && !event->fd.is_connected);
	CHECK(text_ends_with(event->fd.name, TEXT("->127.0.0.1:5353")));
	CHECK_TEXT(argument_text(event, "data"), "hello");
	event = await("sendto", pid);
	CHECK(event && !event->fd.is_name_changed);
	event = await("sendmsg", pid);
	CHECK(event && event->fd.is_name_changed && event->fd.remote_port == 5454);
	CHECK(event && argument_number(event, "size") == 4);
	reap(pid);
}

static void open_packet_socket(void)
{
	(void)!socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
}

TEST(a_packet_socket_shows_its_domain)
{
	struct event *event;
	pid_t pid;

	NEED_ROOT();
	event = event_of(open_packet_socket, "socket", &pid);
	if (!event)
		return;
	CHECK_NUMBER(argument_number(event, "domain"), AF_PACKET);
	CHECK_NUMBER(argument_number(event, "type"), SOCK_RAW);
	CHECK_NUMBER(argument_number(event, "flags"), 2);
	reap(pid);
}

/* ---- others ---- */

static void various(void)
{
	char one[64], other[64];

	snprintf(one, sizeof(one), "%s/one", folder);
	snprintf(other, sizeof(other), "%s/other", folder);
	close(open(one, O_CREAT | O_RDWR, 0600));
	ptrace(PTRACE_TRACEME, 0, 0, 0);
	(void)!link(one, other);
	(void)!chmod(one, 04755);
	syscall(SYS_init_module, NULL, 0UL, "parameters");
	(void)!unlink(one);
	syscall(SYS_getppid);
}

static void change_directory(void)
{
	(void)!chdir("/usr");
	(void)!chdir("../usr/./bin/");
	(void)!open("relative", O_RDONLY);
}

TEST(a_chdir_moves_the_process)
{
	struct event *event;
	pid_t pid;

	NEED_ROOT();
	event = event_of(change_directory, "chdir", &pid);
	if (!event)
		return;
	event = await("chdir", pid);
	event = await("openat", pid);
	CHECK(event != NULL);
	if (event) {
		CHECK_SLICE(event->process->working_directory, "/usr/bin");
		CHECK_SLICE(event->fd.name, "/usr/bin/relative");
	}
	reap(pid);
}

TEST(ptrace_link_chmod_and_modules_have_their_arguments)
{
	struct event *event;
	char path[64];
	pid_t pid;

	NEED_ROOT();
	a_folder();
	event = event_of(various, "ptrace", &pid);
	if (!event)
		return;
	CHECK_NUMBER(argument_number(event, "request"), 1);
	event = await("link", pid);
	snprintf(path, sizeof(path), "%s/other", folder);
	CHECK(event != NULL);
	if (event)
		CHECK_TEXT(argument_text(event, "newpath"), path);
	event = await("chmod", pid);
	CHECK(event && argument_number(event, "mode") == 04755);
	event = await("init_module", pid);
	CHECK(event && event->result < 0);
	if (event)
		CHECK_TEXT(argument_text(event, "uargs"), "parameters");
	event = await("getppid", pid);
	CHECK(event && event->type->is_generic);
	event = await("procexit", pid);
	CHECK(event && argument_number(event, "status") == 0);
	reap(pid);
}

#define BURST 20000

static void open_often(void)
{
	for (int i = 0; i < BURST; i++)
		syscall(SYS_open, "/nowhere", O_RDONLY | O_CLOEXEC);
}

TEST(nothing_is_lost_in_a_burst_and_the_order_is_kept)
{
	struct source_counters before, after;
	struct source *source;
	struct event *event;
	uint64_t last_ns = 0;
	bool is_ordered = true;
	int count = 0;
	pid_t pid;

	NEED_ROOT();
	source = the_source();
	if (!source)
		return;
	source->operations->counters(source, &before);
	pid = start(open_often);
	while (count < BURST && (event = await("open", pid))) {
		is_ordered &= event->time_ns >= last_ns;
		last_ns = event->time_ns;
		count++;
	}
	source->operations->counters(source, &after);
	CHECK_NUMBER(count, BURST);
	CHECK_NUMBER(after.dropped - before.dropped, 0);
	CHECK(is_ordered);
	reap(pid);
}

#define FLOOD 2000

#define LAST_BYTE 1

/*
 * Starts more processes than a small ring can tell of, then one that opens a file each time that it
 * is told, for one record may be lost in turn.
 */
static pid_t start_flood(int done, int go)
{
	pid_t pid = fork();
	char byte;

	if (pid)
		return pid;
	for (int i = 0; i < FLOOD; i++) {
		pid = fork();
		if (!pid)
			_exit(0);
		waitpid(pid, NULL, 0);
	}
	pid = fork();
	if (!pid) {
		(void)!write(done, "", 1);
		prctl(PR_SET_NAME, "survivor");
		while (read(go, &byte, 1) == 1 && byte != LAST_BYTE)
			close(open("/dev/null", O_RDONLY));
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	_exit(0);
}

static bool is_survivors(const struct event *event)
{
	return event->type->id == EVENT_openat && text_is(event->process->comm, "survivor");
}

TEST(what_a_full_ring_loses_is_counted_and_the_processes_are_found_again)
{
	struct kernel_source_options options = { .ring_bytes = 1 }; /* the smallest there is */
	struct source_counters counters;
	struct source *source = NULL;
	struct event_set set = { 0 };
	struct error err = { 0 };
	struct event *event = NULL;
	int done[2], go[2];
	bool is_found = false;
	char byte;
	pid_t pid;

	NEED_ROOT();
	CHECK_NUMBER(pipe(done) | pipe(go), 0);
	CHECK_NUMBER(kernel_source_new(&options, &source, &err), 0);
	if (!source)
		return;
	event_set_add(&set, EVENT_openat);
	CHECK_NUMBER(source->operations->want(source, &set, &err), 0);
	pid = start_flood(done[1], go[0]);
	CHECK_NUMBER(read(done[0], &byte, 1), 1);
	source->operations->counters(source, &counters);
	CHECK(counters.dropped_lifecycle > 0);
	while (source->operations->next(source, 0, &event, &err) == 1)
		;
	for (int64_t end = clock_ms(CLOCK_MONOTONIC) + PATIENCE_MS;
		clock_ms(CLOCK_MONOTONIC) < end && !is_found;) {
		CHECK_NUMBER(write(go[1], "", 1), 1);
		while (!is_found && source->operations->next(source, 10, &event, &err) == 1)
			is_found = is_survivors(event);
	}
	CHECK(is_found);
	if (is_found) {
		CHECK(process_ancestor(event->process, 1) &&
			process_ancestor(event->process, 1)->pid == pid);
		CHECK(process_ancestor(event->process, 2) &&
			process_ancestor(event->process, 2)->pid == getpid());
	}
	byte = LAST_BYTE;
	CHECK_NUMBER(write(go[1], &byte, 1), 1);
	reap(pid);
	source->operations->free(source);
	for (int i = 0; i < 2; i++) {
		close(done[i]);
		close(go[i]);
	}
}

/* Starts a program that starts another and then becomes a third, once the pipe is written. */
static pid_t start_ignored(int go)
{
	pid_t pid = fork(), child;
	char byte;

	if (pid)
		return pid;
	if (read(go, &byte, 1) != 1)
		_exit(1);
	(void)!open("/dev/null", O_RDONLY);
	child = fork();
	if (!child) {
		(void)!open("/dev/null", O_RDONLY);
		execl("/bin/sh", "sh", "-c", "/bin/true; exec /bin/false", NULL);
		_exit(1);
	}
	waitpid(child, NULL, 0);
	_exit(0);
}

TEST(an_ignored_process_and_its_program_are_not_reported_but_what_that_starts_or_becomes_is)
{
	struct kernel_source_options options = { 0 };
	struct source *source = NULL;
	struct event_set set = { 0 };
	struct error err = { 0 };
	struct event *event;
	int64_t ignored;
	int go[2];
	bool saw_ignored = false, saw_program = false, saw_started = false, saw_became = false;

	NEED_ROOT();
	CHECK_NUMBER(pipe(go), 0);
	ignored = start_ignored(go[0]);
	options.ignored_pids = &ignored;
	options.ignored_pid_count = 1;
	CHECK_NUMBER(kernel_source_new(&options, &source, &err), 0);
	if (!source)
		return;
	event_set_add(&set, EVENT_openat);
	event_set_add(&set, EVENT_execve);
	CHECK_NUMBER(source->operations->want(source, &set, &err), 0);
	CHECK_NUMBER(write(go[1], "", 1), 1);
	reap((pid_t)ignored);
	for (int64_t end = clock_ms(CLOCK_MONOTONIC) + PATIENCE_MS;
		clock_ms(CLOCK_MONOTONIC) < end && !saw_became;) {
		bool is_of_it;

		if (source->operations->next(source, 100, &event, &err) != 1)
			continue;
		is_of_it = event->process->parent_pid == ignored;
		saw_ignored |= event->process->pid == ignored;
		saw_program |= is_of_it && !text_is(event->process->comm, "false");
		saw_became |= is_of_it && text_is(event->process->comm, "false");
		saw_started |= text_is(event->process->comm, "true");
	}
	CHECK(saw_started && saw_became);
	CHECK(!saw_ignored && !saw_program);
	source->operations->free(source);
	close(go[0]);
	close(go[1]);
}

TEST(without_permission_there_is_one_clear_line)
{
	int channel[2], status = 0;
	char line[512] = "";
	pid_t pid;

	NEED_ROOT();
	if (pipe(channel))
		return;
	pid = fork();
	if (!pid) {
		struct kernel_source_options options = { 0 };
		struct source *source;
		struct error err = { 0 };
		int r;

		if (setuid(65534))
			_exit(9);
		r = kernel_source_new(&options, &source, &err);
		(void)!write(channel[1], err.message, strlen(err.message));
		_exit(r == -EPERM ? 0 : 1);
	}
	close(channel[1]);
	(void)!read(channel[0], line, sizeof(line) - 1);
	waitpid(pid, &status, 0);
	CHECK_NUMBER(status, 0);
	CHECK(strstr(line, "root") && !strchr(line, '\n'));
	close(channel[0]);
}

/* ---- the filter ---- */

/* All that programs are made of: numbers, names, paths as texts and as walks, sets, flags. */
static const char filter_rules[] =
	"- rule: opens\n  desc: d\n  output: o\n  priority: INFO\n  condition: >\n"
	"    evt.type in (open, openat, openat2, creat, open_by_handle_at) and fd.typechar=f and\n"
	"    fd.num >= 0 and (fd.name in (/tmp/tercel-watched, /etc/shadow) or fd.name startswith /boot\n"
	"    or fd.name endswith release_agent or fd.directory = /etc/pam.d or fd.name pmatch (/lost)\n"
	"    or fd.filename = id_rsa or fd.nameraw contains ../..)\n"
	"    and not proc.name in (no-such-name, nor-this-one)\n"
	"- rule: others\n  desc: d\n  output: o\n  priority: INFO\n  condition: >\n"
	"    (evt.type = ptrace and evt.arg.request contains PTRACE_ATTACH) or\n"
	"    (evt.type in (dup, dup2, dup3) and evt.rawres in (0, 1, 2) and fd.type in (ipv4, ipv6)) or\n"
	"    (evt.type = symlinkat and evt.arg.target = /etc/shadow) or\n"
	"    (evt.type in (linkat, mkdirat, unlinkat) and user.uid = 12345 and evt.res = EPERM)\n";

static struct rules *filter_rules_new(struct text text)
{
	static const struct rules_options options = { .minimum_priority = PRIORITY_DEBUG };
	struct rules_loader *loader = rules_loader_new(&options);
	struct load_result *result = rules_loader_add(loader, "rules", text);
	struct rules *rules = NULL;
	struct error err = { 0 };

	CHECK_NUMBER(result->error_count, 0);
	CHECK_NUMBER(rules_compile(loader, &rules, &err), 0);
	load_result_free(result);
	rules_loader_free(loader);
	return rules;
}

static void open_others_then_watched(void)
{
	for (int i = 0; i < 1000; i++)
		close(open("/etc/hostname", O_RDONLY | O_CLOEXEC));
	close(open("/tmp/tercel-watched", O_RDWR | O_CREAT | O_CLOEXEC, 0600));
	unlink("/tmp/tercel-watched");
}

TEST(a_filter_is_accepted_and_drops_in_the_kernel_what_no_rule_can_match)
{
	struct rules *rules;
	struct filter *filter;
	struct call_numbers before, after;
	struct event *event;
	struct error err = { 0 };
	size_t refused = 1;
	pid_t pid;

	NEED_ROOT();
	rules = filter_rules_new(text_of(filter_rules));
	filter = filter_new(rules, FILTER_MAY);
	CHECK_NUMBER(the_source()->operations->filter(the_source(), filter, &refused, &err), 0);
	if (refused)
		printf("# %s\n", err.message);
	CHECK_NUMBER(refused, 0);
	the_source()->operations->calls(the_source(), EVENT_openat, &before);
	event = event_of(open_others_then_watched, "openat", &pid);
	/* The first that comes is the one that is watched. */
	CHECK(event && text_is(event->fd.name, "/tmp/tercel-watched"));
	the_source()->operations->calls(the_source(), EVENT_openat, &after);
	CHECK(after.rejected - before.rejected >= 1000);
	reap(pid);
	CHECK_NUMBER(the_source()->operations->filter(the_source(), NULL, NULL, &err), 0);
	filter_free(filter);
	rules_free(rules);
}

/* As many rules, paths and names as all official files have together, and more. */
static void write_many_rules(struct buffer *out)
{
	for (int i = 0; i < 120; i++) {
		buffer_printf(out,
			"- rule: r%d\n  desc: d\n  output: o\n  priority: INFO\n  condition: >\n"
			"    evt.type in (open, openat, openat2) and fd.typechar=f and fd.num >= 0\n"
			"    and (fd.name in (/etc/a%d, /etc/b%d/c, /usr/lib/x/%d) or fd.name startswith\n"
			"    /opt/%d/ or fd.name endswith .k%d or fd.directory = /srv/%d)\n"
			"    and not proc.name in (all",
			i, i, i, i, i, i, i);
		for (int name = 0; name < 40; name++)
			buffer_printf(out, ", p%d-%d", i % 7, name);
		buffer_add_string(out, ") and not (proc.name = cp and fd.name startswith /etc)\n");
	}
}

TEST(a_filter_of_a_hundred_rules_is_accepted)
{
	struct buffer text;
	struct rules *rules;
	struct filter *filter;
	struct error err = { 0 };
	size_t refused = 1;

	NEED_ROOT();
	buffer_init(&text, 1 << 20);
	write_many_rules(&text);
	rules = filter_rules_new(buffer_text(&text));
	filter = filter_new(rules, FILTER_MAY);
	CHECK_NUMBER(the_source()->operations->filter(the_source(), filter, &refused, &err), 0);
	if (refused)
		printf("# %s\n", err.message);
	CHECK_NUMBER(refused, 0);
	CHECK_NUMBER(the_source()->operations->filter(the_source(), NULL, NULL, &err), 0);
	filter_free(filter);
	rules_free(rules);
	buffer_done(&text);
}
