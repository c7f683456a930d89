/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Comparisons of paths as instructions. The path lies behind register `start` and has `length`
 * bytes, of which the verifier knows a bound; r1, r2 and r5 are used.
 */
#pragma once

#include "sensor/filter/assembler.h"
#include "sensor/filter/decision.h"

enum path_form { FORM_TEXT, FORM_WALK };

struct path_registers {
	int start, length;
};

struct path_answers {
	label_t yes, no, unknown;
};

/* Where, on the stack, the facts of a walk are: length of its first name (0: unknown), its top. */
#define STACK_LEAF (-24)
#define STACK_TOP  (-32)

/* Longer constants are not compared. */
#define PATH_CONSTANT_MAX 250

void emit_path(struct assembler *assembler, const struct decision *decision, enum path_form form,
	struct path_registers path, struct path_answers to);
