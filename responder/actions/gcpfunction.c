/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls a function of Google Cloud (Cloud Run functions): its address is asked of the API, and it
 * is called with a token of identity for that address (cloud.google.com, "Authenticate for
 * invocation").
 */
#include <errno.h>

#include "base/clock.h"
#include "base/memory.h"
#include "responder/actions/function.h"
#include "responder/cloud-call.h"
#include "responder/contexts.h"

#define API "https://cloudfunctions.googleapis.com"

struct gcpfunction {
	char *name, *location;
	int64_t timeout_s;
};

static const struct setting rows[] = {
	{ .key = "gcp_function_name",
		.type = SETTING_TEXT,
		.at = offsetof(struct gcpfunction, name),
		.about = "Its name, or projects/P/locations/L/functions/NAME" },
	{ .key = "gcp_function_location",
		.type = SETTING_TEXT,
		.at = offsetof(struct gcpfunction, location),
		.about = "Where it runs; else gcp.region, else us-central1" },
	{ .key = "gcp_function_timeout",
		.type = SETTING_INTEGER,
		.at = offsetof(struct gcpfunction, timeout_s),
		.fallback = "0",
		.minimum = 0,
		.maximum = 3600,
		.about = "Seconds that it may take; 0: action_timeout" },
};

static int check(const void *parameters, struct error *err)
{
	const struct gcpfunction *function = parameters;

	return is_set(function->name)
		       ? 0
		       : error_set(err, -EINVAL, "the parameter gcp_function_name is missing");
}

static const char *location_of(const struct run *run, const struct gcpfunction *function)
{
	if (is_set(function->location))
		return function->location;
	return is_set(run->settings->gcp_region) ? run->settings->gcp_region : "us-central1";
}

static int add_resource(
	struct run *run, const struct gcpfunction *function, struct buffer *url, struct error *err)
{
	_cleanup_(freep) char *project = NULL;
	int r;

	if (text_starts_with(text_of(function->name), TEXT("projects/"))) {
		buffer_add_string(url, function->name);
		return 0;
	}
	r = google_project(run, &project, err);
	if (r < 0)
		return r;
	buffer_add_string(url, "projects");
	path_of(url, (const char *const[]){ project, "locations", location_of(run, function),
			     "functions", function->name, NULL });
	return 0;
}

static int read_address(const struct request *request, const struct http_answer *answer,
	char **ret_address, struct error *err)
{
	_cleanup_(json_putp) struct json_object *function = NULL;
	struct text uri;

	if (answer->status != 200 ||
		json_parse(buffer_text(&answer->body), &function, NULL, NULL) < 0)
		return error_set(err,
			answer->status >= 500 || answer->status == 429 ? -EAGAIN : -EIO,
			"%s answered %u", request->url.data, answer->status);
	uri = json_get_text(json_get(function, "serviceConfig"), "uri");
	if (!uri.length)
		uri = json_get_text(function, "url"); /* of the first generation */
	if (!uri.length)
		return error_set(err, -EIO, "%s is called by no URL", request->url.data);
	*ret_address = text_to_string(uri);
	return 0;
}

static int find_address(
	struct run *run, const struct gcpfunction *function, char **ret_address, struct error *err)
{
	const char *endpoint = run->settings->gcp_endpoint;
	struct http_answer answer = { 0 };
	struct request request;
	int r;

	request_init(&request);
	request.method = "GET";
	request_url(&request, is_set(endpoint) ? endpoint : API, "/v2/");
	r = add_resource(run, function, &request.url, err);
	if (!r)
		r = cloud_call_google(&(struct cloud_call){ run, &request, &answer }, NULL, err);
	if (!r)
		r = read_address(&request, &answer, ret_address, err);
	request_done(&request);
	http_answer_done(&answer);
	return r;
}

static int post(struct run *run, const char *address, struct error *err)
{
	struct http_answer answer = { 0 };
	struct request request;
	int r;

	request_init(&request);
	buffer_add_string(&request.url, address);
	request_json(&request);
	run_payload(run, &request.body);
	r = cloud_call_google(&(struct cloud_call){ run, &request, &answer }, address, err);
	r = function_judge(run, address, &answer, r, err);
	request_done(&request);
	http_answer_done(&answer);
	return r;
}

static int call(struct run *run, const void *parameters, struct error *err)
{
	const struct gcpfunction *function = parameters;
	_cleanup_(freep) char *address = NULL;
	int r;

	if (function->timeout_s)
		run->until_ms = clock_ms(CLOCK_MONOTONIC) + function->timeout_s * 1000;
	r = find_address(run, function, &address, err);
	return r < 0 ? r : post(run, address, err);
}

const struct action action_gcpfunction = {
	.name = "gcp:function",
	.about = "Calls a function of Google Cloud",
	.target = TARGET_NONE,
	.continues = true,
	.rows = rows,
	.row_count = COUNT_OF(rows),
	.parameters_size = sizeof(struct gcpfunction),
	.check = check,
	.run = call,
};
