/* SPDX-License-Identifier: Apache-2.0 */
/*
 * AWS S3 and what speaks its language: an object for each alert.
 */
#include "base/memory.h"
#include "forwarder/aws.h"
#include "forwarder/outputs/object.h"

struct awss3 {
	struct output_settings common;
	const struct aws_settings *aws;
	char *bucket, *prefix, *endpoint, *acl;
};

static const struct setting rows[] = {
	OUTPUT_ROW_TEXT(awss3, bucket, "bucket", NULL, "Bucket; switches the output on"),
	OUTPUT_ROW_TEXT(awss3, prefix, "prefix", "falco", "Beginning of the keys"),
	OUTPUT_ROW_TEXT(
		awss3, endpoint, "endpoint", NULL, "Address of another service that speaks S3"),
	OUTPUT_ROW_TEXT(awss3, acl, "objectcannedacl", "bucket-owner-full-control",
		"Canned ACL of the objects"),
	OUTPUT_ROW_PRIORITY,
	OUTPUT_ROWS_HTTP,
};

static bool is_enabled(const void *settings)
{
	return is_set(((const struct awss3 *)settings)->bucket);
}

static int check(const void *settings, struct error *err)
{
	const struct awss3 *awss3 = settings;
	int r = aws_check(awss3->aws, err);

	if (!r && is_set(awss3->endpoint))
		r = check_url("aws.s3.endpoint", awss3->endpoint, err);
	return r;
}

static void compose(const struct messages *messages, const void *settings, struct request *request)
{
	const struct awss3 *awss3 = settings;

	if (is_set(awss3->endpoint)) {
		request_url(request, awss3->endpoint, "/");
		buffer_printf(&request->url, "%s/", awss3->bucket);
	} else {
		buffer_printf(&request->url, "https://%s.s3.%s.amazonaws.com/", awss3->bucket,
			awss3->aws->region);
	}
	object_compose(request, &messages->items[0], awss3->prefix);
	if (is_set(awss3->acl))
		request_header(request, "x-amz-acl", text_of(awss3->acl));
}

static int sign(struct request *request, const struct preparing *at, struct error *err)
{
	return aws_sign(request, at, "s3", err);
}

const struct output output_awss3 = {
	.name = "awss3",
	.key = "aws.s3",
	.title = "AWSS3",
	.about = "Stores each alert as an object in a bucket of S3",
	.rows = rows,
	.row_count = COUNT_OF(rows),
	.settings_size = sizeof(struct awss3),
	.group = &aws_group,
	.group_at = offsetof(struct awss3, aws),
	.reads_alerts = true,
	.is_enabled = is_enabled,
	.check = check,
	.compose = compose,
	.sign = sign,
	.verdict = aws_verdict,
	AWS_IDENTITY,
};
