/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the forwarder has counted, for outputs that send counters in place of alerts
 * (output.h, .tell).
 */
#pragma once

#include "base/metrics.h"

struct counter {
	struct text name;   /* "falcosecurity_falcosidekick_inputs_total" */
	struct text labels; /* as metrics.h writes them */
	int64_t value;	    /* since the start of the program */
	int64_t change;	    /* since the last time that it was sent */
};

struct counters {
	struct counter *items; /* by name, then labels */
	size_t count;
	size_t capacity;
	int64_t start_ns, now_ns; /* since 1970 */
};

/* All counters of a registry; `before` (NULL: none) is what change is counted from. */
struct counters *counters_new(struct metrics *metrics, const struct counters *before);
void counters_free(struct counters *counters);
/* Appends a label's value to `out`; false when there is no such label. */
bool counter_label(const struct counter *counter, const char *name, struct buffer *out);
/* Takes the next label off `rest`, which begins as counter.labels. */
bool label_next(struct text *rest, struct text *ret_name, struct buffer *ret_value);
