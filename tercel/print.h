/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The references (fields, events, outputs, settings): printed from the tables in one of three
 * forms.
 */
#pragma once

#include "base/text.h"

/* YAML is of settings alone. */
enum print_form { PRINT_TEXT, PRINT_MARKDOWN, PRINT_JSON, PRINT_YAML };

/*
 * What each of these commands does: reads --json, --markdown or --help, has the reference written
 * and prints it. Returns the exit status.
 */
int print_reference(int argc, char **argv, const char *usage,
	void (*write)(enum print_form form, struct buffer *out));
