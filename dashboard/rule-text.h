/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The text of a rule, as it stands in the rules files: what it asks, and who wrote why.
 */
#pragma once

#include "base/error.h"
#include "base/json.h"
#include "base/settings.h"

/*
 * Appends each place where a file of `paths` (or of the folders among them: *.yaml, *.yml, in
 * order of their names) has an item of that rule, also those that change it: an array of {"file",
 * "line", "text"}, `line` from 1. What cannot be read is left out; *err then says the last such.
 */
int rule_text_write(const struct text_list *paths, struct text rule, struct json_writer *json,
	struct error *err);
