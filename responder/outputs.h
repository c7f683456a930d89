/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where what an action brought is kept (a log, a file): Talon's outputs.
 */
#pragma once

#include "responder/action.h"

/* -EINVAL with words when there is no such target, or a parameter is missing. */
int output_check(const char *target, const struct text_map *parameters, struct error *err);
/* Keeps run->artifact, trying until run->until_ms; adds where to run->result. */
int output_store(
	const char *target, const struct text_map *parameters, struct run *run, struct error *err);
/* -EINVAL with words when there is no notifier of that name. */
int notifier_check(const char *name, struct error *err);
