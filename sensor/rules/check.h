/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `tercel check` for rules files: what load results say, said to the person who writes the rules.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/text.h"
#include "sensor/rules/additions.h"

/*
 * Loads the files in order into one engine, so that a later one may build on an earlier one, and
 * writes what is wrong with each:
 *
 *	FILE:LINE:COLUMN: error: there is no field proc.nmae
 *	  condition: evt.type=open and proc.nmae=x
 *	                               ^
 *	  did you mean proc.name?
 *
 * or, as JSON, {"files": [result…]} in the form of load_result_json(). A file with an error is left
 * out of what the files behind it build on. `additions`: what the settings add to rules; NULL:
 * nothing. Returns the exit status: 0 when no file has an error, else 1.
 */
int rules_check_files(const char *const *paths, size_t count, const struct additions *additions,
	bool as_json, struct buffer *out);
