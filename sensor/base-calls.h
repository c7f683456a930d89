/* SPDX-License-Identifier: Apache-2.0 */
/*
 * base_syscalls.custom_set, as Falco has it: names of system calls that are collected although no
 * rule names them, and "!name" for those that are not, whoever names them. State needs none of
 * them: processes are followed by the scheduler's own events.
 */
#pragma once

#include "base/settings.h"
#include "sensor/events.h"

/* Adds and takes away; what is in `kept` stays (base_syscalls.repair; NULL: nothing). */
void base_calls_apply(
	const struct text_list *custom, const struct event_set *kept, struct event_set *set);
/*
 * Warns of names that no call has, and of calls that rules (`wanted`) need and are taken away.
 */
void base_calls_tell(const struct text_list *custom, const struct event_set *kept,
	const struct event_set *wanted);
