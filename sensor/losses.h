/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lost events by the rules that could have matched them: the kernel counts calls by event type, and
 * a rule knows which types it can match. Of what is lost without a type (records of processes,
 * programs that the kernel did not run) all rules that it could have been for are told. So the
 * number of a rule is what it missed at most.
 */
#pragma once

#include "sensor/generation.h"
#include "sensor/sources/source.h"

/* What was lost as far as it was looked at; all zero at the start. */
struct losses {
	uint64_t by_event[EVENT_TYPES_MAX];
	uint64_t lifecycle, dropped;
};

/*
 * Adds what was lost since the last look to the counters of the generation's rules. `ret_lost` has
 * a number for each of them: what was added. Cheap while nothing is lost.
 */
void losses_look(struct losses *losses, struct source *source,
	const struct source_counters *counters, const struct generation *generation,
	uint64_t *ret_lost);
/*
 * The alert of lost events: what Falco's has, as texts (spec/rule-language.md 10), and ours, the
 * rules that could have matched, 64 at most; the metrics have all of them.
 */
void losses_tell(const struct source_counters *lost, const uint64_t *by_rule,
	const struct generation *generation, struct outlets *outlets);
