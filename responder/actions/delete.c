/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Deletes the object that an audit event names (ka.target.*), as it is now: the call carries the
 * uid that was read just before.
 */
#include <errno.h>
#include <json-c/json.h>
#include <stdlib.h>

#include "base/memory.h"
#include "responder/guard.h"

#define CORE "/api/v1"
#define APPS "/apis/apps/v1"
#define RBAC "/apis/rbac.authorization.k8s.io/v1"

static const struct {
	const char *plural, *root;
	bool is_cluster_wide;
} resources[] = {
	{ "namespaces", CORE, true },
	{ "configmaps", CORE, false },
	{ "secrets", CORE, false },
	{ "services", CORE, false },
	{ "serviceaccounts", CORE, false },
	{ "deployments", APPS, false },
	{ "daemonsets", APPS, false },
	{ "statefulsets", APPS, false },
	{ "replicasets", APPS, false },
	{ "roles", RBAC, false },
	{ "clusterroles", RBAC, true },
};

static char *field(const struct run *run, const char *name)
{
	struct json_object *value = json_get(run->alert->fields, name);

	return value ? string_copy(json_object_get_string(value)) : NULL;
}

/* Names of roles may have a colon; none may lead out of its place in the path. */
static bool is_name(const char *name)
{
	return name && *name && strlen(name) <= 253 && strcmp(name, ".") && strcmp(name, "..") &&
	       !strpbrk(name, "/%");
}

static int delete_at(struct run *run, const char *path, struct error *err)
{
	_cleanup_(json_putp) struct json_object *object = NULL;
	struct text uid;
	struct json_writer json;
	struct buffer body;
	int r = cluster_ask(run->cluster, &(struct cluster_call){ .method = "GET", .path = path },
		&object, err);

	if (r < 0)
		return r;
	uid = json_get_text(json_get(object, "metadata"), "uid");
	buffer_init(&body, 1024);
	json_writer_init(&json, &body);
	json_begin_object(&json);
	json_key(&json, "kind");
	json_add_string(&json, "DeleteOptions");
	json_key(&json, "apiVersion");
	json_add_string(&json, "v1");
	json_key(&json, "preconditions");
	json_begin_object(&json);
	json_key(&json, "uid");
	json_add_text(&json, uid);
	json_end(&json);
	json_end(&json);
	r = cluster_ask(run->cluster,
		&(struct cluster_call){
			.method = "DELETE", .path = path, .body = buffer_text(&body) },
		NULL, err);
	buffer_done(&body);
	return r;
}

static int find_path(struct run *run, const char *resource, const char *name,
	const char *name_space, struct buffer *path, struct error *err)
{
	bool is_namespace = resource && !strcmp(resource, "namespaces");

	for (size_t i = 0; resource && i < COUNT_OF(resources); i++) {
		if (strcmp(resource, resources[i].plural))
			continue;
		if (!is_name(name) || (!resources[i].is_cluster_wide && !is_name(name_space)))
			return error_set(err, -EINVAL, "the event names no object");
		buffer_add_string(path, resources[i].root);
		if (!resources[i].is_cluster_wide)
			path_of(path, (const char *const[]){ "namespaces", name_space, NULL });
		path_of(path, (const char *const[]){ resource, name, NULL });
		return guard_namespace(run->settings, run->may_touch,
			is_namespace ? name : name_space, cluster_api(run->cluster), err);
	}
	return error_set(err, -EINVAL, "resources of this kind are not deleted: %.100s",
		resource ? resource : "none is named");
}

static int delete (struct run *run, const void *parameters, struct error *err)
{
	_cleanup_(freep) char *resource = field(run, "ka.target.resource");
	_cleanup_(freep) char *name = field(run, "ka.target.name");
	_cleanup_(freep) char *name_space = field(run, "ka.target.namespace");
	struct buffer path;
	int r;

	if (!run->cluster)
		return error_set(err, -EAGAIN, "no cluster is known (kubeconfig)");
	buffer_init(&path, 4096);
	r = find_path(run, resource, name, name_space, &path, err);
	if (!r)
		r = delete_at(run, path.data, err);
	if (r == -ENOENT) {
		buffer_add_string(&run->result, "it is gone by now");
		r = ACTION_DONE;
	} else if (r >= 0) {
		buffer_printf(&run->result, "deleted %s", path.data);
		r = ACTION_DONE;
	}
	buffer_done(&path);
	return r;
}

static const struct action_need needs[] = {
	{ "", "namespaces", "get delete", true, NULL },
	{ "", "configmaps", "get delete", false, NULL },
	{ "", "secrets", "get delete", false, NULL },
	{ "", "services", "get delete", false, NULL },
	{ "", "serviceaccounts", "get delete", false, NULL },
	{ "apps", "deployments", "get delete", false, NULL },
	{ "apps", "daemonsets", "get delete", false, NULL },
	{ "apps", "statefulsets", "get delete", false, NULL },
	{ "apps", "replicasets", "get delete", false, NULL },
	{ "rbac.authorization.k8s.io", "roles", "get delete", false, NULL },
	{ "rbac.authorization.k8s.io", "clusterroles", "get delete", true, NULL },
	{},
};

const struct action action_delete = {
	.name = "kubernetes:delete",
	.about = "Deletes the object that an audit event names",
	.target = TARGET_OBJECT,
	.is_repeatable = true,
	.needs = needs,
	.run = delete,
};
