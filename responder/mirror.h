/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The mirror: where several replicas are, what stands in the ledger of the one that acts also
 * stands in the cluster, a ConfigMap of our own namespace for each response. It is written before
 * an alert is answered and before an action is begun, so that who takes the lead next knows what
 * was done, what waits, and what is to be undone; nothing is done twice and nothing is forgotten.
 *
 * It is also the fence: a write names the version that it replaces, and who takes the lead writes
 * all that is open first. A replica that leads no more, and does not know it yet, is refused there.
 *
 * Any thread may call.
 */
#pragma once

#include "responder/ledger.h"
#include "kubernetes/access.h"

struct mirror;

/* Both must outlive it. */
struct mirror *mirror_new(const struct kubernetes_api *api, struct ledger *ledger);
void mirror_free(struct mirror *mirror);
/*
 * Writes a response that the ledger has, and sets its version in both; what is over and never acted
 * goes instead. -EEXIST: another replica has taken it over. -EAGAIN: the API server is away;
 * mirror_catch_up() writes it. -E2BIG when it is larger than a ConfigMap may be.
 */
int mirror_write(struct mirror *mirror, struct response *response, struct error *err);
/* Puts what stands there into the ledger, and takes over all that is open. -EAGAIN and such. */
int mirror_take_over(struct mirror *mirror, struct error *err);
/* Writes what could not be written before, and takes away what was over before `before_ms`. */
void mirror_catch_up(struct mirror *mirror, int64_t before_ms);
