/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Containers: from a cgroup path to who that is. The id is in the path and known at once; all
 * other metadata comes from the runtimes later, and until then its fields WAIT.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"

enum container_kind {
	CONTAINER_HOST,
	CONTAINER_DOCKER,
	CONTAINER_CONTAINERD,
	CONTAINER_CRIO,
	CONTAINER_PODMAN,
	CONTAINER_RUNC, /* a bundle run by runc or crun without an engine above */
	CONTAINER_LXC,
	CONTAINER_NSPAWN,
};

struct container {
	enum container_kind kind;
	struct text id;	     /* "host", or the first 12 characters */
	struct text full_id; /* "host", or all of it */
	struct text name;    /* "host"; NULL data: not known */
};

/* "host", "docker", "containerd", "cri-o", "podman", "runc", "lxc", "systemd-nspawn". */
const char *container_kind_name(enum container_kind kind);

struct containers;
struct containers *containers_new(void);
void containers_free(struct containers *containers);

/* What the table holds at most; beyond it a new container is the host's, and counted. */
#define CONTAINERS_MAX 65536

/*
 * The container of a cgroup path, made when it is new. Never NULL: paths that belong to no
 * container give the host. Lives as long as the table. `is_isolated`: as in
 * container_id_in_cgroup().
 */
const struct container *containers_of_cgroup(
	struct containers *containers, struct text cgroup, bool is_isolated);
/* Containers that were refused because the table was full. */
uint64_t containers_refused(const struct containers *containers);

/*
 * Finds kind and id in a cgroup path, v1 or v2. The engines are known by the form of their paths;
 * a nested one wins over what it is nested in. False: the host. `ret_id` is a slice of `cgroup`.
 *
 * A bundle that runc runs by itself has a path of its owner's choice, so there is nothing to see
 * in it: then a process whose pid and mount namespaces are not the host's (`is_isolated`) is in a
 * container named by the last part of the path, unless that part is a unit of systemd.
 */
bool container_id_in_cgroup(
	struct text cgroup, bool is_isolated, enum container_kind *ret_kind, struct text *ret_id);
