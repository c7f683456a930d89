/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tercel record: the sensor, with a recording instead of its outputs.
 */
#include <getopt.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "base/text.h"
#include "tercel/command.h"

static int usage(FILE *to)
{
	fputs("usage: tercel record -w FILE [-r RULES]… [-M SECONDS] [-A] [-s SIZE]\n\n"
	      "Keeps what the sensor sees in a file, with all that is needed to run rules over it\n"
	      "elsewhere and later (tercel replay, tercel test, tercel explain). Needs root.\n\n"
	      "  -w, --write FILE       the recording; it holds command lines and environments\n"
	      "  -r, --rules PATH       what these rules need is recorded; default: the shipped ones\n"
	      "  -A, --all-events       every event there is: more load, and a larger file\n"
	      "  -M, --seconds SECONDS  ends by itself; else Ctrl-C does it\n"
	      "  -s, --limit SIZE       ends at so many bytes (4GiB)\n"
	      "  -c, --config FILE      settings of the sensor (container runtimes, host root …)\n",
		to);
	return to == stdout ? 0 : 2;
}

int command_record(int argc, char **argv)
{
	static const struct option flags[] = {
		{ "write", required_argument, NULL, 'w' },
		{ "rules", required_argument, NULL, 'r' },
		{ "all-events", no_argument, NULL, 'A' },
		{ "seconds", required_argument, NULL, 'M' },
		{ "limit", required_argument, NULL, 's' },
		{ "config", required_argument, NULL, 'c' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	_cleanup_(command_line_done) struct command_line line = { 0 };
	const char *file = NULL;
	int flag;

	command_line_add(&line, "tercel-sensor");
	while ((flag = getopt_long(argc, argv, "w:r:AM:s:c:h", flags, NULL)) != -1) {
		switch (flag) {
		case 'w':
			file = optarg;
			command_line_add_option(&line, "sensor.record_file", optarg);
			break;
		case 'r':
		case 'M':
		case 'c':
			command_line_add(&line, "-%c%s", flag, optarg);
			break;
		case 'A':
			command_line_add_option(&line, "sensor.record_all_events", "true");
			break;
		case 's':
			command_line_add_option(&line, "sensor.record_limit", optarg);
			break;
		default:
			return usage(flag == 'h' ? stdout : stderr);
		}
	}
	if (!file || optind < argc)
		return usage(stderr);
	command_line_add_option(&line, "stdout_output.enabled", "false");
	command_line_add_option(&line, "file_output.enabled", "false");
	command_line_add_option(&line, "http_output.enabled", "false");
	command_line_add_option(&line, "engine.kind", "modern_ebpf");
	return program_exec("sensor", line.items);
}
