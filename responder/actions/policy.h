/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the network policies of Kubernetes, Calico and Cilium share: whom they hold, and how they
 * are put and taken away.
 */
#pragma once

#include "responder/action.h"

enum policy_scope { SCOPE_OWNER, SCOPE_POD };

struct policy_settings {
	struct text_list allow_cidr, allow_namespaces;
	int scope; /* enum policy_scope */
	int deny;  /* index into "egress ingress both" */
	int64_t order;
};

#define POLICY_ROWS                                                                           \
	{ .key = "allow_cidr",                                                                \
		.type = SETTING_LIST,                                                         \
		.at = offsetof(struct policy_settings, allow_cidr),                           \
		.about = "Networks that stay reachable" },                                    \
		{ .key = "allow_namespaces",                                                  \
			.type = SETTING_LIST,                                                 \
			.at = offsetof(struct policy_settings, allow_namespaces),             \
			.about = "Namespaces that stay reachable" },                          \
	{                                                                                     \
		.key = "scope", .type = SETTING_CHOICE, .choices = "owner pod",               \
		.fallback = "owner", .at = offsetof(struct policy_settings, scope),           \
		.about = "Whom: all pods of the pod's owner as Talon does, or the pod alone " \
			 "by a label of its own"                                              \
	}

/* The label that marks a pod that is held alone; its value is the policy's name. */
#define POLICY_LABEL "tercel.dev/quarantine"

#define POLICY_NEEDS                                                     \
	{ "apps", "replicasets", "get", false, "scope=owner" },          \
		{ "apps", "daemonsets", "get", false, "scope=owner" },   \
		{ "apps", "statefulsets", "get", false, "scope=owner" }, \
		{ "apps", "deployments", "get", false, "scope=owner" },  \
	{                                                                \
		"", "pods", "patch", false, "scope=pod"                  \
	}

int policy_check(const void *parameters, struct error *err);

/* One to be put. */
struct policy {
	const struct policy_kind *kind;
	char name[254];
	struct text_map labels;	 /* of the pods that it holds */
	struct json_object *old; /* as it was; NULL when there was none */
};

/* What tells the three apart. */
struct policy_kind {
	const char *api_version, *kind, *plural; /* "networking.k8s.io/v1" … */
	/*
	 * Whether it closes the way to the address that the alert names (fd.rip, else fd.sip); then
	 * `cidr` has it with its whole prefix, else "", and an alert that names none is -EINVAL.
	 */
	bool is_for_address;
	/* The policy's .spec, one JSON object. */
	void (*write_spec)(const struct policy_settings *settings, const struct policy *policy,
		const char *cidr, struct json_writer *json);
};

/*
 * Chooses name and labels, puts the policy, labels the pod where it is held alone, and remembers
 * what undo needs. A policy of that name that is not ours is an error.
 */
int policy_apply(struct run *run, const struct policy_settings *settings,
	const struct policy_kind *kind, struct error *err);
int policy_undo(
	struct run *run, const void *parameters, struct json_object *memory, struct error *err);
/* {"matchLabels":{…}} */
void policy_write_selector(const struct policy *policy, struct json_writer *json);
