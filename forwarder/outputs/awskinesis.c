/* SPDX-License-Identifier: Apache-2.0 */
/*
 * AWS Kinesis: the raw event as a record.
 */
#include "base/memory.h"
#include "forwarder/aws.h"
#include "forwarder/outputs/kinesis.h"

struct awskinesis {
	struct output_settings common;
	const struct aws_settings *aws;
	char *stream;
};

static const struct setting rows[] = {
	OUTPUT_ROW_TEXT(awskinesis, stream, "streamname", NULL,
		"Name of the stream; switches the output on"),
	OUTPUT_ROW_PRIORITY,
	OUTPUT_ROWS_HTTP,
};

static bool is_enabled(const void *settings)
{
	return is_set(((const struct awskinesis *)settings)->stream);
}

static int check(const void *settings, struct error *err)
{
	return aws_check(((const struct awskinesis *)settings)->aws, err);
}

static void compose(const struct messages *messages, const void *settings, struct request *request)
{
	const struct awskinesis *awskinesis = settings;

	buffer_printf(&request->url, "https://kinesis.%s.amazonaws.com/", awskinesis->aws->region);
	kinesis_compose(request, &messages->items[0], awskinesis->stream);
}

static int sign(struct request *request, const struct preparing *at, struct error *err)
{
	return aws_sign(request, at, "kinesis", err);
}

const struct output output_awskinesis = {
	.name = "awskinesis",
	.key = "aws.kinesis",
	.title = "AWSKinesis",
	.about = "Puts each alert into a stream of AWS Kinesis",
	.rows = rows,
	.row_count = COUNT_OF(rows),
	.settings_size = sizeof(struct awskinesis),
	.group = &aws_group,
	.group_at = offsetof(struct awskinesis, aws),
	.reads_alerts = true,
	.is_enabled = is_enabled,
	.check = check,
	.compose = compose,
	.sign = sign,
	.verdict = aws_verdict,
	AWS_IDENTITY,
};
