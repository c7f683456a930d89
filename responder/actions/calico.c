/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A NetworkPolicy of Calico: the address that the alert names is denied, with those of before; then
 * comes what is allowed.
 */
#include <json-c/json.h>

#include "base/memory.h"
#include "responder/actions/policy.h"

static const struct setting rows[] = {
	POLICY_ROWS,
	{ .key = "order",
		.type = SETTING_INTEGER,
		.at = offsetof(struct policy_settings, order),
		.minimum = 0,
		.maximum = 1000000,
		.fallback = "0",
		.about = "Its place among policies: the lowest is asked first" },
};

/* Denied before: the nets of the first rule of the policy as it is. */
static struct json_object *denied_before(const struct policy *policy)
{
	struct json_object *egress = json_get(json_get(policy->old, "spec"), "egress");
	struct json_object *first = json_object_is_type(egress, json_type_array)
					    ? json_object_array_get_idx(egress, 0)
					    : NULL;

	return text_is(json_get_text(first, "action"), "Deny")
		       ? json_get(json_get(first, "destination"), "nets")
		       : NULL;
}

static void write_denied(const struct policy *policy, const char *cidr, struct json_writer *json)
{
	struct json_object *before = denied_before(policy);

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
}

static void begin_rule(struct json_writer *json, const char *action)
{
	json_begin_object(json);
	json_key(json, "action");
	json_add_string(json, action);
	json_key(json, "destination");
	json_begin_object(json);
}

static void end_rule(struct json_writer *json)
{
	json_end(json);
	json_end(json);
}

static void write_allowed(const struct policy_settings *settings, struct json_writer *json)
{
	if (settings->allow_cidr.count || !settings->allow_namespaces.count) {
		begin_rule(json, "Allow");
		json_key(json, "nets");
		json_begin_array(json);
		for (size_t i = 0; i < settings->allow_cidr.count; i++)
			json_add_string(json, settings->allow_cidr.items[i]);
		if (!settings->allow_cidr.count)
			json_add_string(json, "0.0.0.0/0");
		json_end(json);
		end_rule(json);
	}
	for (size_t i = 0; i < settings->allow_namespaces.count; i++) {
		_cleanup_(freep) char *selector = string_printf(
			"kubernetes.io/metadata.name == '%s'", settings->allow_namespaces.items[i]);

		begin_rule(json, "Allow");
		json_key(json, "namespaceSelector");
		json_add_string(json, selector);
		end_rule(json);
	}
}

static void write_selector(const struct policy *policy, struct json_writer *json)
{
	struct buffer selector;

	buffer_init(&selector, 64 * 1024);
	for (size_t i = 0; i < policy->labels.count; i++)
		buffer_printf(&selector, "%s%s == '%s'", i ? " && " : "", policy->labels.keys[i],
			policy->labels.values[i]);
	json_key(json, "selector");
	json_add_text(json, buffer_text(&selector));
	buffer_done(&selector);
}

static void write_spec(const struct policy_settings *settings, const struct policy *policy,
	const char *cidr, struct json_writer *json)
{
	json_begin_object(json);
	json_key(json, "order");
	json_add_i64(json, settings->order);
	write_selector(policy, json);
	json_key(json, "types");
	json_begin_array(json);
	json_add_string(json, "Egress");
	json_end(json);
	json_key(json, "egress");
	json_begin_array(json);
	begin_rule(json, "Deny");
	json_key(json, "nets");
	write_denied(policy, cidr, json);
	end_rule(json);
	write_allowed(settings, json);
	json_end(json);
	json_end(json);
}

static const struct policy_kind kind = {
	.api_version = "projectcalico.org/v3",
	.kind = "NetworkPolicy",
	.plural = "networkpolicies",
	.is_for_address = true,
	.write_spec = write_spec,
};

static int deny(struct run *run, const void *parameters, struct error *err)
{
	return policy_apply(run, parameters, &kind, err);
}

static const struct action_need needs[] = {
	{ "projectcalico.org", "networkpolicies", "get create update delete", false, NULL },
	POLICY_NEEDS,
	{},
};

const struct action action_calico = {
	.name = "calico:networkpolicy",
	.about = "Denies the pod the address that the alert names, by Calico",
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
