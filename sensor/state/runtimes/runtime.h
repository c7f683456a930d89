/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How one kind of runtime is asked about a container: a row of steps, each of which composes a
 * request and takes its answer. Nothing here waits or connects; runtimes.c does.
 */
#pragma once

#include "base/error.h"
#include "base/http-client.h"
#include "sensor/state/containers.h"
#include "sensor/state/runtimes/metadata.h"

#define SANDBOX_ID_MAX	 128
#define IMAGE_NAMES_MAX	 16
#define ANSWER_BYTES_MAX (4 * 1024 * 1024)

/* What a runtime tells of an image: "repository:tag" and "repository@digest". */
struct image_facts {
	struct text id;
	struct text tags[IMAGE_NAMES_MAX], digests[IMAGE_NAMES_MAX];
	size_t tag_count, digest_count;
	struct kept kept;
};

/* One container, while one runtime is being asked about it. */
struct fetch {
	struct text id;	    /* all of it */
	const char *prefix; /* what stands before the paths of the API's version that answered */
	struct metadata *metadata;
	struct text sandbox_id;		 /* kept in metadata; no data: none known */
	struct text image_name;		 /* as its user wrote it, if that is a name */
	struct text image;		 /* id or name by which the runtime finds the image */
	bool is_no_container;		 /* perhaps it is a pod's sandbox */
	const struct pod *pod;		 /* known from before; borrowed */
	const struct image_facts *facts; /* likewise */
	struct pod *ret_pod;		 /* what the answers told, to be remembered; owned */
	struct image_facts *ret_facts;
};

/* What a step wants to have sent. */
struct request {
	char path[768];
	struct buffer body;
	bool is_get;
};

struct step {
	/* False when there is nothing to ask. */
	bool (*compose)(const struct fetch *fetch, struct request *request);
	/*
	 * 0; -ENOENT: there is no such container; -EPROTO with words: not to be understood;
	 * -EAGAIN with words: it failed.
	 * The answer's status, gRPC's too, has not been looked at.
	 */
	int (*take)(struct fetch *fetch, const struct http_answer *answer, struct error *err);
};

/* Takes over the facts of one image; `key` is what fetch->image may be of its containers. */
typedef void image_witness(void *context, struct text key, struct image_facts *facts);

struct runtime_kind {
	const char *name;
	bool uses_grpc;
	bool has_pods; /* whose sandboxes have ids and cgroups as containers have */
	/* Prefixes of the API's versions, the best first; ended by NULL. */
	const char *const *prefixes;
	/* Asks for the version. `ret_about`: "containerd 1.6.20". -ENOENT: no such API version. */
	void (*compose_version)(const char *prefix, struct request *request);
	int (*take_version)(
		const struct http_answer *answer, struct buffer *ret_about, struct error *err);
	const struct step *steps;
	size_t step_count;
	/* Asks for all images, so that a container's digest needs no call of its own. NULL: no
	 * need. */
	int64_t list_images_every_ms; /* at most: a burst of containers costs a few lists */
	void (*compose_images)(const char *prefix, struct request *request);
	void (*take_images)(const struct http_answer *answer, image_witness *tell, void *context);
	/* Asks for the folder on the host in which it keeps its files. NULL: they do not help. */
	void (*compose_root)(const char *prefix, struct request *request);
	/* The whole path; a slice without data when the answer has none. */
	struct text (*take_root)(const struct http_answer *answer, struct kept *kept);
	/* Fills fetch->metadata from these files, as far as it can be known before the start. */
	int (*read_files)(const char *root, struct fetch *fetch, struct error *err);
};

extern const struct runtime_kind runtime_cri, runtime_docker, runtime_podman;

void image_facts_free(struct image_facts *facts);
/*
 * "an answer of status 500: …" with the runtime's own words. -EAGAIN when it failed at something (a
 * lock, a store that another call is at): it may know better in a moment. -EPROTO: it will not.
 */
int answer_error(const struct http_answer *answer, struct error *err);
