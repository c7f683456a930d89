/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is left of the rules' conditions in the kernel: for one event type, literals with their
 * decisions under and and or. What is unknown there, or known at load, is gone.
 */
#pragma once

#include "sensor/filter/decision.h"
#include "sensor/filter/filter.h"
#include "sensor/rules/formula.h"

enum part_kind { PART_FALSE, PART_TRUE, PART_ALL, PART_ANY, PART_LITERAL };

struct part {
	enum part_kind kind;
	bool is_negated;
	bool has_view; /* asks for the path of a view */
	unsigned cost;
	unsigned test;
	const struct decision *decision;
	const struct part **parts; /* the cheapest first */
	size_t count;
};

/* Decisions of the tests for one event type, made when they are first asked for. */
struct decisions {
	const struct program *program;
	const struct event_type *type;
	struct arena *arena;
	const struct decision **made; /* by test */
};

void decisions_init(struct decisions *decisions, const struct program *program,
	const struct event_type *type, struct arena *arena);
const struct decision *decisions_get(struct decisions *decisions, unsigned test);

const struct part *part_of(
	struct decisions *decisions, const struct formula *formula, enum filter_purpose purpose);
/* One of them. */
const struct part *part_any(struct arena *arena, const struct part **parts, size_t count);
/* One as the only one of a PART_ANY. */
const struct part *part_alone(struct arena *arena, const struct part *part);
