/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fission: the raw event, through the router inside the cluster.
 */
#include "base/memory.h"
#include "forwarder/output.h"
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
	OUTPUT_ROW_TEXT(fission, kubeconfig, "kubeconfig", NULL,
		"Kubeconfig of a cluster that the forwarder is outside of; not spoken, and refused where the file is there"),
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

	return check_no_kubeconfig("fission.kubeconfig", fission->kubeconfig, err);
}

static void compose(const struct messages *messages, const void *settings, struct request *request)
{
	const struct fission *fission = settings;

	buffer_printf(&request->url, "http://%s.%s.svc.cluster.local:%lld/fission-function/%s",
		fission->router, fission->router_namespace, (long long)fission->port,
		fission->function);
	request_header(request, "Content-Type", TEXT("application/json"));
	request_header(request, "event-id", text_of(messages->items[0].alert->uuid));
	buffer_add_text(&request->body, messages->items[0].raw);
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
};
