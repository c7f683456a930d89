/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How fast rules are: events a second through all rules of the files that are named, on made-up
 * events of a busy host (opens, execs, connects, some of them suspicious) by processes in and
 * outside of containers. Values are read by the fields themselves. Also how the time grows with
 * rules that share tests, and with rules that do not. Time is what the CPU spent, so other load
 *does not count.
 *
 *	bench-rules FILE…
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/memory.h"
#include "sensor/rules/rules.h"
#include "sensor/state/users.h"

#define PROCESSES 64
#define EVENTS	  4096
#define SECONDS	  1.0

/* Every allocation of the program is counted; glibc's own functions do the work. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *memory, size_t size);

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

struct world {
	struct containers *containers;
	struct processes *processes;
	struct users *users;
	const struct process *process[PROCESSES];
	struct event events[EVENTS];
	struct arena *arena; /* of the event under way */
};

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void make_processes(struct world *world)
{
	static const char *const names[] = { "systemd", "containerd-shim", "nginx", "bash",
		"python3", "cc1", "sshd", "curl" };
	static const char arguments[] = "-c\0/usr/share/lib/module.py\0--verbose";

	for (int i = 0; i < PROCESSES; i++) {
		const char *name = names[i % 8];
		char cgroup[128], path[64];
		struct process facts = {
			.pid = 100 + i,
			.start_ns = 1000 + (uint64_t)i,
			.parent_pid = i ? 100 + i / 2 : 1,
			.parent_start_ns = i ? 1000 + (uint64_t)i / 2 : 1,
			.vpid = 100 + i,
			.session_id = 100,
			.group_id = 100,
			.login_uid = -1,
			.comm = text_of(name),
			.exe = text_of(name),
			.arguments = { arguments, sizeof(arguments) },
			.working_directory = TEXT("/srv/"),
			.root = TEXT("/"),
		};

		snprintf(path, sizeof(path), "/usr/bin/%s", name);
		facts.exe_path = text_of(path);
		snprintf(cgroup, sizeof(cgroup),
			i % 2 ? "/system.slice/docker-%064d.scope" : "/system.slice/x%d.service",
			i);
		facts.cgroup = text_of(cgroup);
		world->process[i] = process_hold(processes_exec(world->processes, &facts));
	}
}

static void make_open(struct event *event, int i)
{
	static const char *const names[] = { "/usr/lib/x86_64-linux-gnu/libc.so.6",
		"/etc/ld.so.cache", "/srv/app/module.py", "/proc/self/status", "/tmp/build/file.o",
		"/dev/null", "/etc/passwd", "/usr/include/stdio.h" };
	const char *name = i % 97 ? names[i % 8] : "/etc/shadow";

	event->type = event_type_find(TEXT("openat"));
	event->result = 3;
	event->fd = (struct event_fd){ .is_known = true,
		.number = 3,
		.type = FD_FILE,
		.name = text_of(name),
		.raw_name = text_of(name),
		.real_name = text_of(i % 13 ? name : "/usr/lib/other/file"),
		.open_flags = i % 8 == 4 ? 01 | 0100 : 0 };
	for (int j = 0; j < event->type->argument_count; j++)
		if (!strcmp(event->type->arguments[j].name, "flags")) {
			event->arguments[j] = value_unsigned(i % 8 == 4 ? 2 | 4 : 1);
			event->arguments_present |= UINT32_C(1) << j;
		}
}

static void make_connect(struct event *event, int i)
{
	event->type = event_type_find(TEXT("connect"));
	event->result = 0;
	event->fd = (struct event_fd){ .is_known = true,
		.number = 5,
		.type = FD_IPV4,
		.name = TEXT("10.0.0.7:40000->10.0.0.9:443"),
		.protocol = IPPROTO_TCP,
		.has_peer = true,
		.is_connected = true,
		.local = { 4, { 10, 0, 0, 7 } },
		.remote = { 4, { (uint8_t)(i % 3 ? 10 : 8), 0, 0, 9 } },
		.local_port = 40000,
		.remote_port = 443 };
}

static void make_events(struct world *world)
{
	for (int i = 0; i < EVENTS; i++) {
		struct event *event = &world->events[i];

		*event = (struct event){ .number = (uint64_t)i + 1,
			.time_ns = UINT64_C(1622308754363635208),
			.process = world->process[i * 7 % PROCESSES],
			.users = world->users,
			.arena = world->arena };
		event->container = event->process->container;
		event->thread_id = event->process->pid;
		if (i % 10 < 6)
			make_open(event, i);
		else if (i % 10 < 8)
			make_connect(event, i);
		else
			event->type = event_type_find(TEXT("execve"));
	}
}

static struct rules *load(int count, char **paths)
{
	struct rules_options options = { .minimum_priority = PRIORITY_DEBUG };
	struct rules_loader *loader = rules_loader_new(&options);
	struct rules *rules = NULL;
	struct error err = { 0 };

