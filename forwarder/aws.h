/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the outputs for Amazon's services share: the settings below aws., and signature version 4
 * (docs.aws.amazon.com, "AWS Signature Version 4 for API requests").
 */
#pragma once

#include <time.h>

#include "base/http-client.h"
#include "forwarder/output.h"

/*
 * Keys are the settings', else those of the environment that Amazon's tools read
 * (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN).
 */
struct aws_settings {
	char *access_key, *secret_key, *region, *role, *external_id;
};

/* Each output's settings hold a `const struct aws_settings *` where .group_at says. */
extern const struct output_group aws_group;

/* -EINVAL with words when there are no keys or no region, or a role that is not spoken yet. */
int aws_check(const struct aws_settings *aws, struct error *err);

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
/* The same with the settings' identity and the time of now. */
int aws_sign(struct request *request, const struct aws_settings *aws, const char *service,
	struct error *err);

/*
 * Amazon answers 400 for far more than a bad alert: wrong or expired keys, a stream that is not
 * there, throttling.
 */
enum verdict aws_verdict(const struct http_answer *answer);

/* Begins a request of the JSON protocol: "AmazonSQS.SendMessage", version "1.0" or "1.1". */
void aws_json(struct request *request, const char *target, const char *version);
