/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the forwarders say of themselves, for the pages Delivery and Sensors: asked when a page
 * asks, never kept. Several forwarders each have their own journal and their own sensors, so each
 * has its own place in the answer; one that does not answer is told with the reason.
 */
#include <json.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "dashboard/api-v2.h"
#include "dashboard/neighbour.h"

#define ANSWER_MAX (8 << 20)

static struct neighbour forwarder_at(const struct dashboard_settings *settings, const char *url)
{
	return (struct neighbour){ .url = url,
		.socket_path = settings->forwarder_socket,
		.server_name = settings->forwarder_name,
		.ca_file = settings->forwarder_ca,
		.token = settings->token,
		.answer_max = ANSWER_MAX };
}

/* A forwarder's answer as it came, or null and why. */
static void add_answer(struct json_writer *json, const struct neighbour *forwarder, const char *key,
	const char *path, char **error)
{
	_cleanup_(json_putp) struct json_object *value = NULL;
	struct error err = { 0 };

	json_key(json, key);
	if (neighbour_get(forwarder, path, &value, &err) == 0) {
		json_add_value(json, value);
		return;
	}
	json_add_null(json);
	free(*error);
	*error = string_copy(err.message);
}

static void add_forwarder(struct json_writer *json, const struct neighbour *forwarder)
{
	_cleanup_(freep) char *error = NULL;

	json_begin_object(json);
	json_key(json, "url");
	json_add_string(json, forwarder->url);
	add_answer(json, forwarder, "outputs", "/api/outputs", &error);
	add_answer(json, forwarder, "nodes", "/api/nodes", &error);
	json_key(json, "error");
	json_add_string(json, error);
	json_end(json);
}

void answer_forwarders(struct asked *asked)
{
	const struct dashboard_settings *settings = asked->parts->settings;
	struct http_client *client = http_client_new(1);
	struct json_writer json;

	json_writer_init(&json, asked->out);
	json_begin_object(&json);
	json_key(&json, "forwarders");
	json_begin_array(&json);
	for (size_t i = 0; i < settings->forwarders.count; i++) {
		struct neighbour forwarder = forwarder_at(settings, settings->forwarders.items[i]);

		forwarder.client = client;
		add_forwarder(&json, &forwarder);
	}
	json_end(&json);
	json_end(&json);
	http_client_free(client);
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
	const struct dashboard_settings *settings = asked->parts->settings;
	struct text output = asked_parameter(asked, "output");
	const char *url = find_forwarder(settings, asked_parameter(asked, "forwarder"));
	struct neighbour forwarder = forwarder_at(settings, url);
	_cleanup_(freep) char *path = NULL;
	struct http_answer answer = { 0 };

	if (!url || !is_output_name(output)) {
		http_reply_error(asked->request, 400,
			"\"forwarder\" must be one of those of /api/v2/forwarders, and \"output\" one of its outputs");
		return;
	}
	log_info("user \"%s\" sends a test alert to " TEXT_FORMAT " by %s", asked->user,
		TEXT_PRINT(output), url);
	path = string_printf("/test?output=" TEXT_FORMAT, TEXT_PRINT(output));
	forwarder.client = http_client_new(1);
	neighbour_ask(&forwarder, "POST", path, (struct text){ 0 }, &answer);
	if (answer.status == 200)
		http_reply(asked->request, 204, NULL, TEXT(""));
	else if (answer.status)
		http_reply_error(asked->request, 502, "the forwarder answered with HTTP status %u",
			answer.status);
	else
		http_reply_error(
			asked->request, 502, "the forwarder cannot be reached: %s", answer.message);
	http_answer_done(&answer);
	http_client_free(forwarder.client);
}
