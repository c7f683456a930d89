/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A program beside this one that a page wants to hear, or to tell something: a forwarder, the
 * responder. Asked when a page asks, with the token by which the parts know each other.
 */
#pragma once

#include "base/http-client.h"
#include "base/json.h"

struct neighbour {
	struct http_client *client;			 /* of the caller's thread */
	const char *url;				 /* without a "/" at its end */
	const char *socket_path, *server_name, *ca_file; /* as in struct http_call */
	const char *token;				 /* NULL or "": none */
	size_t answer_max;
};

/* `body` is JSON, or has NULL data. Returns answer.error; http_answer_done() in any case. */
int neighbour_ask(const struct neighbour *neighbour, const char *method, const char *path,
	struct text body, struct http_answer *ret_answer);
/* What a GET gives as JSON, the caller's to put; or the reason why there is none. */
int neighbour_get(const struct neighbour *neighbour, const char *path,
	struct json_object **ret_value, struct error *err);
