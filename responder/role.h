/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rights that playbooks need, as Kubernetes' RBAC objects: from the needs of the actions that
 * their rules use, and no more.
 */
#pragma once

#include "responder/playbooks.h"

struct role_names {
	const char *name, *name_space; /* of the service account */
	bool wants_lease, wants_events;
};

/* A ServiceAccount, a ClusterRole, a ClusterRoleBinding, a Role for the Lease; YAML. */
void role_write(
	const struct playbooks *playbooks, const struct role_names *names, struct buffer *out);
/* tercel-responder role [--name N] [--namespace NS] [--no-lease] FILE…: prints it. */
int role_command(int argc, char **argv);
