/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The machine.
 */
#include <stdlib.h>

#include "base/memory.h"
#include "sensor/rules/machine.h"

#define GENERATION_MAX (UINT32_MAX >> 2)
/* Snapshots that are remembered; a power of two. */
#define MEMORIES 128

static struct memory *memories_new(size_t tests)
{
	struct memory *memories = NEW_ARRAY(struct memory, MEMORIES);
	uint8_t *answers = NEW_ARRAY(uint8_t, MEMORIES * tests + 1);

	for (size_t i = 0; i < MEMORIES; i++)
		memories[i].answers = answers + i * tests;
	return memories;
}

struct answers *answers_new(const struct program *program)
{
	struct answers *answers = NEW(struct answers);

	answers->program = program;
	answers->generation = 1;
	answers->memories = memories_new(program->snapshot_test_count);
	answers->tests = NEW_ARRAY(uint32_t, program->test_count * 2);
	answers->slots = NEW_ARRAY(struct reading_slot, program->readings.count * 2);
	answers->visits = NEW_ARRAY(uint32_t, program->code_count);
	/* Each instruction is pushed at most by each that leads to it. */
	answers->stack = NEW_ARRAY(uint32_t, program->code_count * 2 + 1);
	return answers;
}

void answers_free(struct answers *answers)
{
	if (!answers)
		return;
	free(answers->memories[0].answers);
	free(answers->memories);
	free(answers->tests);
	free(answers->slots);
	free(answers->visits);
	free(answers->stack);
	free(answers);
}

void answers_clear(struct answers *answers)
{
	const struct program *program = answers->program;

	answers->memory = NULL;
	if (answers->generation++ < GENERATION_MAX)
		return;
	memset(answers->tests, 0, program->test_count * 2 * sizeof(*answers->tests));
	memset(answers->slots, 0, program->readings.count * 2 * sizeof(*answers->slots));
	answers->generation = 1;
}

void answers_recall(struct answers *answers, const struct event *event)
{
	const struct process *process = event->process;
	struct memory *memory;

	if (!process || !process->serial || event->given || event->container != process->container)
		return;
	memory = &answers->memories[process->serial % MEMORIES];
	if (memory->serial != process->serial) {
		memory->serial = process->serial;
		memset(memory->answers, 0, answers->program->snapshot_test_count);
	}
	answers->memory = memory;
}

/* How many of the list's values it satisfies, as the modifier counts. */
static bool ask_modified(const struct test *test, const struct value *value, struct arena *arena)
{
	size_t count = 0;

	for (size_t i = 0; i < test->right_count; i++)
		count += test->ask(value, &test->rights[i], arena);
	switch (test->modifier) {
	case MODIFIER_ONEOF:
		return count == 1;
	case MODIFIER_ANYOF:
		return count > 0;
	default:
		return count == test->right_count && count > 0;
	}
}

static bool ask_one(const struct test *test, const struct value *value, const struct right *right,
	struct arena *arena)
{
	return test->modifier ? ask_modified(test, value, arena) : test->ask(value, right, arena);
}

/* Over a list: until an item decides. */
static bool ask(const struct test *test, const struct value *value, const struct right *right,
	struct arena *arena)
{
	if (value->kind != VALUE_LIST)
		return ask_one(test, value, right, arena);
	for (size_t i = 0; i < value->list.count; i++)
		if (ask_one(test, &value->list.items[i], right, arena) != test->wants_every)
			return !test->wants_every;
	return test->wants_every;
}

static enum truth answer_now(
	struct answers *answers, const struct event *event, const struct test *test)
{
	const struct readings *readings = &answers->program->readings;
	enum presence left, right = PRESENT;
	struct right dynamic = { 0 };
	struct value value;

	left = readings_read(
		readings, test->left, event, answers->slots, answers->generation, &value);
	if (left == ABSENT)
		return IS_FALSE;
	if (test->right_reading >= 0)
		right = readings_read(readings, (unsigned)test->right_reading, event,
			answers->slots, answers->generation, &dynamic.value);
	if (right == ABSENT)
		return IS_FALSE;
	if (left == WAITS || right == WAITS)
		return IS_WAITING;
	if (!test->ask)
		return IS_TRUE;
	return ask(test, &value, test->right_reading >= 0 ? &dynamic : test->rights, event->arena)
		       ? IS_TRUE
		       : IS_FALSE;
}

static enum truth remembered_answer(
	struct answers *answers, const struct event *event, const struct test *test)
{
	uint8_t *known = &answers->memory->answers[test->place];

	if (!*known)
		*known = (uint8_t)(answer_now(answers, event, test) + 1);
	return *known - 1;
}

enum truth test_answer(struct answers *answers, const struct event *event, uint32_t number)
{
	const struct test *test = &answers->program->tests[number];
	uint32_t *known;

	if (test->is_of_snapshot && answers->memory)
		return remembered_answer(answers, event, test);
	known = &answers->tests[number * 2 + (test->has_views && event->view == VIEW_REAL)];

	if (*known >> 2 != answers->generation)
		*known = answers->generation << 2 | answer_now(answers, event, test);
	return *known & 3;
}

/* From a waiting test on, both ways; the answer is what all of them end in. */
static enum truth run_both_ways(struct answers *answers, const struct event *event, uint32_t chain)
{
	const struct instruction *code = answers->program->code;
	unsigned ends = 0;
	size_t depth = 0;

	if (!++answers->visit) {
		memset(answers->visits, 0, answers->program->code_count * sizeof(*answers->visits));
		answers->visit = 1;
	}
	answers->stack[depth++] = chain;
	while (depth && ends != 3) {
		uint32_t at = answers->stack[--depth];
		enum truth truth;

		if (at < CHAIN_FIRST) {
			ends |= 1U << at;
			continue;
		}
		if (answers->visits[at] == answers->visit)
			continue;
		answers->visits[at] = answers->visit;
		truth = test_answer(answers, event, code[at].test);
		if (truth != IS_FALSE)
			answers->stack[depth++] = code[at].if_true;
		if (truth != IS_TRUE)
			answers->stack[depth++] = code[at].if_false;
	}
	return ends == 3 ? IS_WAITING : ends == 1U << CHAIN_TRUE ? IS_TRUE : IS_FALSE;
}

enum truth chain_run(struct answers *answers, const struct event *event, uint32_t chain)
{
	const struct instruction *code = answers->program->code;
	uint32_t at = chain;

	while (at >= CHAIN_FIRST) {
		enum truth truth = test_answer(answers, event, code[at].test);

		if (truth == IS_WAITING)
			return run_both_ways(answers, event, at);
		at = truth == IS_TRUE ? code[at].if_true : code[at].if_false;
	}
	return at == CHAIN_TRUE ? IS_TRUE : IS_FALSE;
}
