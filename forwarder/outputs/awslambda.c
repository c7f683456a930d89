/* SPDX-License-Identifier: Apache-2.0 */
/*
 * AWS Lambda: the raw event, as the payload of a function.
 */
#include "base/memory.h"
#include "forwarder/aws.h"

struct awslambda {
	struct output_settings common;
	const struct aws_settings *aws;
	char *function, *invocation_type, *log_type;
};

static const struct setting rows[] = {
	OUTPUT_ROW_TEXT(awslambda, function, "functionname", NULL,
		"Name or ARN of the function; switches the output on"),
	OUTPUT_ROW_TEXT(awslambda, invocation_type, "invocationtype", "RequestResponse",
		"RequestResponse, Event or DryRun"),
	OUTPUT_ROW_TEXT(awslambda, log_type, "logtype", "Tail", "Tail or None"),
	OUTPUT_ROW_PRIORITY,
	OUTPUT_ROWS_HTTP,
};

static bool is_enabled(const void *settings)
{
	return is_set(((const struct awslambda *)settings)->function);
}

static int check(const void *settings, struct error *err)
{
	return aws_check(((const struct awslambda *)settings)->aws, err);
}

static void compose(const struct messages *messages, const void *settings, struct request *request)
{
	const struct awslambda *awslambda = settings;

	buffer_printf(&request->url, "https://lambda.%s.amazonaws.com/2015-03-31/functions/",
		awslambda->aws->region);
	url_escape(&request->url, text_of(awslambda->function));
	buffer_add_string(&request->url, "/invocations");
	request_header(request, "Content-Type", TEXT("application/json"));
	request_header(request, "X-Amz-Invocation-Type", text_of(awslambda->invocation_type));
	request_header(request, "X-Amz-Log-Type", text_of(awslambda->log_type));
	buffer_add_text(&request->body, messages->items[0].raw);
}

static int sign(struct request *request, const struct preparing *at, struct error *err)
{
	return aws_sign(request, at, "lambda", err);
}

const struct output output_awslambda = {
	.name = "awslambda",
	.key = "aws.lambda",
	.title = "AWSLambda",
	.about = "Invokes a function of AWS Lambda with each alert",
	.rows = rows,
	.row_count = COUNT_OF(rows),
	.settings_size = sizeof(struct awslambda),
	.group = &aws_group,
	.group_at = offsetof(struct awslambda, aws),
	.is_enabled = is_enabled,
	.check = check,
	.compose = compose,
	.sign = sign,
	.verdict = aws_verdict,
	AWS_IDENTITY,
};
