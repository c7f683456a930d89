/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which bit tells what of a test, in the program of one event type: that the test says yes,
 * or that it may. A literal asks for one of them. What the tests are of has its bits in words of
 * its own, for they are found out together, when that is looked at.
 */
#pragma once

#include "sensor/filter/expression.h"
#include "sensor/filter/patterns.h"

struct mark {
	const struct decision *decision;
	bool is_sure; /* set by yes alone, else by unknown, too */
};

enum mark_subject {
	MARK_NUMBERS, /* of the record; only tests that are asked more than once */
	MARK_NAME,    /* of the process */
	MARK_GIVEN,   /* a text as it was given */
	MARK_VIEW,    /* the path of a view */
	MARK_SUBJECTS
};

/* A text's test that finds no place is unknown. */
struct mark_table {
	enum filter_purpose purpose;
	struct mark items[MARK_WORDS * 32]; /* by bit */
	size_t ends[MARK_SUBJECTS]; /* the word behind a subject's; it begins at the last's */
};

void marks_collect(struct mark_table *table, enum filter_purpose purpose,
	const struct part *without_view, const struct part *with_view);
/* Whether a literal's decision is one that marks tell, and of what. */
bool mark_subject_of(const struct part *literal, enum mark_subject *ret_subject);
size_t marks_begin(const struct mark_table *table, enum mark_subject subject);
/* Whether a literal of the part asks for it. */
bool marks_use(const struct part *part, enum mark_subject subject);
/* Whether a literal is true when its bit is not set. */
bool mark_is_inverted(const struct part *literal);
/* -1: there is none. */
int mark_of(const struct mark_table *table, const struct part *literal);
/* The bits of a decision that yes sets, or that unknown sets. */
struct marks marks_of(
	const struct mark_table *table, const struct decision *decision, bool is_sure);
/* Bits of paths of which one must be set for the part to be true. False: there are none such. */
bool marks_needed(const struct mark_table *table, const struct part *part, struct marks *ret_marks);
