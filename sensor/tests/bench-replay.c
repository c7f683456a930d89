/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events a second and core through rules, on recordings of real activity (tests/bench/
 * bench_replay.py makes them): once without rules, which is reading, decoding and the state, and
 * once with them. The passes of both take turns, and time is what the CPU spent, so that other load
 * counts as little as it can; of several passes the median. Allocations are counted too, of the
 * source and of the rules, and what printing an alert takes.
 *
 *	bench-replay RECORDING… -- RULES…
 */
#include <errno.h>
#include <stdio.h>
#include <time.h>
#include <zlib.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "sensor/rules/rules.h"
#include "sensor/sources/recording.h"

#ifndef PASSES
#define PASSES 9
#endif
#define PRINTS	   16 /* of an alert, to be longer than a look at the clock */
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

/* What is given on the command line, or a part of it. */
struct given {
	char **paths;
	int count;
};

struct pass {
	double ns;	 /* in all */
	double file_ns;	 /* of reading alone */
	double print_ns; /* of it for alerts, which are printed so many times: PRINTS */
	uint64_t events, matches, rule_allocations, source_allocations;
};

/* What a pass takes with it; NULL rules: events are only taken. */
struct matcher {
	const struct rules *rules;
	struct evaluation *evaluation;
	struct buffer text, json;
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

/* As the sensor prints them, with fields and tags. */
static void print_alert(struct pass *pass, struct matcher *matcher, const struct event *event,
	const struct rule *rule)
{
	static const struct alert_format format = { .hostname = "bench",
		.includes_output = true,
		.includes_fields = true,
		.includes_tags = true };
	double begin = cpu_ns();

	for (int i = 0; i < PRINTS; i++) {
		buffer_clear(&matcher->text);
		buffer_clear(&matcher->json);
		rule_write_text(rule, event, &format, &matcher->text);
		rule_write_json(rule, event, &format, &matcher->json);
	}
	pass->print_ns += cpu_ns() - begin;
}

static void match(struct pass *pass, struct matcher *matcher, struct event *event)
{
	const struct rule *rule;
	uint64_t before = allocations;
	bool matches = rules_match(matcher->rules, matcher->evaluation, event, 0, &rule) == IS_TRUE;

	pass->rule_allocations += allocations - before;
	if (!matches)
		return;
	pass->matches++;
	print_alert(pass, matcher, event, rule);
}

static void run(struct pass *pass, const char *recording, struct matcher *matcher, bool matches)
{
	struct source *source;
	struct event *event;
	struct event_set wanted;
	struct error err = { 0 };
	uint64_t before;
	double begin;
	int r;

	rules_events(matcher->rules, &wanted);
	if (record_source_new(recording, &source, &err) < 0)
		fail(err.message);
	(void)source->operations->want(source, &wanted, &err);
	before = allocations;
	begin = cpu_ns();
	while ((r = source->operations->next(source, 0, &event, &err)) == 1) {
		pass->events++;
		if (matches)
			match(pass, matcher, event);
	}
	pass->ns += cpu_ns() - begin;
	pass->source_allocations += allocations - before;
	source->operations->free(source);
	if (r != -ECANCELED)
		fail(err.message);
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

/* All recordings once. */
static struct pass run_all(const struct given *recordings, struct matcher *matcher, bool matches)
{
	struct pass pass = { 0 };

	for (int i = 0; i < recordings->count; i++)
		run(&pass, recordings->paths[i], matcher, matches);
	for (int i = 0; !matches && i < recordings->count; i++)
		pass.file_ns += file_ns(recordings->paths[i]);
	return pass;
}

static int compare_passes(const void *a, const void *b)
{
	double one = ((const struct pass *)a)->ns, other = ((const struct pass *)b)->ns;

	return one < other ? -1 : one > other;
}

static struct pass median(struct pass *passes)
{
	qsort(passes, PASSES, sizeof(*passes), compare_passes);
	return passes[PASSES / 2];
}

static struct rules *load(const struct given *files)
{
	struct rules_options options = { .minimum_priority = PRIORITY_DEBUG };
	struct rules_loader *loader = rules_loader_new(&options);
	struct rules *rules = NULL;
	struct error err = { 0 };

	for (int i = 0; i < files->count; i++) {
		_cleanup_(load_result_freep) struct load_result *result = NULL;

		if (rules_loader_add_file(loader, files->paths[i], &result, &err) < 0)
			fail(err.message);
		if (result->error_count)
			fail(result->errors[0].message);
	}
	if (rules_compile(loader, &rules, &err) < 0)
		fail(err.message);
	rules_loader_free(loader);
	return rules;
}

static void report(
	const char *name, size_t rules, const struct pass *source, const struct pass *all)
{
	double events = (double)MAX_OF(all->events, 1);
	double taking = (source->ns - source->file_ns) / events;
	double matching = MAX_OF((all->ns - all->print_ns - source->ns) / events, 0.1);
	double alert = all->print_ns / PRINTS / (double)MAX_OF(all->matches, 1);
	double printing = all->print_ns / PRINTS / events;
	double whole = taking + matching + printing;

	printf("%-28s %4zu rules %8.0f events %8.0f events/s: decode and state %3.0f ns (%2.0f %%), "
	       "rules %3.0f ns (%2.0f %%), printing %.1f ns (%.0f %%; an alert %.1f us); %.3f %% "
	       "match; %.4f and %.4f allocations an event\n",
		name, rules, events, 1e9 / whole, taking, taking / whole * 100, matching,
		matching / whole * 100, printing, printing / whole * 100, alert / 1000,
		100.0 * (double)all->matches / events, (double)source->source_allocations / events,
		(double)all->rule_allocations / events);
	fflush(stdout);
}

static void measure(const struct given *recordings, const struct given *files, const char *name)
{
	struct rules *rules = load(files);
	struct matcher matcher = { .rules = rules, .evaluation = evaluation_new(rules) };
	struct pass without[PASSES], with[PASSES], source, all;
	buffer_init(&matcher.text, 1 << 20);
	buffer_init(&matcher.json, 1 << 20);
	for (size_t i = 0; i < PASSES; i++) {
		without[i] = run_all(recordings, &matcher, false);
		with[i] = run_all(recordings, &matcher, true);
	}
	source = median(without);
	all = median(with);
	report(name, rules_count(rules), &source, &all);
	buffer_done(&matcher.text);
	buffer_done(&matcher.json);
	evaluation_free(matcher.evaluation);
	rules_free(rules);
}

static const char *file_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

int main(int argc, char **argv)
{
	struct given recordings = { argv + 1, 0 }, files = { 0 };

	while (recordings.count + 1 < argc && strcmp(argv[recordings.count + 1], "--"))
		recordings.count++;
	files.paths = argv + recordings.count + 2;
	files.count = argc - recordings.count - 2;
	if (!recordings.count || files.count < 1)
		fail("usage: bench-replay RECORDING… -- RULES…");

	for (int i = 0; i < recordings.count; i++)
		measure(&(struct given){ &recordings.paths[i], 1 }, &files,
			file_name(recordings.paths[i]));
	for (int i = 0; i < files.count; i++)
		measure(&recordings, &(struct given){ &files.paths[i], 1 },
			file_name(files.paths[i]));
	if (files.count > 1)
		measure(&recordings, &files, "all of them");
	return 0;
}
