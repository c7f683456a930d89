/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A shell command in the pod. ${FD_NAME} and such are variables of its environment.
 */
#include <errno.h>

#include "base/memory.h"
#include "responder/actions/command.h"

struct exec {
	char *command, *shell;
};

static const struct setting rows[] = {
	{ .key = "command",
		.type = SETTING_TEXT,
		.at = offsetof(struct exec, command),
		.about = "What the shell is to do" },
	{ .key = "shell",
		.type = SETTING_TEXT,
		.at = offsetof(struct exec, shell),
		.fallback = "/bin/sh",
		.about = "Which shell" },
};

static int check(const void *parameters, struct error *err)
{
	const struct exec *exec = parameters;

	return exec->command && *exec->command
		       ? 0
		       : error_set(err, -EINVAL, "the parameter command is missing");
}

static int run_exec(struct run *run, const void *parameters, struct error *err)
{
	const struct exec *exec = parameters;

	return command_shell(run, exec->shell, exec->command, err);
}

static const struct action_need needs[] = { COMMAND_NEEDS, {} };

const struct action action_exec = {
	.name = "kubernetes:exec",
	.about = "Runs a command in the pod's container",
	.target = TARGET_POD,
	.continues = true,
	.rows = rows,
	.row_count = COUNT_OF(rows),
	.parameters_size = sizeof(struct exec),
	.needs = needs,
	.check = check,
	.run = run_exec,
};
