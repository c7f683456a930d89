/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The API server over HTTP, and what its answers mean to who asked.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/encoding.h"
#include "base/memory.h"
#include "base/secret-file.h"
#include "responder/cluster.h"

#define TIMEOUT_MS 10000

struct cluster {
	const struct kubernetes_api *api;
	struct http_client *http;
};

struct cluster *cluster_new(const struct kubernetes_api *api)
{
	struct cluster *cluster = NEW(struct cluster);

	cluster->api = api;
	cluster->http = http_client_new(1);
	return cluster;
}

void cluster_free(struct cluster *cluster)
{
	if (!cluster)
		return;
	http_client_free(cluster->http);
	free(cluster);
}

const struct kubernetes_api *cluster_api(const struct cluster *cluster)
{
	return cluster->api;
}

int cluster_authorization(const struct kubernetes_api *api, char **ret_header, struct error *err)
{
	_cleanup_(freep) char *read = NULL;
	const char *token = api->token;
	struct text clean;

	*ret_header = NULL;
	if (api->token_file && secret_file_read(api->token_file, &read, err) < 0)
		return err->code;
	if (read)
		token = read;
	if (!token)
		return 0;
	clean = text_trim(text_of(token));
	*ret_header = string_printf("Authorization: Bearer " TEXT_FORMAT, TEXT_PRINT(clean));
	return 0;
}

static int errno_of_status(unsigned status)
{
	static const struct {
		unsigned status;
		int error;
	} known[] = {
		{ 400, -EINVAL },
		{ 401, -EACCES },
		{ 403, -EACCES },
		{ 404, -ENOENT },
		{ 408, -EAGAIN },
		{ 409, -EEXIST },
		{ 422, -EINVAL },
		{ 429, -EAGAIN },
	};

	for (size_t i = 0; i < COUNT_OF(known); i++)
		if (known[i].status == status)
			return known[i].error;
	return status >= 500 ? -EAGAIN : -EIO;
}

/* The message of a metav1.Status, or the bare status. */
static int refused(
	const struct cluster_call *call, const struct http_answer *answer, struct error *err)
{
	_cleanup_(json_putp) struct json_object *status = NULL;
	struct error ignored = { 0 };
	struct text words;

	(void)json_parse(buffer_text(&answer->body), &status, NULL, &ignored);
	words = json_get_text(status, "message");
	return error_set(err, errno_of_status(answer->status),
		"the API server answered %u to %s %s: " TEXT_FORMAT, answer->status, call->method,
		call->path, TEXT_PRINT(text_slice(words, 0, 600)));
}

static int perform(struct cluster *cluster, const struct cluster_call *call,
	struct http_answer *ret_answer, struct error *err)
{
	const struct kubernetes_api *api = cluster->api;
	_cleanup_(freep) char *authorization = NULL, *media = NULL, *url = NULL, *basic = NULL;
	struct text server = text_of(api->server);
	const char *headers[4] = { "Accept: application/json, */*" };
	struct http_call http = { .method = call->method, .body = call->body };
	size_t count = 1;
	int r = cluster_authorization(api, &authorization, err);

	if (r < 0)
		return r;
	if (authorization)
		headers[count++] = authorization;
	else if (api->user)
		http.user = basic = string_printf("%s:%s", api->user, api->password ?: "");
	media = string_printf("Content-Type: %s", call->media ? call->media : "application/json");
	if (call->body.length)
		headers[count++] = media;
	while (text_ends_with(server, TEXT("/")))
		server.length--;
	url = string_printf(TEXT_FORMAT "%s", TEXT_PRINT(server), call->path);
	http.url = url;
	http.headers = headers;
	http.ca = text_of(api->ca);
	http.certificate = text_of(api->certificate);
	http.key = text_of(api->key);
	http.accepts_any_certificate = api->trusts_anyone;
	http.connect_timeout_ms = 5000;
	http.timeout_ms = call->timeout_ms ? call->timeout_ms : TIMEOUT_MS;
	http.answer_max = call->answer_max ? call->answer_max : CLUSTER_ANSWER_MAX;
	r = http_client_perform(cluster->http, &http, ret_answer);
	if (r < 0)
		return error_set(err, r == -EINVAL ? r : -EAGAIN,
			"the API server at %s cannot be asked: %s", api->server,
			ret_answer->message);
	if (ret_answer->status >= 300 || ret_answer->status < 200)
		return refused(call, ret_answer, err);
	return (int)ret_answer->status;
}

int cluster_ask(struct cluster *cluster, const struct cluster_call *call,
	struct json_object **ret_object, struct error *err)
{
	struct http_answer answer = { 0 };
	int r = perform(cluster, call, &answer, err);

	if (r >= 0 && ret_object) {
		int parsed = json_parse(buffer_text(&answer.body), ret_object, NULL, err);

		if (parsed < 0)
			r = error_prefix(err, "the API server's answer to %s", call->path);
	}
	http_answer_done(&answer);
	return r;
}

int cluster_ask_text(struct cluster *cluster, const struct cluster_call *call, struct buffer *out,
	struct error *err)
{
	struct http_answer answer = { 0 };
	int r = perform(cluster, call, &answer, err);

	if (r >= 0)
		buffer_add_text(out, buffer_text(&answer.body));
	http_answer_done(&answer);
	return r;
}

void path_add(struct buffer *path, const char *part)
{
	buffer_add_char(path, '/');
	url_escape(path, text_of(part));
}

void path_of(struct buffer *path, const char *const *parts)
{
	for (; *parts; parts++)
		path_add(path, *parts);
}

bool is_object_name(struct text name)
{
	if (!name.length || name.length > 253)
		return false;
	for (size_t i = 0; i < name.length; i++) {
		char c = name.data[i];
		bool is_inner = c == '-' || c == '.';

		if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || is_inner))
			return false;
		if (is_inner && (i == 0 || i == name.length - 1))
			return false;
	}
	return true;
}
