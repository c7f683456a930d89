/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls of the Kubernetes API. A cluster belongs to one thread.
 */
#pragma once

#include "base/error.h"
#include "base/http-client.h"
#include "base/json.h"
#include "kubernetes/access.h"

struct cluster;

#define CLUSTER_ANSWER_MAX (32 * 1024 * 1024)

/* `api` must outlive it. */
struct cluster *cluster_new(const struct kubernetes_api *api);
void cluster_free(struct cluster *cluster);
const struct kubernetes_api *cluster_api(const struct cluster *cluster);

struct cluster_call {
	const char *method;
	const char *path;  /* with its query; each part escaped by path_add() */
	const char *media; /* NULL: application/json */
	struct text body;
	int64_t timeout_ms; /* 0: 10 s */
	size_t answer_max;  /* 0: CLUSTER_ANSWER_MAX */
};

/*
 * The status (2xx) when it went well; `ret_object` (may be NULL) gets the answer, which the caller
 * puts. -EAGAIN: the server cannot be reached or is not well, so try later; -ENOENT (404), -EEXIST
 * (409), -EACCES (401, 403), -EINVAL (400, 422), -EIO, each with the server's words.
 */
int cluster_ask(struct cluster *cluster, const struct cluster_call *call,
	struct json_object **ret_object, struct error *err);
/* As cluster_ask(), for answers that are no JSON. */
int cluster_ask_text(struct cluster *cluster, const struct cluster_call *call, struct buffer *out,
	struct error *err);

/* "Authorization: Bearer …" of now, or NULL; the caller frees it. */
int cluster_authorization(const struct kubernetes_api *api, char **ret_header, struct error *err);

/* Adds "/" and a part of a path, escaped. */
void path_add(struct buffer *path, const char *part);
/* "/api/v1/namespaces/NS/pods/POD" and such; NULL ends the parts; into `path`, which is begun. */
void path_of(struct buffer *path, const char *const *parts);
/* RFC 1123 names, as Kubernetes wants them in paths: a-z 0-9 - . and at most 253. */
bool is_object_name(struct text name);
