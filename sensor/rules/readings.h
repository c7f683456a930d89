/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Readings: the left (and with val() the right) sides of tests. A reading is a field, a constant,
 * a list of readings, or a transformer over readings. Each is kept once, however many tests use
 * it, and read at most once per event and view.
 */
#pragma once

#include "sensor/fields/field.h"
#include "condition/transformers.h"
#include "condition/tree.h"

enum reading_kind { READING_FIELD, READING_CONSTANT, READING_LIST, READING_TRANSFORMER };

/* What a value is made of, as far as that is less than the whole event. */
enum dependence {
	ON_PROCESS = 1 << 0, /* its snapshot, its ancestors', its container */
	ON_CALL = 1 << 1,    /* the event's shape */
	ON_SMALL = 1 << 2,   /* … in which a number is exact if it is small */
	ON_OPEN = 1 << 3,    /* … that of an open */
	ON_EVENT = 1 << 4,   /* more than these */
};

struct reading {
	enum reading_kind kind;
	struct value_shape shape;
	char *text;	/* as operand_print() prints it; what it is interned by */
	bool has_views; /* differs between the two views of a path */
	bool may_wait;
	unsigned depends;     /* enum dependence */
	struct field_use use; /* READING_FIELD */
	struct value constant;
	char *constant_text;
	const struct transformer *transformer;
	char *argument;	 /* of a transformer; NULL: none */
	unsigned *parts; /* READING_LIST, READING_TRANSFORMER */
	size_t count;
};

struct readings {
	struct reading *items;
	size_t count, capacity;
	unsigned *index; /* hash of the text -> place + 1 */
	size_t index_size;
	const struct additions *additions; /* which constants there are; NULL: none. Borrowed */
};

/* What was read of an event already; one slot a reading and view. */
struct reading_slot {
	uint32_t generation; /* of the event it holds for; 0: none */
	enum presence presence;
	struct value value;
};

void readings_done(struct readings *readings);
/*
 * The reading of an operand, made when it is new. -ENOENT for an unknown field (Falco's "filter
 * error: …" messages), -EINVAL for wrong arguments.
 */
int readings_add(struct readings *readings, const struct operand *operand, unsigned *ret_reading,
	struct error *err);
/* Every field below a reading, with `visit` called for each. */
void readings_visit_fields(const struct readings *readings, unsigned reading,
	void (*visit)(void *context, const struct field_use *use), void *context);
/*
 * Reads it from an event. `slots` (2 × count) and a generation other than 0 keep what was read;
 * NULL: nothing is kept. Absent wins over waiting.
 */
enum presence readings_read(const struct readings *readings, unsigned reading,
	const struct event *event, struct reading_slot *slots, uint32_t generation,
	struct value *ret_value);
