/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The shape of rules files as a JSON schema, and whether a file has it (spec/rule-language.md 1.1).
 * A file of another shape loads all the same; the schema is what editors and pipelines check.
 */
#pragma once

#include "sensor/rules/results.h"

/* The schema as JSON, draft 6: for --rule-schema. */
void rule_schema_print(struct buffer *out);
/*
 * Notes in the result what the schema does not allow, in the words and the order of the validator
 * that Falco uses: "failed for <root>[0][priority]: …", from the innermost value outwards.
 */
void rule_schema_check(const struct yaml *yaml, struct load_result *result);
