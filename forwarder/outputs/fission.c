/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fission: the raw event, through the router inside the cluster.
 */
#include "base/memory.h"
#include "forwarder/outputs/kubeconfig.h"

struct fission {
	struct output_settings common;
	char *function, *function_namespace, *router, *router_namespace, *kubeconfig;
	int64_t port;
};

static const struct setting rows[] = {
	OUTPUT_ROW_TEXT(fission, function, "function", NULL,
		"Name of the function; switches the output on"),
	OUTPUT_ROW_TEXT(fission, function_namespace, "functionnamespace", "fission-function",
		"Namespace of the function"),
	OUTPUT_ROW_TEXT(fission, router, "routerservice", "router", "Service of the router"),
	OUTPUT_ROW_TEXT(fission, router_namespace, "routernamespace", "fission", "Its namespace"),
	OUTPUT_ROW_INTEGER(fission, port, "routerport", "80", 1, 65535, "Its port"),
	OUTPUT_ROW_TEXT(fission, kubeconfig, "kubeconfig", NULL, KUBECONFIG_ABOUT),
	OUTPUT_ROW_PRIORITY,
	OUTPUT_ROWS_HTTP,
};

static bool is_enabled(const void *settings)
{
	const struct fission *fission = settings;

	return is_set(fission->function);
}

static int check(const void *settings, struct error *err)
{
	const struct fission *fission = settings;

	return kubeconfig_check("fission.kubeconfig", fission->kubeconfig, err);
}

static void compose(const struct messages *messages, const void *settings, struct request *request)
{
	const struct fission *fission = settings;
	struct kube_service service = { fission->router, fission->router_namespace, fission->port,
		fission->kubeconfig };

	if (kubeconfig_is_there(service.kubeconfig)) {
		kube_service_url(request, &service);
		buffer_printf(&request->url, "/fission-function/%s", fission->function);
	} else {
		buffer_printf(&request->url,
			"http://%s.%s.svc.cluster.local:%lld/fission-function/%s", fission->router,
			fission->router_namespace, (long long)fission->port, fission->function);
	}
	request_header(request, "Content-Type", TEXT("application/json"));
	request_header(request, "event-id", text_of(messages->items[0].alert->uuid));
	buffer_add_text(&request->body, messages->items[0].raw);
}

static int prepare(const struct preparing *at, struct request *request, struct error *err)
{
	const struct fission *fission = at->settings;

	(void)request;
	return kubeconfig_prepare(at, fission->kubeconfig, err);
}

const struct output output_fission = {
	.name = "fission",
	.title = "Fission",
	.about = "Posts each alert to a function of Fission",
	.rows = rows,
	.row_count = COUNT_OF(rows),
	.settings_size = sizeof(struct fission),
	.reads_alerts = true,
	.is_enabled = is_enabled,
	.check = check,
	.compose = compose,
	KUBECONFIG_IDENTITY,
};
