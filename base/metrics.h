/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counters and gauges in Prometheus' text format 0.0.4. A metric is made once and then changed
 * by atomic adds from any thread.
 */
#pragma once

#include <stdatomic.h>
#include <stdint.h>

#include "base/text.h"

struct metrics;
typedef _Atomic int64_t metric;

struct metrics *metrics_new(void);
void metrics_free(struct metrics *metrics);

/*
 * The counter or gauge of a name and its labels, made at the first call; the same address for the
 * same name and labels. `labels` is Prometheus' own form without braces, made by metrics_label()
 * (`rule="x",priority="4"`), or NULL. At most 10,000 series a registry: after that all new ones
 * share one that is not printed, and metrics_overflow() counts.
 */
metric *metrics_counter(
	struct metrics *metrics, const char *name, const char *about, const char *labels);
metric *metrics_gauge(
	struct metrics *metrics, const char *name, const char *about, const char *labels);
uint64_t metrics_overflow(const struct metrics *metrics);
/* Appends name="value" with the value escaped, and a comma before it where one is due. */
void metrics_label(struct buffer *labels, const char *name, struct text value);
/* Everything, sorted by name, with # HELP and # TYPE. */
void metrics_write(struct metrics *metrics, struct buffer *out);
