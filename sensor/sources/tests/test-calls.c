/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A smoke test of the rows: a child makes each call for real, and what evt.args says of it is
 * compared, in the order in which the calls are made. Needs root; is skipped without.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"
#include "sensor/fields/reader.h"
#include "sensor/sources/hook.h"
#include "sensor/sources/source.h"
#include "sensor/sources/tests/tracefs.h"
#include "tests/test.h"

#define PATIENCE_MS 30000

struct made_call {
	const char *type;
	const char *arguments; /* what evt.args has in it */
};

static const struct made_call calls[] = {
	{ "mkdirat", "path=made(/tmp/made) mode=" },
	{ "mkdir", "res=-17(EEXIST) path=/tmp/made mode=" },
	{ "creat", "name=/tmp/made/one mode=384" },
	{ "open", "name=/tmp/made/one flags=2(O_WRONLY) mode=0" },
	{ "fchmod", "mode=0777(S_IXOTH|" },
	{ "chmod", "filename=/tmp/made/one mode=04755(S_IXOTH|S_IROTH|" },
	{ "fchmodat", "filename=made/one(/tmp/made/one) mode=" },
	{ "chown", "path=/tmp/made/one uid=0 gid=0" },
	{ "fchownat", "pathname=made/one(/tmp/made/one) uid=0 gid=0" },
	{ "link", "oldpath=/tmp/made/one newpath=/tmp/made/two" },
	{ "linkat", "newpath=made/three(/tmp/made/three) flags=0" },
	{ "symlink", "target=/etc linkpath=/tmp/made/link" },
	{ "symlinkat",
		"target=/etc linkdirfd=-100(AT_FDCWD) linkpath=made/other(/tmp/made/other)" },
	{ "rename", "oldpath=/tmp/made/two newpath=/tmp/made/four" },
	{ "renameat", "oldpath=made/four(/tmp/made/four)" },
	{ "renameat2", "flags=1(RENAME_NOREPLACE)" },
	{ "unlink", "path=/tmp/made/one" },
	{ "unlinkat", "name=made/three(/tmp/made/three) flags=0" },
	{ "rmdir", "res=-39(ENOTEMPTY) path=/tmp/made" },
	{ "chroot", "res=-2(ENOENT) path=/no/such" },
	{ "mount", "dev=source dir=/no/where type=tmpfs flags=1" },
	{ "umount2", "name=/no/where flags=2(DETACH)" },
	{ "unshare", "flags=32(CLONE_NEWNS)" },
	{ "setns", "res=-9(EBADF) fd=-1(EPERM) nstype=32(CLONE_NEWNS)" },
	{ "memfd_create", "name=quiet flags=1(MFD_CLOEXEC)" },
	{ "socket", "domain=2(AF_INET) type=1 proto=0 flags=2(SOCK_CLOEXEC)" },
	{ "listen", "backlog=7" },
	{ "dup3", "flags=4096(O_CLOEXEC)" },
	{ "ptrace", "res=-3(ESRCH) addr=0 data=0 request=11(PTRACE_ATTACH)" },
	{ "bpf", "cmd=5(BPF_PROG_LOAD)" },
	{ "finit_module", "fd=-1(EPERM) uargs=parameters flags=1(" },
	{ "userfaultfd", "flags=4096(O_CLOEXEC)" },
	{ "pidfd_open", "pid=1" },
	{ "pidfd_getfd", "target_fd=0 flags=0" },
	{ "kill", "sig=0" },
	{ "setpgid", "pid=0 pgid=0" },
	{ "setresuid", "ruid=-1" },
	{ "clone3", "flags=128(CLONE_NEWUTS)" },
	{ "setuid", "uid=0(root)" },
	{ "pipe", "res=0 fd1=" },
	{ "pipe2", "flags=4096(O_CLOEXEC)" },
	{ "socketpair", "domain=1(AF_UNIX) type=1 proto=0" },
	{ "fcntl", "cmd=1(F_DUPFD) arg=50" },
	{ "setsockopt", "level=1(SOL_SOCKET) optname=9(SO_KEEPALIVE) val=1 optlen=4" },
	{ "getsockopt", "level=1(SOL_SOCKET) optname=3(SO_TYPE) val=1 optlen=4" },
	{ "shutdown", "how=2(SHUT_RDWR)" },
	{ "sendmmsg", "res=3 fd=" },
	{ "sendmmsg", "data=two" },
	{ "recvmmsg", "res=3 fd=" },
	{ "recvmmsg", "data=two" },
	{ "close", "res=-9(EBADF) fd=999" },
	{ "close_range", "first=900 last=901 flags=4(CLOSE_RANGE_CLOEXEC)" },
	{ "eventfd2", "flags=4096(O_CLOEXEC) initval=7" },
	{ "signalfd4", "flags=4096(O_CLOEXEC) fd=-1(EPERM) mask=512" },
	{ "timerfd_create", "clockid=1 flags=0" },
	{ "inotify_init1", "flags=4096(O_CLOEXEC)" },
	{ "epoll_create1", "flags=1(EPOLL_CLOEXEC)" },
	{ "prctl", "option=15(PR_SET_NAME) arg2_str=renamed arg2_int=0" },
	{ "prctl", "option=36(PR_SET_CHILD_SUBREAPER) arg2_str= arg2_int=1" },
	{ "setrlimit", "cur=100 max=200 resource=4(RLIMIT_CORE)" },
	{ "getrlimit", "cur=100 max=200 resource=4(RLIMIT_CORE)" },
	{ "prlimit", "newcur=50 newmax=150 oldcur=100 oldmax=200 pid=0 resource=4(RLIMIT_CORE)" },
	{ "capset", "cap_inheritable=0 cap_permitted=1 cap_effective=1" },
	{ "write", "data=bytes" },
	{ "read", "data=bytes" },
	{ "mknodat", "path=node(/tmp/node) mode=" },
	{ "seccomp", "op=2 flags=0" },
};

