/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Takes the pod's node out of scheduling. Undone only if we did it.
 */
#include <json-c/json.h>

#include "base/memory.h"
#include "responder/actions/metadata.h"

static int set_unschedulable(struct run *run, const char *path, bool is_cordoned, struct error *err)
{
	return merge_patch(run, path,
		is_cordoned ? TEXT("{\"spec\":{\"unschedulable\":true}}")
			    : TEXT("{\"spec\":{\"unschedulable\":null}}"),
		NULL, err);
}

static int cordon(struct run *run, const void *parameters, struct error *err)
{
	_cleanup_(json_putp) struct json_object *node = NULL;
	struct buffer path;
	bool was_cordoned;
	int r;

	buffer_init(&path, 1024);
	node_path(run, &path);
	r = cluster_ask(run->cluster, &(struct cluster_call){ .method = "GET", .path = path.data },
		&node, err);
	was_cordoned = json_get_bool(json_get(node, "spec"), "unschedulable", false);
	if (r >= 0 && !was_cordoned)
		r = set_unschedulable(run, path.data, true, err);
	if (r >= 0 && !was_cordoned) {
		run->memory = json_object_new_object();
		json_object_object_add(run->memory, "path", json_object_new_string(path.data));
	}
	buffer_printf(&run->result, "the node %s %s", run->node,
		was_cordoned ? "was cordoned already" : "is cordoned");
	buffer_done(&path);
	return r < 0 ? r : was_cordoned ? ACTION_IGNORED : ACTION_DONE;
}

static int undo(
	struct run *run, const void *parameters, struct json_object *memory, struct error *err)
{
	int r = set_unschedulable(
		run, json_object_get_string(json_get(memory, "path")), false, err);

	buffer_add_string(&run->result, "the node takes pods again");
	return r < 0 ? r : ACTION_DONE;
}

static const struct action_need needs[] = { { "", "nodes", "get patch", true, NULL }, {} };

const struct action action_cordon = {
	.name = "kubernetes:cordon",
	.about = "Takes the pod's node out of scheduling",
	.target = TARGET_POD,
	.continues = true,
	.is_repeatable = true,
	.acts_on_node = true,
	.needs = needs,
	.run = cordon,
	.undo = undo,
};
