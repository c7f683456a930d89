/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the sensor tells of itself in numbers: as Prometheus metrics and, now and then, as an alert
 * "Falco internal: metrics snapshot", both with Falco's names (spec/rule-language.md 8) where a
 * number is one that Falco has, and tercel_sensor_* for those that are ours.
 *
 * The hot thread publishes its numbers once a second; a thread of the reporter and the web server's
 * read them under a lock.
 */
#pragma once

#include "sensor/generation.h"
#include "sensor/sources/source.h"

struct reporter;

/* What the hot thread knows. */
struct numbers {
	struct source_counters source;
	uint64_t parked; /* events that wait now */
	uint64_t outputs_lost;
	uint64_t reloads, failed_reloads;
};

/*
 * Starts the thread that makes snapshots. `generation` is the first one; all three are borrowed and
 * must outlive the reporter. In a replay `source_name` says what is read.
 */
int reporter_new(const struct generation *generation, struct outlets *outlets,
	struct metrics *metrics, struct reporter **ret_reporter, struct error *err);
void reporter_free(struct reporter *reporter);
/* From the hot thread: the numbers of now. */
void reporter_publish(struct reporter *reporter, const struct numbers *numbers);
/* From the hot thread: another generation; when it returns nobody reads the one before any more. */
void reporter_change(struct reporter *reporter, const struct generation *generation);
/* All metrics in Prometheus' text format. Any thread. */
void reporter_write_metrics(struct reporter *reporter, struct buffer *out);
