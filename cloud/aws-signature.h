/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signature version 4 of requests to Amazon's services, and to what speaks their language
 * (docs.aws.amazon.com, "AWS Signature Version 4 for API requests").
 */
#pragma once

#include <time.h>

#include "base/request.h"

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

/* Begins a request of the JSON protocol: "AmazonSQS.SendMessage", version "1.0" or "1.1". */
void aws_json(struct request *request, const char *target, const char *version);
