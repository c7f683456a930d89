/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls out of the cluster's API: webhooks and functions, which get the alert as Falco's JSON with
 * what the contexts add.
 */
#pragma once

#include "base/http-client.h"
#include "responder/action.h"

/*
 * Posts the payload. 2xx is well, and the answer's beginning is in run->result. -EAGAIN only when
 * nothing can have been begun (no connection, 429, 503).
 */
int function_post(struct run *run, const char *url, const struct text_map *headers,
	const char *const *more_headers, int64_t timeout_ms, struct error *err);
/*
 * What an answer means, or why none came (r, as http_client_perform() returns it): as above, and
 * its beginning is in run->result, all of it in run->artifact.
 */
int function_judge(struct run *run, const char *url, const struct http_answer *answer, int r,
	struct error *err);
/* -EINVAL with words unless it is http:// or https://. */
int function_check_url(const char *key, const char *url, struct error *err);
