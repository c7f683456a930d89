/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who we are to Amazon. Keys come from, in this order: the settings; AWS_ACCESS_KEY_ID and its
 * like; a web identity (AWS_WEB_IDENTITY_TOKEN_FILE and AWS_ROLE_ARN, as EKS gives them to pods); a
 * profile of the shared credentials file; a container's agent (ECS, EKS Pod Identity); the
 * machine's metadata service, version 2. With a role they only assume that role. Keys that end
 * are fetched again five minutes before. (docs.aws.amazon.com, "Standardized credential providers";
 * the variables that move the services elsewhere are those of Amazon's own tools.)
 */
#include <errno.h>
#include <stdlib.h>

#include "alert/alert.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/secret-file.h"
#include "cloud/aws-keys.h"

#define REFRESH_BEFORE_S 300
#define MACHINE_TOKEN_S	 "21600"

/* What aws_keys_learn() gets the answer of. */
enum {
	ASKED_NOTHING,
	ASKED_STS_FOR_OWN,
	ASKED_AGENT,
	ASKED_TOKEN,
	ASKED_ROLE,
	ASKED_KEYS,
	ASKED_STS_FOR_ROLE
};

static const char *environment(const char *name, const char *fallback)
{
	const char *value = getenv(name);

	return is_set(value) ? value : fallback;
}

static void keys_done(struct aws_keys *keys)
{
	free(keys->access_key);
	if (keys->secret_key)
		explicit_bzero(keys->secret_key, strlen(keys->secret_key));
	free(keys->secret_key);
	free(keys->token);
	*keys = (struct aws_keys){ 0 };
}

static void keys_set(struct aws_keys *keys, struct text access_key, struct text secret_key,
	struct text token, time_t expires)
{
	keys_done(keys);
	keys->access_key = text_to_string(access_key);
	keys->secret_key = text_to_string(secret_key);
	keys->token = token.length ? text_to_string(token) : NULL;
	keys->expires = expires;
}

static bool are_fresh(const struct aws_keys *keys, time_t now)
{
	return keys->access_key && (!keys->expires || now < keys->expires - REFRESH_BEFORE_S);
}

/* Of the settings or the environment. */
static bool find_given(struct aws_keys *keys, const struct aws_settings *aws)
{
	const char *key = environment("AWS_ACCESS_KEY_ID", NULL);
	const char *secret = environment("AWS_SECRET_ACCESS_KEY", NULL);

	if (is_set(aws->access_key)) {
		keys_set(keys, text_of(aws->access_key), text_of(aws->secret_key),
			(struct text){ 0 }, 0);
		return true;
	}
	if (!key || !secret)
		return false;
	keys_set(keys, text_of(key), text_of(secret), text_of(getenv("AWS_SESSION_TOKEN")), 0);
	return true;
}

/* Of an INI file's "[profile]". */
static void read_profile(struct text file, const char *profile, struct aws_keys *keys)
{
	_cleanup_(freep) char *head = string_printf("[%s]", profile);
	struct text line, name, key = { 0 }, secret = { 0 }, token = { 0 };
	bool is_ours = false;

	while (text_split(&file, '\n', &line)) {
		line = text_trim(line);
		if (text_starts_with(line, TEXT("[")))
			is_ours = text_is(line, head);
		if (!is_ours || !text_split(&line, '=', &name) || !line.data)
			continue;
		name = text_trim(name);
		if (text_is(name, "aws_access_key_id"))
			key = text_trim(line);
		else if (text_is(name, "aws_secret_access_key"))
			secret = text_trim(line);
		else if (text_is(name, "aws_session_token"))
			token = text_trim(line);
	}
	if (key.length && secret.length)
		keys_set(keys, key, secret, token, 0);
}

static bool find_profile(struct aws_keys *keys)
{
	const char *home = getenv("HOME"), *named = getenv("AWS_SHARED_CREDENTIALS_FILE");
	_cleanup_(freep) char *path = is_set(named)  ? string_copy(named)
				      : is_set(home) ? string_printf("%s/.aws/credentials", home)
						     : NULL;
	_cleanup_(freep) char *file = NULL;

	if (!path || secret_file_read(path, &file, NULL) < 0)
		return false;
	read_profile(text_of(file), environment("AWS_PROFILE", "default"), keys);
	return keys->access_key != NULL;
}

static void begin_sts(struct request *request, const struct aws_settings *aws, const char *action,
	const char *role)
{
	_cleanup_(freep) char *usual = string_printf("https://sts.%s.amazonaws.com", aws->region);

	request_url(request, environment("AWS_ENDPOINT_URL_STS", usual), "/");
	request_header(request, "Content-Type", TEXT("application/x-www-form-urlencoded"));
	buffer_printf(&request->body,
		"Action=%s&Version=2011-06-15&RoleSessionName=tercel&RoleArn=", action);
	url_escape(&request->body, text_of(role));
}

static int ask_with_web_identity(
	const struct aws_settings *aws, struct request *request, struct error *err)
{
	_cleanup_(freep) char *token = NULL;
	int r = secret_file_read(getenv("AWS_WEB_IDENTITY_TOKEN_FILE"), &token, err);

	if (r < 0)
		return error_prefix(err, "AWS_WEB_IDENTITY_TOKEN_FILE");
	begin_sts(request, aws, "AssumeRoleWithWebIdentity", getenv("AWS_ROLE_ARN"));
	buffer_add_string(&request->body, "&WebIdentityToken=");
	url_escape(&request->body, text_trim(text_of(token)));
	return AWS_KEYS_BY_REQUEST;
}

/* The agent's token may be in a file, which EKS renews. */
static int ask_agent(struct request *request, struct error *err)
{
	const char *relative = environment("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", NULL);
	const char *file = environment("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", NULL);
	const char *given = environment("AWS_CONTAINER_AUTHORIZATION_TOKEN", NULL);
	_cleanup_(freep) char *read = NULL;

	if (file && secret_file_read(file, &read, err) < 0)
		return error_prefix(err, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
	request->method = "GET";
	if (relative)
		request_url(request, "http://169.254.170.2", relative);
	else
		request_url(request, getenv("AWS_CONTAINER_CREDENTIALS_FULL_URI"), "");
	if (read || given)
		request_header(request, "Authorization", text_trim(text_of(read ? read : given)));
	return AWS_KEYS_BY_REQUEST;
}

/* Three questions: for a token, for the machine's role, for its keys. */
static int ask_machine(struct aws_memory *memory, struct request *request, struct error *err)
{
	const char *address =
		environment("AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://169.254.169.254");

	if (!strcmp(environment("AWS_EC2_METADATA_DISABLED", ""), "true"))
		return error_set(err, -EINVAL,
			"there are no keys for AWS: the settings below aws. hold none, nor do "
			"AWS_ACCESS_KEY_ID, AWS_WEB_IDENTITY_TOKEN_FILE, a profile or a "
			"container's agent, and AWS_EC2_METADATA_DISABLED is true");
	if (!memory->machine_token) {
		memory->asked = ASKED_TOKEN;
		request->method = "PUT";
		request_url(request, address, "/latest/api/token");
		request_header(
			request, "X-aws-ec2-metadata-token-ttl-seconds", TEXT(MACHINE_TOKEN_S));
		return AWS_KEYS_BY_REQUEST;
	}
	memory->asked = memory->machine_role ? ASKED_KEYS : ASKED_ROLE;
	request->method = "GET";
	request_url(request, address, "/latest/meta-data/iam/security-credentials/");
	if (memory->machine_role)
		url_escape(&request->url, text_of(memory->machine_role));
	request_header(request, "X-aws-ec2-metadata-token", text_of(memory->machine_token));
	return AWS_KEYS_BY_REQUEST;
}

static int prepare_own(struct aws_memory *memory, const struct aws_settings *aws, time_t now,
	struct request *request, struct error *err)
{
	if (are_fresh(&memory->own, now) || find_given(&memory->own, aws))
		return AWS_KEYS_READY;
	if (environment("AWS_WEB_IDENTITY_TOKEN_FILE", NULL) && environment("AWS_ROLE_ARN", NULL)) {
		memory->asked = ASKED_STS_FOR_OWN;
		return ask_with_web_identity(aws, request, err);
	}
	if (find_profile(&memory->own))
		return AWS_KEYS_READY;
	if (environment("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", NULL) ||
		environment("AWS_CONTAINER_CREDENTIALS_FULL_URI", NULL)) {
		memory->asked = ASKED_AGENT;
		return ask_agent(request, err);
	}
	return ask_machine(memory, request, err);
}

static struct aws_identity identity_of(
	const struct aws_keys *keys, const struct aws_settings *aws, const char *service)
{
	return (struct aws_identity){ .access_key = keys->access_key,
		.secret_key = keys->secret_key,
		.token = keys->token,
		.region = aws->region,
		.service = service };
}

static void ask_for_role(struct aws_memory *memory, const struct aws_settings *aws, time_t now,
	struct request *request)
{
	struct aws_identity identity = identity_of(&memory->own, aws, "sts");

	memory->asked = ASKED_STS_FOR_ROLE;
	begin_sts(request, aws, "AssumeRole", aws->role);
	if (is_set(aws->external_id)) {
		buffer_add_string(&request->body, "&ExternalId=");
		url_escape(&request->body, text_of(aws->external_id));
	}
	aws_sign_at(request, &identity, now);
}

int aws_keys_prepare(struct aws_memory *memory, const struct aws_settings *aws, time_t now,
	struct request *request, struct error *err)
{
	int r;

	if (is_set(aws->role) && are_fresh(&memory->assumed, now))
		return AWS_KEYS_READY;
	r = prepare_own(memory, aws, now, request, err);
	if (r != AWS_KEYS_READY || !is_set(aws->role))
		return r;
	ask_for_role(memory, aws, now, request);
	return AWS_KEYS_BY_REQUEST;
}

/* What stands in an element of STS' XML; keys hold nothing that XML escapes. */
static struct text element(struct text xml, const char *name)
{
	_cleanup_(freep) char *start = string_printf("<%s>", name);
	ptrdiff_t at = text_find(xml, text_of(start));
	struct text rest, value = { 0 };

	if (at < 0)
		return value;
	rest = text_slice(xml, (size_t)at + strlen(start), xml.length);
	text_split(&rest, '<', &value);
	return value;
}

struct given_keys {
	struct text access_key, secret_key, token, expires;
};

static int take_keys(struct aws_keys *keys, const struct given_keys *given, struct error *err)
{
	int64_t expires_ns;

	if (!given->access_key.length || !given->secret_key.length ||
		time_parse(given->expires, &expires_ns) < 0)
		return error_set(err, -EINVAL, "the answer holds no keys with an expiry");
	keys_set(keys, given->access_key, given->secret_key, given->token,
		(time_t)(expires_ns / 1000000000));
	return 0;
}

static int take_sts(struct aws_keys *keys, struct text xml, struct error *err)
{
	struct given_keys given = { element(xml, "AccessKeyId"), element(xml, "SecretAccessKey"),
		element(xml, "SessionToken"), element(xml, "Expiration") };

	return take_keys(keys, &given, err);
}

/* Of the container's agent and the machine, which say the same. */
static int take_json(struct aws_keys *keys, struct text text, struct error *err)
{
	_cleanup_(json_putp) struct json_object *root = NULL;
	struct given_keys given;

	if (json_parse(text, &root, NULL, err) < 0)
		return -EINVAL;
	given = (struct given_keys){ json_get_text(root, "AccessKeyId"),
		json_get_text(root, "SecretAccessKey"), json_get_text(root, "Token"),
		json_get_text(root, "Expiration") };
	return take_keys(keys, &given, err);
}

static int take_line(char **word, struct text text, const char *what, struct error *err)
{
	struct text line;

	text_split(&text, '\n', &line);
	line = text_trim(line);
	if (!line.length)
		return error_set(err, -EINVAL, "the machine gives no %s", what);
	free(*word);
	*word = text_to_string(line);
	return 0;
}

static int take(struct aws_memory *memory, struct text body, struct error *err)
{
	switch (memory->asked) {
	case ASKED_STS_FOR_OWN:
		return take_sts(&memory->own, body, err);
	case ASKED_STS_FOR_ROLE:
		return take_sts(&memory->assumed, body, err);
	case ASKED_TOKEN:
		return take_line(&memory->machine_token, body, "token", err);
	case ASKED_ROLE:
		return take_line(&memory->machine_role, body, "role", err);
	default:
		return take_json(&memory->own, body, err);
	}
}

int aws_keys_learn(struct aws_memory *memory, const struct http_answer *answer, struct error *err)
{
	static const char *const failures[] = {
		[ASKED_STS_FOR_OWN] = "STS does not take the web identity",
		[ASKED_AGENT] = "the container's agent gives no keys",
		[ASKED_TOKEN] = "no keys for AWS are set, and the machine gives none",
		[ASKED_ROLE] = "no keys for AWS are set, and the machine has no role",
		[ASKED_KEYS] = "the machine gives no keys",
		[ASKED_STS_FOR_ROLE] = "the role of the settings below aws. cannot be assumed",
	};

	if (!answer->error && answer->status == 200 &&
		take(memory, buffer_text(&answer->body), err) == 0) {
		if (memory->asked == ASKED_KEYS) { /* next time with a new token */
			free(TAKE(memory->machine_token));
			free(TAKE(memory->machine_role));
		}
		return 0;
	}
	return error_set(err, -EACCES, "%s", failures[memory->asked]);
}

void aws_keys_forget(struct aws_memory *memory)
{
	keys_done(&memory->own);
	keys_done(&memory->assumed);
	free(memory->machine_token);
	free(memory->machine_role);
}

int aws_keys_sign(struct request *request, const struct aws_signing *signing, struct error *err)
{
	const struct aws_settings *aws = signing->aws;
	const struct aws_keys *keys =
		is_set(aws->role) ? &signing->memory->assumed : &signing->memory->own;
	struct aws_identity identity = identity_of(keys, aws, signing->service);

	if (!keys->access_key)
		return error_set(err, -EINVAL, "there are no keys for AWS");
	aws_sign_at(request, &identity, signing->now);
	return 0;
}
