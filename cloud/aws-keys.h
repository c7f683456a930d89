/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys for Amazon's services: where they come from stands in aws-keys.c. Nothing here connects: who
 * wants keys is told what to ask, and hands over the answer.
 */
#pragma once

#include "base/http-client.h"
#include "cloud/aws-signature.h"

/* What people set; each may be NULL or "", but for the region. */
struct aws_settings {
	char *access_key, *secret_key, *region, *role, *external_id;
};

struct aws_keys {
	char *access_key, *secret_key;
	char *token;	/* or NULL */
	time_t expires; /* 0: never */
};

/* Keys that end, and how far the way to them is; begins as zeroes. */
struct aws_memory {
	struct aws_keys own;	 /* of the settings, the pod, the machine */
	struct aws_keys assumed; /* of the role, where one is set */
	int asked;		 /* enum in aws-keys.c: what aws_keys_learn() gets the answer of */
	char *machine_token, *machine_role;
};

enum { AWS_KEYS_READY, AWS_KEYS_BY_REQUEST };

/* AWS_KEYS_BY_REQUEST: the request is to be sent and learned from, and then this called again. */
int aws_keys_prepare(struct aws_memory *memory, const struct aws_settings *aws, time_t now,
	struct request *request, struct error *err);
/* -EACCES, with words, when the answer gives nothing. */
int aws_keys_learn(struct aws_memory *memory, const struct http_answer *answer, struct error *err);
void aws_keys_forget(struct aws_memory *memory);

struct aws_signing {
	const struct aws_settings *aws;
	const struct aws_memory *memory;
	const char *service; /* "s3" */
	time_t now;
};

/* Signs with the keys that were found; -EINVAL when there are none. */
int aws_keys_sign(struct request *request, const struct aws_signing *signing, struct error *err);
