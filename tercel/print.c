/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The references, printed in one of three forms.
 */
#include <stdio.h>
#include <string.h>

#include "tercel/print.h"

#define REFERENCE_MAX (16 * 1024 * 1024)

int print_reference(int argc, char **argv, const char *usage,
	void (*write)(enum print_form form, struct buffer *out))
{
	enum print_form form = PRINT_TEXT;
	struct buffer out;

	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--json")) {
			form = PRINT_JSON;
		} else if (!strcmp(argv[i], "--markdown")) {
			form = PRINT_MARKDOWN;
		} else {
			bool is_help = !strcmp(argv[i], "--help") || !strcmp(argv[i], "-h");

			fprintf(is_help ? stdout : stderr, "usage: %s\n", usage);
			return is_help ? 0 : 2;
		}
	}
	buffer_init(&out, REFERENCE_MAX);
	write(form, &out);
	fwrite(out.data, 1, out.length, stdout);
	buffer_done(&out);
	return 0;
}
