/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signature version 4 against the examples that Amazon publishes: the test suite "aws-sig-v4", the
 * IAM example of "Create a signed request", and "PUT Object" of S3's "Signature calculations".
 */
#include <errno.h>

#include "base/memory.h"
#include "forwarder/aws.h"
#include "tests/test.h"

#define SUITE_TIME 1440938160 /* 2015-08-30T12:36:00Z */
#define S3_TIME	   1369353600 /* 2013-05-24T00:00:00Z */

static const struct aws_identity suite = { .access_key = "AKIDEXAMPLE",
	.secret_key = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
	.region = "us-east-1",
	.service = "service" };

static void check_signature(
	struct request *request, const struct aws_identity *identity, time_t now, const char *want)
{
	const char *authorization, *got;

	aws_sign_at(request, identity, now);
	authorization = request->headers.items[request->headers.count - 1];
	got = strstr(authorization, "Signature=");
	CHECK_TEXT(got ? got + strlen("Signature=") : authorization, want);
	request_done(request);
}

static void check_suite(const char *method, const char *url, const char *want)
{
	struct request request;

	request_init(&request);
	request.method = method;
	buffer_add_string(&request.url, url);
	check_signature(&request, &suite, SUITE_TIME, want);
}

TEST(requests_of_the_published_suite_get_its_signatures)
{
	check_suite("GET", "https://example.amazonaws.com/",
		"5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31");
	check_suite("POST", "https://example.amazonaws.com/",
		"5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b");
	check_suite("GET", "https://example.amazonaws.com:443/?Param2=value2&Param1=value1",
		"b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500");
}

TEST(the_published_request_of_iam_gets_its_signature)
{
	struct aws_identity iam = suite;
	struct request request;

	iam.service = "iam";
	request_init(&request);
	request.method = "GET";
	buffer_add_string(
		&request.url, "https://iam.amazonaws.com/?Action=ListUsers&Version=2010-05-08");
	request_header(
		&request, "Content-Type", TEXT("application/x-www-form-urlencoded; charset=utf-8"));
	check_signature(&request, &iam, SUITE_TIME,
		"5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7");
}

TEST(the_published_object_of_s3_gets_its_signature)
{
	static const struct aws_identity identity = { .access_key = "AKIAIOSFODNN7EXAMPLE",
		.secret_key = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
		.region = "us-east-1",
		.service = "s3" };
	struct request request;

	request_init(&request);
	request.method = "PUT";
	buffer_add_string(&request.url, "https://examplebucket.s3.amazonaws.com/");
	url_escape(&request.url, TEXT("test$file.text"));
	request_header(&request, "Date", TEXT("Fri, 24 May 2013 00:00:00 GMT"));
	request_header(&request, "x-amz-storage-class", TEXT("REDUCED_REDUNDANCY"));
	buffer_add_string(&request.body, "Welcome to Amazon S3.");
	check_signature(&request, &identity, S3_TIME,
		"98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd");
}

TEST(a_token_is_sent_and_signed)
{
	struct aws_identity with_token = suite;
	struct request request;

	with_token.token = "TOKEN";
	request_init(&request);
	buffer_add_string(&request.url, "https://example.amazonaws.com/");
	aws_sign_at(&request, &with_token, SUITE_TIME);
	CHECK_TEXT(request.headers.items[1], "x-amz-security-token: TOKEN");
	CHECK(strstr(request.headers.items[2],
		      "SignedHeaders=host;x-amz-date;x-amz-security-token,") != NULL);
	request_done(&request);
}

TEST(keys_that_are_missing_are_told_with_their_names)
{
	struct aws_settings aws = { .region = (char *)"eu-central-1" };
	struct error err;

	unsetenv("AWS_ACCESS_KEY_ID");
	unsetenv("AWS_SECRET_ACCESS_KEY");
	CHECK_NUMBER(aws_check(&aws, &err), -EINVAL);
	CHECK(strstr(err.message, "aws.secretaccesskey") != NULL);
	setenv("AWS_ACCESS_KEY_ID", "a", 1);
	setenv("AWS_SECRET_ACCESS_KEY", "b", 1);
	CHECK_NUMBER(aws_check(&aws, &err), 0);
	aws.role = (char *)"arn:aws:iam::1:role/x";
	CHECK_NUMBER(aws_check(&aws, &err), -EINVAL);
	CHECK(strstr(err.message, "aws.rolearn") != NULL);
	aws = (struct aws_settings){ 0 };
	CHECK_NUMBER(aws_check(&aws, &err), -EINVAL);
	CHECK(strstr(err.message, "aws.region") != NULL);
	unsetenv("AWS_ACCESS_KEY_ID");
	unsetenv("AWS_SECRET_ACCESS_KEY");
}

TEST(a_status_of_400_is_often_not_the_alerts_fault)
{
	static const struct {
		unsigned status;
		const char *body;
		enum verdict verdict;
	} cases[] = {
		{ 200, "{}", VERDICT_SENT },
		{ 400, "{\"__type\":\"com.amazon.coral.service#ExpiredTokenException\"}",
			VERDICT_OUTPUT_REFUSED },
		{ 400, "{\"__type\":\"ThrottlingException\"}", VERDICT_LATER },
		{ 400, "{\"__type\":\"ResourceNotFoundException\"}", VERDICT_OUTPUT_REFUSED },
		{ 400, "{\"__type\":\"com.amazonaws.sqs#QueueDoesNotExist\"}",
			VERDICT_OUTPUT_REFUSED },
		{ 400, "{\"__type\":\"InvalidParameterException\"}", VERDICT_ALERT_REFUSED },
		{ 403, "<Error><Code>SignatureDoesNotMatch</Code></Error>",
			VERDICT_OUTPUT_REFUSED },
	};

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct http_answer answer = { .status = cases[i].status };

		buffer_init(&answer.body, 1024);
		buffer_add_string(&answer.body, cases[i].body);
		CHECK_NUMBER(aws_verdict(&answer), cases[i].verdict);
		http_answer_done(&answer);
	}
}
