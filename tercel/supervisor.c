/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The programs that `tercel up` runs. Each is in a process group of its own, so that Ctrl-C
 * reaches this program alone and the order of stopping is ours; each dies with this one.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "tercel/supervisor.h"

#define READY_TIMEOUT_MS 30000
#define STOP_TIMEOUT_MS	 10000
#define FIRST_PAUSE_MS	 500
#define LONGEST_PAUSE_MS 30000

struct child {
	struct program program;
	pid_t pid; /* 0: not running */
	bool is_ready;
	int64_t started_ms;
	int64_t pause_ms;
	int64_t start_again_ms;
};

struct supervisor {
	struct child children[SUPERVISED_MAX];
	size_t count;
	int signals; /* signalfd */
	int notices; /* READY=1 of the programs */
	char *notify_path;
	sigset_t old_mask;
	bool is_asked_to_stop;
};

static int notices_open(const char *path)
{
	struct sockaddr_un here = { .sun_family = AF_UNIX };
	_cleanup_(closep) int fd = -1;
	int on = 1;

	if (strlen(path) >= sizeof(here.sun_path))
		return -ENAMETOOLONG;
	memcpy(here.sun_path, path, strlen(path));
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) < 0 ||
		bind(fd, (const struct sockaddr *)&here, sizeof(here)) < 0 || chmod(path, 0666) < 0)
		return -errno;
	return TAKE_FD(fd);
}

int supervisor_new(const char *folder, struct supervisor **ret_supervisor, struct error *err)
{
	struct supervisor *supervisor = NEW(struct supervisor);
	sigset_t mask;

	supervisor->signals = -1;
	supervisor->notify_path = string_printf("%s/notify", folder);
	supervisor->notices = notices_open(supervisor->notify_path);
	if (supervisor->notices < 0) {
		int r = error_set(err, supervisor->notices, "%s cannot be made: %s",
			supervisor->notify_path, strerror(-supervisor->notices));

		supervisor_free(supervisor);
		return r;
	}
	sigemptyset(&mask);
	for (size_t i = 0; i < 4; i++)
		sigaddset(&mask, (int[]){ SIGINT, SIGTERM, SIGHUP, SIGCHLD }[i]);
	sigprocmask(SIG_BLOCK, &mask, &supervisor->old_mask);
	supervisor->signals = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
	*ret_supervisor = supervisor;
	return 0;
}

/* Between fork and exec: only calls that need no lock. */
static void give_up(const struct child *child, const char *what)
{
	dprintf(STDERR_FILENO, "tercel up: the %s: %s: %s\n", child->program.name, what,
		strerror(errno));
	_exit(127);
}

/*
 * The program itself is opened while we are root: a build tree in /root is closed to the user
 * that it shall run as. Its path is tried first all the same, because a program that is executed
 * by descriptor is called after the number.
 */
static void execute(const struct child *child, int fd)
{
	const char *path = child->program.arguments[0];

	execv(path, child->program.arguments);
	if (errno == EACCES)
		fexecve(fd, child->program.arguments, environ);
	give_up(child, path);
}

static void become(const struct child *child, const struct supervisor *supervisor, pid_t parent)
{
	const struct program *program = &child->program;
	int fd = open(program->arguments[0], O_PATH | O_CLOEXEC);

	if (fd < 0)
		give_up(child, program->arguments[0]);
	setpgid(0, 0);
	sigprocmask(SIG_SETMASK, &supervisor->old_mask, NULL);
	if (program->user_id &&
		(setgroups(0, NULL) < 0 ||
			setresgid(program->group_id, program->group_id, program->group_id) < 0 ||
			setresuid(program->user_id, program->user_id, program->user_id) < 0 ||
			prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0))
		give_up(child, "its user cannot be taken");
	/* After the change of user, which clears it. */
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent)
		_exit(127);
	setenv("NOTIFY_SOCKET", supervisor->notify_path, 1);
	for (char *const *line = program->environment; line && *line; line++)
		putenv(*line);
	execute(child, fd);
}

static int child_start(struct supervisor *supervisor, struct child *child)
{
	pid_t parent = getpid(), pid = fork();

	if (pid < 0)
		return -errno;
	if (pid == 0)
		become(child, supervisor, parent);
	child->pid = pid;
	child->is_ready = false;
	child->started_ms = clock_ms(CLOCK_MONOTONIC);
	return 0;
}

static struct child *child_of(struct supervisor *supervisor, pid_t pid)
{
	for (size_t i = 0; i < supervisor->count; i++)
		if (supervisor->children[i].pid == pid)
			return &supervisor->children[i];
	return NULL;
}

/* The sender is known by the credentials that the kernel adds, not by what it writes. */
static void take_notices(struct supervisor *supervisor)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(struct ucred))];
	} control;
	char text[256];

	for (;;) {
		struct iovec part = { text, sizeof(text) - 1 };
		struct msghdr message = { .msg_iov = &part,
			.msg_iovlen = 1,
			.msg_control = &control,
			.msg_controllen = sizeof(control) };
		ssize_t length = recvmsg(supervisor->notices, &message, MSG_CMSG_CLOEXEC);
		struct cmsghdr *header = CMSG_FIRSTHDR(&message);
		struct ucred sender;
		struct child *child;

		if (length < 0)
			return;
		text[length] = '\0';
		if (!header || header->cmsg_type != SCM_CREDENTIALS || !strstr(text, "READY=1"))
			continue;
		memcpy(&sender, CMSG_DATA(header), sizeof(sender));
		child = child_of(supervisor, sender.pid);
		if (child)
			child->is_ready = true;
	}
}

