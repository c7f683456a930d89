/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What can be known of a condition without an event (spec/rule-language.md 3.9).
 */
#pragma once

#include "sensor/rules/program.h"

/* The event types for which a condition could be true; its tests must have been added. */
void condition_events(
	const struct program *program, const struct node *tree, struct event_set *ret_events);
/* Number of types in a set. */
size_t event_set_count(const struct event_set *set);
/* Every type there is. */
void event_set_all(struct event_set *ret_set);
