/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What knowing containers costs on the hot thread: finding the container of a cgroup path that was
 * seen before, holding an event and letting it go again. Time is what the CPU spent.
 */
#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "base/memory.h"
#include "sensor/rules/parked.h"

#define CONTAINERS 1000
#define SECONDS	   1.0

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static bool let_go(void *context, struct event *event, struct parked_place *place)
{
	(void)event;
	(void)place;
	++*(uint64_t *)context;
	return true;
}

static void bench_lookup(struct containers *containers)
{
	char paths[CONTAINERS][128];
	double start, took;
	uint64_t count = 0;

	for (int i = 0; i < CONTAINERS; i++) {
		snprintf(paths[i], sizeof(paths[i]), "/kubepods/besteffort/pod%d/%064d", i, i);
		(void)containers_of_cgroup(containers, text_of(paths[i]), true);
	}
	for (start = now(); (took = now() - start) < SECONDS;)
		for (int i = 0; i < CONTAINERS; i++, count++)
			(void)containers_of_cgroup(containers, text_of(paths[i]), true);
	printf("container of a known cgroup: %.0f ns\n", took / (double)count * 1e9);
}

/* A new one each time, and its forgetting; without the runtimes, which another thread asks. */
static void bench_coming(struct containers *containers)
{
	char path[128];
	double start, took;
	uint64_t count = 0;

	for (start = now(); (took = now() - start) < SECONDS;) {
		for (int i = 0; i < CONTAINERS; i++, count++) {
			snprintf(
				path, sizeof(path), "/kubepods/besteffort/pod1/%064" PRIu64, count);
			containers_expect(containers, text_of(path));
		}
		(void)containers_update(
			containers, (int64_t)count * (CONTAINERS_FORGET_MS + 1) / CONTAINERS);
	}
	printf("container that comes and is forgotten: %.0f ns\n", took / (double)count * 1e9);
}

static const struct process *deep_process(struct processes *processes)
{
	const struct process *process = NULL;

	for (int64_t pid = 100; pid < 108; pid++) {
		struct process facts = { .pid = pid,
			.start_ns = (uint64_t)pid,
			.parent_pid = pid - 1,
			.comm = TEXT("sh"),
			.exe = TEXT("sh"),
			.exe_path = TEXT("/usr/bin/sh"),
			.cgroup = TEXT("/docker/"
				       "1c05d7174a242132b15cc74e3007e263710125611e6058ed1b34"
				       "66619d53f526") };

		process = processes_exec(processes, &facts);
	}
	return process;
}

static void bench_parking(struct parked *parked, const struct process *process)
{
	struct event event = { .number = 1,
		.type = event_type_find(TEXT("openat")),
		.process = process,
		.container = process->container,
		.fd = { .is_known = true, .type = FD_FILE, .name = TEXT("/etc/shadow") } };
	struct parked_place place = { 0 };
	uint64_t count = 0;
	double start, took;

	for (start = now(); (took = now() - start) < SECONDS;) {
		for (int i = 0; i < 100; i++)
			(void)parked_push(parked, &event, &place, 1000);
		parked_run(parked, 1001, let_go, &count);
	}
	printf("event held and let go, with 7 ancestors: %.0f ns\n", took / (double)count * 1e9);
}

int main(void)
{
	struct parked_options options = { 250, 32 << 20, 4 << 20, NULL };
	struct containers *containers = containers_new();
	struct processes *processes = processes_new(containers, "");
	struct parked *parked = parked_new(&options);

	bench_lookup(containers);
	bench_coming(containers);
	bench_parking(parked, deep_process(processes));
	parked_free(parked);
	processes_free(processes);
	containers_free(containers);
	return 0;
}
