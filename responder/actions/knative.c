/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls a service of Knative with a CloudEvent (binary mode: its attributes are headers).
 */
#include <errno.h>

#include "base/memory.h"
#include "responder/actions/function.h"

struct knative {
	char *service, *name_space, *url;
};

static const struct setting rows[] = {
	{ .key = "function_name",
		.type = SETTING_TEXT,
		.at = offsetof(struct knative, service),
		.about = "Which service" },
	{ .key = "function_namespace",
		.type = SETTING_TEXT,
		.at = offsetof(struct knative, name_space),
		.fallback = "default",
		.about = "Its namespace" },
	{ .key = "url",
		.type = SETTING_TEXT,
		.at = offsetof(struct knative, url),
		.about = "Its address, in place of the two" },
};

static int check(const void *parameters, struct error *err)
{
	const struct knative *knative = parameters;

	if (knative->url && *knative->url)
		return function_check_url("url", knative->url, err);
	if (!is_object_name(text_of(knative->service)) ||
		!is_object_name(text_of(knative->name_space)))
		return error_set(err, -EINVAL, "function_name or url must be given");
	return 0;
}

static int call(struct run *run, const void *parameters, struct error *err)
{
	const struct knative *knative = parameters;
	_cleanup_(freep) char *url = knative->url && *knative->url
					     ? string_copy(knative->url)
					     : string_printf("http://%s.%s.svc.cluster.local",
						       knative->service, knative->name_space);
	_cleanup_(freep) char *id = string_printf("ce-id: %s", run->alert->uuid);
	const char *const headers[] = { "ce-specversion: 1.0", "ce-type: falco.rule.output.v1",
		"ce-source: https://falco.org", id, NULL };

	return function_post(run, url, NULL, headers, run->settings->action_ms, err);
}

const struct action action_knative = {
	.name = "knative:function",
	.about = "Calls a service of Knative with a CloudEvent",
	.target = TARGET_NONE,
	.continues = true,
	.rows = rows,
	.row_count = COUNT_OF(rows),
	.parameters_size = sizeof(struct knative),
	.check = check,
	.run = call,
};