/* A program that ran for a while starts again soon; one that dies at once waits longer each time.
 */
static void child_ended(struct child *child, int status)
{
	bool ran_well = clock_ms(CLOCK_MONOTONIC) - child->started_ms > LONGEST_PAUSE_MS;

	child->pid = 0;
	child->pause_ms = ran_well || !child->pause_ms
				  ? FIRST_PAUSE_MS
				  : MIN_OF(child->pause_ms * 2, LONGEST_PAUSE_MS);
	child->start_again_ms = clock_ms(CLOCK_MONOTONIC) + child->pause_ms;
	if (WIFSIGNALED(status))
		log_debug("%s was ended by signal %d", child->program.name, WTERMSIG(status));
	else
		log_debug("%s ended with status %d", child->program.name, WEXITSTATUS(status));
}

static void reap(struct supervisor *supervisor)
{
	struct child *child;
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		child = child_of(supervisor, pid);
		if (child)
			child_ended(child, status);
	}
}

static void take_signals(struct supervisor *supervisor)
{
	struct signalfd_siginfo signal;

	while (read(supervisor->signals, &signal, sizeof(signal)) == sizeof(signal)) {
		if (signal.ssi_signo == SIGCHLD)
			reap(supervisor);
		else
			supervisor->is_asked_to_stop = true;
	}
}

/* Waits for anything to happen, at most until `until_ms` (-1: for ever). */
static void wait_once(struct supervisor *supervisor, int64_t until_ms)
{
	struct pollfd fds[] = { { .fd = supervisor->signals, .events = POLLIN },
		{ .fd = supervisor->notices, .events = POLLIN } };
	int64_t left = until_ms < 0 ? -1 : MAX_OF(until_ms - clock_ms(CLOCK_MONOTONIC), 0);

	poll(fds, COUNT_OF(fds), (int)left);
	take_notices(supervisor);
	take_signals(supervisor);
}

int supervisor_start(
	struct supervisor *supervisor, const struct program *program, struct error *err)
{
	struct child *child = &supervisor->children[supervisor->count];
	int64_t until;
	int r;

	if (supervisor->count == SUPERVISED_MAX)
		return error_set(
			err, -ENOSPC, "no more than %d programs can be run", SUPERVISED_MAX);
	*child = (struct child){ .program = *program };
	supervisor->count++;
	r = child_start(supervisor, child);
	if (r < 0)
		return error_set(err, r, "%s cannot be started: %s", program->name, strerror(-r));
	until = clock_ms(CLOCK_MONOTONIC) + READY_TIMEOUT_MS;
	while (child->pid && !child->is_ready && !supervisor->is_asked_to_stop &&
		clock_ms(CLOCK_MONOTONIC) < until)
		wait_once(supervisor, until);
	if (supervisor->is_asked_to_stop)
		return -EINTR;
	if (!child->pid)
		return error_set(err, -ECHILD, "the %s did not start; its reason stands above",
			program->name);
	if (!child->is_ready)
		return error_set(err, -ETIMEDOUT, "the %s was not ready within %d s", program->name,
			READY_TIMEOUT_MS / 1000);
	return 0;
}

/* Starts what is due again; gives when the next one is due, or -1. */
static int64_t start_again(struct supervisor *supervisor)
{
	int64_t next = -1;

	for (size_t i = 0; i < supervisor->count; i++) {
		struct child *child = &supervisor->children[i];

		if (child->pid)
			continue;
		if (child->start_again_ms <= clock_ms(CLOCK_MONOTONIC)) {
			log_warning(
				"the %s ended by itself and is started again", child->program.name);
			if (child_start(supervisor, child) == 0)
				continue;
			child->start_again_ms = clock_ms(CLOCK_MONOTONIC) + LONGEST_PAUSE_MS;
		}
		next = next < 0 ? child->start_again_ms : MIN_OF(next, child->start_again_ms);
	}
	return next;
}

void supervisor_run(struct supervisor *supervisor)
{
	while (!supervisor->is_asked_to_stop)
		wait_once(supervisor, start_again(supervisor));
}

static void child_stop(struct supervisor *supervisor, struct child *child)
{
	int64_t until = clock_ms(CLOCK_MONOTONIC) + STOP_TIMEOUT_MS;

	if (!child->pid)
		return;
	kill(child->pid, SIGTERM);
	while (child->pid && clock_ms(CLOCK_MONOTONIC) < until)
		wait_once(supervisor, until);
	if (!child->pid)
		return;
	log_warning("the %s did not stop within %d s and is killed", child->program.name,
		STOP_TIMEOUT_MS / 1000);
	kill(child->pid, SIGKILL);
	while (child->pid)
		wait_once(supervisor, -1);
}

void supervisor_stop(struct supervisor *supervisor)
{
	for (size_t i = supervisor->count; i > 0; i--)
		child_stop(supervisor, &supervisor->children[i - 1]);
}

void supervisor_free(struct supervisor *supervisor)
{
	if (!supervisor)
		return;
	for (size_t i = 0; i < supervisor->count; i++)
		if (supervisor->children[i].pid)
			kill(supervisor->children[i].pid, SIGKILL);
	if (supervisor->signals >= 0) {
		close(supervisor->signals);
		sigprocmask(SIG_SETMASK, &supervisor->old_mask, NULL);
	}
	if (supervisor->notices >= 0)
		close(supervisor->notices);
	unlink(supervisor->notify_path);
	free(supervisor->notify_path);
	free(supervisor);
}
