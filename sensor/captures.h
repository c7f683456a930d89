/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Captures: recordings that begin when a rule matches (`capture:` of a rule and of falco.yaml). A
 * file for each rule that matches; while it runs, a match of that rule makes it longer, never
 * shorter. Rules that match the same event share one.
 */
#pragma once

#include "sensor/rules/rules.h"
#include "sensor/sensor.h"
#include "sensor/sources/source.h"

struct captures;

/* NULL when nothing is captured: not enabled, or the source cannot. Says so once. Borrows both. */
struct captures *captures_new(const struct sensor_options *options, struct source *source);
/* All take NULL. Ends the captures that run. */
void captures_free(struct captures *captures);
/* A rule matched the event that the source gave last, or one that waited. */
void captures_take(struct captures *captures, const struct rule *rule, const struct event *event,
	int64_t now_ms);
/*
 * After each event: begins the captures of rules that matched it, ends those whose time is over.
 * What rules looked at for the event stands in its capture too, so it begins behind them.
 */
void captures_keep_up(struct captures *captures, int64_t now_ms);
