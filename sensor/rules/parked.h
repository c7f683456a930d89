/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events that wait: a rule decides on metadata that is still being fetched, or an alert would print
 * it. Each is kept as it was, with its process and all its ancestors, until metadata comes or time
 * is up; then it goes on where it stopped. Of one container events go on in their order, so that
 * its alerts come in theirs; containers do not wait for each other.
 *
 * The hot thread never waits: what waits is here, and costs memory with a ceiling, in all and for
 * one container. What does not fit goes on at once with what is known, and is counted.
 */
#pragma once

#include "base/cleanup.h"
#include "base/metrics.h"
#include "sensor/event.h"
#include "sensor/rules/rules.h"

struct parked;

struct parked_options {
	int64_t limit_ms;	    /* how long an event may wait */
	size_t bytes_max;	    /* of all parked events */
	size_t container_bytes_max; /* of those of one container */
	struct metrics *metrics;    /* tercel_sensor_parked_*; NULL: none */
};

/* Where an event goes on. */
struct parked_place {
	unsigned first;		    /* the rule to go on with */
	const struct rule *matched; /* one that matched and whose alert is still to be made */
};

struct parked *parked_new(const struct parked_options *options);
/* Events that are still in it are dropped: run it to the end before. */
void parked_free(struct parked *parked);
DEFINE_CLEANUP(struct parked *, parked_free)

/* Whether events of this container wait, so that later ones must stand behind them. */
bool parked_has(const struct parked *parked, const struct container *container);
/*
 * Keeps a copy of the event. -ENOSPC when it does not fit, -ESRCH when nobody knows its container:
 * it is to go on at once, overdue.
 */
int parked_push(struct parked *parked, const struct event *event, const struct parked_place *place,
	int64_t now_ms);

/* Goes on with an event. False when it still waits; `place` then says where. */
typedef bool parked_go_on(void *context, struct event *event, struct parked_place *place);
/* Tries the first event of each container, and the next ones of those that do not wait any more. */
void parked_run(struct parked *parked, int64_t now_ms, parked_go_on *go_on, void *context);
/* The same for all, at once: none waits any longer. */
void parked_run_all(struct parked *parked, parked_go_on *go_on, void *context);
size_t parked_count(const struct parked *parked);
/* Events that went on without what they waited for, since the start. */
uint64_t parked_gave_up(const struct parked *parked);
