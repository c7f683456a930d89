/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who we are to Google: the service account that is given, else Application Default
 * Credentials (the file that GOOGLE_APPLICATION_CREDENTIALS names: a service account, or a person's
 * refresh token), else the machine's or pod's own account by the metadata server
 * (cloud.google.com, "Application Default Credentials"; developers.google.com, "Using OAuth 2.0 for
 * Server to Server Applications").
 */
#include <errno.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/memory.h"
#include "base/secret-file.h"
#include "cloud/google.h"

#define SCOPE	     "https://www.googleapis.com/auth/cloud-platform"
#define ASSERTION_S  3600 /* the longest that Google takes */
#define TOKEN_SERVER "https://oauth2.googleapis.com/token"
#define ACCOUNT_MAX  (64 * 1024)

/* With an audience of its own the token tells that service who we are, and opens nothing else. */
static void write_claims(
	struct buffer *out, struct text email, const char *server, const struct google_wish *wish)
{
	struct json_writer json;

	json_writer_init(&json, out);
	json_begin_object(&json);
	json_key(&json, "iss");
	json_add_text(&json, email);
	json_key(&json, wish->audience ? "target_audience" : "scope");
	json_add_string(&json, wish->audience ? wish->audience : SCOPE);
	json_key(&json, "aud");
	json_add_string(&json, server);
	json_key(&json, "iat");
	json_add_i64(&json, wish->now);
	json_key(&json, "exp");
	json_add_i64(&json, wish->now + ASSERTION_S);
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

static int write_assertion(struct json_object *account, const struct google_wish *wish,
	const char *server, struct buffer *out, struct error *err)
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
	write_claims(&claims, email, server, wish);
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

int google_assertion(
	const struct google_wish *wish, struct buffer *url, struct buffer *out, struct error *err)
{
	_cleanup_(json_putp) struct json_object *root = NULL;
	_cleanup_(freep) char *server = NULL;

	if (json_parse(wish->account, &root, NULL, err) < 0)
		return error_prefix(err, "a service account's key file is JSON");
	server = server_of(root);
	buffer_add_string(url, server);
	return write_assertion(root, wish, server, out, err);
}

static void begin_form(struct request *request)
{
	request_header(request, "Content-Type", TEXT("application/x-www-form-urlencoded"));
}

static int ask_as_account(
	const struct google_wish *wish, struct request *request, struct error *err)
{
	begin_form(request);
	buffer_add_string(&request->body,
		"grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion=");
	return google_assertion(wish, &request->url, &request->body, err);
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
	return 0;
}

static int ask_by_file(const char *path, const struct google_wish *wish, struct request *request,
	struct error *err)
{
	struct google_wish own = *wish;
	_cleanup_(json_putp) struct json_object *root = NULL;
	_cleanup_(freep) char *file = NULL;
	struct text type;

	if (secret_file_read(path, &file, err) < 0 ||
		json_parse(text_of(file), &root, NULL, err) < 0)
		return error_prefix(err, "GOOGLE_APPLICATION_CREDENTIALS");
	type = json_get_text(root, "type");
	if (text_is(type, "authorized_user") && wish->audience)
		return error_set(err, -EINVAL,
			"GOOGLE_APPLICATION_CREDENTIALS: a person's credentials make no token for "
			"a function; give a service account's key file");
	if (text_is(type, "authorized_user"))
		return ask_as_person(root, request, err);
	if (!text_is(type, "service_account"))
		return error_set(err, -EINVAL,
			"GOOGLE_APPLICATION_CREDENTIALS: credentials of type \"" TEXT_FORMAT
			"\" are not spoken; give a service account's key file",
			TEXT_PRINT(type));
	own.account = text_of(file);
	return ask_as_account(&own, request, err);
}

void google_ask_machine(const char *path, struct request *request)
{
	const char *host = getenv("GCE_METADATA_HOST");

	request->method = "GET";
	buffer_printf(&request->url, "http://%s/computeMetadata/v1/%s",
		is_set(host) ? host : "metadata.google.internal", path);
	request_header(request, "Metadata-Flavor", TEXT("Google"));
}

static void ask_machine_for_token(const struct google_wish *wish, struct request *request)
{
	if (!wish->audience) {
		google_ask_machine("instance/service-accounts/default/token", request);
		return;
	}
	google_ask_machine("instance/service-accounts/default/identity?audience=", request);
	url_escape(&request->url, text_of(wish->audience));
}

int google_ask(const struct google_wish *wish, struct request *request, struct error *err)
{
	const char *path = getenv("GOOGLE_APPLICATION_CREDENTIALS");

	if (wish->account.length)
		return ask_as_account(wish, request, err);
	if (is_set(path))
		return ask_by_file(path, wish, request, err);
	ask_machine_for_token(wish, request);
	return 0;
}

/* The machine's own server answers with the bare token when it is for an audience. */
static bool is_bare_token(struct text body)
{
	return text_starts_with(body, TEXT("ey")) && text_contains(body, TEXT("."));
}

int google_learn(struct bearer *bearer, const struct google_wish *wish,
	const struct http_answer *answer, struct error *err)
{
	struct text body = text_trim(buffer_text(&answer->body));

	if (wish->audience && !answer->error && answer->status == 200 && is_bare_token(body)) {
		bearer_done(bearer);
		bearer->token = text_to_string(body);
		bearer->expires = wish->now + ASSERTION_S;
		return 0;
	}
	return bearer_learn(
		bearer, wish->audience ? "id_token" : "access_token", wish->now, answer, err);
}
