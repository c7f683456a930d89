/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A NetworkPolicy of Kubernetes: no way out (and in, where asked for) but to what is allowed.
 */
#include "base/memory.h"
#include "responder/actions/policy.h"

enum { DENY_EGRESS, DENY_INGRESS, DENY_BOTH };

static const struct setting rows[] = {
	POLICY_ROWS,
	{ .key = "allow",
		.type = SETTING_LIST,
		.at = offsetof(struct policy_settings, allow_cidr),
		.about = "The same as allow_cidr, as Talon's own example has it" },
	{ .key = "deny",
		.type = SETTING_CHOICE,
		.choices = "egress ingress both",
		.fallback = "egress",
		.at = offsetof(struct policy_settings, deny),
		.about = "Which way is closed" },
};

static void write_peers(const struct policy_settings *settings, struct json_writer *json)
{
	json_begin_array(json);
	for (size_t i = 0; i < settings->allow_cidr.count; i++) {
		json_begin_object(json);
		json_key(json, "ipBlock");
		json_begin_object(json);
		json_key(json, "cidr");
		json_add_string(json, settings->allow_cidr.items[i]);
		json_end(json);
		json_end(json);
	}
	for (size_t i = 0; i < settings->allow_namespaces.count; i++) {
		json_begin_object(json);
		json_key(json, "namespaceSelector");
		json_begin_object(json);
		json_key(json, "matchLabels");
		json_begin_object(json);
		json_key(json, "kubernetes.io/metadata.name");
		json_add_string(json, settings->allow_namespaces.items[i]);
		json_end(json);
		json_end(json);
		json_end(json);
	}
	json_end(json);
}

/* A way without rules lets nothing through. */
static void write_way(const struct policy_settings *settings, const char *way, const char *peers,
	struct json_writer *json)
{
	json_key(json, way);
	json_begin_array(json);
	if (settings->allow_cidr.count || settings->allow_namespaces.count) {
		json_begin_object(json);
		json_key(json, peers);
		write_peers(settings, json);
		json_end(json);
	}
	json_end(json);
}

static void write_spec(const struct policy_settings *settings, const struct policy *policy,
	const char *cidr, struct json_writer *json)
{
	json_begin_object(json);
	json_key(json, "podSelector");
	policy_write_selector(policy, json);
	json_key(json, "policyTypes");
	json_begin_array(json);
	if (settings->deny != DENY_INGRESS)
		json_add_string(json, "Egress");
	if (settings->deny != DENY_EGRESS)
		json_add_string(json, "Ingress");
	json_end(json);
	if (settings->deny != DENY_INGRESS)
		write_way(settings, "egress", "to", json);
	if (settings->deny != DENY_EGRESS)
		write_way(settings, "ingress", "from", json);
	json_end(json);
}

static const struct policy_kind kind = {
	.api_version = "networking.k8s.io/v1",
	.kind = "NetworkPolicy",
	.plural = "networkpolicies",
	.write_spec = write_spec,
};

static int isolate(struct run *run, const void *parameters, struct error *err)
{
	return policy_apply(run, parameters, &kind, err);
}

static const struct action_need needs[] = {
	{ "networking.k8s.io", "networkpolicies", "get create update delete", false, NULL },
	POLICY_NEEDS,
	{},
};

const struct action action_networkpolicy = {
	.name = "kubernetes:networkpolicy",
	.about = "Closes the pod's network but for what is allowed",
	.target = TARGET_POD,
	.continues = true,
	.is_repeatable = true,
	.rows = rows,
	.row_count = COUNT_OF(rows),
	.parameters_size = sizeof(struct policy_settings),
	.needs = needs,
	.check = policy_check,
	.run = isolate,
	.undo = policy_undo,
};
