/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Services through the API server (kubernetes.io, "Access Services Running on Clusters").
 */
#include <unistd.h>

#include "base/memory.h"
#include "forwarder/outputs/kubeconfig.h"

bool kubeconfig_is_there(const char *path)
{
	return is_set(path) && access(path, R_OK) == 0;
}

int kubeconfig_check(const char *key, const char *path, struct error *err)
{
	struct kubernetes_api api = { 0 };
	int r;

	if (!kubeconfig_is_there(path))
		return 0;
	r = kubernetes_api_load(path, &api, err);
	kubernetes_api_done(&api);
	return r < 0 ? error_prefix(err, "%s", key) : 0;
}

void kube_service_url(struct request *request, const struct kube_service *service)
{
	buffer_printf(&request->url, "/api/v1/namespaces/%s/services/%s:%lld/proxy",
		service->name_space, service->name, (long long)service->port);
}

int kubeconfig_prepare(const struct preparing *at, const char *path, struct error *err)
{
	struct kubernetes_api *api = at->memory;
	int r = api->server || !kubeconfig_is_there(path) ? 0 : kubernetes_api_load(path, api, err);

	return r < 0 ? r : PREPARED;
}

enum verdict kubeconfig_learn(
	const struct preparing *at, const struct http_answer *answer, struct error *err)
{
	(void)at; /* nothing is asked */
	(void)answer;
	(void)err;
	return VERDICT_SENT;
}

void kubeconfig_forget(void *memory)
{
	kubernetes_api_done(memory);
}

int kubeconfig_sign(struct request *request, const struct preparing *at, struct error *err)
{
	const struct kubernetes_api *api = at->memory;

	return api->server ? kubernetes_api_sign(api, request, err) : 0;
}
