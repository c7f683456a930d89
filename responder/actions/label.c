/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Labels on the pod, or on its node. An empty value takes a label away. One merge patch, which
 * needs no reading first, where null removes (RFC 7386).
 */
#include "base/memory.h"
#include "responder/actions/metadata.h"

static const struct setting rows[] = {
	METADATA_ROW_LEVEL,
	{ .key = "labels",
		.type = SETTING_MAP,
		.at = offsetof(struct metadata_settings, values),
		.about = "Labels and their values; an empty one removes" },
};

static int check(const void *parameters, struct error *err)
{
	return metadata_check(parameters, "labels", err);
}

static int run_label(struct run *run, const void *parameters, struct error *err)
{
	return metadata_run(run, parameters, "labels", err);
}

static int undo(
	struct run *run, const void *parameters, struct json_object *memory, struct error *err)
{
	return metadata_undo(run, memory, "labels", err);
}

static const struct action_need needs[] = { METADATA_NEEDS, {} };

const struct action action_label = {
	.name = "kubernetes:label",
	.about = "Adds, changes or removes labels of the pod or its node",
	.target = TARGET_POD,
	.continues = true,
	.is_repeatable = true,
	.rows = rows,
	.row_count = COUNT_OF(rows),
	.parameters_size = sizeof(struct metadata_settings),
	.needs = needs,
	.check = check,
	.run = run_label,
	.undo = undo,
};
