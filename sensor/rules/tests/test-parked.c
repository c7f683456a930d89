/* SPDX-License-Identifier: Apache-2.0 */
/* Parked events over real tables of processes and containers; time is what the test says. */
#include <errno.h>
#include <stdio.h>

#include "base/memory.h"
#include "sensor/rules/parked.h"
#include "tests/test.h"

#define LIMIT_MS 250

struct world {
	struct containers *containers;
	struct processes *processes;
	struct parked *parked;
	struct metrics *metrics;
	char seen[4096]; /* what go_on was called with */
	int waiting;	 /* so many calls say that they still wait */
};

static void world_begin(struct world *world, size_t bytes, size_t container_bytes)
{
	struct parked_options options = { LIMIT_MS, bytes, container_bytes, NULL };

	*world = (struct world){ .containers = containers_new(), .metrics = metrics_new() };
	options.metrics = world->metrics;
	world->processes = processes_new(world->containers, "");
	world->parked = parked_new(&options);
}

static void world_end(struct world *world)
{
	parked_free(world->parked);
	processes_free(world->processes);
	containers_free(world->containers);
	metrics_free(world->metrics);
}

/* A process in the container number `box`, started by `parent`. */
static const struct process *exec(
	struct world *world, int64_t pid, int64_t parent, const char *name, int box)
{
	char cgroup[128];
	struct process facts = {
		.pid = pid,
		.start_ns = (uint64_t)pid * 1000,
		.parent_pid = parent,
		.comm = text_of(name),
		.exe = text_of(name),
	};

	snprintf(cgroup, sizeof(cgroup), "/docker/%064d", box);
	facts.cgroup = text_of(cgroup);
	return processes_exec(world->processes, &facts);
}

static struct event open_by(const struct process *process, uint64_t number, char *path)
{
	struct event event = { .number = number,
		.type = event_type_find(TEXT("openat")),
		.process = process,
		.container = process->container,
		.fd = { .is_known = true, .type = FD_FILE } };

	event.fd.name = event.fd.raw_name = text_of(path);
	event.arguments[0] = value_text(text_of(path));
	event.absolute[0] = text_of(path);
	event.arguments_present = 1;
	return event;
}

static void await(const struct event *event)
{
	((struct container *)event->container)->state = METADATA_AWAITED;
}

/* Writes down what it is given: "number name argument parent[!] ". */
static bool go_on(void *context, struct event *event, struct parked_place *place)
{
	struct world *world = context;
	const struct process *parent = process_ancestor(event->process, 1);
	size_t used = strlen(world->seen);

	if (world->waiting && !event->is_overdue) {
		world->waiting--;
		place->first++;
		return false;
	}
	CHECK(text_equal(event->absolute[0], event->fd.name));
	snprintf(world->seen + used, sizeof(world->seen) - used,
		"%d " TEXT_FORMAT " " TEXT_FORMAT " " TEXT_FORMAT " " TEXT_FORMAT "%s;",
		(int)event->number, TEXT_PRINT(event->process->comm), TEXT_PRINT(event->fd.name),
		TEXT_PRINT(event->arguments[0].text),
		TEXT_PRINT(parent ? parent->comm : TEXT("nobody")), event->is_overdue ? "!" : "");
	return true;
}

static int push(struct world *world, const struct event *event, int64_t now_ms)
{
	struct parked_place place = { 0 };

	return parked_push(world->parked, event, &place, now_ms);
}

TEST(an_event_goes_on_as_it_was_whatever_happened_since)
{
	char path[] = "/etc/shadow";
	struct world world;
	struct event event;

	world_begin(&world, 1 << 20, 1 << 20);
	(void)exec(&world, 10, 0, "runc", 1);
	(void)exec(&world, 11, 10, "sh", 1);
	event = open_by(processes_find(world.processes, 11), 1, path);
	await(&event);
	CHECK_NUMBER(push(&world, &event, 1000), 0);

	/* The event's memory is used again, the process runs another image, its parent ends. */
	memset(path, 'x', strlen(path));
	(void)exec(&world, 11, 10, "cat", 1);
	processes_exit(world.processes, 10, 10000, 0);
	processes_exit(world.processes, 11, 11000, 0);
	parked_run(world.parked, 1010, go_on, &world);
	CHECK_TEXT(world.seen, "1 sh /etc/shadow /etc/shadow runc;");
	CHECK_NUMBER(parked_count(world.parked), 0);
	world_end(&world);
}

