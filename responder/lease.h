/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which replica acts: the one that holds a Lease of Kubernetes. Who cannot renew it in time stands
 * by before another may take it.
 */
#pragma once

#include "responder/engine.h"

struct lease;

/* Begins to ask for it; tells `engine` of every change. */
int lease_new(const struct engine_parts *parts, struct engine *engine, struct lease **ret_lease,
	struct error *err);
/* No more of it is told to the engine, which may be freed then; it is held until lease_free(). */
void lease_stop(struct lease *lease);
/* Gives it back, so that another replica need not wait. NULL is fine. */
void lease_free(struct lease *lease);
