/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls to the services of Amazon and Google, with what proves to them who we are. Keys and tokens
 * are fetched for each call anew: actions are few, and nothing secret is kept.
 */
#pragma once

#include "cloud/aws-keys.h"
#include "cloud/google.h"
#include "responder/action.h"

struct cloud_call {
	struct run *run; /* whose settings and time it has */
	struct request *request;
	struct http_answer *answer; /* zeroes; the caller ends it with http_answer_done() */
};

/*
 * 0 when an answer came, whatever its status. Else why none came, with words: -EACCES and -EINVAL
 * when there are no keys, -ECONNREFUSED and -EHOSTUNREACH when nothing was begun, or another.
 */
int cloud_call_aws(const struct cloud_call *call, const struct aws_settings *aws,
	const char *service, struct error *err);
/* `audience`: the URL of the function that is called; NULL: the cloud's own APIs. */
int cloud_call_google(const struct cloud_call *call, const char *audience, struct error *err);
/* As they are, without any proof. */
int cloud_call_plain(const struct cloud_call *call, struct error *err);

/* The settings' region, or the environment's, as Amazon's own tools have it; "" when none is. */
const char *aws_region(const struct responder_settings *settings);
/* The project of the credentials, the environment, or the machine; the caller frees it. */
int google_project(struct run *run, char **ret_project, struct error *err);
