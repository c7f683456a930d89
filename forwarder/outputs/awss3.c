/* SPDX-License-Identifier: Apache-2.0 */
/*
 * AWS S3 and what speaks its language: an object for each alert. Ours: its key has the alert's time
 * and uuid, so that no two share one, and one that is sent again replaces itself.
 */
#include "base/memory.h"
#include "forwarder/alert-text.h"
#include "forwarder/aws.h"

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

/* Each part of the key is escaped, its slashes are not. */
static void add_path(struct buffer *url, struct text path)
{
	struct text part;

	while (text_split(&path, '/', &part)) {
		if (!part.length)
			continue;
		url_escape(url, part);
		buffer_add_char(url, '/');
	}
}

static void add_key(struct buffer *url, const struct alert *alert, const char *prefix)
{
	struct buffer time;

	buffer_init(&time, 64);
	time_write(&time, alert->time_ns);
	add_path(url, text_of(prefix));
	buffer_add_text(url, text_slice(buffer_text(&time), 0, strlen("YYYY-MM-DD")));
	buffer_add_char(url, '/');
	url_escape(url, buffer_text(&time));
	buffer_printf(url, "-%s.json", alert->uuid);
	buffer_done(&time);
}

/* CRC-32 of IEEE 802.3, which buckets with Object Lock ask for. */
static void add_checksum(struct request *request, struct text body)
{
	uint32_t crc = UINT32_MAX;
	struct buffer base64;
	char bytes[4];

	for (size_t i = 0; i < body.length; i++) {
		crc ^= (unsigned char)body.data[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
	}
	crc = ~crc;
	for (int i = 0; i < 4; i++)
		bytes[i] = (char)(crc >> (24 - 8 * i));
	buffer_init(&base64, 16);
	base64_write(&base64, (struct text){ bytes, sizeof(bytes) });
	request_header(request, "x-amz-checksum-crc32", buffer_text(&base64));
	buffer_done(&base64);
}

static void compose(const struct messages *messages, const void *settings, struct request *request)
{
	const struct awss3 *awss3 = settings;
	struct text raw = messages->items[0].raw;

	request->method = "PUT";
	if (is_set(awss3->endpoint)) {
		request_url(request, awss3->endpoint, "/");
		buffer_printf(&request->url, "%s/", awss3->bucket);
	} else {
		buffer_printf(&request->url, "https://%s.s3.%s.amazonaws.com/", awss3->bucket,
			awss3->aws->region);
	}
	add_key(&request->url, messages->items[0].alert, awss3->prefix);
	request_header(request, "Content-Type", TEXT("application/json"));
	if (is_set(awss3->acl))
		request_header(request, "x-amz-acl", text_of(awss3->acl));
	add_checksum(request, raw);
	buffer_add_text(&request->body, raw);
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
