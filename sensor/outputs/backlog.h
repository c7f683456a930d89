/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Alerts that wait for one output. They leave in the order of their coming; when there are too
 * many, the oldest of the lowest priority makes room. Not thread safe: the outlet locks.
 */
#pragma once

#include "sensor/outputs/output.h"

struct backlog_item {
	struct sensor_alert *alert;
	uint64_t number;
	struct backlog_item *next;
};

/* One list a priority, in order of coming. */
struct backlog {
	struct backlog_item *first[PRIORITY_NONE + 1], **end[PRIORITY_NONE + 1];
	uint64_t pushed, dropped;
	size_t count, bytes;
	size_t count_limit, byte_limit; /* 0: none */
};

void backlog_init(struct backlog *backlog, size_t count_limit, size_t byte_limit);
/* From the next push on. */
void backlog_set_limits(struct backlog *backlog, size_t count_limit, size_t byte_limit);
/* Takes a reference of its own. Gives how many alerts were dropped, maybe this one. */
size_t backlog_push(struct backlog *backlog, struct sensor_alert *alert);
/* At most `limit` alerts; the caller gets their references. Their bytes stay counted. */
size_t backlog_take(struct backlog *backlog, struct sensor_alert **ret_alerts, size_t limit);
/* Those that were taken are done with: releases them and gives their bytes back. */
void backlog_settle(struct backlog *backlog, struct sensor_alert **alerts, size_t count);
/* Drops all; gives how many there were. */
size_t backlog_clear(struct backlog *backlog);