	for (int i = 0; i < count; i++) {
		_cleanup_(load_result_freep) struct load_result *result = NULL;

		if (rules_loader_add_file(loader, paths[i], &result, &err) < 0 ||
			result->error_count) {
			fprintf(stderr, "%s: %s\n", paths[i],
				result ? result->errors[0].message : err.message);
			exit(1);
		}
	}
	if (rules_compile(loader, &rules, &err) < 0) {
		fprintf(stderr, "%s\n", err.message);
		exit(1);
	}
	rules_loader_free(loader);
	return rules;
}

/* Two tests of its own in each rule. */
static void write_distinct(struct buffer *out, int i)
{
	buffer_printf(out, "(fd.name startswith /srv/%d or proc.name = %d)", i, i);
}

/* Three tests of thirty: the digits of a number below 1000. */
static void write_shared(struct buffer *out, int i)
{
	buffer_printf(out,
		"(fd.name startswith /srv/%d or proc.name = %d) and not proc.cwd startswith /x%d",
		i % 10, i / 10 % 10, i / 100 % 10);
}

static struct rules *make_rules(int count, void (*write)(struct buffer *out, int i))
{
	struct rules_options options = { .minimum_priority = PRIORITY_DEBUG };
	struct rules_loader *loader = rules_loader_new(&options);
	struct rules *rules = NULL;
	struct buffer text;
	struct error err = { 0 };

	buffer_init(&text, 64 << 20);
	for (int i = 0; i < count; i++) {
		buffer_printf(&text,
			"- rule: R%d\n  desc: d\n  output: o\n  priority: INFO\n  condition: "
			"evt.type in (open, openat, openat2, execve, connect) and container.id != "
			"host and proc.pname in (nginx, bash) and ",
			i);
		write(&text, i);
		buffer_add_char(&text, '\n');
	}
	load_result_free(rules_loader_add(loader, "made", buffer_text(&text)));
	if (rules_compile(loader, &rules, &err) < 0)
		exit(1);
	rules_loader_free(loader);
	buffer_done(&text);
	return rules;
}

static void measure(struct world *world, const struct rules *rules, const char *what)
{
	struct evaluation *evaluation = evaluation_new(rules);
	const struct rule *rule;
	struct rules_sizes sizes;
	double start = now(), spent = 0;
	uint64_t events = 0, matches = 0, allocated = 0;

	do {
		for (int i = 0; i < EVENTS; i++) {
			arena_reset(world->arena);
			matches += rules_match(rules, evaluation, &world->events[i], 0, &rule) ==
				   IS_TRUE;
		}
		/* The first round makes what lasts: the arena's blocks, users' names. */
		if (!events)
			allocated = allocations;
		events += EVENTS;
		spent = now() - start;
	} while (spent < SECONDS);
	rules_sizes(rules, &sizes);
	printf("%-28s %5zu rules %5zu tests  %8.0f events/s  %6.0f ns/event  %4.1f%% match  %.4f allocations/event\n",
		what, rules_count(rules), sizes.tests, (double)events / spent,
		spent / (double)events * 1e9, 100.0 * (double)matches / (double)events,
		(double)(allocations - allocated) / (double)(events - EVENTS));
	evaluation_free(evaluation);
}

/* How the time grows with rules, and with distinct tests. */
static void measure_growth(
	struct world *world, const char *what, void (*write)(struct buffer *out, int i))
{
	static const int counts[] = { 10, 30, 100, 300, 1000 };

	for (size_t i = 0; i < COUNT_OF(counts); i++) {
		struct rules *rules = make_rules(counts[i], write);

		measure(world, rules, what);
		rules_free(rules);
	}
}

int main(int argc, char **argv)
{
	_cleanup_(freep) struct world *world = NEW(struct world);

	world->containers = containers_new();
	world->processes = processes_new(world->containers, NULL);
	world->users = users_new(NULL);
	world->arena = arena_new(64 << 20);
	make_processes(world);
	make_events(world);
	for (int i = 1; i < argc; i++) {
		struct rules *rules = load(1, &argv[i]);
		const char *name = strrchr(argv[i], '/');

		measure(world, rules, name ? name + 1 : argv[i]);
		rules_free(rules);
	}
	if (argc > 2) {
		struct rules *rules = load(argc - 1, argv + 1);

		measure(world, rules, "all of them");
		rules_free(rules);
	}
	measure_growth(world, "thirty tests, shared", write_shared);
	measure_growth(world, "two tests of each one's own", write_distinct);
	for (int i = 0; i < PROCESSES; i++)
		process_release(world->process[i]);
	processes_free(world->processes);
	containers_free(world->containers);
	users_free(world->users);
	arena_free(world->arena);
	return 0;
}
