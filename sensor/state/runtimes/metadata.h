/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a runtime knows about a container. Made on the metadata thread, immutable from then on,
 * and held by whoever still needs it.
 *
 * Runtimes pass on what users wrote, so all of it is hostile: every text is cut to a bound, made
 * valid UTF-8 and freed of control characters when it is kept, and a container has a ceiling in
 * bytes. What was cut is counted in `cut`.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/text.h"

/* Of one container or pod, all texts together. */
#define METADATA_BYTES_MAX  (512 * 1024)
#define METADATA_TEXT_MAX   4096
#define METADATA_LABELS_MAX 1024
#define METADATA_MOUNTS_MAX 512
/* Labels, and mounts, have parts of their own, so that they cannot push out what else is known. */
#define METADATA_LABELS_BYTES_MAX (128 * 1024)
#define METADATA_MOUNTS_BYTES_MAX (64 * 1024)
/* All labels, or all mounts, as one text. */
#define METADATA_JOINED_MAX (16 * 1024)

/* Absent texts have no data; they end in NUL otherwise. */
enum tristate { NOT_KNOWN, NO, YES };

struct label {
	struct text key, value;
};

struct labels {
	struct label *items; /* sorted by key */
	size_t count;
	size_t capacity;
	size_t bytes; /* of their texts */
};

struct mount {
	struct text source, destination, mode, propagation;
	struct text text; /* "source:destination:mode:true|false:propagation", set when added */
	bool is_writable;
};

/* Memory of a container's or pod's texts. */
struct kept {
	void **blocks;
	size_t count, capacity;
	size_t bytes;
	unsigned cut; /* texts, labels and mounts that were shortened or left out */
};

/* A pod is shared by its containers. */
struct pod {
	atomic_uint references;
	struct text sandbox_id; /* all of it */
	struct text name, uid, namespace_name;
	struct text ip;	      /* the first IPv4 address, else the first address */
	struct text cni_json; /* what the network plugin answered */
	struct labels labels;
	struct text labels_text; /* "key:value" of all, joined by ", "; cut between two */
	struct text manifest;	 /* what kubectl last applied: JSON */
	enum tristate host_pid, host_network, host_ipc;
	struct kept kept;
};

struct metadata {
	atomic_uint references;
	const char *runtime; /* "docker", "podman", "cri-o", "containerd": a constant */
	struct text name;
	struct text image; /* as its user named it */
	struct text image_id;
	struct text repository, tag, digest;
	struct text ip;
	struct labels labels;
	struct text labels_text; /* as of a pod */
	struct mount *mounts;
	size_t mount_count, mount_capacity, mount_bytes;
	struct text mounts_text; /* all mounts, joined by "," */
	enum tristate is_privileged, host_pid, host_network, host_ipc;
	bool is_sandbox;		/* the pod's own: pause */
	bool is_partial;		/* more of the pod and of the image is being asked for */
	int64_t created_ns, started_ns; /* since 1970; 0: not known */
	/* Command lines, words joined by blanks; "NONE": switched off by its owner. */
	struct text healthcheck, liveness_probe, readiness_probe;
	const struct pod *pod; /* NULL: in none, or not known */
	struct kept kept;
};

struct metadata *metadata_new(const char *runtime);
const struct metadata *metadata_hold(const struct metadata *metadata);
/* NULL is fine. From any thread. */
void metadata_release(const struct metadata *metadata);
struct pod *pod_new(void);
const struct pod *pod_hold(const struct pod *pod);
void pod_release(const struct pod *pod);

static inline void metadata_releasep(struct metadata **metadata)
{
	metadata_release(*metadata);
}

static inline void pod_releasep(struct pod **pod)
{
	pod_release(*pod);
}

void kept_done(struct kept *kept);
/* A cleaned copy that lives as long as its owner; nothing for nothing. Too long: cut. */
struct text keep_text(struct kept *kept, struct text text);
/* The same with a bound of the caller's. */
struct text keep_text_up_to(struct kept *kept, struct text text, size_t limit);
/* Whether `kept` is what keep_text() makes of `raw`. */
bool kept_equals(struct text kept, struct text raw);
/*
 * Adds many: first those with short values, so that no heap of long ones pushes them out. A key
 * that comes twice keeps the value that was added first.
 */
void labels_add_all(
	struct labels *labels, struct kept *kept, const struct label *from, size_t count);
/* Adds a label; one whose key is there already, empty, or beyond the bounds is left out. */
void labels_add(struct labels *labels, struct kept *kept, struct text key, struct text value);
/* The value, or a slice without data. */
struct text labels_get(const struct labels *labels, const char *key);
struct text labels_find(const struct labels *labels, struct text key);
/* Adds a mount; its texts are kept. */
void metadata_add_mount(struct metadata *metadata, const struct mount *mount);

/*
 * The parts of an image's reference: "registry:5000/team/app:1.2@sha256:…" has the repository
 * "registry:5000/team/app", the tag "1.2" and the digest "sha256:…". Absent parts have no data;
 * "sha256:…" has none but the digest, an image's bare id (64 hexadecimal digits) has none.
 */
struct image_name {
	struct text repository, tag, digest;
};
struct image_name image_name_split(struct text reference);
/*
 * Sets repository, tag and digest from what is known of an image: its name as its user wrote it,
 * and the runtime's lists of "repository:tag" and "repository@digest". The user's name wins;
 * without one the first of the list is taken. A name without tag and digest means "latest".
 */
void metadata_set_image(struct metadata *metadata, struct text name, const struct text *tags,
	size_t tag_count, const struct text *digests, size_t digest_count);
/* The pod's texts that are made of others; once, when all else is set. */
void pod_finish(struct pod *pod);
/*
 * Likewise of a container, and what its labels and its pod's manifest tell: the pod where the
 * runtime knows none, and the probes.
 */
void metadata_finish(struct metadata *metadata);
