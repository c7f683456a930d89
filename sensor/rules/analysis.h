/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What can be known of a condition without an event (spec/rule-language.md 3.9).
 */
#pragma once

#include "sensor/rules/program.h"

/* The event types for which a condition could be true; its tests must have been added. */
void condition_events(
	const struct program *program, const struct node *tree, struct event_set *ret_events);
/* A condition that can be true for more event types than this is not about any in particular. */
#define EVENT_TYPES_MANY 100
/* The calls that only move data, as Falco's -i prints them. */
const char *const *transfer_calls(size_t *ret_count);
/*
 * Takes those out. They are many and carry nothing that a condition without a type could look for;
 * Falco, too, leaves them off unless a rule names them.
 */
void event_set_remove_transfers(struct event_set *set);
/* Number of types in a set. */
size_t event_set_count(const struct event_set *set);
/* Every type there is. */
void event_set_all(struct event_set *ret_set);
