/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs condition cases. A case is three lines, and a blank line or a comment ends it:
 *
 *	proc.name = cat and fd.num >= 0
 *	proc.name=cat fd.num=3
 *	true
 *
 * The second line gives the event's values ("-": none), the third the answer: true, false, waits,
 * or "error MESSAGE" for a condition that must be refused, with "@COLUMN" before the message where
 * the column matters.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "sensor/rules/given.h"
#include "sensor/rules/machine.h"

struct run {
	struct given *given;
	int number, failed;
};

static const char *answer_words(enum truth truth)
{
	return truth == IS_TRUE ? "true" : truth == IS_FALSE ? "false" : "waits";
}

static void refuse(struct buffer *out, const struct position *at, const struct error *err)
{
	buffer_printf(out, "error @%zu %s", at->column, err->message);
}

/* What the condition answers, or how it is refused. */
static void answer(struct run *run, struct text condition, struct text values, struct buffer *out)
{
	_cleanup_(program_freep) struct program *program = program_new();
	struct arena *arena = arena_new(64 << 20);
	struct answers *answers;
	struct event *event;
	struct node *tree;
	struct position at = { 0 };
	struct error err = { 0 };
	uint32_t chain;

	if (condition_parse(condition, arena, &tree, &at, &err) < 0 ||
		program_add_tests(program, tree, &at, &err) < 0) {
		refuse(out, &at, &err);
		arena_free(arena);
		return;
	}
	if (given_event(run->given, text_is(values, "-") ? (struct text){ 0 } : values, &event,
		    &err) < 0) {
		buffer_printf(out, "bad values: %s", err.message);
	} else if (program_add_chain(program, tree, event->type, &chain, &err) < 0) {
		refuse(out, &at, &err);
	} else {
		answers = answers_new(program);
		buffer_add_string(out, answer_words(chain_run(answers, event, chain)));
		answers_free(answers);
	}
	arena_free(arena);
}

/* "error MESSAGE" wants no column. */
static bool is_wanted(struct text got, struct text want)
{
	struct text head = TEXT("error @"), rest, column;

	if (text_equal(got, want))
		return true;
	if (!text_starts_with(got, head) || text_starts_with(want, head) ||
		!text_starts_with(want, TEXT("error ")))
		return false;
	rest = text_slice(got, head.length, got.length);
	text_split(&rest, ' ', &column);
	return text_equal(rest, text_slice(want, 6, want.length));
}

static void run_case(struct run *run, const char *path, int line, struct text lines[3])
{
	struct buffer got;
	bool passes;

	buffer_init(&got, 1 << 20);
	answer(run, lines[0], lines[1], &got);
	passes = is_wanted(buffer_text(&got), lines[2]);
	if (!passes)
		printf("# " TEXT_FORMAT "\n# " TEXT_FORMAT "\n#   is  |" TEXT_FORMAT
		       "|\n#   not |" TEXT_FORMAT "|\n",
			TEXT_PRINT(lines[0]), TEXT_PRINT(lines[1]), TEXT_PRINT(buffer_text(&got)),
			TEXT_PRINT(lines[2]));
	printf("%sok %d - %s:%d " TEXT_FORMAT "\n", passes ? "" : "not ", ++run->number, path, line,
		TEXT_PRINT(lines[0]));
	run->failed += !passes;
	buffer_done(&got);
}

static int run_file(struct run *run, const char *path)
{
	_cleanup_(fclosep) FILE *file = fopen(path, "r");
	char *texts[3] = { 0 };
	size_t sizes[3] = { 0 };
	const char *name = strrchr(path, '/');
	int line = 0, have = 0;

	if (!file) {
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
		return -errno;
	}
	while (getline(&texts[have], &sizes[have], file) >= 0) {
		struct text lines[3];

		line++;
		if (!have && (texts[0][0] == '\n' || texts[0][0] == '#'))
			continue;
		if (++have < 3)
			continue;
		for (int i = 0; i < 3; i++)
			lines[i] = text_trim(text_of(texts[i]));
		run_case(run, name ? name + 1 : path, line - 2, lines);
		have = 0;
	}
	for (int i = 0; i < 3; i++)
		free(texts[i]);
	return have ? -EINVAL : 0;
}

int main(int argc, char **argv)
{
	struct run run = { .given = given_new() };

	setvbuf(stdout, NULL, _IOLBF, 0);
	for (int i = 1; i < argc; i++)
		if (run_file(&run, argv[i]) < 0) {
			printf("not ok %d - %s can be read\n", ++run.number, argv[i]);
			run.failed++;
		}
	printf("1..%d\n", run.number);
	given_free(run.given);
	return run.failed > 0;
}