/* Two messages over a pair of sockets. */
static void exchange(const int *ends)
{
	char first[] = "one", second[] = "two", room[2][8];
	struct iovec out[2] = { { first, 3 }, { second, 3 } },
		     in[2] = { { room[0], 8 }, { room[1], 8 } };
	struct mmsghdr sent[2] = { 0 }, got[2] = { 0 };

	for (int i = 0; i < 2; i++) {
		sent[i].msg_hdr.msg_iov = &out[i];
		got[i].msg_hdr.msg_iov = &in[i];
		sent[i].msg_hdr.msg_iovlen = got[i].msg_hdr.msg_iovlen = 1;
	}
	syscall(SYS_sendmmsg, ends[0], sent, 2, 0);
	syscall(SYS_recvmmsg, ends[1], got, 2, 0, NULL);
}

static void make_descriptors(void)
{
	int pair[2], one = 1, type = 0;
	socklen_t length = sizeof(type);
	uint64_t mask = 1 << 9;

	syscall(SYS_pipe, pair);
	syscall(SYS_pipe2, pair, O_CLOEXEC);
	syscall(SYS_socketpair, AF_UNIX, SOCK_STREAM, 0, pair);
	syscall(SYS_fcntl, pair[0], F_DUPFD, 50);
	syscall(SYS_setsockopt, pair[0], SOL_SOCKET, SO_KEEPALIVE, &one, sizeof(one));
	syscall(SYS_getsockopt, pair[0], SOL_SOCKET, SO_TYPE, &type, &length);
	syscall(SYS_shutdown, pair[0], SHUT_RDWR);
	(void)socketpair(AF_UNIX, SOCK_DGRAM, 0, pair);
	exchange(pair);
	syscall(SYS_close, 999);
	syscall(SYS_close_range, 900, 901, 4);
	syscall(SYS_eventfd2, 7, O_CLOEXEC);
	syscall(SYS_signalfd4, -1, &mask, sizeof(mask), O_CLOEXEC);
	syscall(SYS_timerfd_create, CLOCK_MONOTONIC, 0);
	syscall(SYS_inotify_init1, O_CLOEXEC);
	syscall(SYS_epoll_create1, O_CLOEXEC);
}

