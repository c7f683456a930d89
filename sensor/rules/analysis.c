/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which event types a condition can be true for: `and` intersects, `or` unites, `not` goes down to
 * the checks. A check that is not about the type is possible for all of them, negated or not.
 */
#include "base/memory.h"
#include "sensor/rules/analysis.h"

#define WORDS (EVENT_TYPES_MAX / 64)

void event_set_all(struct event_set *ret_set)
{
	size_t count;

	event_types(&count);
	*ret_set = (struct event_set){ 0 };
	for (unsigned i = 0; i < count; i++)
		event_set_add(ret_set, i);
}

size_t event_set_count(const struct event_set *set)
{
	size_t count = 0;

	for (size_t i = 0; i < WORDS; i++)
		count += (size_t)__builtin_popcountll(set->words[i]);
	return count;
}

const char *const *transfer_calls(size_t *ret_count)
{
	static const char *const names[] = { "sendfile", "preadv", "readv", "pread", "recv", "send",
		"pwritev", "writev", "write", "pwrite", "read" };

	*ret_count = COUNT_OF(names);
	return names;
}

void event_set_remove_transfers(struct event_set *set)
{
	size_t count;
	const char *const *names = transfer_calls(&count);

	for (size_t i = 0; i < count; i++) {
		const struct event_type *type = event_type_find(text_of(names[i]));

		if (type)
			set->words[type->id / 64] &= ~(UINT64_C(1) << (type->id % 64));
	}
}

static bool is_about_type(const struct program *program, const struct test *test)
{
	const struct reading *left = &program->readings.items[test->left];
	const char *name = left->kind == READING_FIELD ? left->use.field->name : "";

	if (test->right_reading >= 0 || test->modifier || !test->ask)
		return false;
	switch (operator_id(test->op)) {
	case OPERATOR_EQUAL:
	case OPERATOR_EQUAL_TWICE:
	case OPERATOR_UNEQUAL:
	case OPERATOR_IN:
	case OPERATOR_INTERSECTS:
		return !strcmp(name, "evt.type") || !strcmp(name, "syscall.type");
	default:
		return false;
	}
}

/* evt.num=0 and its like, which shipped rules use for "never" and "always". */
static bool is_never(const struct program *program, const struct test *test, bool is_negated)
{
	const struct reading *left = &program->readings.items[test->left];
	uint64_t size;
	bool is_impossible = false, is_certain = false;

	if (left->kind != READING_FIELD || strcmp(left->use.field->name, "evt.num") ||
		test->right_reading >= 0 || test->modifier || !test->right_count)
		return false;
	size = test->rights[0].value.size;
	switch (operator_id(test->op)) {
	case OPERATOR_EQUAL:
	case OPERATOR_EQUAL_TWICE:
	case OPERATOR_LESS_EQUAL:
		is_impossible = size == 0;
		break;
	case OPERATOR_LESS:
		is_impossible = size <= 1;
		break;
	case OPERATOR_UNEQUAL:
	case OPERATOR_GREATER:
		is_certain = size == 0;
		break;
	case OPERATOR_GREATER_EQUAL:
		is_certain = size <= 1;
		break;
	default:
		break;
	}
	return is_negated ? is_certain : is_impossible;
}

static void test_events(const struct program *program, const struct test *test, bool is_negated,
	struct event_set *ret_events)
{
	const struct event_type *types;
	size_t count;

	*ret_events = (struct event_set){ 0 };
	if (is_never(program, test, is_negated))
		return;
	if (!is_about_type(program, test)) {
		event_set_all(ret_events);
		return;
	}
	types = event_types(&count);
	for (size_t i = 0; i < count; i++) {
		struct value name = value_text(text_of(types[i].name));

		if (test->ask(&name, test->rights, program->constants) != is_negated)
			event_set_add(ret_events, types[i].id);
	}
}

static void node_events(const struct program *program, const struct node *node, bool is_negated,
	struct event_set *ret_events)
{
	bool intersects = (node->kind == NODE_AND) != is_negated;
	struct event_set part;

	switch (node->kind) {
	case NODE_CHECK:
		test_events(program, &program->tests[node->test], is_negated, ret_events);
		return;
	case NODE_MACRO:
		node_events(program, node->target, is_negated, ret_events);
		return;
	case NODE_NOT:
		node_events(program, node->children[0], !is_negated, ret_events);
		return;
	case NODE_AND:
	case NODE_OR:
		break;
	}
	node_events(program, node->children[0], is_negated, ret_events);
	for (size_t i = 1; i < node->count; i++) {
		node_events(program, node->children[i], is_negated, &part);
		for (size_t word = 0; word < WORDS; word++)
			ret_events->words[word] =
				intersects ? ret_events->words[word] & part.words[word]
					   : ret_events->words[word] | part.words[word];
	}
}

void condition_events(
	const struct program *program, const struct node *tree, struct event_set *ret_events)
{
	node_events(program, tree, false, ret_events);
}
