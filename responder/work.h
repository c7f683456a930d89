/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Carrying out one response: guard rails, actions in turn, undo. What was done is in the ledger
 * before the next thing is begun.
 */
#pragma once

#include <pthread.h>

#include "responder/engine.h"

/* Limits are counted and taken by one worker at a time. */
struct work_limits {
	pthread_mutex_t lock;
};

struct work {
	const struct engine_parts *parts;
	struct playbooks *playbooks;
	struct cluster *cluster; /* NULL: none */
	struct work_limits *limits;
};

/* A response that ledger_take() gave: running or undoing. */
void work_on(struct work *work, struct response *response);
/* One that was running when the program ended: again, where that does no harm; else it failed. */
void work_settle(struct work *work, struct response *response);
