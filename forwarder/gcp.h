/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the outputs for Google's services share: the settings below gcp., and the access token that
 * they send.
 */
#pragma once

#include "cloud/google.h"
#include "forwarder/output.h"

struct gcp_settings {
	char *credentials;
};

/* Each output's settings hold a `const struct gcp_settings *` where .group_at says. */
extern const struct output_group gcp_group;

/* -EINVAL with words when gcp.credentials is set and is no service account's key. */
int gcp_check(const struct gcp_settings *gcp, struct error *err);
/* output.h's, for outputs of gcp_group; their memory is a struct bearer. */
int gcp_prepare(const struct preparing *at, struct request *request, struct error *err);
enum verdict gcp_learn(
	const struct preparing *at, const struct http_answer *answer, struct error *err);
void gcp_forget(void *memory);
int gcp_sign(struct request *request, const struct preparing *at, struct error *err);
#define GCP_IDENTITY                                                                      \
	.memory_size = sizeof(struct bearer), .prepare = gcp_prepare, .learn = gcp_learn, \
	.forget = gcp_forget, .sign = gcp_sign

/* `address`, when it is set, in place of Google's. */
#define GCP_ROW_ENDPOINT(of, member_)                  \
	OUTPUT_ROW_TEXT(of, member_, "endpoint", NULL, \
		"Address of the service, where it is not Google's own")
