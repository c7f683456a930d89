/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Guard rails: what must be true before anything is done. Each refusal has words for a person.
 */
#pragma once

#include "responder/action.h"
#include "responder/ledger.h"
#include "responder/playbooks.h"

/* Shell patterns over a list; "" and NULL match nothing. */
bool list_matches(const struct text_list *patterns, const char *name);

/* Whether the namespace is one to act in: not protected, not our own, or named by the rule. */
int guard_namespace(const struct responder_settings *settings, const struct text_list *may_touch,
	const char *name_space, const struct kubernetes_api *api, struct error *err);
/*
 * What needs no cluster: whether the namespace is one to act in, the names are names, the rule is
 * on duty. -EPERM with why not.
 */
int guard_before(const struct responder_settings *settings, const struct rule *rule,
	const struct response *response, const struct kubernetes_api *api, struct error *err);
/*
 * Reads the pod into run->object and holds it against the alert: same UID, made before the alert,
 * on the node that the alert came from. Fills in run->uid and run->node. -EPERM with why not;
 * -EAGAIN when the API server cannot be asked.
 */
int guard_pod(struct run *run, struct error *err);
/*
 * Would enough pods of the run's pod's owner stay ready without it? `claim` is a number or a
 * percentage; NULL or "": no claim. -EPERM with why not; -EAGAIN.
 */
int healthy_check(struct run *run, const char *claim, struct error *err);
/* -EINVAL with words unless it is "3", "33%" or empty. */
int healthy_parse(const char *claim, int64_t *ret_number, bool *ret_is_percent, struct error *err);
/* The controller among an object's owners, or NULL. */
struct json_object *owner_of(struct json_object *object);
/* Reads an owner of apps/v1; ret_object NULL where its kind is none of those. */
int owner_read(struct cluster *cluster, const char *name_space, struct json_object *owner,
	struct json_object **ret_object, struct error *err);
