/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an output is spared. Repeats of an alert within a window become one summary of how many
 * came, and when the first and the last did; what goes beyond a rate is held back, and one summary
 * tells of it. Nothing is dropped in silence: counts that were not told yet are part of the
 * state that the journal keeps with the output's position.
 *
 * Times of windows are CLOCK_MONOTONIC, so that no clock that is set opens or closes them; after
 * a restart they begin anew, with their counts.
 */
#pragma once

#include "alert/alert.h"
#include "forwarder/output.h"

/* So many different alerts are folded at once; beyond it each is sent. */
#define CALM_FOLDS_MAX 1000

struct calm;

/* NULL when the settings ask for neither. `title` is the output's, for the words of a summary. */
struct calm *calm_new(const struct output_settings *settings, const char *title);
void calm_free(struct calm *calm);
/* False: it is counted, and a summary will tell. `arrived_ms` since 1970. */
bool calm_takes(struct calm *calm, const struct alert *alert, int64_t arrived_ms, int64_t now_ms);
/* When a summary is due; 0: none waits. NULL is fine. */
int64_t calm_due_ms(const struct calm *calm);
/* The JSON of a summary that is due, or NULL; the caller owns it. NULL is fine. */
char *calm_summary(struct calm *calm, int64_t now_ms);
/* What is not told yet, when that has changed since the last call, else NULL. For the caller. */
char *calm_state(struct calm *calm);
/* From calm_state(). What cannot be read is left out. */
void calm_restore(struct calm *calm, const char *state, int64_t now_ms);
