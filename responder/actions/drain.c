/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Evicts the pods of the pod's node, so that their disruption budgets are kept. Pods of protected
 * namespaces stay unless the rule names them, and so do static pods.
 */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/encoding.h"
#include "base/memory.h"
#include "responder/actions/metadata.h"
#include "responder/guard.h"

#define POLL_MS 1000

struct drain {
	char *min_healthy;
	bool ignores_daemonsets, ignores_statefulsets, ignores_errors;
	int64_t wait_s;
	struct text_list not_waited_for;
};

static const struct setting rows[] = {
	{ .key = "min_healthy_replicas",
		.type = SETTING_TEXT,
		.at = offsetof(struct drain, min_healthy),
		.about = "Replicas of a pod's owner that must stay ready without it, such as 33%" },
	{ .key = "ignore_daemonsets",
		.type = SETTING_BOOL,
		.at = offsetof(struct drain, ignores_daemonsets),
		.about = "Leave pods of DaemonSets alone" },
	{ .key = "ignore_statefulsets",
		.type = SETTING_BOOL,
		.at = offsetof(struct drain, ignores_statefulsets),
		.about = "Leave pods of StatefulSets alone" },
	{ .key = "ignore_errors",
		.type = SETTING_BOOL,
		.at = offsetof(struct drain, ignores_errors),
		.about = "A pod that cannot be evicted is no failure" },
	{ .key = "max_wait_period",
		.type = SETTING_INTEGER,
		.at = offsetof(struct drain, wait_s),
		.minimum = 0,
		.maximum = 3600,
		.about = "Seconds to wait until the pods are gone" },
	{ .key = "wait_period_excluded_namespaces",
		.type = SETTING_LIST,
		.at = offsetof(struct drain, not_waited_for),
		.about = "Namespaces whose pods are not waited for" },
};

struct tally {
	size_t evicted, left, failed;
	struct error first;
};

static int list_pods(struct run *run, struct json_object **ret_list, struct error *err)
{
	struct buffer path;
	int r;

	buffer_init(&path, 2048);
	buffer_add_string(&path, "/api/v1/pods?fieldSelector=spec.nodeName%3D");
	url_escape(&path, text_of(run->node));
	r = cluster_ask(run->cluster, &(struct cluster_call){ .method = "GET", .path = path.data },
		ret_list, err);
	buffer_done(&path);
	return r < 0 ? r : 0;
}

static bool is_to_stay(const struct run *run, const struct drain *drain, struct json_object *pod)
{
	struct json_object *metadata = json_get(pod, "metadata");
	struct text kind = json_get_text(owner_of(pod), "kind");
	struct text phase = json_get_text(json_get(pod, "status"), "phase");
	_cleanup_(freep) char *name_space = text_to_string(json_get_text(metadata, "namespace"));

	return json_get(json_get(metadata, "annotations"), "kubernetes.io/config.mirror") ||
	       text_is(phase, "Succeeded") || text_is(phase, "Failed") ||
	       (drain->ignores_daemonsets && text_is(kind, "DaemonSet")) ||
	       (drain->ignores_statefulsets && text_is(kind, "StatefulSet")) ||
	       guard_namespace(run->settings, run->may_touch, name_space, cluster_api(run->cluster),
		       NULL) < 0;
}

static int post_eviction(struct run *run, const char *name_space, const char *name, struct text uid,
	struct error *err)
{
	struct json_writer json;
	struct buffer path, body;
	int r;

	buffer_init(&path, 2048);
	buffer_init(&body, 2048);
	path_of(&path, (const char *const[]){ "api", "v1", "namespaces", name_space, "pods", name,
			       "eviction", NULL });
	json_writer_init(&json, &body);
	json_begin_object(&json);
	json_key(&json, "apiVersion");
	json_add_string(&json, "policy/v1");
	json_key(&json, "kind");
	json_add_string(&json, "Eviction");
	json_key(&json, "metadata");
	json_begin_object(&json);
	json_key(&json, "name");
	json_add_string(&json, name);
	json_key(&json, "namespace");
	json_add_string(&json, name_space);
	json_end(&json);
	json_key(&json, "deleteOptions");
	json_begin_object(&json);
	json_key(&json, "preconditions");
	json_begin_object(&json);
	json_key(&json, "uid");
	json_add_text(&json, uid);
	json_end(&json);
	json_end(&json);
	json_end(&json);
	r = cluster_ask(run->cluster,
		&(struct cluster_call){
			.method = "POST", .path = path.data, .body = buffer_text(&body) },
		NULL, err);
	buffer_done(&path);
	buffer_done(&body);
	return r;
}

