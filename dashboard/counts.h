/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a group of commits adds to the counts of a day's file: minute × priority × rule, hour ×
 * value for each facet, and hour × value × rule and priority. Collected in memory, written once per
 * commit.
 */
#pragma once

#include "dashboard/day-file.h"
#include "dashboard/store.h"

/* At most so many values of a facet are told apart in one hour; the rest is "other" (0). */
#define FACET_VALUES_MAX 1000
/* The same of values with a rule and a priority. */
#define RULE_VALUES_MAX 4000

/* What is counted of an alert beside its time. */
struct counted {
	enum priority priority;
	int64_t rule; /* words.id */
};

/* Those that the events page has open, and tags: each costs a write or more an alert. */
bool facet_is_by_rule(enum facet facet);

struct counts;

struct counts *counts_new(void);
void counts_free(struct counts *counts);
void counts_add_minute(struct counts *counts, int64_t time_ns, const struct counted *counted);
void counts_add_facet(struct counts *counts, enum facet facet, int64_t time_ns, int64_t value,
	const struct counted *counted);
/* Writes what was added and forgets it. */
int counts_write(struct counts *counts, struct day_file *file, struct error *err);
/* Forgets what was added, and what is known about the file: another one comes, or a rollback. */
void counts_forget(struct counts *counts);

/* Start of the minute or hour that a time lies in, in its own unit; right before 1970 too. */
int64_t time_unit(int64_t time_ns, int64_t unit_ns);
