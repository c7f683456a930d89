/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tercel replay: the sensor over a recording. No settings of this host have a say, so that the same
 * recording and rules give the same bytes.
 */
#include <getopt.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "tercel/command.h"

static int usage(FILE *to)
{
	fputs("usage: tercel replay FILE [-r RULES]… [--json] [--all]\n\n"
	      "Runs rules over a recording of tercel record and prints their alerts. The same "
	      "recording\n"
	      "and rules give the same output, to the byte. Needs no privileges.\n\n"
	      "  -r, --rules PATH  rules files or folders, in order; default: the shipped ones\n"
	      "  --json            alerts as JSON lines\n"
	      "  --all             every rule that matches an event alerts, not only the first\n"
	      "  -v, --verbose     says in the end how often each rule alerted\n"
	      "  -o KEY=VALUE      a key of the sensor's settings\n",
		to);
	return to == stdout ? 0 : 2;
}

int command_replay(int argc, char **argv)
{
	static const struct option flags[] = {
		{ "rules", required_argument, NULL, 'r' },
		{ "json", no_argument, NULL, 'j' },
		{ "all", no_argument, NULL, 'a' },
		{ "verbose", no_argument, NULL, 'v' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	static const char *const fixed[][2] = {
		{ "engine.kind", "replay" },
		{ "stdout_output.enabled", "true" },
		{ "time_format_iso_8601", "true" },
		{ "log_level", "warning" },
	};
	_cleanup_(command_line_done) struct command_line line = { 0 };
	int flag;

	command_line_add(&line, "tercel-sensor");
	command_line_add(&line, "-c/dev/null");
	for (size_t i = 0; i < COUNT_OF(fixed); i++)
		command_line_add_option(&line, fixed[i][0], fixed[i][1]);
	while ((flag = getopt_long(argc, argv, "r:o:vh", flags, NULL)) != -1) {
		switch (flag) {
		case 'r':
		case 'o':
			command_line_add(&line, "-%c%s", flag, optarg);
			break;
		case 'j':
			command_line_add_option(&line, "json_output", "true");
			break;
		case 'a':
			command_line_add_option(&line, "rule_matching", "all");
			break;
		case 'v':
			command_line_add(&line, "-v");
			break;
		default:
			return usage(flag == 'h' ? stdout : stderr);
		}
	}
	if (optind != argc - 1)
		return usage(stderr);
	command_line_add_option(&line, "engine.replay.capture_file", argv[optind]);
	return program_exec("sensor", line.items);
}
