/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The machine: runs chains over events. Tests are answered at most once per event and view.
 *
 * A test is true, false, or waits: then a field's metadata is still being fetched. A condition
 * waits only if what it waits for could decide it (Kleene's logic: `false and waits` is false,
 * `true or waits` is true). The machine gets there by going both ways at a waiting test: when both
 * end alike that is the answer.
 */
#pragma once

#include "sensor/rules/program.h"

struct answers {
	const struct program *program;
	uint32_t generation;	    /* one an event; never 0 */
	uint32_t *tests;	    /* 2 a test: generation << 2 | answer */
	struct reading_slot *slots; /* 2 a reading */
	uint32_t *visits;	    /* an instruction: the visit in which it was seen */
	uint32_t visit;
	uint32_t *stack;
};

struct answers *answers_new(const struct program *program);
void answers_free(struct answers *answers);
DEFINE_CLEANUP(struct answers *, answers_free)
/* Forgets all; to be called before each event, and before an event that waited is tried again. */
void answers_clear(struct answers *answers);
/* The answer of one test, in the event's view. */
enum truth test_answer(struct answers *answers, const struct event *event, uint32_t test);
enum truth chain_run(struct answers *answers, const struct event *event, uint32_t chain);
