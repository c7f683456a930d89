/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Patterns at one end of some bytes, as instructions that look for all of them at once: a binary
 * search over the first eight bytes, then over the next eight of what is left, and so on. What is
 * not there costs a few comparisons, however many patterns there are.
 *
 * Nothing is learned of lengths that pointers were made of, so that the verifier sees one state
 * behind each search, not one for each way through it.
 */
#pragma once

#include "sensor/filter/assembler.h"
#include "sensor/filter/patterns.h"

#define MATCHER_UNBOUNDED (-1)

struct matcher {
	struct assembler *assembler;
	int base;	  /* the register: where the bytes begin or, backward, end */
	bool is_backward; /* away from the anchor is to the left */
	/* Where in what `lengths` points to their number is (u32), or MATCHER_UNBOUNDED: whatever
	 * is behind them is no pattern's, and none has a tail. */
	int lengths;
	int16_t length;
	/* Goes on with what follows a pattern that was found; may use r2. */
	void (*found)(void *context, const struct pattern *pattern);
	void *context;
};

/* Uses r1, r2 and r5; what is behind the last pattern's word must be readable. Sorts them. */
void matcher_emit(const struct matcher *matcher, struct pattern *patterns, size_t count);
