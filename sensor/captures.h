/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Captures: recordings that begin when a rule matches (`capture:` of a rule and of falco.yaml). One
 * at a time; a match while one runs makes it longer, never shorter.
 */
#pragma once

#include "sensor/rules/rules.h"
#include "sensor/sensor.h"
#include "sensor/sources/source.h"

struct captures;

/* NULL when nothing is captured: not enabled, or the source cannot. Says so once. Borrows both. */
struct captures *captures_new(const struct sensor_options *options, struct source *source);
/* All take NULL. Ends a capture that runs. */
void captures_free(struct captures *captures);
/* A rule matched the event that the source gave last, or one that waited. */
void captures_take(struct captures *captures, const struct rule *rule, const struct event *event,
	int64_t now_ms);
/* Ends a capture whose time is over. */
void captures_keep_up(struct captures *captures, int64_t now_ms);
