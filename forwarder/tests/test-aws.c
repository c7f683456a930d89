/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signature version 4 against the examples that Amazon publishes: the test suite "aws-sig-v4", the
 * IAM example of "Create a signed request", and "PUT Object" of S3's "Signature calculations".
 */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

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

/* One output's way to its keys, as delivery goes it. */
struct way {
	struct aws_settings aws;
	struct aws_memory memory;
	struct preparing at;
	struct request request;
	struct error err;
};

static void way_init(struct way *way, time_t now)
{
	static const char *const variables[] = { "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY",
		"AWS_SESSION_TOKEN", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_ROLE_ARN", "AWS_PROFILE",
		"AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
		"AWS_EC2_METADATA_SERVICE_ENDPOINT", "AWS_EC2_METADATA_DISABLED",
		"AWS_ENDPOINT_URL_STS" };

	for (size_t i = 0; i < COUNT_OF(variables); i++)
		unsetenv(variables[i]);
	setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent", 1);
	*way = (struct way){ .aws = { .region = (char *)"eu-central-1" } };
	way->at = (struct preparing){ &way->memory, NULL, &way->aws, now };
	request_init(&way->request);
}

static void way_done(struct way *way)
{
	request_done(&way->request);
	aws_forget(&way->memory);
}

static int way_ask(struct way *way)
{
	request_done(&way->request);
	request_init(&way->request);
	return aws_prepare(&way->at, &way->request, &way->err);
}

/* Asks, and gives the answer. */
static void way_go(struct way *way, const char *url, unsigned status, const char *body)
{
	struct http_answer answer = { .status = status };

	CHECK_NUMBER(way_ask(way), PREPARE_BY_REQUEST);
	CHECK_TEXT(way->request.url.data, url);
	buffer_init(&answer.body, 4096);
	buffer_add_string(&answer.body, body);
	CHECK_NUMBER(aws_learn(&way->at, &answer, &way->err),
		status == 200 ? VERDICT_SENT : VERDICT_OUTPUT_REFUSED);
	http_answer_done(&answer);
}

static void check_signs_with(struct way *way, const char *key, const char *token)
{
	struct request request;
	bool has_key = false, has_token = false;

	CHECK_NUMBER(way_ask(way), PREPARED);
	request_init(&request);
	buffer_add_string(&request.url, "https://example.amazonaws.com/");
	CHECK_NUMBER(aws_sign(&request, &way->at, "sqs", &way->err), 0);
	for (size_t i = 0; i < request.headers.count; i++) {
		has_key |= strstr(request.headers.items[i], key) != NULL;
		has_token |= token && strstr(request.headers.items[i], token);
	}
	CHECK(has_key);
	CHECK(has_token == (token != NULL));
	request_done(&request);
}

#define STS_ANSWER                                                                            \
	"<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>ASIA2</AccessKeyId>" \
	"<SecretAccessKey>s/2</SecretAccessKey><SessionToken>t+2==</SessionToken>"            \
	"<Expiration>2026-11-24T11:00:00Z</Expiration></Credentials></AssumeRoleResult>"      \
	"</AssumeRoleResponse>"
#define AGENT_ANSWER                                                              \
	"{\"AccessKeyId\":\"ASIA1\",\"SecretAccessKey\":\"s1\",\"Token\":\"t1\"," \
	"\"Expiration\":\"2026-11-24T11:00:00Z\"}"
#define TEN_O_CLOCK 1795514400 /* 2026-11-24T10:00:00Z */

TEST(half_a_pair_of_keys_and_a_missing_region_are_told_with_their_names)
{
	struct aws_settings aws = { .region = (char *)"eu-central-1" };
	struct error err;

	CHECK_NUMBER(aws_check(&aws, &err), 0);
	aws.access_key = (char *)"a";
	CHECK_NUMBER(aws_check(&aws, &err), -EINVAL);
	CHECK(strstr(err.message, "aws.secretaccesskey") != NULL);
	aws = (struct aws_settings){ 0 };
	CHECK_NUMBER(aws_check(&aws, &err), -EINVAL);
	CHECK(strstr(err.message, "aws.region") != NULL);
}

TEST(keys_of_the_settings_come_before_those_of_the_environment)
{
	struct way way;

	way_init(&way, TEN_O_CLOCK);
	setenv("AWS_ACCESS_KEY_ID", "AKENV", 1);
	setenv("AWS_SECRET_ACCESS_KEY", "b", 1);
	setenv("AWS_SESSION_TOKEN", "tenv", 1);
	check_signs_with(&way, "Credential=AKENV/", "tenv");
	way_done(&way);
	way.memory = (struct aws_memory){ 0 };
	request_init(&way.request);
	way.aws.access_key = (char *)"AKSET";
	way.aws.secret_key = (char *)"c";
	check_signs_with(&way, "Credential=AKSET/", NULL);
	way_done(&way);
}

static void write_file(char *path, const char *content)
{
	int fd = mkstemp(path);

	CHECK(fd >= 0 && write(fd, content, strlen(content)) == (ssize_t)strlen(content));
	close(fd);
}

