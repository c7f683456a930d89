/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tercel: the front door. A row a subcommand; those that are programs of their own are executed.
 */
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "tercel/command.h"

static const struct {
	const char *name;
	command_function *run; /* NULL: the program tercel-NAME */
	const char *about;
} commands[] = {
	{ "up", command_up, "start sensor, forwarder and dashboard on this host" },
	{ "sensor", NULL, "the sensor alone (takes Falco's flags and falco.yaml)" },
	{ "forwarder", NULL, "the forwarder alone (takes Falcosidekick's settings)" },
	{ "dashboard", NULL, "the dashboard alone (takes Falcosidekick UI's flags)" },
	{ "responder", NULL, "the responder alone (takes Falco Talon's rules and settings)" },
	{ "check", command_check, "validate rules and settings files" },
	{ "record", command_record, "keep what the sensor sees in a file" },
	{ "replay", command_replay, "run rules over a recording" },
	{ "test", command_test, "run tests of rules" },
	{ "explain", command_explain, "what a rule compiles to, and what it costs" },
	{ "fields", command_fields, "the fields that conditions and outputs can name" },
	{ "events", command_events, "the events that conditions can name, with their arguments" },
	{ "outputs", command_outputs, "where the forwarder can send alerts" },
	{ "actions", command_actions, "what the responder can do, and the rights that it needs" },
	{ "settings", command_settings,
		"the settings of a program: sensor, forwarder, dashboard, responder" },
	{ "user", command_user, "who may sign in to the dashboard, and what each may do" },
	{ "doctor", command_doctor,
		"what this host allows, and what to do about what it does not" },
};

static void print_usage(FILE *to)
{
	fputs("usage: tercel COMMAND [ARGUMENT …]\n\n", to);
	for (size_t i = 0; i < COUNT_OF(commands); i++)
		fprintf(to, "  %-10s %s\n", commands[i].name, commands[i].about);
	fputs("\nEach command explains itself with --help.\n", to);
}

static int unknown_command(const char *name)
{
	const char *names[COUNT_OF(commands)];
	const char *nearest;

	for (size_t i = 0; i < COUNT_OF(commands); i++)
		names[i] = commands[i].name;
	nearest = text_nearest(text_of(name), names, COUNT_OF(commands));
	fprintf(stderr, "tercel: there is no command \"%s\"", name);
	if (nearest)
		fprintf(stderr, "; did you mean \"%s\"?", nearest);
	fputs(" (tercel --help lists them)\n", stderr);
	return 2;
}

int main(int argc, char **argv)
{
	if (argc < 2) {
		print_usage(stderr);
		return 2;
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "help")) {
		print_usage(stdout);
		return 0;
	}
	if (!strcmp(argv[1], "--version") || !strcmp(argv[1], "version")) {
		puts("tercel " TERCEL_VERSION);
		return 0;
	}
	for (size_t i = 0; i < COUNT_OF(commands); i++) {
		if (strcmp(argv[1], commands[i].name))
			continue;
		return commands[i].run ? commands[i].run(argc - 1, argv + 1)
				       : program_exec(commands[i].name, argv + 1);
	}
	return unknown_command(argv[1]);
}
