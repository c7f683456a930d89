/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The machine: runs chains over events. Tests are answered at most once per event and view.
 *
 * A test is true, false, or waits: then a field's metadata is still being fetched. A condition
 * waits only if what it waits for could decide it (Kleene's logic: `false and waits` is false,
 * `true or waits` is true). The machine gets there by going both ways at a waiting test: when both
 * end alike that is the answer.
 *
 * Most tests are about the process alone, and its events are many: what was answered of a snapshot
 * is remembered for the last few of them.
 */
#pragma once

#include "sensor/rules/program.h"

/* Answers about one snapshot. */
struct memory {
	uint64_t serial;
	uint8_t *answers; /* by the place of the test; 0: not asked yet, else the answer + 1 */
};

struct answers {
	const struct program *program;
	struct memory *memories;
	struct memory *memory;	    /* of the event's process; NULL: it is not remembered */
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
/* After it, and before the first test of an event: lets what is known of its process count. */
void answers_recall(struct answers *answers, const struct event *event);
/* The answer of one test, in the event's view. */
enum truth test_answer(struct answers *answers, const struct event *event, uint32_t test);
enum truth chain_run(struct answers *answers, const struct event *event, uint32_t chain);