TEST(a_profile_of_the_shared_file_gives_keys)
{
	char path[] = "/tmp/tercel-test-XXXXXX";
	struct way way;

	write_file(path, "[default]\naws_access_key_id = AKDEF\naws_secret_access_key=d\n\n"
			 "[ops]\n# none\naws_access_key_id=AKOPS\naws_secret_access_key=o=\n");
	way_init(&way, TEN_O_CLOCK);
	setenv("AWS_SHARED_CREDENTIALS_FILE", path, 1);
	setenv("AWS_PROFILE", "ops", 1);
	check_signs_with(&way, "Credential=AKOPS/", NULL);
	CHECK_TEXT(way.memory.own.secret_key, "o=");
	way_done(&way);
	unlink(path);
}

TEST(a_web_identity_becomes_keys_which_are_fetched_again_before_they_end)
{
	char path[] = "/tmp/tercel-test-XXXXXX";
	struct way way;

	write_file(path, "header.claims/sig\n");
	way_init(&way, TEN_O_CLOCK);
	setenv("AWS_WEB_IDENTITY_TOKEN_FILE", path, 1);
	setenv("AWS_ROLE_ARN", "arn:aws:iam::1:role/x", 1);
	way_go(&way, "https://sts.eu-central-1.amazonaws.com/", 200, STS_ANSWER);
	CHECK_TEXT(way.request.body.data,
		"Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleSessionName="
		"tercel&RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2Fx&WebIdentityToken="
		"header.claims%2Fsig");
	check_signs_with(&way, "Credential=ASIA2/", "t+2==");
	way.at.now = TEN_O_CLOCK + 3600 - 301;
	CHECK_NUMBER(way_ask(&way), PREPARED);
	way.at.now = TEN_O_CLOCK + 3600 - 300;
	CHECK_NUMBER(way_ask(&way), PREPARE_BY_REQUEST);
	unlink(path);
	CHECK_NUMBER(way_ask(&way), -ENOENT);
	CHECK(strstr(way.err.message, "AWS_WEB_IDENTITY_TOKEN_FILE") != NULL);
	way_done(&way);
}

TEST(a_containers_agent_gives_keys)
{
	struct way way;

	way_init(&way, TEN_O_CLOCK);
	setenv("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/v2/credentials/x", 1);
	setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN", "pod-token", 1);
	way_go(&way, "http://169.254.170.2/v2/credentials/x", 200, AGENT_ANSWER);
	CHECK_TEXT(way.request.method, "GET");
	CHECK_TEXT(way.request.headers.items[0], "Authorization: pod-token");
	check_signs_with(&way, "Credential=ASIA1/", "t1");
	way_done(&way);
	unsetenv("AWS_CONTAINER_AUTHORIZATION_TOKEN");
}

TEST(a_machine_is_asked_for_a_token_its_role_and_its_keys)
{
	struct way way;

	way_init(&way, TEN_O_CLOCK);
	way_go(&way, "http://169.254.169.254/latest/api/token", 200, "TOKEN");
	CHECK_TEXT(way.request.method, "PUT");
	way_go(&way, "http://169.254.169.254/latest/meta-data/iam/security-credentials/", 200,
		"my-role\n");
	CHECK_TEXT(way.request.headers.items[0], "X-aws-ec2-metadata-token: TOKEN");
	way_go(&way, "http://169.254.169.254/latest/meta-data/iam/security-credentials/my-role",
		200, AGENT_ANSWER);
	check_signs_with(&way, "Credential=ASIA1/", "t1");
	way_done(&way);
}

TEST(a_role_is_assumed_with_the_keys_that_are_there)
{
	struct way way;

	way_init(&way, TEN_O_CLOCK);
	way.aws.access_key = (char *)"AKSET";
	way.aws.secret_key = (char *)"c";
	way.aws.role = (char *)"arn:aws:iam::2:role/y";
	way.aws.external_id = (char *)"a b";
	way_go(&way, "https://sts.eu-central-1.amazonaws.com/", 200, STS_ANSWER);
	CHECK(strstr(way.request.body.data, "Action=AssumeRole&") != NULL);
	CHECK(strstr(way.request.body.data, "&ExternalId=a%20b") != NULL);
	CHECK(strstr(way.request.headers.items[way.request.headers.count - 1],
		      "Credential=AKSET/20261124/eu-central-1/sts/aws4_request") != NULL);
	check_signs_with(&way, "Credential=ASIA2/", "t+2==");
	way.at.now = TEN_O_CLOCK + 3600;
	CHECK_NUMBER(way_ask(&way), PREPARE_BY_REQUEST);
	way_done(&way);
}

TEST(keys_that_nobody_gives_are_told)
{
	struct way way;

	way_init(&way, TEN_O_CLOCK);
	way_go(&way, "http://169.254.169.254/latest/api/token", 404, "");
	CHECK(strstr(way.err.message, "no keys for AWS are set") != NULL);
	setenv("AWS_EC2_METADATA_DISABLED", "true", 1);
	CHECK_NUMBER(way_ask(&way), -EINVAL);
	CHECK(strstr(way.err.message, "the settings below aws.") != NULL);
	unsetenv("AWS_EC2_METADATA_DISABLED");
	way_done(&way);
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
