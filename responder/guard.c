/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Guard rails. An alert names a pod by what a sensor knew when it happened; until we act that name
 * may be another pod's.
 */
#include <errno.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <time.h>

#include "base/memory.h"
#include "condition/glob.h"
#include "responder/guard.h"

#define CLOCK_SLACK_NS (INT64_C(2) * 1000000000) /* creationTimestamp has whole seconds */

bool list_matches(const struct text_list *patterns, const char *name)
{
	for (size_t i = 0; name && *name && i < patterns->count; i++)
		if (glob_matches(text_of(patterns->items[i]), text_of(name), false))
			return true;
	return false;
}

static bool is_own(const struct responder_settings *settings, const struct kubernetes_api *api,
	const char *name_space)
{
	if (settings->own_namespaces.count)
		return list_matches(&settings->own_namespaces, name_space);
	return api && api->name_space && !strcmp(api->name_space, name_space);
}

int guard_namespace(const struct responder_settings *settings, const struct text_list *may_touch,
	const char *name_space, const struct kubernetes_api *api, struct error *err)
{
	bool is_protected;

	if (!name_space || !*name_space || (may_touch && list_matches(may_touch, name_space)))
		return 0;
	is_protected = list_matches(&settings->protected_namespaces, name_space);
	if (!is_protected && !is_own(settings, api, name_space))
		return 0;
	return error_set(err, -EPERM,
		"the namespace %s is %s; a rule that is to act there names it in may_touch",
		name_space, is_protected ? "protected" : "our own");
}

static int check_name(const char *what, const char *name, struct error *err)
{
	if (!name || !*name || is_object_name(text_of(name)))
		return 0;
	return error_set(err, -EPERM, "the alert's %s is no name that Kubernetes knows", what);
}

int guard_before(const struct responder_settings *settings, const struct rule *rule,
	const struct response *response, const struct kubernetes_api *api, struct error *err)
{
	int r = check_name("namespace", response->name_space, err);

	if (!r)
		r = check_name("pod", response->pod, err);
	if (!r)
		r = guard_namespace(settings, &rule->may_touch, response->name_space, api, err);
	if (!r && !rule_is_on_duty(rule, time(NULL)))
		r = error_set(err, -EPERM, "the rule is not on duty now, by its schedule");
	return r;
}

static int check_uid(struct run *run, struct json_object *metadata, struct error *err)
{
	struct text uid = json_get_text(metadata, "uid");
	struct text created = json_get_text(metadata, "creationTimestamp");
	int64_t created_ns = 0;

	if (!uid.length)
		return error_set(err, -EPERM, "the API server says no uid of the pod");
	if (run->uid && *run->uid && !text_is(uid, run->uid))
		return error_set(err, -EPERM,
			"the pod %s/%s is another one by now: its uid is " TEXT_FORMAT
			", the alert's was %s",
			run->name_space, run->pod, TEXT_PRINT(uid), run->uid);
	if ((!run->uid || !*run->uid) && time_parse(created, &created_ns) == 0 &&
		run->alert->time_ns && created_ns > run->alert->time_ns + CLOCK_SLACK_NS)
		return error_set(err, -EPERM,
			"the pod %s/%s was made after the alert: it is another one by now",
			run->name_space, run->pod);
	free(run->uid);
	run->uid = text_to_string(uid);
	return 0;
}

static bool is_cluster_host(const struct run *run)
{
	return list_matches(&run->settings->cluster_hosts, run->alert->hostname);
}

static int check_node(struct run *run, struct json_object *spec, struct error *err)
{
	struct text node = json_get_text(spec, "nodeName");

	if (!node.length)
		return is_cluster_host(run) ? 0
					    : error_set(err, -EPERM, "the pod is on no node yet");
	free(run->node);
	run->node = text_to_string(node);
	if (is_cluster_host(run) || (run->alert->hostname && text_is(node, run->alert->hostname)))
		return 0;
	return error_set(err, -EPERM,
		"the alert came from %s, but the pod is on " TEXT_FORMAT
		": a node speaks for its own pods alone (guard.cluster_hosts)",
		run->alert->hostname ? run->alert->hostname : "nowhere", TEXT_PRINT(node));
}

int guard_pod(struct run *run, struct error *err)
{
	struct buffer path;
	struct cluster_call call = { .method = "GET" };
	int r;

	buffer_init(&path, 2048);
	buffer_add_string(&path, "/api/v1/namespaces");
	path_of(&path, (const char *const[]){ run->name_space, "pods", run->pod, NULL });
	call.path = path.data;
	json_object_put(run->object);
	run->object = NULL;
	r = cluster_ask(run->cluster, &call, &run->object, err);
	buffer_done(&path);
	if (r == -ENOENT)
		return error_set(
			err, -EPERM, "there is no pod %s/%s any more", run->name_space, run->pod);
	if (r < 0)
		return r;
	r = check_uid(run, json_get(run->object, "metadata"), err);
	return r < 0 ? r : check_node(run, json_get(run->object, "spec"), err);
}

