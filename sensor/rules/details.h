/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What rules, macros and lists consist of, for those who list them (spec/rule-language.md 5.5).
 */
#pragma once

#include "base/json.h"
#include "condition/tree.h"
#include "sensor/rules/definitions.h"

/*
 * Fills in the details of a condition: `written` is its text before lists are expanded, `tree` has
 * its macros resolved and its tests in the program.
 */
void details_gather(struct rules_loader *loader, const struct program *program, struct text written,
	const struct node *tree, struct condition_details *details);
void details_done(struct condition_details *details);
/* Fields of an output, and its text with everything appended. */
void details_add_output(struct rules_loader *loader, const struct format *format,
	struct text output, struct condition_details *details);
/* Names of the plugins that the fields are of. */
void details_plugins(const struct condition_details *details, struct json_writer *json);
