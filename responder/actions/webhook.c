/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Posts the alert to an address.
 */
#include "base/memory.h"
#include "responder/actions/function.h"

struct webhook {
	char *url;
	struct text_map headers;
};

static const struct setting rows[] = {
	{ .key = "url",
		.type = SETTING_TEXT,
		.at = offsetof(struct webhook, url),
		.about = "Where to" },
	{ .key = "custom_headers",
		.type = SETTING_MAP,
		.at = offsetof(struct webhook, headers),
		.about = "Headers beside Content-Type" },
};

static int check(const void *parameters, struct error *err)
{
	return function_check_url("url", ((const struct webhook *)parameters)->url, err);
}

static int post(struct run *run, const void *parameters, struct error *err)
{
	const struct webhook *webhook = parameters;

	return function_post(
		run, webhook->url, &webhook->headers, NULL, run->settings->action_ms, err);
}

const struct action action_webhook = {
	.name = "webhook:post",
	.about = "Posts the alert to an address",
	.target = TARGET_NONE,
	.continues = true,
	.rows = rows,
	.row_count = COUNT_OF(rows),
	.parameters_size = sizeof(struct webhook),
	.check = check,
	.run = post,
};
