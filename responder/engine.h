/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The engine: makes responses of alerts and carries them out. Workers take what is due from the
 * ledger, one a workload at a time, so that a slow drain keeps nobody else waiting.
 */
#pragma once

#include "responder/mirror.h"
#include "responder/report.h"

struct engine;

struct engine_parts {
	const struct responder_settings *settings;
	struct ledger *ledger;
	struct reporter *reporter;
	struct metrics *metrics;
	const struct kubernetes_api *api; /* NULL: no cluster; actions on pods wait and expire */
	struct mirror *mirror;		  /* NULL: this is the only replica */
};

/* Takes `playbooks` over. What ran when the last one ended is settled before this returns. */
int engine_new(const struct engine_parts *parts, struct playbooks *playbooks,
	struct engine **ret_engine, struct error *err);
/* Actions under way are waited for. */
void engine_free(struct engine *engine);
/* Others from now on; takes them over. */
void engine_change(struct engine *engine, struct playbooks *playbooks);
/* Those in use; give them back with playbooks_free(). */
struct playbooks *engine_playbooks(struct engine *engine);

/*
 * Begins a response for each rule that takes the alert, which must be verified. How many were
 * begun; they are on disk, and in the mirror, when this returns. -ENOSPC, -EAGAIN: try again later;
 * -EIO.
 */
int engine_take(struct engine *engine, const struct alert *alert, struct error *err);
/* Something is due that was not; from any thread. */
void engine_wake(struct engine *engine);
/*
 * With several replicas: learns what others have done and begun, and settles what was interrupted.
 * To be called before it leads; -EAGAIN and such: it may not lead yet.
 */
int engine_take_over(struct engine *engine, struct error *err);
/* Acts until then (CLOCK_MONOTONIC), unless told anew; stands by at first if there is a mirror. */
void engine_lead(struct engine *engine, int64_t until_ms);
bool engine_leads(struct engine *engine);
/* Tells the other replicas of a response that was changed in the ledger. */
void engine_share(struct engine *engine, int64_t id);
