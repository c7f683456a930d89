/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A real container by runc, and what the source tells of a command that is run in it. Needs root,
 * runc, busybox and python3; is skipped without.
 */
#include <errno.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"
#include "sensor/sources/source.h"
#include "sensor/state/users.h"
#include "tests/test.h"

#define PATIENCE_MS 15000

static struct source *open_source(void)
{
	struct kernel_source_options options = { 0 };
	struct source *source = NULL;
	struct event_set set = { 0 };
	struct error err = { 0 };

	event_set_add(&set, EVENT_execve);
	event_set_add(&set, EVENT_openat);
	event_set_add(&set, EVENT_open);
	if (kernel_source_new(&options, &source, &err) < 0 ||
		source->operations->want(source, &set, &err) < 0)
		printf("# %s\n", err.message);
	return source;
}

static struct event *await(struct source *source,
	bool (*is_it)(const struct event *event, const char *word), const char *word)
{
	struct error err = { 0 };
	struct event *event;

	for (int64_t end = clock_ms(CLOCK_MONOTONIC) + PATIENCE_MS;
		source && clock_ms(CLOCK_MONOTONIC) < end;)
		if (source->operations->next(source, 100, &event, &err) == 1 && is_it(event, word))
			return event;
	return NULL;
}

static bool runs(const struct event *event, const char *word)
{
	struct text first = event->process->arguments;
	struct text part;

	return event->type->id == EVENT_execve && !event->result &&
	       text_is(event->process->comm, "busybox") && text_split(&first, '\0', &part) &&
	       text_is(part, word);
}

static bool opens(const struct event *event, const char *path)
{
	event_name_fd(event);
	return event->type->is_open && event->container->kind != CONTAINER_HOST &&
	       text_is(event->fd.name, path);
}

static bool is_there(const char *program)
{
	char command[64];

	snprintf(command, sizeof(command), "command -v %s >/dev/null", program);
	return system(command) == 0;
}

static const char *bundle_script(void)
{
	static char path[4096];
	const char *source = getenv("TERCEL_SOURCE");

	snprintf(path, sizeof(path), "%s/sensor/sources/tests/runc-bundle.sh",
		source ? source : ".");
	return path;
}

static pid_t spawn(const char *command)
{
	pid_t pid = fork();

	if (!pid) {
		execl("/bin/sh", "sh", "-c", command, NULL);
		_exit(127);
	}
	return pid;
}

#define CHECK_SLICE(got, want)                      \
	do {                                        \
		char *slice_ = text_to_string(got); \
		CHECK_TEXT(slice_, want);           \
		free(slice_);                       \
	} while (0)

/* A name that waits is asked for again, as a parked event is. */
static void check_user(const struct event *event, uint32_t uid, const char *want)
{
	enum presence presence = WAITS;
	struct text name = { 0 };

	for (int64_t end = clock_ms(CLOCK_MONOTONIC) + PATIENCE_MS;
		presence != PRESENT && clock_ms(CLOCK_MONOTONIC) < end;)
		presence = users_name_of(event->users, event->container, event->process->pid,
			NAME_OF_USER, uid, &name);
	CHECK_NUMBER(presence, PRESENT);
	if (presence == PRESENT)
		CHECK_SLICE(name, want);
}

static void check_exec(const struct event *event, const char *container)
{
	const struct process *process = event->process;
	const struct process *parent = process_ancestor(process, 1);

	CHECK_NUMBER(event->container->kind, CONTAINER_RUNC);
	CHECK_SLICE(event->container->full_id, container);
	CHECK_NUMBER(event->container->id.length, 12);
	CHECK_SLICE(process->exe_path, "/bin/busybox");
	CHECK_NUMBER(process->effective_user_id, 1234);
	CHECK(process->vpid > 1 && process->vpid < process->pid);
	CHECK(parent != NULL);
	if (parent)
		CHECK_SLICE(parent->comm, "runc");
	check_user(event, 1234, "somebody");
}

TEST(a_command_in_a_runc_container_is_known_with_its_container_user_and_parent)
{
	char folder[] = "/tmp/tercel-bundle-XXXXXX", name[64], command[8192];
	struct source *source;
	struct event *event;
	pid_t pid;

	if (geteuid())
		SKIP("needs root");
	if (!is_there("runc") || !is_there("busybox") || !is_there("python3"))
		SKIP("needs runc, busybox and python3");
	if (!mkdtemp(folder))
		return;
	snprintf(name, sizeof(name), "tercel-kernel-test-%d", getpid());
	source = open_source();

	snprintf(command, sizeof(command), "%s %s %s", bundle_script(), folder, name);
	pid = spawn(command);
	event = await(source, runs, "sleep");
	CHECK(event != NULL);
	if (event) {
		CHECK_NUMBER(event->process->vpid, 1);
		CHECK_SLICE(event->container->full_id, name);
	}
	waitpid(pid, NULL, 0);

	snprintf(command, sizeof(command),
		"runc --root %s/state exec --user 1234 %s /bin/busybox cat /etc/passwd >/dev/null",
		folder, name);
	pid = spawn(command);
	event = await(source, runs, "cat");
	CHECK(event != NULL);
	if (event)
		check_exec(event, name);
	event = await(source, opens, "/etc/passwd");
	CHECK(event != NULL);
	if (event) {
		CHECK_SLICE(event->container->full_id, name);
		CHECK_SLICE(event->fd.real_name, "/etc/passwd");
	}
	waitpid(pid, NULL, 0);

	snprintf(command, sizeof(command), "runc --root %s/state delete --force %s; rm -rf %s",
		folder, name, folder);
	waitpid(spawn(command), NULL, 0);
	if (source)
		source->operations->free(source);
}

/* The container is older than the source: everything must come from /proc. */
TEST(a_container_that_ran_before_is_known_from_proc)
{
	char folder[] = "/tmp/tercel-bundle-XXXXXX", name[64], command[8192];
	struct source *source;
	struct event *event;
	pid_t pid;

	if (geteuid())
		SKIP("needs root");
	if (!is_there("runc") || !is_there("busybox") || !is_there("python3"))
		SKIP("needs runc, busybox and python3");
	if (!mkdtemp(folder))
		return;
	snprintf(name, sizeof(name), "tercel-older-test-%d", getpid());
	snprintf(command, sizeof(command), "%s %s %s", bundle_script(), folder, name);
	waitpid(spawn(command), NULL, 0);
	snprintf(command, sizeof(command),
		"runc --root %s/state exec %s /bin/busybox sh -c "
		"'while ! read line </tmp-go; do :; done' 2>/dev/null",
		folder, name);
	pid = spawn(command);
	/* The shell in the container polls for the file; its opens fail until it is there. */
	source = open_source();
	event = await(source, opens, "/tmp-go");
	CHECK(event != NULL);
	if (event) {
		CHECK_SLICE(event->container->full_id, name);
		CHECK_SLICE(event->process->comm, "busybox");
		CHECK(process_ancestor(event->process, 1) &&
			text_is(process_ancestor(event->process, 1)->comm, "runc"));
	}
	snprintf(command, sizeof(command), "echo go >%s/rootfs/tmp-go", folder);
	waitpid(spawn(command), NULL, 0);
	waitpid(pid, NULL, 0);
	snprintf(command, sizeof(command), "runc --root %s/state delete --force %s; rm -rf %s",
		folder, name, folder);
	waitpid(spawn(command), NULL, 0);
	if (source)
		source->operations->free(source);
}
