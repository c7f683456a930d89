/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the kernel can decide of a test, for one event type. A decision gives yes, no or unknown of
 * a record, and never another answer than the rules give of the same record: it only looks at what
 * the record carries and the rules read from it. Absent is no.
 *
 *	STEPS	numbers of the record, one after the other
 *	NAME	the process' comm
 *	PATH	a path, in one of the forms of kernel/facts.h
 *
 * Fields are rows of a table in decision.c; what has no row is unknown.
 */
#pragma once

#include "sensor/kernel/wire.h"
#include "sensor/rules/program.h"

enum answer { ANSWER_NO, ANSWER_YES, ANSWER_UNKNOWN, ANSWER_STEP /* + number: go on there */ };

/* A number in struct call_record. */
struct place {
	uint16_t offset;
	uint8_t size; /* 1, 2, 4, 8 */
	bool is_signed;
};

struct range {
	int64_t low, high;
	int to; /* enum answer, or ANSWER_STEP + n */
};

#define STEP_RANGES_MAX 48
#define STEPS_MAX	8

struct step {
	struct place place;
	uint64_t mask; /* what of the number counts; 0: all */
	struct range ranges[STEP_RANGES_MAX];
	size_t count;
	int otherwise;
	bool is_too_long; /* there were more ranges */
};

enum path_operator {
	PATH_EQUAL,	/* one of the texts */
	PATH_BEGINS,	/* one of them is its beginning */
	PATH_BELOW,	/* the same, by whole names */
	PATH_BEGINS_SO, /* … of which only the beginning is known: no or unknown */
	PATH_ENDS,
	PATH_CONTAINS, /* no or unknown */
	PATH_DIRECTORY,
	PATH_FILE,
};

enum path_kind {
	PATH_OF_VIEW, /* fd.name: of the view that is asked for */
	PATH_AS_GIVEN /* the first text as the caller wrote it */
};

enum decision_kind { DECISION_FIXED, DECISION_STEPS, DECISION_NAME, DECISION_PATH };

struct decision {
	enum decision_kind kind;
	enum answer fixed; /* of DECISION_FIXED */
	bool is_inverted;  /* NAME, PATH: yes and no change places */
	struct step *steps;
	size_t step_count;
	enum path_operator path_operator;
	enum path_kind path_kind;
	bool needs_canonical; /* PATH_AS_GIVEN: only such a text is what the field gives */
	const struct text *texts;
	size_t text_count;
};

/* Everything made lives in the arena. */
struct decision decision_of(const struct program *program, const struct test *test,
	const struct event_type *type, struct arena *arena);
