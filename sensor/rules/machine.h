/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The machine: runs chains over events. Tests are answered at most once per event and view.
 *
 * A test is true, false, or waits: then a field's metadata is still being fetched. A condition
 * waits only if what it waits for could decide it (Kleene's logic: `false and waits` is false,
 * `true or waits` is true). The machine gets there by going both ways at a waiting test: when both
 * end alike that is the answer.
 *
 * Most tests are about the process alone, or about small facts of the call (an open for reading
 * that succeeded), and events that are alike in one or the other are many. What was answered is
 * remembered for the last processes and shapes of calls. A memory is lost with the first thing that
 * changes: the process' snapshot, its ancestors, what is known of its container.
 */
#pragma once

#include "sensor/rules/program.h"

/* What answers are remembered about. */
struct memory_key {
	uint64_t one;	  /* the snapshot's serial number, or the shape; 0: nothing */
	uint64_t lineage; /* of a process … */
	uint64_t version; /* … and of its container */
};

/* Answers about one process, or one shape of calls. */
struct memory {
	struct memory_key key;
	uint32_t stamp;	  /* no two memories have the same, nor one after it was lost */
	uint8_t *answers; /* by the place of the test; 0: not asked yet, else the answer + 1 */
};

struct memories {
	struct memory *items;
	size_t size; /* of the answers of each */
};

struct answers {
	const struct program *program;
	struct memories processes, calls;
	struct memory *memory[SCOPE_COUNT]; /* of the event; NULL: nothing is remembered */
	uint32_t stamp;			    /* the last one that was given */
	uint32_t generation;		    /* one an event; never 0 */
	uint32_t *tests;		    /* 2 a test: generation << 2 | answer */
	struct reading_slot *slots;	    /* 2 a reading */
	uint32_t *visits;		    /* an instruction: the visit in which it was seen */
	uint32_t visit;
	uint32_t *stack;
};

struct answers *answers_new(const struct program *program);
void answers_free(struct answers *answers);
DEFINE_CLEANUP(struct answers *, answers_free)
/* Forgets all; to be called before each event, and before an event that waited is tried again. */
void answers_clear(struct answers *answers);
/* After it, and before the first test of an event: lets what is remembered count. */
void answers_recall(struct answers *answers, const struct event *event);
/* The answer of one test, in the event's view. */
enum truth test_answer(struct answers *answers, const struct event *event, uint32_t test);
enum truth chain_run(struct answers *answers, const struct event *event, uint32_t chain);
/*
 * Whether a chain is false for every event that has this memory in common with the present one;
 * tests whose answers the memory keeps are asked, all others could be either.
 */
bool chain_is_shut(struct answers *answers, const struct event *event, const struct memory *memory,
	uint32_t chain);
