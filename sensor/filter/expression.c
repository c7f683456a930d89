/* SPDX-License-Identifier: Apache-2.0 */
/* From formulas to what the kernel is to decide. */
#include "base/memory.h"
#include "sensor/filter/expression.h"

static const struct part part_false = { .kind = PART_FALSE };
static const struct part part_true = { .kind = PART_TRUE };

void decisions_init(struct decisions *decisions, const struct program *program,
	const struct event_type *type, struct arena *arena)
{
	*decisions = (struct decisions){ program, type, arena,
		ARENA_NEW(arena, const struct decision *, program->test_count + 1) };
	memset(decisions->made, 0, sizeof(*decisions->made) * (program->test_count + 1));
}

const struct decision *decisions_get(struct decisions *decisions, unsigned test)
{
	struct decision *decision;

	if (decisions->made[test])
		return decisions->made[test];
	decision = ARENA_NEW(decisions->arena, struct decision, 1);
	*decision = decision_of(decisions->program, &decisions->program->tests[test],
		decisions->type, decisions->arena);
	return decisions->made[test] = decision;
}

/* All tests of paths are looked up at once, before; to ask for the answer is nearly nothing. */
static unsigned cost_of(const struct decision *decision)
{
	switch (decision->kind) {
	case DECISION_STEPS:
		return (unsigned)decision->step_count;
	case DECISION_NAME:
		return 1;
	default:
		return 0;
	}
}

static const struct part *literal_of(
	struct decisions *decisions, const struct formula *formula, enum filter_purpose purpose)
{
	const struct decision *decision = decisions_get(decisions, formula->test);
	struct part *part;

	if (decision->kind == DECISION_FIXED) {
		if (decision->fixed == ANSWER_UNKNOWN)
			return purpose == FILTER_MAY ? &part_true : &part_false;
		return (decision->fixed == ANSWER_YES) != formula->is_negated ? &part_true
									      : &part_false;
	}
	part = ARENA_NEW(decisions->arena, struct part, 1);
	*part = (struct part){ .kind = PART_LITERAL,
		.is_negated = formula->is_negated,
		.has_view = decision->kind == DECISION_PATH && decision->path_kind == PATH_OF_VIEW,
		.cost = cost_of(decision),
		.test = formula->test,
		.decision = decision };
	return part;
}

static void add_cheapest_first(struct part *whole, const struct part *part)
{
	size_t at = whole->count++;

	for (; at && whole->parts[at - 1]->cost > part->cost; at--)
		whole->parts[at] = whole->parts[at - 1];
	whole->parts[at] = part;
	whole->cost += part->cost;
	whole->has_view |= part->has_view;
}

static const struct part *join(
	struct arena *arena, enum part_kind kind, const struct part **parts, size_t count)
{
	/* Of ALL one that is false decides, and one that is true says nothing; of ANY … */
	enum part_kind decides = kind == PART_ALL ? PART_FALSE : PART_TRUE;
	struct part *whole = ARENA_NEW(arena, struct part, 1);

	*whole = (struct part){ .kind = kind,
		.parts = ARENA_NEW(arena, const struct part *, count + 1) };
	for (size_t i = 0; i < count; i++) {
		if (parts[i]->kind == decides)
			return parts[i];
		if (parts[i]->kind != PART_TRUE && parts[i]->kind != PART_FALSE)
			add_cheapest_first(whole, parts[i]);
	}
	if (!whole->count)
		return kind == PART_ALL ? &part_true : &part_false;
	return whole->count == 1 ? whole->parts[0] : whole;
}

const struct part *part_of(
	struct decisions *decisions, const struct formula *formula, enum filter_purpose purpose)
{
	const struct part **parts;

	if (formula->kind == FORMULA_TEST)
		return literal_of(decisions, formula, purpose);
	parts = ARENA_NEW(decisions->arena, const struct part *, formula->count + 1);
	for (size_t i = 0; i < formula->count; i++)
		parts[i] = part_of(decisions, formula->parts[i], purpose);
	return join(decisions->arena, formula->kind == FORMULA_AND ? PART_ALL : PART_ANY, parts,
		formula->count);
}

const struct part *part_any(struct arena *arena, const struct part **parts, size_t count)
{
	return join(arena, PART_ANY, parts, count);
}

const struct part *part_alone(struct arena *arena, const struct part *part)
{
	struct part *whole = ARENA_NEW(arena, struct part, 1);

	*whole = (struct part){ .kind = PART_ANY,
		.has_view = part->has_view,
		.cost = part->cost,
		.parts = ARENA_NEW(arena, const struct part *, 1),
		.count = 1 };
	whole->parts[0] = part;
	return whole;
}
