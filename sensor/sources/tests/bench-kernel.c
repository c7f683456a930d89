/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What watching costs the watched: loops of system calls with and without our programs, in chunks
 * that alternate, so that a noisy machine is noisy for both. The loop runs on one CPU, the source
 * is emptied on another. Measured is the CPU time of the loop and of what it starts, which what
 * else runs here hardly disturbs. Prints the 5th percentile of a turn without, with, the difference
 * and the ratio. Needs root. An argument chooses the lines that contain it.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <spawn.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#include "base/memory.h"
#include "sensor/sources/source.h"

#define PAIRS 60

struct consumer {
	struct source *source;
	pthread_t thread;
	_Atomic bool stops;
	_Atomic uint64_t events;
};

struct load {
	const char *name;
	void (*turn)(void);
	int turns;	       /* in a chunk */
	const char *wanted;    /* the event type that is wanted */
	bool needs_new_source; /* the lifecycle is what costs: load and unload it */
};

static void open_read_close(void)
{
	char byte;
	int fd = open("/etc/hostname", O_RDONLY | O_CLOEXEC);

	if (fd < 0 || read(fd, &byte, 1) < 0)
		abort();
	close(fd);
}

static void ask_parent(void)
{
	syscall(SYS_getppid);
}

static void spawn_true(void)
{
	static char *const arguments[] = { "true", NULL };
	pid_t pid;
	int status;

	if (posix_spawn(&pid, "/bin/true", NULL, NULL, arguments, environ))
		abort();
	waitpid(pid, &status, 0);
}

static const struct load loads[] = {
	{ "open+read+close, every open collected and read", open_read_close, 4000, "openat",
		false },
	{ "open+read+close, another call wanted", open_read_close, 4000, "ptrace", false },
	{ "getppid, another call wanted", ask_parent, 20000, "openat", false },
	{ "fork+exec of true, lifecycle alone", spawn_true, 40, NULL, true },
	{ "fork+exec of true, lifecycle and opens", spawn_true, 40, "openat", true },
};

static void pin(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	(void)sched_setaffinity(0, sizeof(set), &set);
}

static void *consume(void *argument)
{
	struct consumer *consumer = argument;
	struct error err = { 0 };
	struct event *event;

	pin(1);
	while (!consumer->stops)
		if (consumer->source->operations->next(consumer->source, 50, &event, &err) == 1)
			consumer->events++;
	return NULL;
}

static void consumer_start(struct consumer *consumer)
{
	consumer->stops = false;
	pthread_create(&consumer->thread, NULL, consume, consumer);
}

static void consumer_stop(struct consumer *consumer)
{
	consumer->stops = true;
	pthread_join(consumer->thread, NULL);
}

static double seconds_ns(struct timeval time)
{
	return (double)time.tv_sec * 1e9 + (double)time.tv_usec * 1e3;
}

/* CPU time of this thread and of the children that it reaped. */
static double cpu_ns(void)
{
	struct rusage children;
	struct timespec own;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &own);
	getrusage(RUSAGE_CHILDREN, &children);
	return (double)own.tv_sec * 1e9 + (double)own.tv_nsec + seconds_ns(children.ru_utime) +
	       seconds_ns(children.ru_stime);
}

static double chunk_ns(const struct load *load)
{
	double begin = cpu_ns();

	for (int i = 0; i < load->turns; i++)
		load->turn();
	return (cpu_ns() - begin) / load->turns;
}

static int compare(const void *a, const void *b)
{
	double one = *(const double *)a, other = *(const double *)b;

	return one < other ? -1 : one > other;
}

static double fifth_percentile(double *values, size_t count)
{
	qsort(values, count, sizeof(*values), compare);
	return values[count / 20];
}

static struct source *new_source(void)
{
	struct kernel_source_options options = { 0 };
	struct source *source = NULL;
	struct error err = { 0 };

	if (kernel_source_new(&options, &source, &err) < 0) {
		fprintf(stderr, "%s\n", err.message);
		exit(77);
	}
	return source;
}

static void want(struct source *source, const char *type)
{
	struct event_set set = { 0 };
	struct error err = { 0 };

	if (type)
		event_set_add(&set, event_type_find(text_of(type))->id);
	if (source->operations->want(source, &set, &err) < 0) {
		fprintf(stderr, "%s\n", err.message);
		exit(1);
	}
}

/* Where only calls are compared the source stays, and the dispatcher comes and goes. */
static double with_ns(struct consumer *consumer, const struct load *load)
{
	double took;

	if (load->needs_new_source)
		consumer->source = new_source();
	want(consumer->source, load->wanted);
	consumer_start(consumer);
	took = chunk_ns(load);
	consumer_stop(consumer);
	want(consumer->source, NULL);
	if (load->needs_new_source)
		consumer->source->operations->free(TAKE(consumer->source));
	return took;
}

static void run(const struct load *load)
{
	struct consumer consumer = { 0 };
	struct source_counters counters = { 0 };
	int pairs = load->needs_new_source ? PAIRS / 2 : PAIRS;
	double without[PAIRS], with[PAIRS], base, watched;

	if (!load->needs_new_source)
		consumer.source = new_source();
	(void)chunk_ns(load);
	for (int i = 0; i < pairs; i++) {
		without[i] = chunk_ns(load);
		with[i] = with_ns(&consumer, load);
	}
	base = fifth_percentile(without, (size_t)pairs);
	watched = fifth_percentile(with, (size_t)pairs);
	if (consumer.source) {
		consumer.source->operations->counters(consumer.source, &counters);
		consumer.source->operations->free(consumer.source);
	}
	printf("%-50s %9.0f %9.0f %+8.0f ns  x%.3f  (%llu events, %llu lost)\n", load->name, base,
		watched, watched - base, watched / base, (unsigned long long)consumer.events,
		(unsigned long long)counters.dropped);
}

int main(int argc, char **argv)
{
	if (geteuid()) {
		fprintf(stderr, "bench-kernel: needs root to load kernel programs\n");
		return 77;
	}
	pin(0);
	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("%-50s %9s %9s %8s\n", "a turn, 5th percentile", "without", "with", "added");
	for (size_t i = 0; i < COUNT_OF(loads); i++)
		if (argc < 2 || strstr(loads[i].name, argv[1]))
			run(&loads[i]);
	return 0;
}
