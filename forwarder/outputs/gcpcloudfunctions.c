/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Google Cloud Functions: calls a function with the raw event as its data (cloud.google.com,
 * "projects.locations.functions.call").
 */
#include "base/memory.h"
#include "forwarder/gcp.h"

struct gcpcloudfunctions {
	struct output_settings common;
	const struct gcp_settings *gcp;
	char *name, *endpoint;
};

static const struct setting rows[] = {
	OUTPUT_ROW_TEXT(gcpcloudfunctions, name, "name", NULL,
		"Full name, projects/PROJECT/locations/REGION/functions/NAME; switches the output on"),
	GCP_ROW_ENDPOINT(gcpcloudfunctions, endpoint),
	OUTPUT_ROW_PRIORITY,
	OUTPUT_ROWS_HTTP,
};

static bool is_enabled(const void *settings)
{
	return is_set(((const struct gcpcloudfunctions *)settings)->name);
}

static int check(const void *settings, struct error *err)
{
	const struct gcpcloudfunctions *functions = settings;
	int r = gcp_check(functions->gcp, err);

	if (!r && is_set(functions->endpoint))
		r = check_url("gcp.cloudfunctions.endpoint", functions->endpoint, err);
	return r;
}

static void compose(const struct messages *messages, const void *settings, struct request *request)
{
	const struct gcpcloudfunctions *functions = settings;
	struct json_writer json;

	request_url(request,
		is_set(functions->endpoint) ? functions->endpoint
					    : "https://cloudfunctions.googleapis.com",
		"/v1/");
	buffer_printf(&request->url, "%s:call", functions->name);
	request_json(request);
	json_writer_init(&json, &request->body);
	json_begin_object(&json);
	json_key(&json, "data");
	json_add_text(&json, messages->items[0].raw);
	json_end(&json);
}

/* 200 says that the function was run; `error` says that it failed. */
static enum verdict verdict(const struct http_answer *answer)
{
	_cleanup_(json_putp) struct json_object *root = NULL;
	enum verdict of_status = verdict_of_answer(answer);

	if (of_status != VERDICT_SENT ||
		json_parse(buffer_text(&answer->body), &root, NULL, NULL) < 0)
		return of_status;
	return json_get_text(root, "error").length ? VERDICT_LATER : VERDICT_SENT;
}

const struct output output_gcpcloudfunctions = {
	.name = "gcpcloudfunctions",
	.key = "gcp.cloudfunctions",
	.title = "GCPCloudFunctions",
	.about = "Calls a function of Google Cloud for each alert",
	.rows = rows,
	.row_count = COUNT_OF(rows),
	.settings_size = sizeof(struct gcpcloudfunctions),
	.group = &gcp_group,
	.group_at = offsetof(struct gcpcloudfunctions, gcp),
	.is_enabled = is_enabled,
	.check = check,
	.compose = compose,
	.verdict = verdict,
	GCP_IDENTITY,
};
