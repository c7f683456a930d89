/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Recognised, so that Talon's playbooks load, and answered: the forwarder's gcpcloudfunctions
 * output signs such calls.
 */
#include <errno.h>

#include "base/memory.h"
#include "responder/action.h"

struct gcpfunction {
	char *name;
	char *location;
	char *timeout;
};

static const struct setting rows[] = {
	{ .key = "gcp_function_name",
		.type = SETTING_TEXT,
		.at = offsetof(struct gcpfunction, name),
		.about = "gcp_function_name" },
	{ .key = "gcp_function_location",
		.type = SETTING_TEXT,
		.at = offsetof(struct gcpfunction, location),
		.fallback = "us-central1",
		.about = "gcp_function_location" },
	{ .key = "gcp_function_timeout",
		.type = SETTING_TEXT,
		.at = offsetof(struct gcpfunction, timeout),
		.about = "gcp_function_timeout" },
};

static int check(const void *parameters, struct error *err)
{
	const struct gcpfunction *wanted = parameters;

	return wanted->name && *wanted->name
		       ? 0
		       : error_set(err, -EINVAL, "the parameter gcp_function_name is missing");
}

static int answer(struct run *run, const void *parameters, struct error *err)
{
	return error_set(err, -ENOTSUP,
		"gcp:function is not called from here: the forwarder's output gcpcloudfunctions does it");
}

const struct action action_gcpfunction = {
	.name = "gcp:function",
	.about = "Recognised and answered: the forwarder's gcpcloudfunctions calls it",
	.target = TARGET_NONE,
	.continues = true,
	.rows = rows,
	.row_count = COUNT_OF(rows),
	.parameters_size = sizeof(struct gcpfunction),
	.check = check,
	.run = answer,
};
