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
	CONTAINER_BPM, /* Cloud Foundry's process manager */
};

/* How far the runtimes are with what they know of a container. */
enum metadata_state {
	METADATA_NONE,	  /* nobody can know more: the host, a bare bundle */
	METADATA_AWAITED, /* they were asked */
	METADATA_KNOWN,
	METADATA_UNKNOWN, /* nobody that answered knows it */
};

struct metadata;
struct runtimes;

struct container {
	enum container_kind kind;
	struct text id;	     /* "host", or the first 12 characters */
	struct text full_id; /* "host", or all of it */
	struct text name;    /* "host", or of a bare bundle its id; NULL data: not known (yet) */
	uint64_t serial;     /* of all containers that ever were in the table; the host's is 0 */
	enum metadata_state state;
	uint32_t version; /* another one when something is known of it that was not before */
	const struct metadata *metadata; /* NULL: none (yet); it may be replaced by fuller one */
	uint32_t references;
};

/* "host", "docker", "containerd", "cri-o", "podman", "runc", "lxc", "systemd-nspawn", "bpm". */
const char *container_kind_name(enum container_kind kind);

/* A container stays valid while it is held, also when the table has forgotten it. */
const struct container *container_hold(const struct container *container);
void container_release(const struct container *container);

struct containers;
struct containers *containers_new(void);
void containers_free(struct containers *containers);
/* Whom to ask about containers; before any is seen. Without it nobody is asked. Borrowed. */
void containers_set_runtimes(struct containers *containers, struct runtimes *runtimes);

/*
 * Instead of the runtimes: metadata that is known beforehand, told when a container is first seen.
 * NULL: nobody knows it. The table holds what it gets.
 */
typedef const struct metadata *container_teller(
	void *context, enum container_kind kind, struct text full_id);
void containers_set_teller(struct containers *containers, container_teller *tell, void *context);
/* Is told of each container that a runtime answered about. */
typedef void container_witness(void *context, const struct container *container);
/* All containers with metadata. */
void containers_visit(const struct containers *containers, container_witness *visit, void *context);
void containers_set_witness(
	struct containers *containers, container_witness *witness, void *context);

/* What the table holds at most; beyond it a new container is the host's, and counted. */
#define CONTAINERS_MAX 65536
/* One that nobody holds is forgotten when it was not seen for so long. */
#define CONTAINERS_FORGET_MS 30000

/*
 * The container of a cgroup path, made when it is new: then the runtimes are asked. Never NULL:
 * paths that belong to no container give the host. Borrowed until the next containers_update().
 * `is_isolated`: as in container_id_in_cgroup().
 */
const struct container *containers_of_cgroup(
	struct containers *containers, struct text cgroup, bool is_isolated);
/* A cgroup was made: if it is a container's, the runtimes are asked before anything runs in it. */
void containers_expect(struct containers *containers, struct text cgroup);
/*
 * Takes what the runtimes answered, and now and then forgets what is gone. True when something is
 * known that was not before. Cheap enough to be called for every event.
 */
bool containers_update(struct containers *containers, int64_t now_ms);

struct containers_counters {
	uint64_t containers; /* in the table now */
	uint64_t awaited;    /* of them: asked about and not yet answered */
	uint64_t refused;    /* because the table was full */
	uint64_t forgotten;
};
void containers_counters(const struct containers *containers, struct containers_counters *ret);

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

/*
 * Which of a process' two paths says where it is: the one of the default hierarchy, unless only
 * the one of version 1 has the form of a container. (Under a hybrid host an old runtime makes its
 * cgroups in version 1 alone, and the other path is that of the runtime's own service.)
 */
struct text cgroup_deciding(struct text unified, struct text v1);
