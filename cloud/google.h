/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tokens for Google's services: whose they are stands in google.c. Nothing here connects: who wants
 * a token is told what to ask, and hands over the answer.
 */
#pragma once

#include "cloud/bearer.h"

struct google_wish {
	struct text account;  /* a service account's key file; empty: the default credentials */
	const char *audience; /* a token of identity for this URL; NULL: one for the cloud's APIs */
	time_t now;	      /* since 1970 */
};

/*
 * Adds the JWT by which a service account asks for a token, and its token endpoint to `url`.
 * -EINVAL with words when the account is no service account's key. Pure.
 */
int google_assertion(
	const struct google_wish *wish, struct buffer *url, struct buffer *out, struct error *err);
/* Makes the request for a token. -EINVAL with words when there is nothing to ask with. */
int google_ask(const struct google_wish *wish, struct request *request, struct error *err);
/* From its answer. -EACCES. */
int google_learn(struct bearer *bearer, const struct google_wish *wish,
	const struct http_answer *answer, struct error *err);
/* A question to the metadata server of the machine or pod, such as "project/project-id". */
void google_ask_machine(const char *path, struct request *request);
