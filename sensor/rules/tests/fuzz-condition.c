/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Conditions from anywhere: whatever parses must print so that it reads back as the same, and
 * whatever compiles must run.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/memory.h"
#include "sensor/rules/given.h"
#include "sensor/rules/machine.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_printing(const struct node *tree, struct arena *arena)
{
	struct buffer once, twice;
	struct node *again;
	struct position at;

	buffer_init(&once, 16 << 20);
	buffer_init(&twice, 16 << 20);
	node_print(tree, &once);
	assert(condition_parse(buffer_text(&once), arena, &again, &at, NULL) == 0);
	node_print(again, &twice);
	assert(text_equal(buffer_text(&once), buffer_text(&twice)));
	buffer_done(&once);
	buffer_done(&twice);
}

static bool has_macro(const struct node *node)
{
	if (node->kind == NODE_MACRO)
		return true;
	for (size_t i = 0; i < node->count; i++)
		if (has_macro(node->children[i]))
			return true;
	return false;
}

static void run(struct node *tree)
{
	struct program *program = program_new();
	struct given *given = given_new();
	struct position at = { 0 };
	struct answers *answers;
	struct event *event;
	uint32_t chain;

	if (program_add_tests(program, tree, &at, NULL) == 0 &&
		given_event(given, TEXT("proc.name=cat fd.name=/etc/shadow fd.num=3"), &event,
			NULL) == 0 &&
		program_add_chain(program, tree, event->type, &chain, NULL) == 0) {
		answers = answers_new(program);
		(void)chain_run(answers, event, chain);
		answers_free(answers);
	}
	given_free(given);
	program_free(program);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_new(SIZE_MAX / 2);
	struct text text = { (const char *)data, size };
	struct node *tree;
	struct position at = { 0 };
	struct error err = { 0 };

	if (condition_parse(text, arena, &tree, &at, &err) == 0) {
		check_printing(tree, arena);
		if (!has_macro(tree))
			run(tree);
	} else {
		assert(err.message[0]);
		assert(at.offset <= size);
	}
	arena_free(arena);
	return 0;
}
