/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The subcommands of `tercel`: each is a file with one function, and a row in main.c.
 */
#pragma once

/* Gets argv from the subcommand's name on; returns the exit status. */
typedef int command_function(int argc, char **argv);

command_function command_check, command_doctor, command_events, command_fields, command_outputs,
	command_settings, command_up;

/*
 * The path of one of the four programs ("sensor", "forwarder" …): beside this program in a build
 * tree, else in libexec. The caller frees it. NULL when it is nowhere.
 */
char *program_path(const char *name);
