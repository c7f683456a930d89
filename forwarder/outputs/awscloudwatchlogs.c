/* SPDX-License-Identifier: Apache-2.0 */
/*
 * AWS CloudWatch Logs: the raw event as a log event. The stream must be there: making it is not
 * spoken yet, and without it alerts wait.
 */
#include "base/memory.h"
#include "forwarder/alert-text.h"
#include "forwarder/aws.h"

struct awscloudwatchlogs {
	struct output_settings common;
	const struct aws_settings *aws;
	char *group, *stream;
};

static const struct setting rows[] = {
	OUTPUT_ROW_TEXT(
		awscloudwatchlogs, group, "loggroup", NULL, "Log group; switches the output on"),
	OUTPUT_ROW_TEXT(awscloudwatchlogs, stream, "logstream", "falcosidekick-logstream",
		"Log stream in it, which must be there"),
	OUTPUT_ROW_PRIORITY,
	OUTPUT_ROWS_HTTP,
};

static bool is_enabled(const void *settings)
{
	return is_set(((const struct awscloudwatchlogs *)settings)->group);
}

static int check(const void *settings, struct error *err)
{
	return aws_check(((const struct awscloudwatchlogs *)settings)->aws, err);
}

static void compose(const struct messages *messages, const void *settings, struct request *request)
{
	const struct awscloudwatchlogs *awscloudwatchlogs = settings;
	struct json_writer json;

	buffer_printf(
		&request->url, "https://logs.%s.amazonaws.com/", awscloudwatchlogs->aws->region);
	aws_json(request, "Logs_20140328.PutLogEvents", "1.1");
	json_writer_init(&json, &request->body);
	json_begin_object(&json);
	json_key(&json, "logGroupName");
	json_add_string(&json, awscloudwatchlogs->group);
	json_key(&json, "logStreamName");
	json_add_string(&json, awscloudwatchlogs->stream);
	json_key(&json, "logEvents");
	json_begin_array(&json);
	json_begin_object(&json);
	json_key(&json, "timestamp");
	json_add_i64(&json, messages->items[0].alert->time_ns / 1000000);
	json_key(&json, "message");
	json_add_text(&json, messages->items[0].raw);
	while (json.depth)
		json_end(&json);
}

static int sign(struct request *request, const struct preparing *at, struct error *err)
{
	return aws_sign(request, at, "logs", err);
}

const struct output output_awscloudwatchlogs = {
	.name = "awscloudwatchlogs",
	.key = "aws.cloudwatchlogs",
	.title = "AWSCloudWatchLogs",
	.about = "Puts each alert into a log group of AWS CloudWatch",
	.rows = rows,
	.row_count = COUNT_OF(rows),
	.settings_size = sizeof(struct awscloudwatchlogs),
	.group = &aws_group,
	.group_at = offsetof(struct awscloudwatchlogs, aws),
	.reads_alerts = true,
	.is_enabled = is_enabled,
	.check = check,
	.compose = compose,
	.sign = sign,
	.verdict = aws_verdict,
	AWS_IDENTITY,
};
