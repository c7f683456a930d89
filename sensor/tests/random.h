/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What property tests are made of: numbers that a seed repeats, and conditions of them. State of
 * the program that includes it.
 */
#pragma once

#include <stdint.h>
#include <stdlib.h>

#include "base/text.h"
#include "base/memory.h"

static uint64_t random_state = 20261124;

/* From $TERCEL_SEED, so that a failure can be repeated; else always the same. */
static inline void random_seed(void)
{
	const char *given = getenv("TERCEL_SEED");

	random_state = given ? strtoull(given, NULL, 10) : 20261124;
}

/* xorshift64* */
static inline uint32_t random_below(uint32_t limit)
{
	random_state ^= random_state >> 12;
	random_state ^= random_state << 25;
	random_state ^= random_state >> 27;
	return (uint32_t)((random_state * UINT64_C(0x2545f4914f6cdd1d)) >> 33) % limit;
}

#define PICK(list) list[random_below(COUNT_OF(list))]

/* How often there is what, by weights: `or` and `not` have one each. Checks are `write`'s. */
struct condition_shape {
	unsigned ands, checks;
	void (*write)(struct buffer *out);
};

/* At most `depth` operators deep. */
static inline void random_condition(
	struct buffer *out, const struct condition_shape *shape, unsigned depth)
{
	unsigned is_not = 1 + shape->ands;
	unsigned kind = depth ? random_below(is_not + 1 + shape->checks) : is_not + 1;
	unsigned count = 2 + random_below(3);

	if (kind > is_not) {
		shape->write(out);
		return;
	}
	if (kind == is_not) {
		buffer_add_string(out, "not (");
		random_condition(out, shape, depth - 1);
		buffer_add_char(out, ')');
		return;
	}
	buffer_add_char(out, '(');
	for (unsigned i = 0; i < count; i++) {
		if (i)
			buffer_add_string(out, kind ? " and " : " or ");
		random_condition(out, shape, depth - 1);
	}
	buffer_add_char(out, ')');
}
