/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the forwarders say of themselves, for the pages Delivery and Sensors: asked when a page
 * asks, never kept. Several forwarders each have their own journal and their own sensors, so each
 * has its own place in the answer; one that does not answer is told with the reason.
 */
#include <errno.h>
#include <json.h>
#include <string.h>

#include "base/http-client.h"
#include "base/memory.h"
#include "dashboard/api-v2.h"

#define TIMEOUT_MS 3000
#define ANSWER_MAX (8 << 20)

struct talk {
	const struct dashboard_settings *settings;
	struct http_client *client;
	const char *url; /* the forwarder's, without a "/" at its end */
};

static int ask(const struct talk *talk, const char *method, const char *path,
	struct http_answer *ret_answer)
{
	_cleanup_(freep) char *url = string_printf("%s%s", talk->url, path);
	_cleanup_(freep) char *token =
		string_printf("Authorization: Bearer %s", talk->settings->token);
	const char *const headers[] = { talk->settings->token ? token : NULL, NULL };
	struct http_call call = { .method = method,
		.url = url,
		.socket_path = talk->settings->forwarder_socket,
		.server_name = talk->settings->forwarder_name,
		.ca_file = talk->settings->forwarder_ca,
		.headers = headers,
		.timeout_ms = TIMEOUT_MS,
		.answer_max = ANSWER_MAX };

	return http_client_perform(talk->client, &call, ret_answer);
}

/* A forwarder's answer as it came, or null and why. */
static void add_answer(struct json_writer *json, const struct talk *talk, const char *key,
	const char *path, char **error)
{
	struct http_answer answer = { 0 };
	struct json_object *value = NULL;
	struct error err = { 0 };

	ask(talk, "GET", path, &answer);
	if (answer.error)
		error_set(&err, answer.error, "%s", answer.message);
	else if (answer.status != 200)
		error_set(&err, -EPROTO, "%s: HTTP status %u", path, answer.status);
	else
		json_parse(buffer_text(&answer.body), &value, NULL, &err);
	json_key(json, key);
	if (value) {
		json_add_value(json, value);
	} else {
		json_add_null(json);
		free(*error);
		*error = string_copy(err.message);
	}
	json_object_put(value);
	http_answer_done(&answer);
}

static void add_forwarder(struct json_writer *json, const struct talk *talk)
{
	_cleanup_(freep) char *error = NULL;

	json_begin_object(json);
	json_key(json, "url");
	json_add_string(json, talk->url);
	add_answer(json, talk, "outputs", "/api/outputs", &error);
	add_answer(json, talk, "nodes", "/api/nodes", &error);
	json_key(json, "error");
	json_add_string(json, error);
	json_end(json);
}

void answer_forwarders(struct asked *asked)
{
	const struct dashboard_settings *settings = asked->parts->settings;
	struct talk talk = { settings, http_client_new(1) };
	struct json_writer json;

	json_writer_init(&json, asked->out);
	json_begin_object(&json);
	json_key(&json, "forwarders");
	json_begin_array(&json);
	for (size_t i = 0; i < settings->forwarders.count; i++) {
		talk.url = settings->forwarders.items[i];
		add_forwarder(&json, &talk);
	}
	json_end(&json);
	json_end(&json);
	http_client_free(talk.client);
	asked_reply_json(asked);
}

static const char *find_forwarder(const struct dashboard_settings *settings, struct text url)
{
	for (size_t i = 0; i < settings->forwarders.count; i++)
		if (text_is(url, settings->forwarders.items[i]))
			return settings->forwarders.items[i];
	return NULL;
}

/* A name goes into a URL: those of outputs are letters, digits and dots. */
static bool is_output_name(struct text name)
{
	for (size_t i = 0; i < name.length; i++)
		if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-",
			    name.data[i]) ||
			!name.data[i])
			return false;
	return name.length > 0;
}

void answer_output_test(struct asked *asked)
{
	struct text output = asked_parameter(asked, "output");
	struct talk talk = { asked->parts->settings };
	_cleanup_(freep) char *path = NULL;
	struct http_answer answer = { 0 };

	talk.url = find_forwarder(talk.settings, asked_parameter(asked, "forwarder"));
	if (!talk.url || !is_output_name(output)) {
		http_reply_error(asked->request, 400,
			"\"forwarder\" must be one of those of /api/v2/forwarders, and \"output\" one of its outputs");
		return;
	}
	path = string_printf("/test?output=" TEXT_FORMAT, TEXT_PRINT(output));
	talk.client = http_client_new(1);
	ask(&talk, "POST", path, &answer);
	if (answer.status == 200)
		http_reply(asked->request, 204, NULL, TEXT(""));
	else if (answer.status)
		http_reply_error(asked->request, 502, "the forwarder answered with HTTP status %u",
			answer.status);
	else
		http_reply_error(
			asked->request, 502, "the forwarder cannot be reached: %s", answer.message);
	http_answer_done(&answer);
	http_client_free(talk.client);
}
