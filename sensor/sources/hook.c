/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The hooks: what a host allows is tried in a child, for a kernel's configuration says what was
 * built and not what was switched off at boot. Links are kept by call; what is not wanted any more
 * is detached by a thread of its own.
 */
#include <bpf/btf.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/personality.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/text.h"
#include "sensor/sources/hook.h"

#define TRACEPOINTS "/sys/kernel/tracing/events/syscalls"

const char *const hook_names[HOOK_COUNT] = { [HOOK_RAW] = "raw", [HOOK_SYSCALLS] = "syscalls" };

/* ---- what the host allows ---- */

enum other_calls { CALLS_NONE, CALLS_NARROW, CALLS_X32, CALLS_UNKNOWN };

static const char *const other_calls_texts[] = {
	[CALLS_NONE] = "no 32-bit calls are possible",
	[CALLS_NARROW] = "32-bit calls are possible",
	[CALLS_X32] = "x32 calls are possible",
	[CALLS_UNKNOWN] = "nothing proves that 32-bit calls are impossible",
};

#if defined(__x86_64__)

#define X32_CALL    0x40000000L
#define IA32_GETPID 20

/* Without 32-bit calls the interrupt is no gate: a fault. */
static void end_without(int number)
{
	(void)number;
	_exit(syscall(X32_CALL | SYS_getpid) >= 0 ? CALLS_X32 : CALLS_NONE);
}

/* Ends with what it found. */
static void try_other_calls(void)
{
	struct sigaction action = { .sa_handler = end_without };
	long result;

	sigaction(SIGSEGV, &action, NULL);
	__asm__ volatile("int $0x80"
			 : "=a"(result)
			 : "0"(IA32_GETPID)
			 : "memory", "r8", "r9", "r10", "r11");
	_exit((int)result == getpid() ? CALLS_NARROW : CALLS_UNKNOWN);
}

#else

/* Only hardware without 32-bit programs refuses their personality. */
static void try_other_calls(void)
{
	_exit(personality(PER_LINUX32) < 0 && errno == EINVAL ? CALLS_NONE : CALLS_UNKNOWN);
}

#endif

/* A filter of ours could refuse what others may do. */
static bool is_confined(void)
{
	_cleanup_(fclosep) FILE *file = fopen("/proc/self/status", "re");
	char line[256];

	while (file && fgets(line, sizeof(line), file))
		if (text_starts_with(text_of(line), TEXT("Seccomp:")))
			return strtol(line + 8, NULL, 10) != 0;
	return true;
}

static enum other_calls find_other_calls(void)
{
	int status = 0;
	pid_t pid;

	if (is_confined())
		return CALLS_UNKNOWN;
	pid = fork();
	if (!pid)
		try_other_calls();
	if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status) ||
		WEXITSTATUS(status) > CALLS_UNKNOWN)
		return CALLS_UNKNOWN;
	return (enum other_calls)WEXITSTATUS(status);
}

static bool kernel_has(const char *function)
{
	struct btf *btf = btf__load_vmlinux_btf();
	bool has = btf && btf__find_by_name_kind(btf, function, BTF_KIND_FUNC) > 0;

	btf__free(btf);
	return has;
}

void hook_look(struct hook_host *ret_host)
{
	enum other_calls other = find_other_calls();

	*ret_host = (struct hook_host){
		.has_other_calls = other != CALLS_NONE,
		.other_calls = other_calls_texts[other],
		.has_tracepoints = hook_has_tracepoint("openat"),
		.has_registers = kernel_has("bpf_task_pt_regs"),
	};
}

enum hook hook_choose(enum attach_choice choice, const struct hook_host *host, const char **ret_why)
{
	enum hook hook = HOOK_RAW;

	if (choice == ATTACH_RAW)
		*ret_why = "the settings say so";
	else if (choice == ATTACH_AUTO && host->has_other_calls)
		*ret_why = host->other_calls;
	else if (!host->has_registers)
		*ret_why = "tracepoints of calls need Linux 5.15";
	else if (!host->has_tracepoints)
		*ret_why = "no tracefs at /sys/kernel/tracing";
	else {
		hook = HOOK_SYSCALLS;
		*ret_why = host->other_calls;
	}
	return hook;
}

/* ---- tracepoints ---- */

/* Calls whose tracepoint goes by another name: that of the kernel's function. */
static const struct {
	const char *call, *tracepoint;
} tracepoint_names[] = {
	{ "stat", "newstat" },
	{ "lstat", "newlstat" },
	{ "fstat", "newfstat" },
	{ "uname", "newuname" },
	{ "umount2", "umount" },
	{ "sendfile", "sendfile64" },
	{ "pread", "pread64" },
	{ "pwrite", "pwrite64" },
	{ "prlimit", "prlimit64" },
#if defined(__aarch64__)
	{ "personality", "arm64_personality" },
	{ "fadvise64", "fadvise64_64" },
#endif
};

struct tracepoint_name {
	char text[64];
};

static struct tracepoint_name tracepoint_of(const char *call)
{
	struct tracepoint_name name;

	for (size_t i = 0; i < COUNT_OF(tracepoint_names); i++)
		if (!strcmp(call, tracepoint_names[i].call))
			call = tracepoint_names[i].tracepoint;
	(void)snprintf(name.text, sizeof(name.text), "sys_exit_%s", call);
	return name;
}

