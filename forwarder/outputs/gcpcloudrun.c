/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Google Cloud Run: the raw event, with a token that the user gives.
 */
#include "base/memory.h"
#include "forwarder/output.h"

struct gcpcloudrun {
	struct output_settings common;
	char *endpoint, *jwt;
};

static const struct setting rows[] = {
	OUTPUT_ROW_TEXT(gcpcloudrun, endpoint, "endpoint", NULL,
		"Address of the function; with jwt it switches the output on"),
	OUTPUT_ROW_SECRET(gcpcloudrun, jwt, "jwt", "Identity token that may invoke the function"),
	OUTPUT_ROW_PRIORITY,
	OUTPUT_ROWS_HTTP,
};

static bool is_enabled(const void *settings)
{
	const struct gcpcloudrun *gcpcloudrun = settings;

	return is_set(gcpcloudrun->endpoint) && is_set(gcpcloudrun->jwt);
}

static int check(const void *settings, struct error *err)
{
	const struct gcpcloudrun *gcpcloudrun = settings;

	return check_url("gcp.cloudrun.endpoint", gcpcloudrun->endpoint, err);
}

static void compose(const struct messages *messages, const void *settings, struct request *request)
{
	const struct gcpcloudrun *gcpcloudrun = settings;

	buffer_add_string(&request->url, gcpcloudrun->endpoint);
	request_json(request);
	request_header_printf(request, "Authorization", "Bearer %s", gcpcloudrun->jwt);
	buffer_add_text(&request->body, messages->items[0].raw);
}

const struct output output_gcpcloudrun = {
	.name = "gcpcloudrun",
	.key = "gcp.cloudrun",
	.title = "GCPCloudRun",
	.about = "Posts each alert to a function on Google Cloud Run",
	.rows = rows,
	.row_count = COUNT_OF(rows),
	.settings_size = sizeof(struct gcpcloudrun),
	.is_enabled = is_enabled,
	.check = check,
	.compose = compose,
};
