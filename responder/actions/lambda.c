/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Invokes a function of AWS Lambda with the alert as its payload (docs.aws.amazon.com, "Lambda API:
 * Invoke").
 */
#include <errno.h>

#include "base/memory.h"
#include "responder/actions/function.h"
#include "responder/cloud-call.h"
#include "responder/contexts.h"

struct lambda {
	char *name, *version;
	int type; /* index into invocation_types */
};

#define INVOCATION_TYPES "RequestResponse Event DryRun"

static const char *const invocation_types[] = { "RequestResponse", "Event", "DryRun" };

static const struct setting rows[] = {
	{ .key = "aws_lambda_name",
		.type = SETTING_TEXT,
		.at = offsetof(struct lambda, name),
		.about = "Name or ARN of the function" },
	{ .key = "aws_lambda_alias_or_version",
		.type = SETTING_TEXT,
		.at = offsetof(struct lambda, version),
		.fallback = "$LATEST",
		.about = "Its alias or version" },
	{ .key = "aws_lambda_invocation_type",
		.type = SETTING_CHOICE,
		.choices = INVOCATION_TYPES,
		.at = offsetof(struct lambda, type),
		.fallback = "RequestResponse",
		.about = "RequestResponse waits for its answer, Event does not, DryRun only asks "
			 "whether it may be invoked" },
};

static int check(const void *parameters, struct error *err)
{
	const struct lambda *lambda = parameters;

	return is_set(lambda->name)
		       ? 0
		       : error_set(err, -EINVAL, "the parameter aws_lambda_name is missing");
}

static void compose(const struct run *run, const struct lambda *lambda, const char *region,
	struct request *request)
{
	const char *endpoint = run->settings->aws_endpoint;
	_cleanup_(freep) char *usual = string_printf("https://lambda.%s.amazonaws.com", region);

	request_url(request, is_set(endpoint) ? endpoint : usual, "/2015-03-31/functions/");
	url_escape(&request->url, text_of(lambda->name));
	buffer_add_string(&request->url, "/invocations");
	if (is_set(lambda->version)) {
		buffer_add_string(&request->url, "?Qualifier=");
		url_escape(&request->url, text_of(lambda->version));
	}
	request_json(request);
	request_header(request, "X-Amz-Invocation-Type", text_of(invocation_types[lambda->type]));
	run_payload(run, &request->body);
}

/* A function that failed is answered with 200 too, and then says so in this form. */
static bool has_function_failed(const struct http_answer *answer)
{
	_cleanup_(json_putp) struct json_object *body = NULL;

	return json_parse(buffer_text(&answer->body), &body, NULL, NULL) == 0 &&
	       json_get(body, "errorMessage") && json_get(body, "errorType");
}

static int invoke(struct run *run, const void *parameters, struct error *err)
{
	const struct lambda *lambda = parameters;
	struct aws_settings aws = run->settings->aws;
	struct http_answer answer = { 0 };
	struct request request;
	int r;

	aws.region = (char *)aws_region(run->settings);
	if (!is_set(aws.region))
		return error_set(err, -EINVAL, "aws.region (AWS_REGION) is not set");
	request_init(&request);
	compose(run, lambda, aws.region, &request);
	r = cloud_call_aws(&(struct cloud_call){ run, &request, &answer }, &aws, "lambda", err);
	r = function_judge(run, request.url.data, &answer, r, err);
	if (!r && has_function_failed(&answer))
		r = error_set(err, -EIO, "the function failed: %s", run->result.data);
	request_done(&request);
	http_answer_done(&answer);
	return r;
}

const struct action action_lambda = {
	.name = "aws:lambda",
	.about = "Invokes a function of AWS Lambda",
	.target = TARGET_NONE,
	.continues = true,
	.rows = rows,
	.row_count = COUNT_OF(rows),
	.parameters_size = sizeof(struct lambda),
	.check = check,
	.run = invoke,
};
