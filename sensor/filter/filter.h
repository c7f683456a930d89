/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The filter made from the rules: BPF programs, one an event type, that stand between the record
 * that a collector built and the ring (kernel/finish.bpf.h). A record that no rule can match is
 * dropped there.
 *
 *	rules -> formulas (negation normal form) -> literals that the kernel decides -> instructions
 *
 * What the kernel cannot decide is unknown: the test as such (ancestors, regexes, metadata …), or
 * at run time (a path over its bound, a text whose page was not there). Of FILTER_MAY a literal
 *that is unknown is true, whatever its sign: a record passes unless all rules are surely false of
 *it. FILTER_MUST is the same with the other answer, unknown is false: a record passes when some
 *rule is surely true of it, which is what a rule may act on right there.
 *
 * A path is asked for once per view, as the rules do: what the caller wrote, and what was really
 * opened. Either may let the record pass, so a text that changes behind our back hides nothing.
 *
 * Never dropped: the lifecycle (forks, execs, ends, renames), calls that failed to be execs, and
 * event types that fields need to stay true (chdir): those have no program.
 *
 * Alerts are the same with the filter and without (tests/test-filter.c). What is not: evt.num.
 */
#pragma once

#include <linux/bpf.h>

#include "base/error.h"
#include "sensor/kernel/facts.h"
#include "sensor/rules/rules.h"

enum filter_purpose { FILTER_MAY, FILTER_MUST };

struct filter;

/* Immutable, and good as long as the rules. */
struct filter *filter_new(const struct rules *rules, enum filter_purpose purpose);
void filter_free(struct filter *filter);
DEFINE_CLEANUP(struct filter *, filter_free)

/* Whether the event type has a program; without one every record of it passes. */
bool filter_has(const struct filter *filter, unsigned event);

/* Fds of the maps that programs use. */
struct filter_maps {
	int slots, finishers;
};

/*
 * The instructions for an event type; free() them. 0, -ENOENT when every record passes, -E2BIG when
 * the program would be too long: then every record has to pass, too.
 */
int filter_program(const struct filter *filter, unsigned event, const struct filter_maps *maps,
	struct bpf_insn **ret_code, size_t *ret_count);

/* Where programs go. */
struct filter_target {
	struct filter_maps maps;
	int filters;			/* the array by event type */
	volatile uint8_t *filtered;	/* shared->filtered */
	int program_type;		/* of those that call them: enum bpf_prog_type */
	int attach_type, attach_btf_id; /* 0 where it has none */
};

/*
 * Puts the programs into place, one event type after the other, each at once: a record meets the
 * old program or the new one, never none by accident. NULL: takes all away, everything passes.
 *
 * At the start: after the events are wanted. In a reload: NULL before anything else changes (what
 * either generation may match must come through), and the new filter only when the new rules are in
 * force for all records in the ring. An event type whose program the kernel refuses stays
 * without one: that costs time and no alert; *ret_refused counts them.
 */
int filter_install(const struct filter *filter, const struct filter_target *target,
	size_t *ret_refused, struct error *err);

/*
 * For explanations: the part of a rule's condition that the kernel decides for an event type, as a
 * condition; "" when it is nothing, so that every such event passes because of this rule.
 */
void filter_print(const struct rules *rules, size_t rule, unsigned event, struct buffer *out);
/* Whether the kernel decides a test at all, and how far. */
enum filter_share { SHARE_NOTHING, SHARE_SURELY_NOT, SHARE_BOTH };
enum filter_share filter_share(const struct rules *rules, unsigned test, unsigned event);