TEST(events_of_a_container_keep_their_order_and_containers_do_not_wait_for_each_other)
{
	struct world world;
	char path[] = "/a";

	world_begin(&world, 1 << 20, 1 << 20);
	for (int i = 0; i < 6; i++) {
		struct event event =
			open_by(exec(&world, 20 + i, 0, "sh", i % 2), (uint64_t)i, path);

		await(&event);
		CHECK_NUMBER(push(&world, &event, 1000), 0);
	}
	world.waiting = 1; /* the first one of the first container */
	parked_run(world.parked, 1001, go_on, &world);
	CHECK_TEXT(world.seen, "1 sh /a /a nobody;3 sh /a /a nobody;5 sh /a /a nobody;");
	world.seen[0] = '\0';
	parked_run(world.parked, 1002, go_on, &world);
	CHECK_TEXT(world.seen, "0 sh /a /a nobody;2 sh /a /a nobody;4 sh /a /a nobody;");
	world_end(&world);
}

TEST(an_event_whose_time_is_up_goes_on_overdue)
{
	struct world world;
	struct event event;
	char path[] = "/a";

	world_begin(&world, 1 << 20, 1 << 20);
	event = open_by(exec(&world, 30, 0, "sh", 1), 1, path);
	await(&event);
	world.waiting = 1000;
	CHECK_NUMBER(push(&world, &event, 1000), 0);
	parked_run(world.parked, 1000 + LIMIT_MS - 1, go_on, &world);
	CHECK_TEXT(world.seen, "");
	parked_run(world.parked, 1000 + LIMIT_MS, go_on, &world);
	CHECK_TEXT(world.seen, "1 sh /a /a nobody!;");
	CHECK_NUMBER(parked_gave_up(world.parked), 1);
	world_end(&world);
}

TEST(what_does_not_fit_is_refused_and_counted)
{
	struct world world;
	struct event first, second;
	char path[2000];
	int taken = 0;

	memset(path, 'p', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	world_begin(&world, 100000, 50000);
	first = open_by(exec(&world, 40, 0, "sh", 1), 1, path);
	second = open_by(exec(&world, 41, 0, "sh", 2), 2, path);
	await(&first);
	await(&second);
	while (push(&world, &first, 1000) == 0)
		taken++;
	CHECK(taken > 2 && taken < 25);
	CHECK_NUMBER(push(&world, &first, 1000), -ENOSPC);
	CHECK_NUMBER(push(&world, &second, 1000), 0);
	CHECK_NUMBER(parked_gave_up(world.parked), 2);
	parked_run_all(world.parked, go_on, &world);
	CHECK_NUMBER(parked_count(world.parked), 0);
	CHECK_NUMBER(push(&world, &first, 1000), 0);
	world_end(&world);
}

TEST(lists_among_the_arguments_are_copied_whole)
{
	char words[2][8] = { "one", "two" };
	struct value items[2] = { value_text(text_of(words[0])), value_text(text_of(words[1])) };
	struct world world;
	struct event event;
	char path[] = "/a";

	world_begin(&world, 1 << 20, 1 << 20);
	event = open_by(exec(&world, 50, 0, "sh", 1), 1, path);
	await(&event);
	event.arguments[0] = (struct value){ .kind = VALUE_LIST, .list = { items, 2 } };
	CHECK_NUMBER(push(&world, &event, 1000), 0);
	/* Freed without having been read: under AddressSanitizer a shared slice would show. */
	memset(words, 'x', sizeof(words));
	world_end(&world);
}
