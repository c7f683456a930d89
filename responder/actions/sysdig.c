/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Recognised, so that Talon's playbooks load, and answered: a capture is the sensor's business
 * (`capture:` of a rule), which needs no privileged container beside the suspect.
 */
#include <errno.h>

#include "base/memory.h"
#include "responder/action.h"

struct sysdig {
	int64_t ignored;
	char *text, *scope;
};

static const struct setting rows[] = {
	{ .key = "duration",
		.type = SETTING_INTEGER,
		.at = offsetof(struct sysdig, ignored),
		.about = "Has no effect" },
	{ .key = "buffer_size",
		.type = SETTING_INTEGER,
		.at = offsetof(struct sysdig, ignored),
		.about = "Has no effect" },
	{ .key = "image",
		.type = SETTING_TEXT,
		.at = offsetof(struct sysdig, text),
		.about = "Has no effect" },
	{ .key = "scope",
		.type = SETTING_TEXT,
		.at = offsetof(struct sysdig, scope),
		.about = "Has no effect" },
};

static int answer(struct run *run, const void *parameters, struct error *err)
{
	return error_set(err, -ENOTSUP,
		"kubernetes:sysdig is not done here: give the sensor's rule a capture");
}

const struct action action_sysdig = {
	.name = "kubernetes:sysdig",
	.about = "Recognised and answered: the sensor captures (capture: of a rule)",
	.target = TARGET_POD,
	.makes_artifact = true,
	.is_repeatable = true,
	.rows = rows,
	.row_count = COUNT_OF(rows),
	.parameters_size = sizeof(struct sysdig),
	.run = answer,
};
