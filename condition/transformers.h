/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Transformers: functions on values inside conditions and formats, e.g. tolower(proc.name).
 * A row says what arguments one takes and what it gives.
 */
#pragma once

#include <stdbool.h>

#include "base/arena.h"
#include "base/error.h"
#include "condition/value.h"

/* What is known at load of a value to come. */
struct value_shape {
	enum value_type type;
	bool is_list;
};

#define TRANSFORMER_COUNT 8

struct transformer {
	const char *name;
	bool takes_argument; /* NAME(…)[argument] */
	/*
	 * Are these arguments right? *ret_shape is then the result's. `field` names the first
	 * argument in messages.
	 */
	int (*check)(const struct transformer *transformer, const struct value_shape *shapes,
		size_t count, const char *field, struct value_shape *ret_shape, struct error *err);
	/* All values are present. ABSENT or PRESENT; the result lives in the arena or in them. */
	enum presence (*apply)(const struct value *values, size_t count, struct text argument,
		struct arena *arena, struct value *ret_value);
};

/* In the order of Falco's messages. */
const struct transformer *transformer_at(size_t index);
/* By exact name, or NULL. */
const struct transformer *transformer_find(struct text name);
