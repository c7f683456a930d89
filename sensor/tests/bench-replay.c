/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events a second and core through rules, on a recording of real activity (tests/bench/
 * bench_replay.py makes one): once without rules, which is reading, decoding and the state, and
 * once with them. Time is what the CPU spent, so other load does not count; of several passes the
 * median. Allocations are counted too, of the source and of the rules.
 *
 *	bench-replay RECORDING RULES…
 */
#include <errno.h>
#include <stdio.h>
#include <time.h>
#include <zlib.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "sensor/rules/rules.h"
#include "sensor/sources/recording.h"

#define PASSES	   9
#define FILE_BLOCK (256 << 10)

/* ---- allocations ---- */

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *memory, size_t size);

/* Of the bench alone: what stands before malloc must be able to count. */
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

/* ---- passes ---- */

struct pass {
	double ns; /* an event */
	uint64_t events, matches, rule_allocations, source_allocations;
};

static double cpu_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static void fail(const char *message)
{
	fprintf(stderr, "%s\n", message);
	exit(1);
}

static void match(struct pass *pass, const struct rules *rules, struct evaluation *evaluation,
	struct event *event)
{
	const struct rule *rule;
	uint64_t before = allocations;

	pass->matches += rules_match(rules, evaluation, event, 0, &rule) == IS_TRUE;
	pass->rule_allocations += allocations - before;
}

/* The whole recording once; without `evaluation` its events are only taken. */
static struct pass run(
	const char *recording, const struct rules *rules, struct evaluation *evaluation)
{
	struct pass pass = { 0 };
	struct source *source;
	struct event *event;
	struct event_set wanted;
	struct error err = { 0 };
	uint64_t before;
	double begin;
	int r;

	rules_events(rules, &wanted);
	if (record_source_new(recording, &source, &err) < 0)
		fail(err.message);
	(void)source->operations->want(source, &wanted, &err);
	before = allocations;
	begin = cpu_ns();
	while ((r = source->operations->next(source, 0, &event, &err)) == 1) {
		pass.events++;
		if (evaluation)
			match(&pass, rules, evaluation, event);
	}
	pass.ns = (cpu_ns() - begin) / (double)MAX_OF(pass.events, 1);
	pass.source_allocations = allocations - before - pass.rule_allocations;
	source->operations->free(source);
	if (r != -ECANCELED)
		fail(err.message);
	return pass;
}

/* What reading the file and its checksums takes, which a ring does not have: ns in all. */
static double file_ns(const char *recording)
{
	_cleanup_(fclosep) FILE *file = fopen(recording, "re");
	_cleanup_(freep) unsigned char *block = memory_new(1, FILE_BLOCK);
	uLong checksum = 0;
	double begin = cpu_ns();
	size_t got;

	if (!file)
		fail("the recording cannot be read");
	while ((got = fread(block, 1, FILE_BLOCK, file)) > 0)
		checksum = crc32(checksum, block, (uInt)got);
	return cpu_ns() - begin;
}

static int compare_passes(const void *a, const void *b)
{
	double one = ((const struct pass *)a)->ns, other = ((const struct pass *)b)->ns;

	return one < other ? -1 : one > other;
}

static struct pass median(
	const char *recording, const struct rules *rules, struct evaluation *evaluation)
{
	struct pass passes[PASSES];

	for (size_t i = 0; i < PASSES; i++)
		passes[i] = run(recording, rules, evaluation);
	qsort(passes, PASSES, sizeof(*passes), compare_passes);
	return passes[PASSES / 2];
}

static struct rules *load(char **paths, int count)
{
	struct rules_options options = { .minimum_priority = PRIORITY_DEBUG };
	struct rules_loader *loader = rules_loader_new(&options);
	struct rules *rules = NULL;
	struct error err = { 0 };

	for (int i = 0; i < count; i++) {
		_cleanup_(load_result_freep) struct load_result *result = NULL;

		if (rules_loader_add_file(loader, paths[i], &result, &err) < 0)
			fail(err.message);
		if (result->error_count)
			fail(result->errors[0].message);
	}
	if (rules_compile(loader, &rules, &err) < 0)
		fail(err.message);
	rules_loader_free(loader);
	return rules;
}

static void measure(const char *recording, char **paths, int count, const char *name)
{
	struct rules *rules = load(paths, count);
	struct evaluation *evaluation = evaluation_new(rules);
	struct pass source = median(recording, rules, NULL);
	struct pass all = median(recording, rules, evaluation);
	double of_rules = MAX_OF(all.ns - source.ns, 0.1);
	double of_file = MIN_OF(file_ns(recording) / (double)MAX_OF(all.events, 1), source.ns);

	printf("%-28s %4zu rules  %8.0f events/s as from the ring (decode and state %3.0f ns, rules "
	       "%4.0f ns an event; the file %3.0f ns more): rules alone %9.0f events/s  %.3f %% match, "
	       "%.4f and %.4f allocations an event\n",
		name, rules_count(rules), 1e9 / (all.ns - of_file), source.ns - of_file, of_rules,
		of_file, 1e9 / of_rules,
		100.0 * (double)all.matches / (double)MAX_OF(all.events, 1),
		(double)all.source_allocations / (double)MAX_OF(all.events, 1),
		(double)all.rule_allocations / (double)MAX_OF(all.events, 1));
	fflush(stdout);
	evaluation_free(evaluation);
	rules_free(rules);
}

int main(int argc, char **argv)
{
	if (argc < 3)
		fail("usage: bench-replay RECORDING RULES…");
	for (int i = 2; i < argc; i++) {
		const char *slash = strrchr(argv[i], '/');

		measure(argv[1], &argv[i], 1, slash ? slash + 1 : argv[i]);
	}
	if (argc > 3)
		measure(argv[1], argv + 2, argc - 2, "all of them");
	return 0;
}
