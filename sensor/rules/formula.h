/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A condition in negation normal form: and, or, and literals, each a test and a sign. Operators
 * stay as they are, for `not (a = b)` is true when a is absent and `a != b` is not. Kept beside the
 * chains for who makes something else of a condition than an answer: the filter in the kernel.
 */
#pragma once

#include "sensor/rules/program.h"

enum formula_kind { FORMULA_AND, FORMULA_OR, FORMULA_TEST };

struct formula {
	enum formula_kind kind;
	bool is_negated; /* of FORMULA_TEST */
	unsigned test;
	const struct formula **parts;
	size_t count;
};

/* Of a tree whose tests were added; lives in the arena. NULL when it is longer than CHAIN_MAX. */
const struct formula *formula_of(const struct node *tree, struct arena *arena);
