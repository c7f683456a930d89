/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who we are to Google: the service account of gcp.credentials, else Application Default
 * Credentials (the file that GOOGLE_APPLICATION_CREDENTIALS names: a service account, or a person's
 * refresh token), else the machine's or pod's own account by the metadata server
 * (cloud.google.com, "Application Default Credentials"; developers.google.com, "Using OAuth 2.0 for
 * Server to Server Applications").
 */
#include <errno.h>
#include <stdlib.h>

#include "base/memory.h"
#include "forwarder/gcp.h"
#include "base/secret-file.h"

#define SCOPE	     "https://www.googleapis.com/auth/cloud-platform"
#define ASSERTION_S  3600 /* the longest that Google takes */
#define TOKEN_SERVER "https://oauth2.googleapis.com/token"
#define ACCOUNT_MAX  (64 * 1024)

static const struct setting rows[] = {
	OUTPUT_ROW_SECRET(gcp_settings, credentials, "credentials",
		"The service account's key file, in base64; else the application default "
		"credentials, or the account of the pod or machine"),
	OUTPUT_ROW_IGNORED(
		"workloadidentity", "false", "the pod's account is used when credentials is empty"),
	OUTPUT_ROW_IGNORED(
		"minimumpriority", "", "it is set for each output, as gcp.pubsub.minimumpriority"),
	OUTPUT_ROW_IGNORED("customattributes", NULL, "they are set as gcp.pubsub.customattributes"),
};

const struct output_group gcp_group = {
	.name = "gcp",
	.rows = rows,
	.row_count = COUNT_OF(rows),
	.size = sizeof(struct gcp_settings),
};

static void write_claims(struct buffer *out, struct text email, const char *audience, time_t now)
{
	struct json_writer json;

	json_writer_init(&json, out);
	json_begin_object(&json);
	json_key(&json, "iss");
	json_add_text(&json, email);
	json_key(&json, "scope");
	json_add_string(&json, SCOPE);
	json_key(&json, "aud");
	json_add_string(&json, audience);
	json_key(&json, "iat");
	json_add_i64(&json, now);
	json_key(&json, "exp");
	json_add_i64(&json, now + ASSERTION_S);
	json_end(&json);
}

static void write_head(struct buffer *out, struct text key_id)
{
	struct json_writer json;

	json_writer_init(&json, out);
	json_begin_object(&json);
	json_key(&json, "alg");
	json_add_string(&json, "RS256");
	json_key(&json, "typ");
	json_add_string(&json, "JWT");
	if (key_id.length) {
		json_key(&json, "kid");
		json_add_text(&json, key_id);
	}
	json_end(&json);
}

static int write_assertion(struct json_object *account, time_t now, const char *server,
	struct buffer *out, struct error *err)
{
	struct text email = json_get_text(account, "client_email");
	struct text key = json_get_text(account, "private_key");
	struct buffer head, claims;
	int r;

	if (!email.length || !key.length)
		return error_set(err, -EINVAL,
			"a service account's key file has client_email and private_key");
	buffer_init(&head, ACCOUNT_MAX);
	buffer_init(&claims, ACCOUNT_MAX);
	write_head(&head, json_get_text(account, "private_key_id"));
	write_claims(&claims, email, server, now);
	r = jwt_write(out, buffer_text(&head), buffer_text(&claims), key, err);
	buffer_done(&head);
	buffer_done(&claims);
	return r;
}

static char *server_of(struct json_object *account)
{
	struct text server = json_get_text(account, "token_uri");

	return text_to_string(server.length ? server : TEXT(TOKEN_SERVER));
}

int gcp_assertion(
	struct text account, time_t now, struct buffer *url, struct buffer *out, struct error *err)
{
	_cleanup_(json_putp) struct json_object *root = NULL;
	_cleanup_(freep) char *server = NULL;

	if (json_parse(account, &root, NULL, err) < 0)
		return error_prefix(err, "a service account's key file is JSON");
	server = server_of(root);
	buffer_add_string(url, server);
	return write_assertion(root, now, server, out, err);
}

int gcp_check(const struct gcp_settings *gcp, struct error *err)
{
	_cleanup_(freep) char *account = NULL;
	struct buffer url, assertion;
	int r;

	if (!is_set(gcp->credentials))
		return 0;
	account = base64_read(gcp->credentials);
	if (!account)
		return error_set(err, -EINVAL,
			"gcp.credentials must be a service account's key file in base64 (base64 "
			"-w0 key.json)");
	buffer_init(&url, ACCOUNT_MAX);
	buffer_init(&assertion, ACCOUNT_MAX);
	r = gcp_assertion(text_of(account), 0, &url, &assertion, err);
	buffer_done(&url);
	buffer_done(&assertion);
	explicit_bzero(account, strlen(account));
	return r < 0 ? error_prefix(err, "gcp.credentials") : 0;
}

static void begin_form(struct request *request)
{
	request_header(request, "Content-Type", TEXT("application/x-www-form-urlencoded"));
}

static int ask_as_account(
	struct text account, time_t now, struct request *request, struct error *err)
{
	begin_form(request);
	buffer_add_string(&request->body,
		"grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion=");
	if (gcp_assertion(account, now, &request->url, &request->body, err) < 0)
		return -EINVAL;
	return PREPARE_BY_REQUEST;
}

static int ask_as_person(struct json_object *account, struct request *request, struct error *err)
{
	static const char *const names[] = { "client_id", "client_secret", "refresh_token" };

	begin_form(request);
	buffer_add_string(&request->url, TOKEN_SERVER);
	buffer_add_string(&request->body, "grant_type=refresh_token");
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		struct text value = json_get_text(account, names[i]);

		if (!value.length)
			return error_set(
				err, -EINVAL, "GOOGLE_APPLICATION_CREDENTIALS has no %s", names[i]);
		buffer_printf(&request->body, "&%s=", names[i]);
		url_escape(&request->body, value);
	}
	return PREPARE_BY_REQUEST;
}

