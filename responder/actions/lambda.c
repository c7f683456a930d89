/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Recognised, so that Talon's playbooks load, and answered: the forwarder's awslambda output signs
 * such calls.
 */
#include <errno.h>

#include "base/memory.h"
#include "responder/action.h"

struct lambda {
	char *name;
	char *version;
	char *type;
};

static const struct setting rows[] = {
	{ .key = "aws_lambda_name",
		.type = SETTING_TEXT,
		.at = offsetof(struct lambda, name),
		.about = "aws_lambda_name" },
	{ .key = "aws_lambda_alias_or_version",
		.type = SETTING_TEXT,
		.at = offsetof(struct lambda, version),
		.fallback = "$LATEST",
		.about = "aws_lambda_alias_or_version" },
	{ .key = "aws_lambda_invocation_type",
		.type = SETTING_TEXT,
		.at = offsetof(struct lambda, type),
		.fallback = "RequestResponse",
		.about = "aws_lambda_invocation_type" },
};

static int check(const void *parameters, struct error *err)
{
	const struct lambda *wanted = parameters;

	return wanted->name && *wanted->name
		       ? 0
		       : error_set(err, -EINVAL, "the parameter aws_lambda_name is missing");
}

static int answer(struct run *run, const void *parameters, struct error *err)
{
	return error_set(err, -ENOTSUP,
		"aws:lambda is not called from here: the forwarder's output awslambda does it");
}

const struct action action_lambda = {
	.name = "aws:lambda",
	.about = "Recognised and answered: the forwarder's awslambda calls it",
	.target = TARGET_NONE,
	.continues = true,
	.rows = rows,
	.row_count = COUNT_OF(rows),
	.parameters_size = sizeof(struct lambda),
	.check = check,
	.run = answer,
};