static void change_itself(void)
{
	struct rlimit limit = { 100, 200 }, lower = { 50, 150 }, before;
	uint32_t header[2] = { 0x20080522, 0 }, sets[6] = { 1, 1, 0, 0, 0, 0 };
	int pair[2];
	char room[8];

	syscall(SYS_prctl, PR_SET_NAME, "renamed", 0, 0, 0);
	syscall(SYS_prctl, PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	syscall(SYS_setrlimit, RLIMIT_CORE, &limit);
	syscall(SYS_getrlimit, RLIMIT_CORE, &before);
	syscall(SYS_prlimit64, 0, RLIMIT_CORE, &lower, &before);
	syscall(SYS_capset, header, sets);
	if (pipe(pair))
		return;
	(void)!write(pair[1], "bytes", 5);
	(void)!read(pair[0], room, sizeof(room));
	syscall(SYS_mknodat, AT_FDCWD, "node", S_IFIFO | 0600, 0);
	syscall(SYS_unlink, "/tmp/node");
	syscall(SYS_seccomp, 2, 0, NULL);
}

static void make_calls(void)
{
	struct clone_args clone = { .flags = CLONE_NEWUTS, .exit_signal = SIGCHLD };
	char attribute[128] = "";
	int fd;

	(void)!chdir("/tmp");
	syscall(SYS_mkdirat, AT_FDCWD, "made", 0700);
	syscall(SYS_mkdir, "/tmp/made", 0700);
	fd = (int)syscall(SYS_creat, "/tmp/made/one", 0600);
	syscall(SYS_open, "/tmp/made/one", O_WRONLY);
	syscall(SYS_fchmod, fd, 0777);
	syscall(SYS_chmod, "/tmp/made/one", 04755);
	syscall(SYS_fchmodat, AT_FDCWD, "made/one", 0600);
	syscall(SYS_chown, "/tmp/made/one", 0, 0);
	syscall(SYS_fchownat, AT_FDCWD, "made/one", 0, 0, 0);
	syscall(SYS_link, "/tmp/made/one", "/tmp/made/two");
	syscall(SYS_linkat, AT_FDCWD, "made/one", AT_FDCWD, "made/three", 0);
	syscall(SYS_symlink, "/etc", "/tmp/made/link");
	syscall(SYS_symlinkat, "/etc", AT_FDCWD, "made/other");
	syscall(SYS_rename, "/tmp/made/two", "/tmp/made/four");
	syscall(SYS_renameat, AT_FDCWD, "made/four", AT_FDCWD, "made/five");
	syscall(SYS_renameat2, AT_FDCWD, "made/five", AT_FDCWD, "made/six", 1);
	syscall(SYS_unlink, "/tmp/made/one");
	syscall(SYS_unlinkat, AT_FDCWD, "made/three", 0);
	syscall(SYS_rmdir, "/tmp/made");
	syscall(SYS_chroot, "/no/such");
	syscall(SYS_mount, "source", "/no/where", "tmpfs", MS_RDONLY, NULL);
	syscall(SYS_umount2, "/no/where", MNT_DETACH);
	syscall(SYS_unshare, CLONE_NEWNS);
	syscall(SYS_setns, -1, CLONE_NEWNS);
	syscall(SYS_memfd_create, "quiet", MFD_CLOEXEC);
	fd = (int)syscall(SYS_socket, AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	syscall(SYS_listen, fd, 7);
	syscall(SYS_dup3, fd, 99, O_CLOEXEC);
	syscall(SYS_ptrace, PTRACE_ATTACH, 0x7ffffff0, 0, 0);
	syscall(SYS_bpf, 5, attribute, sizeof(attribute));
	syscall(SYS_finit_module, -1, "parameters", 1);
	syscall(SYS_userfaultfd, O_CLOEXEC);
	fd = (int)syscall(SYS_pidfd_open, 1, 0);
	syscall(SYS_pidfd_getfd, fd, 0, 0);
	syscall(SYS_kill, getpid(), 0);
	syscall(SYS_setpgid, 0, 0);
	syscall(SYS_setresuid, -1, -1, -1);
	if (!syscall(SYS_clone3, &clone, sizeof(clone)))
		_exit(0);
	syscall(SYS_setuid, 0);
	syscall(SYS_unlink, "/tmp/made/link");
	syscall(SYS_unlink, "/tmp/made/other");
	syscall(SYS_unlink, "/tmp/made/six");
	syscall(SYS_rmdir, "/tmp/made");
	make_descriptors();
	change_itself();
}

static struct event *await(struct source *source, const char *type, pid_t pid)
{
	int64_t deadline = clock_ms(CLOCK_MONOTONIC) + PATIENCE_MS;
	struct error err = { 0 };
	struct event *event;

	while (clock_ms(CLOCK_MONOTONIC) < deadline)
		if (source->operations->next(source, 100, &event, &err) == 1 && event->process &&
			event->process->pid == pid && !strcmp(event->type->name, type))
			return event;
	return NULL;
}

static void check_call(struct source *source, const struct made_call *call, pid_t pid)
{
	struct event *event = await(source, call->type, pid);
	char *got = event ? text_to_string(arguments_text(event)) : string_copy("(no event)");

	if (!strstr(got, call->arguments))
		printf("# %s: |%s| has no |%s|\n", call->type, got, call->arguments);
	CHECK(strstr(got, call->arguments) != NULL);
	free(got);
}

static void check_calls(enum attach_choice attach)
{
	struct kernel_source_options options = { .ring_bytes = 16 << 20, .attach = attach };
	struct source *source = NULL;
	struct event_set set = { 0 };
	struct error err = { 0 };
	pid_t pid;

	CHECK_NUMBER(kernel_source_new(&options, &source, &err), 0);
	if (!source)
		return;
	for (size_t i = 0; i < COUNT_OF(calls); i++)
		event_set_add(&set, event_type_find(text_of(calls[i].type))->id);
	CHECK_NUMBER(source->operations->want(source, &set, &err), 0);
	pid = fork();
	if (!pid) {
		make_calls();
		_exit(0);
	}
	for (size_t i = 0; i < COUNT_OF(calls); i++)
		if (attach != ATTACH_SYSCALLS || hook_has_tracepoint(calls[i].type))
			check_call(source, &calls[i], pid);
	waitpid(pid, NULL, 0);
	source->operations->free(source);
}

TEST(every_call_that_is_made_is_told_of_with_its_arguments)
{
	if (geteuid())
		SKIP("needs root to load kernel programs");
	check_calls(ATTACH_RAW);
}

TEST(the_same_at_the_tracepoints_of_these_calls_alone)
{
	struct hook_host host;
	const char *why = "";

	if (geteuid())
		SKIP("needs root to load kernel programs");
	mount_tracefs();
	hook_look(&host);
	if (hook_choose(ATTACH_SYSCALLS, &host, &why) != HOOK_SYSCALLS)
		SKIP(why);
	check_calls(ATTACH_SYSCALLS);
}
