/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lists in conditions: textual, before anything is parsed (spec/rule-language.md 1.11).
 */
#pragma once

#include "sensor/rules/definitions.h"

/* Does the condition name this list, where it would be replaced? */
bool condition_names_list(struct text condition, struct text name);
/* Fills in every list's `expanded`; lists named among the items of others count as used. */
void lists_expand(struct rules_loader *loader);
/*
 * The condition with the names of lists replaced by their items, in the arena. -E2BIG when it
 * becomes too long.
 */
int condition_expand(struct rules_loader *loader, struct text condition, struct arena *arena,
	struct text *ret_condition);
