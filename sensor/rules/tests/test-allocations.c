/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rules are matched without the heap: once the arena has its block, an event costs no allocation.
 * (Not built with a sanitizer, whose allocator cannot be counted like this.)
 */
#include <stdlib.h>

#include "base/memory.h"
#include "sensor/rules/rules.h"
#include "tests/test.h"

#define PROCESSES 5
#define WARM	  100
#define EVENTS	  2000

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *memory, size_t size);

static uint64_t allocations;

void *malloc(size_t size)
{
	allocations++;
	return __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
	allocations++;
	return __libc_calloc(count, size);
}

void *realloc(void *memory, size_t size)
{
	allocations++;
	return __libc_realloc(memory, size);
}

static struct rules *shipped_rules(void)
{
	struct rules_options options = { .minimum_priority = PRIORITY_DEBUG };
	const char *source = getenv("TERCEL_SOURCE");
	char *path = string_printf("%s/rules/tercel_rules.yaml", source ? source : ".");
	struct rules_loader *loader = rules_loader_new(&options);
	struct load_result *result = NULL;
	struct rules *rules = NULL;
	struct error err = { 0 };

	CHECK_NUMBER(rules_loader_add_file(loader, path, &result, &err), 0);
	CHECK_NUMBER(rules_compile(loader, &rules, &err), 0);
	load_result_free(result);
	rules_loader_free(loader);
	free(path);
	return rules;
}

static void make_event(struct event *event, const struct processes *processes, int i)
{
	static const char *const types[] = { "openat", "connect", "execve", "unlink" };
	static const char *const names[] = { "/etc/shadow", "/srv/x", "/tmp/a b", "/usr/bin/cat" };

	event->number++;
	event->type = event_type_find(text_of(types[i % 4]));
	event->process = processes_find(processes, 5 + i % PROCESSES);
	event->container = event->process->container;
	event->fd = (struct event_fd){ .is_known = i % 4 < 2,
		.type = FD_FILE,
		.name = text_of(names[i % 7 % 4]),
		.raw_name = text_of(names[i % 7 % 4]),
		.real_name = text_of(names[i % 3]),
		.open_flags = 1 };
}

TEST(matching_an_event_allocates_nothing)
{
	struct rules *rules = shipped_rules();
	struct containers *containers = containers_new();
	struct processes *processes = processes_new(containers, "/nowhere");
	struct evaluation *evaluation = evaluation_new(rules);
	struct event event = { .arena = arena_new(1 << 20) };
	const struct rule *rule;
	uint64_t before = 0;

	for (int i = 0; i < PROCESSES; i++)
		(void)processes_exec(processes, &(struct process){ .pid = 5 + i,
							.start_ns = 1,
							.parent_pid = 4 + i,
							.comm = TEXT("bash"),
							.exe = TEXT("bash"),
							.exe_path = TEXT("/bin/bash"),
							.arguments = { "-c\0id", 6 },
							.cgroup = TEXT("/") });
	for (int i = 0; i < WARM + EVENTS; i++) {
		if (i == WARM)
			before = allocations;
		make_event(&event, processes, i);
		(void)rules_match(rules, evaluation, &event, 0, &rule);
		arena_reset(event.arena);
	}
	CHECK(before > 0);
	CHECK_NUMBER(allocations - before, 0);
	evaluation_free(evaluation);
	processes_free(processes);
	containers_free(containers);
	arena_free(event.arena);
	rules_free(rules);
}
