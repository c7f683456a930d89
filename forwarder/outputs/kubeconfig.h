/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For outputs that reach a service inside the cluster: from inside by its name, or from outside,
 * with a kubeconfig, through the API server. A kubeconfig that is only named and not there, as
 * Falcosidekick's chart does, has no effect.
 */
#pragma once

#include "forwarder/kubernetes-api.h"
#include "forwarder/output.h"

struct kube_service {
	const char *name, *name_space;
	int64_t port;
	const char *kubeconfig;
};

/* What a setting of a kubeconfig says about itself. */
#define KUBECONFIG_ABOUT \
	"Kubeconfig of a cluster that the forwarder is outside of; has no effect while there is no such file"

bool kubeconfig_is_there(const char *path);
/* -EINVAL with words when the file is there and cannot be used. */
int kubeconfig_check(const char *key, const char *path, struct error *err);
/* Adds the path to the service through the API server; kubeconfig_sign() adds the server. */
void kube_service_url(struct request *request, const struct kube_service *service);
/* output.h's, over a struct kubernetes_api as memory. */
int kubeconfig_prepare(const struct preparing *at, const char *path, struct error *err);
enum verdict kubeconfig_learn(
	const struct preparing *at, const struct http_answer *answer, struct error *err);
void kubeconfig_forget(void *memory);
int kubeconfig_sign(struct request *request, const struct preparing *at, struct error *err);
#define KUBECONFIG_IDENTITY                                               \
	.memory_size = sizeof(struct kubernetes_api), .prepare = prepare, \
	.learn = kubeconfig_learn, .forget = kubeconfig_forget, .sign = kubeconfig_sign
