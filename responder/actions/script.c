/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A script in the pod. It is handed to the shell as its program: nothing is written into the
 * container, so that a file system that cannot be written to is no obstacle.
 */
#include <errno.h>

#include "base/memory.h"
#include "base/request.h"
#include "base/secret-file.h"
#include "responder/actions/command.h"

#define SCRIPT_MAX (100 * 1024) /* an argument of a Linux process has at most 128 KiB */

struct script {
	char *script, *file, *shell;
};

static const struct setting rows[] = {
	{ .key = "script",
		.type = SETTING_TEXT,
		.at = offsetof(struct script, script),
		.about = "The script itself" },
	{ .key = "file",
		.type = SETTING_TEXT,
		.at = offsetof(struct script, file),
		.about = "The responder's file with the script" },
	{ .key = "shell",
		.type = SETTING_TEXT,
		.at = offsetof(struct script, shell),
		.fallback = "/bin/sh",
		.about = "Which shell" },
};

static int check(const void *parameters, struct error *err)
{
	const struct script *script = parameters;

	if (is_set(script->script) == is_set(script->file))
		return error_set(err, -EINVAL, "either script or file must be given");
	if (is_set(script->script) && strlen(script->script) > SCRIPT_MAX)
		return error_set(err, -EINVAL, "the script is longer than 100 KiB");
	return 0;
}

static int run_script(struct run *run, const void *parameters, struct error *err)
{
	const struct script *script = parameters;
	_cleanup_(freep) char *read = NULL;

	if (is_set(script->file) && secret_file_read(script->file, &read, err) < 0)
		return -EINVAL;
	if (read && strlen(read) > SCRIPT_MAX)
		return error_set(err, -EINVAL, "%s is longer than 100 KiB", script->file);
	return command_shell(run, script->shell, read ? read : script->script, err);
}

static const struct action_need needs[] = { COMMAND_NEEDS, {} };

const struct action action_script = {
	.name = "kubernetes:script",
	.about = "Runs a script in the pod's container",
	.target = TARGET_POD,
	.continues = true,
	.rows = rows,
	.row_count = COUNT_OF(rows),
	.parameters_size = sizeof(struct script),
	.needs = needs,
	.check = check,
	.run = run_script,
};
