/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The hooks: what a choice comes to on which host, and a change from one to the other and back
 * while calls are made: none is missed. Needs root for that; is skipped without.
 */
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/memory.h"
#include "sensor/sources/hook.h"
#include "sensor/sources/source.h"
#include "sensor/sources/tests/tracefs.h"
#include "tests/test.h"

#define PATIENCE_MS 30000
#define CHANGES	    6
#define CALLS_MIN   2000 /* between two changes */

static const struct {
	struct hook_host host;
	enum attach_choice choice;
	enum hook hook;
} choices[] = {
	{ { false, true, true, "none" }, ATTACH_AUTO, HOOK_SYSCALLS },
	{ { true, true, true, "some" }, ATTACH_AUTO, HOOK_RAW },
	{ { false, false, true, "none" }, ATTACH_AUTO, HOOK_RAW },
	{ { false, true, false, "none" }, ATTACH_AUTO, HOOK_RAW },
	{ { false, true, true, "none" }, ATTACH_RAW, HOOK_RAW },
	{ { true, true, true, "some" }, ATTACH_SYSCALLS, HOOK_SYSCALLS },
	{ { true, false, true, "some" }, ATTACH_SYSCALLS, HOOK_RAW },
	{ { true, true, false, "some" }, ATTACH_SYSCALLS, HOOK_RAW },
};

TEST(only_where_other_calls_are_impossible_the_tracepoints_are_chosen_by_themselves)
{
	for (size_t i = 0; i < COUNT_OF(choices); i++) {
		const char *why = NULL;

		CHECK_NUMBER(
			hook_choose(choices[i].choice, &choices[i].host, &why), choices[i].hook);
		CHECK(why != NULL);
	}
}

TEST(the_host_is_found_out_in_a_child)
{
	struct hook_host host = { 0 };

	hook_look(&host);
	printf("# %s\n", host.other_calls);
	CHECK(host.other_calls != NULL);
}

/* Opens files that are not there, whose names are numbers, until it is killed. */
static pid_t start_opens(void)
{
	pid_t pid = fork();
	char path[32];

	if (pid)
		return pid;
	/* Links that it inherited would keep a hook in its place. */
	(void)close_range(3, ~0U, 0);
	for (unsigned i = 0;; i++) {
		(void)snprintf(path, sizeof(path), "/no/%u", i);
		(void)!open(path, O_RDONLY);
	}
}

struct opens {
	struct source *source;
	pid_t pid;
	unsigned next;
	unsigned missed, doubled, seen;
};

static void take_open(struct opens *opens, const struct event *event)
{
	unsigned number;
	char *name;

	if (!event->process || event->process->pid != opens->pid)
		return;
	event_name_fd(event);
	name = text_to_string(event->fd.name);
	if (sscanf(name, "/no/%u", &number) == 1) {
		opens->missed += opens->seen && number > opens->next;
		opens->doubled += opens->seen && number < opens->next;
		opens->next = number + 1;
		opens->seen++;
	}
	free(name);
}

/* All that were made by now, and so many more. */
static void take_opens(struct opens *opens, unsigned count)
{
	const struct source_operations *operations = opens->source->operations;
	int64_t deadline = clock_ms(CLOCK_MONOTONIC) + PATIENCE_MS;
	uint64_t head = operations->head(opens->source);
	unsigned since = 0;
	struct error err = { 0 };
	struct event *event;

	while (since < count && clock_ms(CLOCK_MONOTONIC) < deadline) {
		unsigned before = opens->seen;

		if (operations->next(opens->source, 10, &event, &err) == 1)
			take_open(opens, event);
		if (operations->position(opens->source) >= head)
			since += opens->seen - before;
	}
	CHECK(since >= count);
}

static uint64_t tracepoints(struct source *source)
{
	struct source_counters counters;

	source->operations->counters(source, &counters);
	return counters.tracepoints;
}

TEST(a_change_of_the_hook_misses_no_call)
{
	struct kernel_source_options options = { .ring_bytes = 256 << 20, .attach = ATTACH_RAW };
	struct source_counters counters;
	struct event_set set = { 0 };
	struct opens opens = { 0 };
	struct error err = { 0 };
	struct hook_host host;
	const char *why = "";

	if (geteuid())
		SKIP("needs root to load kernel programs");
	mount_tracefs();
	hook_look(&host);
	if (hook_choose(ATTACH_SYSCALLS, &host, &why) != HOOK_SYSCALLS)
		SKIP(why);
	CHECK_NUMBER(kernel_source_new(&options, &opens.source, &err), 0);
	if (!opens.source)
		return;
	event_set_add(&set, EVENT_open);
	event_set_add(&set, EVENT_openat);
	CHECK_NUMBER(opens.source->operations->want(opens.source, &set, &err), 0);
	CHECK_NUMBER(tracepoints(opens.source), 0);
	opens.pid = start_opens();
	take_opens(&opens, CALLS_MIN);
	for (int i = 0; i < CHANGES; i++) {
		bool is_raw = i % 2;

		opens.source->operations->attach(
			opens.source, is_raw ? ATTACH_RAW : ATTACH_SYSCALLS);
		CHECK_NUMBER(opens.source->operations->want(opens.source, &set, &err), 0);
		CHECK_NUMBER(tracepoints(opens.source), is_raw ? 0 : 2);
		take_opens(&opens, CALLS_MIN);
	}
	kill(opens.pid, SIGKILL);
	waitpid(opens.pid, NULL, 0);
	opens.source->operations->counters(opens.source, &counters);
	printf("# %u opens, %u missed, %u doubled, %llu dropped\n", opens.seen, opens.missed,
		opens.doubled, (unsigned long long)counters.dropped);
	CHECK_NUMBER(counters.dropped, 0);
	CHECK_NUMBER(opens.missed, 0);
	CHECK(opens.doubled <= CHANGES);
	opens.source->operations->free(opens.source);
}
