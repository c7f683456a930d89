/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counters and gauges in Prometheus' text format 0.0.4. A metric is made once and then changed
 * by atomic adds from any thread.
 */
#pragma once

#include <stdatomic.h>
#include <stddef.h>
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
/*
 * A histogram of durations; the same address for the same name and labels, and it lives as long as
 * the registry. `bounds_ms` are the upper bounds of its buckets, rising; the last one, +Inf, comes
 * by itself. At most HISTOGRAM_BUCKETS_MAX of them.
 */
#define HISTOGRAM_BUCKETS_MAX 20
struct histogram;
struct histogram *metrics_histogram(struct metrics *metrics, const char *name, const char *about,
	const char *labels, const int64_t *bounds_ms, size_t count);
/* From any thread. Printed in seconds. */
void histogram_add(struct histogram *histogram, int64_t ms);
uint64_t metrics_overflow(const struct metrics *metrics);
/* Appends name="value" with the value escaped, and a comma before it where one is due. */
void metrics_label(struct buffer *labels, const char *name, struct text value);
/* Every counter as it is, in no order; what is seen lives until the call is over. */
void metrics_each_counter(struct metrics *metrics,
	void (*see)(void *context, struct text name, struct text labels, int64_t value),
	void *context);
/* Everything, sorted by name, with # HELP and # TYPE. */
void metrics_write(struct metrics *metrics, struct buffer *out);
