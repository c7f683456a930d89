/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The machine.
 */
#include <stdlib.h>

#include "base/memory.h"
#include "sensor/rules/machine.h"

#define GENERATION_MAX (UINT32_MAX >> 2)
/* Processes, and shapes of calls, that are remembered; powers of two. */
#define PROCESSES_REMEMBERED 128
#define CALLS_REMEMBERED     128

static struct memories memories_new(size_t count, size_t tests)
{
	struct memories memories = { NEW_ARRAY(struct memory, count), tests };
	uint8_t *answers = NEW_ARRAY(uint8_t, count * tests + 1);

	for (size_t i = 0; i < count; i++)
		memories.items[i].answers = answers + i * tests;
	return memories;
}

static void memories_done(struct memories *memories)
{
	free(memories->items[0].answers);
	free(memories->items);
}

struct answers *answers_new(const struct program *program)
{
	struct answers *answers = NEW(struct answers);

	answers->program = program;
	answers->generation = 1;
	answers->processes = memories_new(PROCESSES_REMEMBERED, program->process_test_count);
	answers->calls = memories_new(CALLS_REMEMBERED, program->call_test_count);
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
	memories_done(&answers->processes);
	memories_done(&answers->calls);
	free(answers->tests);
	free(answers->slots);
	free(answers->visits);
	free(answers->stack);
	free(answers);
}

void answers_clear(struct answers *answers)
{
	const struct program *program = answers->program;

	memset(answers->memory, 0, sizeof(answers->memory));
	if (answers->generation++ < GENERATION_MAX)
		return;
	memset(answers->tests, 0, program->test_count * 2 * sizeof(*answers->tests));
	memset(answers->slots, 0, program->readings.count * 2 * sizeof(*answers->slots));
	answers->generation = 1;
}

static bool key_equal(const struct memory_key *one, const struct memory_key *other)
{
	return one->one == other->one && one->lineage == other->lineage &&
	       one->version == other->version;
}

/* The memory at a place, made empty when it is of something else. */
static struct memory *recall(struct answers *answers, struct memories *memories, size_t place,
	const struct memory_key *key)
{
	struct memory *memory = &memories->items[place];

	if (key_equal(&memory->key, key))
		return memory;
	memory->key = *key;
	memory->stamp = ++answers->stamp;
	memset(memory->answers, 0, memories->size);
	return memory;
}

/* An event that waited for too long takes what is missing for absent: not to be remembered. */
static struct memory *recall_process(struct answers *answers, const struct event *event)
{
	const struct process *process = event->process;
	struct memory_key key;

	if (!process || !process->serial || event->is_overdue ||
		event->container != process->container)
		return NULL;
	key = (struct memory_key){ process->serial, process_lineage(process),
		process->container->version };
	if (!key.lineage)
		return NULL;
	return recall(answers, &answers->processes, process->serial % PROCESSES_REMEMBERED, &key);
}

static struct memory *recall_call(struct answers *answers, const struct event *event)
{
	const struct memory_key key = { .one = event->shape };
	uint64_t hash = event->shape * UINT64_C(0x9e3779b97f4a7c15);

	if (!event->shape)
		return NULL;
	return recall(answers, &answers->calls, (hash >> 32) % CALLS_REMEMBERED, &key);
}

void answers_recall(struct answers *answers, const struct event *event)
{
	if (event->given)
		return;
	answers->memory[SCOPE_PROCESS] = recall_process(answers, event);
	answers->memory[SCOPE_CALL] = recall_call(answers, event);
	if (event->type->is_open)
		answers->memory[SCOPE_OPEN] = answers->memory[SCOPE_CALL];
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

/* What waits comes to be known: only the other answers stay. */
static enum truth remembered_answer(struct answers *answers, const struct event *event,
	const struct test *test, struct memory *memory)
{
	uint8_t *known = &memory->answers[test->place];
	enum truth truth;

	if (*known)
		return *known - 1;
	truth = answer_now(answers, event, test);
	if (truth != IS_WAITING)
		*known = (uint8_t)(truth + 1);
	return truth;
}

enum truth test_answer(struct answers *answers, const struct event *event, uint32_t number)
{
	const struct test *test = &answers->program->tests[number];
	struct memory *memory = answers->memory[test->scope];
	uint32_t *known;

	if (memory)
		return remembered_answer(answers, event, test, memory);
	known = &answers->tests[number * 2 + (test->has_views && event->view == VIEW_REAL)];

	if (*known >> 2 != answers->generation)
		*known = answers->generation << 2 | answer_now(answers, event, test);
	return *known & 3;
}

/* For a new round of chains that are gone through once. */
static void begin_visit(struct answers *answers)
{
	if (++answers->visit)
		return;
	memset(answers->visits, 0, answers->program->code_count * sizeof(*answers->visits));
	answers->visit = 1;
}

/* Whether the instruction was not seen yet in this visit. */
static bool visit(struct answers *answers, uint32_t at)
{
	bool is_new = answers->visits[at] != answers->visit;

	answers->visits[at] = answers->visit;
	return is_new;
}

/* From a waiting test on, both ways; the answer is what all of them end in. */
static enum truth run_both_ways(struct answers *answers, const struct event *event, uint32_t chain)
{
	const struct instruction *code = answers->program->code;
	unsigned ends = 0;
	size_t depth = 0;

	begin_visit(answers);
	answers->stack[depth++] = chain;
	while (depth && ends != 3) {
		uint32_t at = answers->stack[--depth];
		enum truth truth;

		if (at < CHAIN_FIRST) {
			ends |= 1U << at;
			continue;
		}
		if (!visit(answers, at))
			continue;
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

bool chain_is_shut(struct answers *answers, const struct event *event, const struct memory *memory,
	uint32_t chain)
{
	const struct instruction *code = answers->program->code;
	size_t depth = 0;

	begin_visit(answers);
	answers->stack[depth++] = chain;
	while (depth) {
		uint32_t at = answers->stack[--depth];
		enum truth truth = IS_WAITING;

		if (at == CHAIN_TRUE)
			return false;
		if (at == CHAIN_FALSE || !visit(answers, at))
			continue;
		if (answers->memory[answers->program->tests[code[at].test].scope] == memory)
			truth = test_answer(answers, event, code[at].test);
		if (truth != IS_TRUE)
			answers->stack[depth++] = code[at].if_false;
		if (truth != IS_FALSE)
			answers->stack[depth++] = code[at].if_true;
	}
	return true;
}
