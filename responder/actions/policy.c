/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Network policies: named after whom they hold, marked as ours, put over our own older one alone.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "responder/actions/metadata.h"
#include "responder/actions/policy.h"
#include "responder/guard.h"
#include "responder/playbooks.h"

#define MANAGED_BY "app.kubernetes.io/managed-by"
#define OURS	   "tercel-responder"

static bool is_network(const char *text)
{
	_cleanup_(freep) char *copy = string_copy(text);
	char *slash = strchr(copy, '/');
	unsigned char address[16];
	int64_t bits;

	if (!slash)
		return false;
	*slash = '\0';
	if (text_to_i64(text_of(slash + 1), &bits) < 0 || bits < 0)
		return false;
	return (inet_pton(AF_INET, copy, address) == 1 && bits <= 32) ||
	       (inet_pton(AF_INET6, copy, address) == 1 && bits <= 128);
}

int policy_check(const void *parameters, struct error *err)
{
	const struct policy_settings *settings = parameters;

	for (size_t i = 0; i < settings->allow_cidr.count; i++)
		if (!is_network(settings->allow_cidr.items[i]))
			return error_set(err, -EINVAL,
				"allow_cidr: \"%s\" is no network such as 10.0.0.0/8",
				settings->allow_cidr.items[i]);
	for (size_t i = 0; i < settings->allow_namespaces.count; i++)
		if (!is_object_name(text_of(settings->allow_namespaces.items[i])))
			return error_set(err, -EINVAL, "allow_namespaces: \"%s\" is no name",
				settings->allow_namespaces.items[i]);
	return 0;
}

static int find_address(const struct run *run, char ret_cidr[64], struct error *err)
{
	static const char *const fields[] = { "fd.rip", "fd.sip" };
	unsigned char address[16];
	char number[64];

	for (size_t i = 0; i < COUNT_OF(fields); i++) {
		struct text text = read_output_field(run->alert, fields[i], number, sizeof(number));
		_cleanup_(freep) char *ip = text_to_string(text);
		bool is_v4 = ip && inet_pton(AF_INET, ip, address) == 1;

		if (!is_v4 && (!ip || inet_pton(AF_INET6, ip, address) != 1))
			continue;
		snprintf(ret_cidr, 64, "%s/%d", ip, is_v4 ? 32 : 128);
		return 0;
	}
	return error_set(err, -EINVAL, "the alert names no address in fd.rip or fd.sip");
}

/* What the controllers add themselves differs from one pod to the next. */
static bool is_of_one_pod(const char *label)
{
	static const char *const labels[] = { "pod-template-hash", "controller-revision-hash",
		"pod-template-generation", "statefulset.kubernetes.io/pod-name",
		"apps.kubernetes.io/pod-index" };

	for (size_t i = 0; i < COUNT_OF(labels); i++)
		if (!strcmp(labels[i], label))
			return true;
	return false;
}

static void take_labels(struct json_object *labels, struct policy *policy)
{
	if (!json_object_is_type(labels, json_type_object))
		return;
	json_object_object_foreach(labels, key, value)
	{
		if (!is_of_one_pod(key))
			text_map_set(&policy->labels, text_of(key),
				text_of(json_object_get_string(value)));
	}
}

static int choose_owner(struct run *run, struct policy *policy, struct error *err)
{
	_cleanup_(json_putp) struct json_object *owner = NULL;
	struct text name = json_get_text(owner_of(run->object), "name");
	int r = 0;

	if (owner_of(run->object))
		r = owner_read(run->cluster, run->name_space, owner_of(run->object), &owner, err);
	if (r < 0)
		return r;
	take_labels(json_get(json_get(json_get(owner, "spec"), "selector"), "matchLabels"), policy);
	if (!policy->labels.count)
		take_labels(json_get(json_get(run->object, "metadata"), "labels"), policy);
	if (!policy->labels.count)
		return error_set(err, -EINVAL,
			"the pod has no labels that a policy could hold it by; scope: pod gives it one");
	snprintf(policy->name, sizeof(policy->name), TEXT_FORMAT,
		TEXT_PRINT(name.length ? name : text_of(run->pod)));
	return 0;
}

/* A label's value has at most 63 characters. */
static void choose_pod(struct run *run, struct policy *policy)
{
	snprintf(policy->name, sizeof(policy->name), "tercel-%.50s", run->uid);
	text_map_set(&policy->labels, TEXT(POLICY_LABEL), text_of(policy->name));
}

static void policy_path(
	const struct run *run, const struct policy *policy, bool has_name, struct buffer *path)
{
	buffer_printf(path, "/apis/%s/namespaces", policy->kind->api_version);
	path_of(path, (const char *const[]){ run->name_space, policy->kind->plural,
			      has_name ? policy->name : NULL, NULL });
}

static int read_old(struct run *run, struct policy *policy, struct error *err)
{
	struct buffer path;
	struct json_object *labels;
	int r;

	buffer_init(&path, 2048);
	policy_path(run, policy, true, &path);
	r = cluster_ask(run->cluster, &(struct cluster_call){ .method = "GET", .path = path.data },
		&policy->old, err);
	buffer_done(&path);
	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return r;
	labels = json_get(json_get(policy->old, "metadata"), "labels");
	return text_is(json_get_text(labels, MANAGED_BY), OURS)
		       ? 0
		       : error_set(err, -EEXIST,
				 "there is a %s %s/%s that is not ours; it is left as it is",
				 policy->kind->kind, run->name_space, policy->name);
}

static int begin(struct run *run, const struct policy_settings *settings, struct policy *policy,
	struct error *err)
{
	int r = 0;

