/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The subcommands of `tercel`: each is a file with one function, and a row in main.c.
 */
#pragma once

#include <stddef.h>

/* Gets argv from the subcommand's name on; returns the exit status. */
typedef int command_function(int argc, char **argv);

command_function command_actions, command_check, command_doctor, command_events, command_explain,
	command_fields, command_outputs, command_record, command_replay, command_settings,
	command_test, command_up, command_user;

/*
 * The path of one of the four programs ("sensor", "forwarder" …): beside this program in a build
 * tree, else in libexec. The caller frees it. NULL when it is nowhere.
 */
char *program_path(const char *name);
/* Becomes that program. Returns only when it cannot be started: after a message, 1. */
int program_exec(const char *name, char **argv);

/* Arguments for a program: made one by one, ended by NULL. */
struct command_line {
	char *items[256];
	size_t count;
};
/* Beyond the ceiling arguments are left out; who types as many is told by the program. */
void command_line_add(struct command_line *line, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* "-oKEY=VALUE" */
void command_line_add_option(struct command_line *line, const char *key, const char *value);
void command_line_done(struct command_line *line);