bool hook_has_tracepoint(const char *call)
{
	struct tracepoint_name name = tracepoint_of(call);
	char path[sizeof(TRACEPOINTS) + sizeof(name.text) + 8];

	(void)snprintf(path, sizeof(path), TRACEPOINTS "/%s/id", name.text);
	/* By what we may do, not by who we are. */
	return faccessat(AT_FDCWD, path, R_OK, AT_EACCESS) == 0;
}

/* ---- detaching ---- */

struct hook_link {
	const char *call;
	struct bpf_link *link;
};

struct closer {
	pthread_t thread;
	struct bpf_link **links;
	size_t count;
};

static void *detach_all(void *argument)
{
	struct closer *closer = argument;

	for (size_t i = 0; i < closer->count; i++)
		bpf_link__destroy(closer->links[i]);
	return NULL;
}

static void wait_for_closer(struct call_hook *hook)
{
	struct closer *closer = TAKE(hook->closer);

	if (!closer)
		return;
	pthread_join(closer->thread, NULL);
	free(closer->links);
	free(closer);
}

/* Takes the links over. */
static void begin_closing(struct call_hook *hook, struct bpf_link **links, size_t count)
{
	struct closer *closer;

	wait_for_closer(hook);
	if (!count) {
		free(links);
		return;
	}
	closer = NEW(struct closer);
	closer->links = links;
	closer->count = count;
	hook->closer = closer;
	if (pthread_create(&closer->thread, NULL, detach_all, closer) == 0)
		return;
	(void)detach_all(closer);
	free(closer->links);
	free(TAKE(hook->closer));
}

/* ---- attaching ---- */

static bool has_name(const char *const *calls, size_t count, const char *call)
{
	for (size_t i = 0; i < count; i++)
		if (!strcmp(calls[i], call))
			return true;
	return false;
}

/* Takes the links of calls that are not among these out of the list, and begins to detach them. */
static void release_others(struct call_hook *hook, const char *const *calls, size_t count)
{
	struct bpf_link **links = NEW_ARRAY(struct bpf_link *, hook->link_count + 1);
	size_t kept = 0, released = 0;

	for (size_t i = 0; i < hook->link_count; i++) {
		if (has_name(calls, count, hook->links[i].call))
			hook->links[kept++] = hook->links[i];
		else
			links[released++] = hook->links[i].link;
	}
	hook->link_count = kept;
	begin_closing(hook, links, released);
}

static bool has_link(const struct call_hook *hook, const char *call)
{
	for (size_t i = 0; i < hook->link_count; i++)
		if (!strcmp(hook->links[i].call, call))
			return true;
	return false;
}

static int attach_tracepoint(struct call_hook *hook, const char *call, struct error *err)
{
	struct bpf_program *program = bpf_object__find_program_by_name(hook->object, "dispatch");
	struct tracepoint_name name = tracepoint_of(call);
	struct bpf_link *link =
		program ? bpf_program__attach_tracepoint(program, "syscalls", name.text) : NULL;

	if (!link)
		return error_set(err, -errno, "the tracepoint %s cannot be attached to: %s",
			name.text, strerror(errno));
	hook->links[hook->link_count++] = (struct hook_link){ call, link };
	return 0;
}

static int want_tracepoints(
	struct call_hook *hook, const char *const *calls, size_t count, struct error *err)
{
	int r = 0;

	/* What is attached twice would be told of twice: a call comes back only when it is gone. */
	wait_for_closer(hook);
	hook->links =
		memory_resize(hook->links, hook->link_count + count + 1, sizeof(*hook->links));
	for (size_t i = 0; i < count && !r; i++)
		if (!has_link(hook, calls[i]) && hook_has_tracepoint(calls[i]))
			r = attach_tracepoint(hook, calls[i], err);
	if (!r)
		release_others(hook, calls, count);
	return r;
}

void call_hook_settle(struct call_hook *hook)
{
	static const char *const unwatched[] = { "getppid", "gettid", "getpgid", "sched_yield" };
	size_t before = hook->link_count;
	struct error err = { 0 };

	/* A tracepoint that goes is waited for by the kernel itself, in the way that it needs. */
	for (size_t i = 0; i < COUNT_OF(unwatched); i++)
		if (!has_link(hook, unwatched[i]) && !attach_tracepoint(hook, unwatched[i], &err)) {
			hook->link_count = before;
			bpf_link__destroy(hook->links[before].link);
			return;
		}
}

static int want_raw(struct call_hook *hook, size_t count, struct error *err)
{
	struct bpf_program *program = bpf_object__find_program_by_name(hook->object, "dispatch");

	if (!count || hook->raw) {
		if (!count)
			bpf_link__destroy(TAKE(hook->raw));
		return 0;
	}
	hook->raw = program ? bpf_program__attach(program) : NULL;
	if (!hook->raw)
		return error_set(err, -errno, "the end of system calls cannot be attached to: %s",
			strerror(errno));
	return 0;
}

int call_hook_want(
	struct call_hook *hook, const char *const *calls, size_t count, struct error *err)
{
	return hook->hook == HOOK_RAW ? want_raw(hook, count, err)
				      : want_tracepoints(hook, calls, count, err);
}

void call_hook_close(struct call_hook *hook)
{
	bpf_link__destroy(TAKE(hook->raw));
	release_others(hook, NULL, 0);
}

void call_hook_done(struct call_hook *hook)
{
	call_hook_close(hook);
	wait_for_closer(hook);
	free(TAKE(hook->links));
}
