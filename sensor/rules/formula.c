/* SPDX-License-Identifier: Apache-2.0 */
/* Negation normal form: `not` goes down to the checks, and turns `and` and `or` on its way. */
#include "base/memory.h"
#include "sensor/rules/formula.h"

struct maker {
	struct arena *arena;
	size_t steps;
};

static const struct formula *make(struct maker *maker, const struct node *node, bool is_negated)
{
	struct formula *formula;

	while (node->kind == NODE_MACRO || node->kind == NODE_NOT) {
		is_negated ^= node->kind == NODE_NOT;
		node = node->kind == NODE_NOT ? node->children[0] : node->target;
	}
	if (++maker->steps > CHAIN_MAX)
		return NULL;
	formula = ARENA_NEW(maker->arena, struct formula, 1);
	*formula = (struct formula){ .kind = FORMULA_TEST, .is_negated = is_negated };
	if (node->kind == NODE_CHECK) {
		formula->test = node->test;
		return formula;
	}
	formula->kind = (node->kind == NODE_AND) != is_negated ? FORMULA_AND : FORMULA_OR;
	formula->parts = ARENA_NEW(maker->arena, const struct formula *, node->count);
	for (size_t i = 0; i < node->count; i++) {
		formula->parts[i] = make(maker, node->children[i], is_negated);
		if (!formula->parts[i])
			return NULL;
		formula->count++;
	}
	return formula;
}

const struct formula *formula_of(const struct node *tree, struct arena *arena)
{
	struct maker maker = { arena, 0 };

	return make(&maker, tree, false);
}
