/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls a function of OpenFaaS through its gateway.
 */
#include <errno.h>

#include "base/encoding.h"
#include "base/memory.h"
#include "responder/actions/function.h"

struct openfaas {
	char *function, *name_space, *gateway;
	struct text_map headers;
};

static const struct setting rows[] = {
	{ .key = "function_name",
		.type = SETTING_TEXT,
		.at = offsetof(struct openfaas, function),
		.about = "Which function" },
	{ .key = "function_namespace",
		.type = SETTING_TEXT,
		.at = offsetof(struct openfaas, name_space),
		.fallback = "openfaas-fn",
		.about = "Its namespace" },
	{ .key = "gateway",
		.type = SETTING_TEXT,
		.at = offsetof(struct openfaas, gateway),
		.fallback = "http://gateway.openfaas:8080",
		.about = "Address of the gateway" },
	{ .key = "custom_headers",
		.type = SETTING_MAP,
		.at = offsetof(struct openfaas, headers),
		.about = "Headers beside Content-Type, such as Authorization" },
};

static int check(const void *parameters, struct error *err)
{
	const struct openfaas *openfaas = parameters;

	if (!openfaas->function || !*openfaas->function)
		return error_set(err, -EINVAL, "the parameter function_name is missing");
	return function_check_url("gateway", openfaas->gateway, err);
}

static int call(struct run *run, const void *parameters, struct error *err)
{
	const struct openfaas *openfaas = parameters;
	struct buffer url;
	int r;

	buffer_init(&url, 4096);
	buffer_add_string(&url, openfaas->gateway);
	buffer_add_string(&url, "/function/");
	url_escape(&url, text_of(openfaas->function));
	buffer_add_char(&url, '.');
	url_escape(&url, text_of(openfaas->name_space));
	r = function_post(run, url.data, &openfaas->headers, NULL, run->settings->action_ms, err);
	buffer_done(&url);
	return r;
}

const struct action action_openfaas = {
	.name = "openfaas:function",
	.about = "Calls a function of OpenFaaS",
	.target = TARGET_NONE,
	.continues = true,
	.rows = rows,
	.row_count = COUNT_OF(rows),
	.parameters_size = sizeof(struct openfaas),
	.check = check,
	.run = call,
};
