/* SPDX-License-Identifier: Apache-2.0 */
/*
 * AWS SQS: the raw event as a message, by the JSON protocol, to the host of the queue.
 */
#include "base/memory.h"
#include "forwarder/aws.h"

struct awssqs {
	struct output_settings common;
	const struct aws_settings *aws;
	char *url;
};

static const struct setting rows[] = {
	OUTPUT_ROW_TEXT(awssqs, url, "url", NULL, "Address of the queue; switches the output on"),
	OUTPUT_ROW_PRIORITY,
	OUTPUT_ROWS_HTTP,
};

static bool is_enabled(const void *settings)
{
	return is_set(((const struct awssqs *)settings)->url);
}

static int check(const void *settings, struct error *err)
{
	const struct awssqs *awssqs = settings;
	int r = aws_check(awssqs->aws, err);

	return r ? r : check_url("aws.sqs.url", awssqs->url, err);
}

static void compose(const struct messages *messages, const void *settings, struct request *request)
{
	const struct awssqs *awssqs = settings;
	struct text queue = text_of(awssqs->url);
	ptrdiff_t scheme = text_find(queue, TEXT("://"));
	struct text host = text_slice(queue, (size_t)scheme + 3, queue.length);
	struct json_writer json;

	/* A URL without its path; check_url() has seen that there is a host. */
	text_split(&(struct text){ host.data, host.length }, '/', &host);
	buffer_add_text(&request->url, text_slice(queue, 0, (size_t)scheme + 3 + host.length));
	buffer_add_char(&request->url, '/');
	aws_json(request, "AmazonSQS.SendMessage", "1.0");
	json_writer_init(&json, &request->body);
	json_begin_object(&json);
	json_key(&json, "QueueUrl");
	json_add_text(&json, queue);
	json_key(&json, "MessageBody");
	json_add_text(&json, messages->items[0].raw);
	json_end(&json);
}

static int sign(struct request *request, const struct preparing *at, struct error *err)
{
	return aws_sign(request, at, "sqs", err);
}

const struct output output_awssqs = {
	.name = "awssqs",
	.key = "aws.sqs",
	.title = "AWSSQS",
	.about = "Sends each alert to a queue of AWS SQS",
	.rows = rows,
	.row_count = COUNT_OF(rows),
	.settings_size = sizeof(struct awssqs),
	.group = &aws_group,
	.group_at = offsetof(struct awssqs, aws),
	.is_enabled = is_enabled,
	.check = check,
	.compose = compose,
	.sign = sign,
	.verdict = aws_verdict,
	AWS_IDENTITY,
};
