/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the outputs for Amazon's services share: the settings below aws., and signature version 4
 * (docs.aws.amazon.com, "AWS Signature Version 4 for API requests").
 */
#pragma once

#include <time.h>

#include "base/http-client.h"
#include "forwarder/output.h"

/* Where keys come from stands in aws-identity.c. */
struct aws_settings {
	char *access_key, *secret_key, *region, *role, *external_id;
};

/* Each output's settings hold a `const struct aws_settings *` where .group_at says. */
extern const struct output_group aws_group;

/* -EINVAL with words when there is no region, or half a pair of keys. */
int aws_check(const struct aws_settings *aws, struct error *err);

/* Of one output: keys that end, and how far the way to them is. */
struct aws_keys {
	char *access_key, *secret_key;
	char *token;	/* or NULL */
	time_t expires; /* 0: never */
};
struct aws_memory {
	struct aws_keys own;	 /* of the settings, the pod, the machine */
	struct aws_keys assumed; /* of aws.rolearn, where it is set */
	int asked;		 /* enum in aws-identity.c: what .learn gets the answer of */
	char *machine_token, *machine_role;
};

/* output.h's three, for outputs of aws_group. */
int aws_prepare(const struct preparing *at, struct request *request, struct error *err);
enum verdict aws_learn(
	const struct preparing *at, const struct http_answer *answer, struct error *err);
void aws_forget(void *memory);
#define AWS_IDENTITY                                                                          \
	.memory_size = sizeof(struct aws_memory), .prepare = aws_prepare, .learn = aws_learn, \
	.forget = aws_forget

struct aws_identity {
	const char *access_key, *secret_key;
	const char *token; /* or NULL */
	const char *region, *service;
};

/*
 * Adds x-amz-date, for s3 x-amz-content-sha256, a token's header, and Authorization to a request
 * that is complete otherwise; all its headers are signed. Escapes of the URL must be those of
 * url_escape(). Pure.
 */
void aws_sign_at(struct request *request, const struct aws_identity *identity, time_t now);
/* The same with the keys that aws_prepare() has found. */
int aws_sign(struct request *request, const struct preparing *at, const char *service,
	struct error *err);

/*
 * Amazon answers 400 for far more than a bad alert: wrong or expired keys, a stream that is not
 * there, throttling.
 */
enum verdict aws_verdict(const struct http_answer *answer);

/* Begins a request of the JSON protocol: "AmazonSQS.SendMessage", version "1.0" or "1.1". */
void aws_json(struct request *request, const char *target, const char *version);
