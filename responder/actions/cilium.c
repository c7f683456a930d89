/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A CiliumNetworkPolicy: the address that the alert names is denied, with those of before; what is
 * allowed beside it, everything unless said otherwise.
 */
#include <json-c/json.h>

#include "base/memory.h"
#include "responder/actions/policy.h"

static const struct setting rows[] = { POLICY_ROWS };

static void write_denied(const struct policy *policy, const char *cidr, struct json_writer *json)
{
	struct json_object *rules = json_get(json_get(policy->old, "spec"), "egressDeny");
	struct json_object *first = json_object_is_type(rules, json_type_array)
					    ? json_object_array_get_idx(rules, 0)
					    : NULL;
	struct json_object *before = json_get(first, "toCIDR");

	json_begin_array(json);
	json_begin_object(json);
	json_key(json, "toCIDR");
	json_begin_array(json);
	json_add_string(json, cidr);
	for (size_t i = 0; json_object_is_type(before, json_type_array) &&
			   i < json_object_array_length(before);
		i++) {
		const char *one = json_object_get_string(json_object_array_get_idx(before, i));

		if (one && strcmp(one, cidr))
			json_add_string(json, one);
	}
	json_end(json);
	json_end(json);
	json_end(json);
}

static void write_networks(const struct policy_settings *settings, struct json_writer *json)
{
	json_begin_object(json);
	json_key(json, "toCIDR");
	json_begin_array(json);
	for (size_t i = 0; i < settings->allow_cidr.count; i++)
		json_add_string(json, settings->allow_cidr.items[i]);
	if (!settings->allow_cidr.count) {
		json_add_string(json, "0.0.0.0/0");
		json_add_string(json, "::/0");
	}
	json_end(json);
	json_end(json);
}

static void write_namespaces(const struct policy_settings *settings, struct json_writer *json)
{
	json_begin_object(json);
	json_key(json, "toEndpoints");
	json_begin_array(json);
	for (size_t i = 0; i < settings->allow_namespaces.count; i++) {
		json_begin_object(json);
		json_key(json, "matchLabels");
		json_begin_object(json);
		json_key(json, "k8s:io.kubernetes.pod.namespace");
		json_add_string(json, settings->allow_namespaces.items[i]);
		json_end(json);
		json_end(json);
	}
	json_end(json);
	json_end(json);
}

static void write_spec(const struct policy_settings *settings, const struct policy *policy,
	const char *cidr, struct json_writer *json)
{
	json_begin_object(json);
	json_key(json, "endpointSelector");
	policy_write_selector(policy, json);
	json_key(json, "egressDeny");
	write_denied(policy, cidr, json);
	json_key(json, "egress");
	json_begin_array(json);
	if (settings->allow_cidr.count || !settings->allow_namespaces.count)
		write_networks(settings, json);
	if (settings->allow_namespaces.count)
		write_namespaces(settings, json);
	json_end(json);
	json_end(json);
}

static const struct policy_kind kind = {
	.api_version = "cilium.io/v2",
	.kind = "CiliumNetworkPolicy",
	.plural = "ciliumnetworkpolicies",
	.is_for_address = true,
	.write_spec = write_spec,
};

static int deny(struct run *run, const void *parameters, struct error *err)
{
	return policy_apply(run, parameters, &kind, err);
}

static const struct action_need needs[] = {
	{ "cilium.io", "ciliumnetworkpolicies", "get create update delete", false, NULL },
	POLICY_NEEDS,
	{},
};

const struct action action_cilium = {
	.name = "cilium:networkpolicy",
	.about = "Denies the pod the address that the alert names, by Cilium",
	.target = TARGET_POD,
	.continues = true,
	.is_repeatable = true,
	.rows = rows,
	.row_count = COUNT_OF(rows),
	.parameters_size = sizeof(struct policy_settings),
	.needs = needs,
	.check = policy_check,
	.run = deny,
	.undo = policy_undo,
};
