/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How to reach a cluster's API server: by the pod's own service account, or by a kubeconfig.
 */
#pragma once

#include "forwarder/request.h"

/* Zeroes: nothing known yet. */
struct kubernetes_api {
	char *server; /* "https://10.0.0.1:443" */
	char *name_space;
	char *token, *token_file; /* the file is read again for each request */
	char *user, *password;
	char *ca, *certificate, *key; /* PEM */
	bool trusts_anyone;	      /* insecure-skip-tls-verify */
};

/*
 * From a kubeconfig (its current context), or with NULL from the pod (KUBERNETES_SERVICE_HOST,
 * /var/run/secrets/kubernetes.io/serviceaccount). -EINVAL or an errno, with words.
 */
int kubernetes_api_load(const char *path, struct kubernetes_api *api, struct error *err);
void kubernetes_api_done(struct kubernetes_api *api);
/*
 * Puts the server before a request's URL, which is a path so far, and who we are beside it. The
 * request borrows from `api`.
 */
int kubernetes_api_sign(
	const struct kubernetes_api *api, struct request *request, struct error *err);
