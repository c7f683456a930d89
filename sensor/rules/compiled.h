/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compiled rules: what the loader makes and what rules_match() runs over. Immutable once made.
 */
#pragma once

#include "sensor/rules/format.h"
#include "sensor/rules/formula.h"
#include "sensor/rules/program.h"
#include "sensor/rules/rules.h"

/* A rule as it runs; what callers see of it comes first. */
struct compiled_rule {
	struct rule rule;
	struct format *format;
	const struct formula *formula; /* lives as long as the program; NULL: too long */
	bool has_views;		       /* its condition differs between the two views of a path */
};

/* A rule as the loader hands it over; texts are copied, tree and format are taken. */
struct rule_source {
	const char *name, *description, *source;
	enum priority priority;
	const char *const *tags; /* sorted */
	size_t tag_count;
	bool is_enabled, captures;
	int64_t capture_duration_ms;
	const struct node *tree; /* its tests were added to the program */
	struct format *format;
};

/*
 * Makes compiled rules from what a program holds the tests of, in the order of evaluation. Takes
 * the program and the formats, also on failure.
 */
int rules_new(struct program *program, struct rule_source *sources, size_t count,
	const struct rules_options *options, struct rules **ret_rules, struct error *err);

/* For those who explain rules. */
const struct program *rules_program(const struct rules *rules);
const struct format *rules_format(const struct rules *rules, size_t index);
/* For the filter in the kernel. */
const struct formula *rules_formula(const struct rules *rules, size_t index);
/* Events that fields need, and that must not be filtered. */
void rules_needed_events(const struct rules *rules, struct event_set *ret_set);
/*
 * The chain of a rule for an event type; CHAIN_FALSE when it cannot match it. *ret_before: how many
 * rules are asked before it.
 */
uint32_t rules_chain(const struct rules *rules, size_t index, unsigned event, size_t *ret_before);
