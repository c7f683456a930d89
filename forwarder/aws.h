/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the outputs for Amazon's services share: the settings below aws., and how they come to keys
 * and sign (cloud/).
 */
#pragma once

#include "cloud/aws-keys.h"
#include "forwarder/output.h"

/* Each output's settings hold a `const struct aws_settings *` where .group_at says. */
extern const struct output_group aws_group;

/* -EINVAL with words when there is no region, or half a pair of keys. */
int aws_check(const struct aws_settings *aws, struct error *err);

/* output.h's three, for outputs of aws_group. */
int aws_prepare(const struct preparing *at, struct request *request, struct error *err);
enum verdict aws_learn(
	const struct preparing *at, const struct http_answer *answer, struct error *err);
void aws_forget(void *memory);
#define AWS_IDENTITY                                                                          \
	.memory_size = sizeof(struct aws_memory), .prepare = aws_prepare, .learn = aws_learn, \
	.forget = aws_forget

/* Signs with the keys that aws_prepare() has found. */
int aws_sign(struct request *request, const struct preparing *at, const char *service,
	struct error *err);

/*
 * Amazon answers 400 for far more than a bad alert: wrong or expired keys, a stream that is not
 * there, throttling.
 */
enum verdict aws_verdict(const struct http_answer *answer);