	if (settings->scope == SCOPE_POD)
		choose_pod(run, policy);
	else
		r = choose_owner(run, policy, err);
	return r < 0 ? r : read_old(run, policy, err);
}

static void write_policy(
	const struct run *run, const struct policy *policy, struct text spec, struct buffer *out)
{
	struct json_object *version =
		json_get(json_get(policy->old, "metadata"), "resourceVersion");
	struct json_writer json;

	json_writer_init(&json, out);
	json_begin_object(&json);
	json_key(&json, "apiVersion");
	json_add_string(&json, policy->kind->api_version);
	json_key(&json, "kind");
	json_add_string(&json, policy->kind->kind);
	json_key(&json, "metadata");
	json_begin_object(&json);
	json_key(&json, "name");
	json_add_string(&json, policy->name);
	json_key(&json, "namespace");
	json_add_string(&json, run->name_space);
	json_key(&json, "labels");
	json_begin_object(&json);
	json_key(&json, MANAGED_BY);
	json_add_string(&json, OURS);
	json_end(&json);
	if (version) {
		json_key(&json, "resourceVersion");
		json_add_value(&json, version);
	}
	json_end(&json);
	json_key(&json, "spec");
	json_add_raw(&json, spec);
	json_end(&json);
}

static int label_pod(struct run *run, const char *value, struct error *err)
{
	struct json_writer json;
	struct buffer path, body;
	int r;

	buffer_init(&path, 2048);
	buffer_init(&body, 2048);
	pod_path(run, &path);
	json_writer_init(&json, &body);
	json_begin_object(&json);
	json_key(&json, "metadata");
	json_begin_object(&json);
	json_key(&json, "uid");
	json_add_string(&json, run->uid);
	json_key(&json, "labels");
	json_begin_object(&json);
	json_key(&json, POLICY_LABEL);
	json_add_string(&json, value);
	json_end(&json);
	json_end(&json);
	json_end(&json);
	r = merge_patch(run, path.data, buffer_text(&body), NULL, err);
	buffer_done(&path);
	buffer_done(&body);
	return r;
}

static void remember(struct run *run, const struct policy *policy, const char *path, bool has_label)
{
	run->memory = json_object_new_object();
	json_object_object_add(run->memory, "path", json_object_new_string(path));
	json_object_object_add(run->memory, "label", json_object_new_boolean(has_label));
	json_object_object_add(run->memory, "uid", json_object_new_string(run->uid));
	buffer_printf(&run->result, "%s %s/%s %s", policy->kind->kind, run->name_space,
		policy->name, policy->old ? "changed" : "made");
}

static int put(struct run *run, const struct policy_settings *settings, struct policy *policy,
	struct text spec, struct error *err)
{
	bool is_alone = settings->scope == SCOPE_POD;
	struct buffer path, own, body;
	int r;

	buffer_init(&path, 2048);
	buffer_init(&own, 2048);
	buffer_init(&body, 1024 * 1024);
	policy_path(run, policy, policy->old != NULL, &path);
	policy_path(run, policy, true, &own);
	write_policy(run, policy, spec, &body);
	/* First the policy, then the label: the pod is never marked without being held. */
	r = cluster_ask(run->cluster,
		&(struct cluster_call){ .method = policy->old ? "PUT" : "POST",
			.path = path.data,
			.body = buffer_text(&body) },
		NULL, err);
	if (r == -EEXIST)
		r = -EAGAIN; /* somebody was quicker: read it again */
	if (r >= 0 && is_alone)
		r = label_pod(run, policy->name, err);
	if (r >= 0)
		remember(run, policy, own.data, is_alone);
	buffer_done(&path);
	buffer_done(&own);
	buffer_done(&body);
	return r < 0 ? r : ACTION_DONE;
}

int policy_apply(struct run *run, const struct policy_settings *settings,
	const struct policy_kind *kind, struct error *err)
{
	struct policy policy = { .kind = kind };
	struct json_writer json;
	struct buffer spec;
	char cidr[64] = "";
	int r = kind->is_for_address ? find_address(run, cidr, err) : 0;

	if (!r)
		r = begin(run, settings, &policy, err);
	buffer_init(&spec, 1024 * 1024);
	if (!r) {
		json_writer_init(&json, &spec);
		kind->write_spec(settings, &policy, cidr, &json);
		r = put(run, settings, &policy, buffer_text(&spec), err);
	}
	buffer_done(&spec);
	text_map_done(&policy.labels);
	json_object_put(policy.old);
	return r;
}

int policy_undo(
	struct run *run, const void *parameters, struct json_object *memory, struct error *err)
{
	struct json_object *uid = json_get(memory, "uid");
	int r = cluster_ask(run->cluster,
		&(struct cluster_call){ .method = "DELETE",
			.path = json_object_get_string(json_get(memory, "path")) },
		NULL, err);

	if (r < 0 && r != -ENOENT)
		return r;
	buffer_add_string(&run->result, "the policy is taken away");
	if (!json_get_bool(memory, "label", false))
		return ACTION_DONE;
	free(run->uid);
	run->uid = string_copy(uid ? json_object_get_string(uid) : NULL);
	r = label_pod(run, NULL, err);
	return r < 0 && r != -ENOENT && r != -EEXIST ? r : ACTION_DONE;
}

void policy_write_selector(const struct policy *policy, struct json_writer *json)
{
	json_begin_object(json);
	json_key(json, "matchLabels");
	json_begin_object(json);
	for (size_t i = 0; i < policy->labels.count; i++) {
		json_key(json, policy->labels.keys[i]);
		json_add_string(json, policy->labels.values[i]);
	}
	json_end(json);
	json_end(json);
}
