/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Annotations on the pod, or on its node, as label.c does with labels.
 */
#include "base/memory.h"
#include "responder/actions/metadata.h"

static const struct setting rows[] = {
	METADATA_ROW_LEVEL,
	{ .key = "annotations",
		.type = SETTING_MAP,
		.at = offsetof(struct metadata_settings, values),
		.about = "Annotations and their values; an empty one removes" },
};

static int check(const void *parameters, struct error *err)
{
	return metadata_check(parameters, "annotations", err);
}

static int run_annotation(struct run *run, const void *parameters, struct error *err)
{
	return metadata_run(run, parameters, "annotations", err);
}

static int undo(
	struct run *run, const void *parameters, struct json_object *memory, struct error *err)
{
	return metadata_undo(run, memory, "annotations", err);
}

static const struct action_need needs[] = { METADATA_NEEDS, {} };

const struct action action_annotation = {
	.name = "kubernetes:annotation",
	.about = "Adds, changes or removes annotations of the pod or its node",
	.target = TARGET_POD,
	.continues = true,
	.is_repeatable = true,
	.rows = rows,
	.row_count = COUNT_OF(rows),
	.parameters_size = sizeof(struct metadata_settings),
	.needs = needs,
	.check = check,
	.run = run_annotation,
	.undo = undo,
};