static int ask_by_file(const char *path, time_t now, struct request *request, struct error *err)
{
	_cleanup_(json_putp) struct json_object *root = NULL;
	_cleanup_(freep) char *file = NULL;
	struct text type;

	if (secret_file_read(path, &file, err) < 0 ||
		json_parse(text_of(file), &root, NULL, err) < 0)
		return error_prefix(err, "GOOGLE_APPLICATION_CREDENTIALS");
	type = json_get_text(root, "type");
	if (text_is(type, "authorized_user"))
		return ask_as_person(root, request, err);
	if (!text_is(type, "service_account"))
		return error_set(err, -EINVAL,
			"GOOGLE_APPLICATION_CREDENTIALS: credentials of type \"" TEXT_FORMAT
			"\" are not spoken; give a service account's key file",
			TEXT_PRINT(type));
	return ask_as_account(text_of(file), now, request, err);
}

static int ask_metadata(struct request *request)
{
	const char *host = getenv("GCE_METADATA_HOST");

	request->method = "GET";
	buffer_printf(&request->url,
		"http://%s/computeMetadata/v1/instance/service-accounts/default/token",
		is_set(host) ? host : "metadata.google.internal");
	request_header(request, "Metadata-Flavor", TEXT("Google"));
	return PREPARE_BY_REQUEST;
}

int gcp_prepare(const struct preparing *at, struct request *request, struct error *err)
{
	const struct gcp_settings *gcp = at->group;
	const char *path = getenv("GOOGLE_APPLICATION_CREDENTIALS");
	_cleanup_(freep) char *account = NULL;

	if (bearer_is_fresh(at->memory, at->now))
		return PREPARED;
	if (!is_set(gcp->credentials))
		return is_set(path) ? ask_by_file(path, at->now, request, err)
				    : ask_metadata(request);
	account = base64_read(gcp->credentials);
	if (!account)
		return error_set(err, -EINVAL, "gcp.credentials is no base64");
	return ask_as_account(text_of(account), at->now, request, err);
}

enum verdict gcp_learn(
	const struct preparing *at, const struct http_answer *answer, struct error *err)
{
	return bearer_learn(at->memory, at->now, answer, err);
}

void gcp_forget(void *memory)
{
	bearer_done(memory);
}

int gcp_sign(struct request *request, const struct preparing *at, struct error *err)
{
	(void)err;
	bearer_sign(at->memory, request);
	return 0;
}
