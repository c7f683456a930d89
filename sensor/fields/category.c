/* SPDX-License-Identifier: Apache-2.0 */
/*
 * evt.category: Falco's broad kinds of calls. What moves bytes or works on any descriptor is of the
 * kind of what is behind it. Calls that stand nowhere here are "other".
 */
#include "base/memory.h"
#include "sensor/fields/reader.h"

static const struct {
	const char *category;
	const char *calls;
} categories[] = {
	{ "file", "open creat stat lstat fstat stat64 lstat64 fstat64 lseek llseek getcwd "
		  "chdir fchdir rename renameat symlink symlinkat getdents getdents64 flock "
		  "mount access mkdir rmdir unlink unlinkat mkdirat openat link linkat "
		  "fchmodat chmod fchmod renameat2 userfaultfd openat2 copy_file_range "
		  "open_by_handle_at chown lchown fchown fchownat umount umount2 newfstatat "
		  "fchmodat2" },
	{ "net", "socket bind connect listen shutdown getsockname getpeername setsockopt "
		 "getsockopt accept accept4" },
	{ "IPC", "socketpair pipe eventfd futex inotify_init pipe2 inotify_init1 eventfd2" },
	{ "memory", "brk mmap mmap2 munmap mprotect mlock munlock mlockall munlockall mlock2 "
		    "memfd_create" },
	{ "process", "getrlimit setrlimit prlimit ptrace clone fork vfork setns semop semctl "
		     "semget chroot setsid unshare execve setpgid execveat clone3 capset prctl "
		     "pidfd_getfd pidfd_open procexit" },
	{ "signal", "signalfd kill tkill tgkill signalfd4 signaldeliver" },
	{ "sleep", "nanosleep" },
	{ "system", "fsconfig" },
	{ "time", "timerfd_create" },
	{ "user", "quotactl setresuid setresgid setuid setgid getuid geteuid getgid getegid "
		  "getresuid getresgid setreuid setregid" },
	{ "wait", "epoll_wait poll select ppoll epoll_create epoll_create1" },
	{ "scheduler", "switch" },
	{ "internal", "container" },
	{ "meta", "asyncevent" },
};

static const char on_descriptors[] =
	"read recv recvfrom recvmsg recvmmsg pread readv preadv pread64 preadv2 "
	"recvfd write send sendto sendmsg sendmmsg pwrite writev pwritev sendfile "
	"pwrite64 pwritev2 close fcntl splice ioctl close_range io_uring_setup "
	"io_uring_enter io_uring_register dup2 dup3 dup";

static bool has_word(const char *words, const char *word)
{
	struct text rest = text_of(words), one;

	while (text_split(&rest, ' ', &one))
		if (text_is(one, word))
			return true;
	return false;
}

static struct text category_of_descriptor(const struct event *event)
{
	switch (event->fd.is_known ? event->fd.type : FD_NONE) {
	case FD_FILE:
	case FD_DIRECTORY:
		return TEXT("file");
	case FD_IPV4:
	case FD_IPV6:
		return TEXT("net");
	case FD_PIPE:
	case FD_UNIX:
	case FD_EVENT:
	case FD_SIGNAL:
	case FD_INOTIFY:
	case FD_USERFAULT:
		return TEXT("ipc");
	default:
		return TEXT("unknown");
	}
}

struct text event_category(const struct event *event)
{
	if (has_word(on_descriptors, event->type->name))
		return category_of_descriptor(event);
	for (size_t i = 0; i < COUNT_OF(categories); i++)
		if (has_word(categories[i].calls, event->type->name))
			return text_of(categories[i].category);
	return TEXT("other");
}
