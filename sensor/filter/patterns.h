/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A path's test as patterns: bytes at one of the path's ends. Which bytes, and at which end,
 * depends on the form that the path has (kernel/facts.h): of a walk, a beginning is an end and the
 * other way round. Where that is not the same the answer is unknown rather than wrong.
 */
#pragma once

#include "sensor/filter/decision.h"
#include "sensor/kernel/facts.h"

enum path_form { FORM_TEXT, FORM_WALK };

/* Longer constants are not compared: unknown. */
#define PATH_CONSTANT_MAX 250

/* Where the bytes are. */
enum anchor {
	ANCHOR_BEGIN,
	ANCHOR_END,
	ANCHOR_TOP,  /* of a walk: where the name next to the root begins */
	ANCHOR_LEAF, /* of a walk: where its first name ends */
	ANCHOR_COUNT
};

/* What is beyond them, away from the anchor. */
enum tail {
	TAIL_ANY,
	TAIL_NOTHING, /* they are all of the path */
	TAIL_NAME,    /* nothing, or a slash */
};

/* Answers of tests as bits; 32 in a word, as the programs look at them. */
#define MARK_WORDS FACTS_MARKS
struct marks {
	uint32_t words[MARK_WORDS];
};

struct pattern {
	struct text bytes;
	enum anchor anchor;
	enum tail tail;
	struct marks marks; /* set where it is found */
};

struct patterns {
	struct pattern *items;
	size_t count, capacity;
	struct arena *arena;
	struct marks always;   /* set without looking */
	struct marks hidden;   /* set when a name may begin with a dot */
	struct marks dots;     /* set when there may be two dots */
	struct marks leafless; /* set when the end of the leaf is not known */
};

/* Adds a test's; `sure` are the marks of yes, `maybe` those of yes and of unknown. */
void patterns_add(struct patterns *patterns, const struct decision *decision, enum path_form form,
	const struct marks *sure, const struct marks *maybe);
/* Those that are the same become one. */
void patterns_merge(struct patterns *patterns);
void patterns_done(struct patterns *patterns);
void marks_join(struct marks *marks, const struct marks *more);
bool marks_any(const struct marks *marks);
