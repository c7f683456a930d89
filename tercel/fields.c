/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tercel fields: everything that a condition or an output can name.
 */
#include "sensor/fields/field.h"
#include "tercel/command.h"
#include "tercel/print.h"

static void write_fields(enum print_form form, struct buffer *out)
{
	static const enum fields_format formats[] = {
		[PRINT_TEXT] = FIELDS_DETAILED_TEXT,
		[PRINT_MARKDOWN] = FIELDS_MARKDOWN,
		[PRINT_JSON] = FIELDS_JSON,
	};

	fields_print(formats[form], out);
}

int command_fields(int argc, char **argv)
{
	return print_reference(argc, argv, "tercel fields [--json | --markdown]", write_fields);
}