/* Healthy replicas. */

struct json_object *owner_of(struct json_object *object)
{
	struct json_object *owners = json_get(json_get(object, "metadata"), "ownerReferences");

	for (size_t i = 0; json_object_is_type(owners, json_type_array) &&
			   i < json_object_array_length(owners);
		i++) {
		struct json_object *owner = json_object_array_get_idx(owners, i);

		if (json_get_bool(owner, "controller", false))
			return owner;
	}
	return NULL;
}

static const char *plural_of(struct text kind)
{
	static const char *const kinds[][2] = { { "ReplicaSet", "replicasets" },
		{ "Deployment", "deployments" }, { "DaemonSet", "daemonsets" },
		{ "StatefulSet", "statefulsets" } };

	for (size_t i = 0; i < COUNT_OF(kinds); i++)
		if (text_is(kind, kinds[i][0]))
			return kinds[i][1];
	return NULL;
}

int owner_read(struct cluster *cluster, const char *name_space, struct json_object *owner,
	struct json_object **ret_object, struct error *err)
{
	const char *plural = plural_of(json_get_text(owner, "kind"));
	_cleanup_(freep) char *name = text_to_string(json_get_text(owner, "name"));
	struct cluster_call call = { .method = "GET" };
	struct buffer path;
	int r;

	*ret_object = NULL;
	if (!plural)
		return 0;
	buffer_init(&path, 2048);
	buffer_add_string(&path, "/apis/apps/v1/namespaces");
	path_of(&path, (const char *const[]){ name_space, plural, name, NULL });
	call.path = path.data;
	r = cluster_ask(cluster, &call, ret_object, err);
	buffer_done(&path);
	return r < 0 ? r : 0;
}

int healthy_parse(const char *claim, int64_t *ret_number, bool *ret_is_percent, struct error *err)
{
	struct text text = text_trim(text_of(claim));

	*ret_is_percent = text_ends_with(text, TEXT("%"));
	*ret_number = 0;
	if (!text.length)
		return 0;
	text.length -= *ret_is_percent;
	if (text_to_i64(text, ret_number) < 0 || *ret_number < 0 ||
		(*ret_is_percent && *ret_number > 100))
		return error_set(err, -EINVAL,
			"min_healthy_replicas is a number such as 3, or 33%%, not \"%s\"", claim);
	return 0;
}

static bool is_ready(struct json_object *pod)
{
	struct json_object *all = json_get(json_get(pod, "status"), "conditions");

	for (size_t i = 0;
		json_object_is_type(all, json_type_array) && i < json_object_array_length(all);
		i++) {
		struct json_object *one = json_object_array_get_idx(all, i);

		if (text_is(json_get_text(one, "type"), "Ready"))
			return text_is(json_get_text(one, "status"), "True");
	}
	return false;
}

/* DaemonSets count otherwise than the rest. */
static void count_replicas(struct json_object *owner, int64_t *ret_wanted, int64_t *ret_ready)
{
	struct json_object *spec = json_get(owner, "spec"), *status = json_get(owner, "status");
	bool is_daemon = json_get(status, "desiredNumberScheduled") != NULL;

	*ret_wanted = is_daemon ? json_get_i64(status, "desiredNumberScheduled", 0)
				: json_get_i64(spec, "replicas", 1);
	*ret_ready = json_get_i64(status, is_daemon ? "numberReady" : "readyReplicas", 0);
}

int healthy_check(struct run *run, const char *claim, struct error *err)
{
	_cleanup_(json_putp) struct json_object *owner = NULL;
	int64_t number, wanted, ready, needed;
	bool is_percent;
	int r = healthy_parse(claim, &number, &is_percent, err);

	if (r < 0 || !number)
		return r;
	if (!owner_of(run->object))
		return error_set(
			err, -EPERM, "the pod stands alone: without it no healthy replica is left");
	r = owner_read(run->cluster, run->name_space, owner_of(run->object), &owner, err);
	if (r < 0 || !owner)
		return r;
	count_replicas(owner, &wanted, &ready);
	ready -= is_ready(run->object);
	needed = is_percent ? (wanted * number + 99) / 100 : number;
	return ready >= needed ? 0
			       : error_set(err, -EPERM,
					 "%lld healthy replicas would be left of %lld wanted, and "
					 "min_healthy_replicas is %s",
					 (long long)ready, (long long)wanted, claim);
}
