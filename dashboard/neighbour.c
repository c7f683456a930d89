/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a neighbour is asked.
 */
#include <errno.h>

#include "base/memory.h"
#include "dashboard/neighbour.h"

#define TIMEOUT_MS 3000

int neighbour_ask(const struct neighbour *neighbour, const char *method, const char *path,
	struct text body, struct http_answer *ret_answer)
{
	_cleanup_(freep) char *url = string_printf("%s%s", neighbour->url, path);
	_cleanup_(freep) char *token = NULL;
	const char *headers[3] = { "Content-Type: application/json" };
	struct http_call call = { .method = method,
		.url = url,
		.socket_path = neighbour->socket_path,
		.server_name = neighbour->server_name,
		.ca_file = neighbour->ca_file,
		.headers = headers,
		.body = body,
		.timeout_ms = TIMEOUT_MS,
		.answer_max = neighbour->answer_max };

	if (neighbour->token && *neighbour->token) {
		token = string_printf("Authorization: Bearer %s", neighbour->token);
		headers[1] = token;
	}
	return http_client_perform(neighbour->client, &call, ret_answer);
}

int neighbour_get(const struct neighbour *neighbour, const char *path,
	struct json_object **ret_value, struct error *err)
{
	struct http_answer answer = { 0 };
	int r;

	neighbour_ask(neighbour, "GET", path, (struct text){ 0 }, &answer);
	if (answer.error)
		r = error_set(err, answer.error, "%s", answer.message);
	else if (answer.status != 200)
		r = error_set(err, -EPROTO, "%s: HTTP status %u", path, answer.status);
	else
		r = json_parse(buffer_text(&answer.body), ret_value, NULL, err);
	http_answer_done(&answer);
	return r;
}
