/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How to reach a cluster's API server: by the pod's own service account, or by a kubeconfig.
 */
#pragma once

#include <stdbool.h>

#include "base/error.h"

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