/* As if the run were about that pod. */
static int evict(
	struct run *run, const struct drain *drain, struct json_object *pod, struct error *err)
{
	struct json_object *metadata = json_get(pod, "metadata");
	_cleanup_(freep) char *name_space = text_to_string(json_get_text(metadata, "namespace"));
	_cleanup_(freep) char *name = text_to_string(json_get_text(metadata, "name"));
	struct run other = *run;
	int r;

	other.object = pod;
	other.name_space = name_space;
	r = healthy_check(&other, drain->min_healthy, err);
	if (!r)
		r = post_eviction(run, name_space, name, json_get_text(metadata, "uid"), err);
	return r == -ENOENT || r == -EEXIST ? 0 : r;
}

static void evict_all(
	struct run *run, const struct drain *drain, struct json_object *list, struct tally *tally)
{
	struct json_object *items = json_get(list, "items");

	for (size_t i = 0;
		json_object_is_type(items, json_type_array) && i < json_object_array_length(items);
		i++) {
		struct json_object *pod = json_object_array_get_idx(items, i);
		struct error err = { 0 };

		if (is_to_stay(run, drain, pod)) {
			tally->left++;
		} else if (evict(run, drain, pod, &err) < 0) {
			if (!tally->failed++)
				tally->first = err;
		} else {
			tally->evicted++;
		}
	}
}

static size_t count_waited_for(
	const struct run *run, const struct drain *drain, struct json_object *list)
{
	struct json_object *items = json_get(list, "items");
	size_t count = 0;

	for (size_t i = 0;
		json_object_is_type(items, json_type_array) && i < json_object_array_length(items);
		i++) {
		struct json_object *pod = json_object_array_get_idx(items, i);
		struct text name_space = json_get_text(json_get(pod, "metadata"), "namespace");
		_cleanup_(freep) char *name = text_to_string(name_space);

		count +=
			!is_to_stay(run, drain, pod) && !list_matches(&drain->not_waited_for, name);
	}
	return count;
}

/* Pods whose budget forbids it now (429) are evicted as soon as it allows. */
static int wait_until_gone(
	struct run *run, const struct drain *drain, struct tally *tally, struct error *err)
{
	int64_t until_ms = clock_ms(CLOCK_MONOTONIC) + drain->wait_s * 1000;
	size_t left = 1;
	int r = 0;

	while (left && !r) {
		_cleanup_(json_putp) struct json_object *list = NULL;

		r = list_pods(run, &list, err);
		left = r < 0 ? 0 : count_waited_for(run, drain, list);
		if (!left || r < 0)
			break;
		if (clock_ms(CLOCK_MONOTONIC) >= until_ms)
			return error_set(err, -ETIMEDOUT, "%zu pods are still there after %lld s",
				left, (long long)drain->wait_s);
		usleep(POLL_MS * 1000);
		if (tally->failed) {
			*tally = (struct tally){ .evicted = tally->evicted };
			evict_all(run, drain, list, tally);
		}
	}
	return r;
}

static int drain(struct run *run, const void *parameters, struct error *err)
{
	const struct drain *wanted = parameters;
	_cleanup_(json_putp) struct json_object *list = NULL;
	struct tally tally = { 0 };
	int r = list_pods(run, &list, err);

	if (r < 0)
		return r;
	evict_all(run, wanted, list, &tally);
	if (wanted->wait_s)
		r = wait_until_gone(run, wanted, &tally, err);
	buffer_printf(&run->result, "%zu pods evicted from %s, %zu left alone, %zu could not be",
		tally.evicted, run->node, tally.left, tally.failed);
	if (!r && tally.failed && !wanted->ignores_errors)
		r = error_set(err, tally.first.code == -EAGAIN ? -EBUSY : tally.first.code,
			"%zu pods could not be evicted, the first: %s", tally.failed,
			tally.first.message);
	return r == -ETIMEDOUT && wanted->ignores_errors ? ACTION_DONE : r;
}

static int check(const void *parameters, struct error *err)
{
	const struct drain *wanted = parameters;
	int64_t number;
	bool is_percent;

	return healthy_parse(wanted->min_healthy, &number, &is_percent, err);
}

static const struct action_need needs[] = {
	{ "", "pods", "list", false, NULL },
	{ "", "pods/eviction", "create", false, NULL },
	{ "apps", "replicasets", "get", false, "min_healthy_replicas" },
	{ "apps", "daemonsets", "get", false, "min_healthy_replicas" },
	{ "apps", "statefulsets", "get", false, "min_healthy_replicas" },
	{ "apps", "deployments", "get", false, "min_healthy_replicas" },
	{},
};

const struct action action_drain = {
	.name = "kubernetes:drain",
	.about = "Evicts the pods of the pod's node",
	.target = TARGET_POD,
	.continues = true,
	.is_repeatable = true,
	.acts_on_node = true,
	.rows = rows,
	.row_count = COUNT_OF(rows),
	.parameters_size = sizeof(struct drain),
	.needs = needs,
	.check = check,
	.run = drain,
};
