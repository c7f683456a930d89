/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Deletes the pod. The call carries its uid, so that another pod of that name is never hit.
 */
#include <errno.h>

#include "base/memory.h"
#include "responder/actions/metadata.h"
#include "responder/guard.h"

struct terminate {
	int64_t grace_s;
	bool ignores_daemonsets, ignores_statefulsets, ignores_standalone;
	char *min_healthy;
};

static const struct setting rows[] = {
	{ .key = "grace_period_seconds",
		.type = SETTING_INTEGER,
		.at = offsetof(struct terminate, grace_s),
		.minimum = 0,
		.maximum = 86400,
		.fallback = "0",
		.about = "Seconds that its processes get to end" },
	{ .key = "ignore_daemonsets",
		.type = SETTING_BOOL,
		.at = offsetof(struct terminate, ignores_daemonsets),
		.about = "Leave pods of DaemonSets alone" },
	{ .key = "ignore_statefulsets",
		.type = SETTING_BOOL,
		.at = offsetof(struct terminate, ignores_statefulsets),
		.about = "Leave pods of StatefulSets alone" },
	{ .key = "ignore_standalone_pods",
		.type = SETTING_BOOL,
		.at = offsetof(struct terminate, ignores_standalone),
		.fallback = "true",
		.about = "Leave pods that nobody would make again alone" },
	{ .key = "min_healthy_replicas",
		.type = SETTING_TEXT,
		.at = offsetof(struct terminate, min_healthy),
		.about =
			"Replicas of its owner that must stay ready without it, such as 3 or 33%" },
};

static int check(const void *parameters, struct error *err)
{
	const struct terminate *terminate = parameters;
	int64_t number;
	bool is_percent;

	return healthy_parse(terminate->min_healthy, &number, &is_percent, err);
}

static const char *why_ignored(const struct run *run, const struct terminate *terminate)
{
	struct json_object *owner = owner_of(run->object);
	struct text kind = json_get_text(owner, "kind");

	if (!owner && terminate->ignores_standalone)
		return "it is a standalone pod";
	if (terminate->ignores_daemonsets && text_is(kind, "DaemonSet"))
		return "it belongs to a DaemonSet";
	if (terminate->ignores_statefulsets && text_is(kind, "StatefulSet"))
		return "it belongs to a StatefulSet";
	return NULL;
}

static int delete_pod(struct run *run, int64_t grace_s, struct error *err)
{
	struct json_writer json;
	struct buffer path, body;
	int r;

	buffer_init(&path, 2048);
	buffer_init(&body, 1024);
	pod_path(run, &path);
	json_writer_init(&json, &body);
	json_begin_object(&json);
	json_key(&json, "kind");
	json_add_string(&json, "DeleteOptions");
	json_key(&json, "apiVersion");
	json_add_string(&json, "v1");
	json_key(&json, "gracePeriodSeconds");
	json_add_i64(&json, grace_s);
	json_key(&json, "preconditions");
	json_begin_object(&json);
	json_key(&json, "uid");
	json_add_string(&json, run->uid);
	json_end(&json);
	json_end(&json);
	r = cluster_ask(run->cluster,
		&(struct cluster_call){
			.method = "DELETE", .path = path.data, .body = buffer_text(&body) },
		NULL, err);
	buffer_done(&path);
	buffer_done(&body);
	return r;
}

static int terminate(struct run *run, const void *parameters, struct error *err)
{
	const struct terminate *wanted = parameters;
	const char *ignored = why_ignored(run, wanted);
	int r;

	if (ignored) {
		buffer_printf(&run->result, "the pod was left alone: %s", ignored);
		return ACTION_IGNORED;
	}
	r = healthy_check(run, wanted->min_healthy, err);
	if (!r)
		r = delete_pod(run, wanted->grace_s, err);
	if (r == -ENOENT || r == -EEXIST) {
		buffer_add_string(&run->result, "the pod is gone by now");
		return ACTION_DONE;
	}
	if (r < 0)
		return r;
	buffer_printf(&run->result, "the pod %s/%s was deleted", run->name_space, run->pod);
	return ACTION_DONE;
}

static const struct action_need needs[] = {
	{ "", "pods", "delete", false, NULL },
	{ "apps", "replicasets", "get", false, "min_healthy_replicas" },
	{ "apps", "daemonsets", "get", false, "min_healthy_replicas" },
	{ "apps", "statefulsets", "get", false, "min_healthy_replicas" },
	{ "apps", "deployments", "get", false, "min_healthy_replicas" },
	{},
};

const struct action action_terminate = {
	.name = "kubernetes:terminate",
	.about = "Deletes the pod",
	.target = TARGET_POD,
	.is_repeatable = true,
	.rows = rows,
	.row_count = COUNT_OF(rows),
	.parameters_size = sizeof(struct terminate),
	.needs = needs,
	.check = check,
	.run = terminate,
};
