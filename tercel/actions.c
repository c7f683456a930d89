/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tercel actions: what the responder can do, with the parameters and rights of each.
 */
#include <stdio.h>
#include <string.h>

#include "responder/check.h"
#include "tercel/command.h"

#define OUT_MAX (1024 * 1024)

int command_actions(int argc, char **argv)
{
	bool as_markdown = argc > 1 && !strcmp(argv[1], "--markdown");
	bool as_json = argc > 1 && !strcmp(argv[1], "--json");
	struct buffer out;

	if (argc > 1 && !as_markdown && !as_json) {
		bool is_help = !strcmp(argv[1], "--help") || !strcmp(argv[1], "-h");

		fputs("usage: tercel actions [--markdown | --json]\n", is_help ? stdout : stderr);
		return is_help ? 0 : 2;
	}
	buffer_init(&out, OUT_MAX);
	if (as_json)
		actions_write_json(&out);
	else
		actions_write(as_markdown, &out);
	fwrite(out.data, 1, out.length, stdout);
	buffer_done(&out);
	return 0;
}
