/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OpenFaaS: the raw event, through the gateway inside the cluster.
 */
#include "base/memory.h"
#include "forwarder/outputs/kubeconfig.h"

struct openfaas {
	struct output_settings common;
	char *function, *function_namespace, *gateway, *gateway_namespace, *kubeconfig;
	int64_t port;
};

static const struct setting rows[] = {
	OUTPUT_ROW_TEXT(openfaas, function, "functionname", NULL,
		"Name of the function; switches the output on"),
	OUTPUT_ROW_TEXT(openfaas, function_namespace, "functionnamespace", "openfaas-fn",
		"Namespace of the function"),
	OUTPUT_ROW_TEXT(openfaas, gateway, "gatewayservice", "gateway", "Service of the gateway"),
	OUTPUT_ROW_TEXT(
		openfaas, gateway_namespace, "gatewaynamespace", "openfaas", "Its namespace"),
	OUTPUT_ROW_INTEGER(openfaas, port, "gatewayport", "8080", 1, 65535, "Its port"),
	OUTPUT_ROW_TEXT(openfaas, kubeconfig, "kubeconfig", NULL, KUBECONFIG_ABOUT),
	OUTPUT_ROW_PRIORITY,
	OUTPUT_ROWS_HTTP,
};

static bool is_enabled(const void *settings)
{
	const struct openfaas *openfaas = settings;

	return is_set(openfaas->function);
}

static int check(const void *settings, struct error *err)
{
	const struct openfaas *openfaas = settings;

	return kubeconfig_check("openfaas.kubeconfig", openfaas->kubeconfig, err);
}

static void compose(const struct messages *messages, const void *settings, struct request *request)
{
	const struct openfaas *openfaas = settings;
	struct kube_service service = { openfaas->gateway, openfaas->gateway_namespace,
		openfaas->port, openfaas->kubeconfig };

	if (kubeconfig_is_there(service.kubeconfig)) {
		kube_service_url(request, &service);
		buffer_printf(&request->url, "/function/%s.%s", openfaas->function,
			openfaas->function_namespace);
	} else {
		buffer_printf(&request->url, "http://%s.%s:%lld/function/%s.%s", openfaas->gateway,
			openfaas->gateway_namespace, (long long)openfaas->port, openfaas->function,
			openfaas->function_namespace);
	}
	request_json(request);
	buffer_add_text(&request->body, messages->items[0].raw);
}

static int prepare(const struct preparing *at, struct request *request, struct error *err)
{
	const struct openfaas *openfaas = at->settings;

	(void)request;
	return kubeconfig_prepare(at, openfaas->kubeconfig, err);
}

const struct output output_openfaas = {
	.name = "openfaas",
	.title = "OpenFaaS",
	.about = "Posts each alert to a function of OpenFaaS",
	.rows = rows,
	.row_count = COUNT_OF(rows),
	.settings_size = sizeof(struct openfaas),
	.is_enabled = is_enabled,
	.check = check,
	.compose = compose,
	KUBECONFIG_IDENTITY,
};
