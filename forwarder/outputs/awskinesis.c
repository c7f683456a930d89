/* SPDX-License-Identifier: Apache-2.0 */
/*
 * AWS Kinesis: the raw event as a record. Ours: the partition key is the alert's uuid, so that one
 * that is sent again goes to the same shard.
 */
#include "base/memory.h"
#include "forwarder/alert-text.h"
#include "forwarder/aws.h"

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
	struct json_writer json;
	struct buffer data;

	buffer_init(&data, REQUEST_BODY_MAX);
	base64_write(&data, messages->items[0].raw);
	buffer_printf(&request->url, "https://kinesis.%s.amazonaws.com/", awskinesis->aws->region);
	aws_json(request, "Kinesis_20131202.PutRecord", "1.1");
	json_writer_init(&json, &request->body);
	json_begin_object(&json);
	json_key(&json, "StreamName");
	json_add_string(&json, awskinesis->stream);
	json_key(&json, "Data");
	json_add_text(&json, buffer_text(&data));
	json_key(&json, "PartitionKey");
	json_add_string(&json, messages->items[0].alert->uuid);
	json_end(&json);
	buffer_done(&data);
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
