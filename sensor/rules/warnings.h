/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is allowed in a condition or an output, but is probably not what was meant
 * (spec/rule-language.md 1.12, 3.3, 3.5).
 */
#pragma once

#include "sensor/rules/definitions.h"

/* `place` is that of the condition; macros inside are not entered. */
void condition_warn(struct rules_loader *loader, const struct node *tree, const struct place *place,
	struct text condition, struct load_result *result);
void output_warn(struct text output, const struct place *place, struct load_result *result);
