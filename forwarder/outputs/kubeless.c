/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kubeless: the raw event, to the service of a function inside the cluster.
 */
#include "base/memory.h"
#include "forwarder/outputs/kubeconfig.h"

struct kubeless {
	struct output_settings common;
	char *function, *function_namespace, *kubeconfig;
	int64_t port;
};

static const struct setting rows[] = {
	OUTPUT_ROW_TEXT(kubeless, function, "function", NULL,
		"Name of the function; with namespace it switches the output on"),
	OUTPUT_ROW_TEXT(
		kubeless, function_namespace, "namespace", NULL, "Namespace of the function"),
	OUTPUT_ROW_INTEGER(kubeless, port, "port", "8080", 1, 65535, "Port of its service"),
	OUTPUT_ROW_TEXT(kubeless, kubeconfig, "kubeconfig", NULL, KUBECONFIG_ABOUT),
	OUTPUT_ROW_PRIORITY,
	OUTPUT_ROWS_HTTP,
};

static bool is_enabled(const void *settings)
{
	const struct kubeless *kubeless = settings;

	return is_set(kubeless->function) && is_set(kubeless->function_namespace);
}

static int check(const void *settings, struct error *err)
{
	const struct kubeless *kubeless = settings;

	return kubeconfig_check("kubeless.kubeconfig", kubeless->kubeconfig, err);
}

static void compose(const struct messages *messages, const void *settings, struct request *request)
{
	const struct kubeless *kubeless = settings;
	struct kube_service service = { kubeless->function, kubeless->function_namespace,
		kubeless->port, kubeless->kubeconfig };

	if (kubeconfig_is_there(service.kubeconfig)) {
		kube_service_url(request, &service);
		buffer_add_char(&request->url, '/');
	} else {
		buffer_printf(&request->url, "http://%s.%s.svc.cluster.local:%lld",
			kubeless->function, kubeless->function_namespace,
			(long long)kubeless->port);
	}
	request_header(request, "Content-Type", TEXT("application/json"));
	request_header(request, "event-id", text_of(messages->items[0].alert->uuid));
	request_header(request, "event-type", TEXT("falco"));
	request_header(request, "event-namespace", text_of(kubeless->function_namespace));
	buffer_add_text(&request->body, messages->items[0].raw);
}

static int prepare(const struct preparing *at, struct request *request, struct error *err)
{
	const struct kubeless *kubeless = at->settings;

	(void)request;
	return kubeconfig_prepare(at, kubeless->kubeconfig, err);
}

const struct output output_kubeless = {
	.name = "kubeless",
	.title = "Kubeless",
	.about = "Posts each alert to a function of Kubeless",
	.rows = rows,
	.row_count = COUNT_OF(rows),
	.settings_size = sizeof(struct kubeless),
	.reads_alerts = true,
	.is_enabled = is_enabled,
	.check = check,
	.compose = compose,
	KUBECONFIG_IDENTITY,
};
