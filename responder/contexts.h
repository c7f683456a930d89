/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is found out beside the alert for an action that asks for it (additional_contexts), and all
 * that an action knows as variables for a process or a payload.
 */
#pragma once

#include "responder/action.h"

/* Fills run->contexts. A context that cannot be had is left out; -EAGAIN when it may come. */
int contexts_collect(struct run *run, const struct text_list *wanted, struct error *err);
void contexts_done(struct run *run);
/*
 * Every output field, context, and PRIORITY, HOSTNAME, RULE, SOURCE, TAGS as NAME and value, in
 * that order; a name is upper case with '_' for all that is no letter or digit ("fd.name" is
 * FD_NAME, "proc.aname[2]" PROC_ANAME_2). Names that would change how a program runs (PATH, LD_…)
 * cannot come of it: every field has a dot. Values have no NUL and at most `value_max` bytes.
 */
void run_variables(const struct run *run, size_t value_max, struct text_map *ret_variables);
/* The alert as Falco's JSON with what the contexts add to its output_fields: a payload. */
void run_payload(const struct run *run, struct buffer *out);
