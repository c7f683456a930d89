/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the responder did, holds back and waits for, and what a person decides about it: asked of
 * the responder when a page asks (responder/server.h says how), never kept.
 */
#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "dashboard/api-v2.h"
#include "dashboard/neighbour.h"

#define ANSWER_MAX (64 << 20) /* each response holds its alert */
/* Of several replicas one acts. A Service has one address for all: each try is a new connection. */
#define TRIES	   8
#define STANDS_BY  503
#define LIMIT	   50
#define LIMIT_MAX  200
#define OUTPUT_MAX 1000 /* bytes of an alert's sentence: the whole event is a link away */

static bool is_set(const char *text)
{
	return text && *text;
}

static bool has_responder(const struct dashboard_settings *settings)
{
	return is_set(settings->responder) || is_set(settings->responder_socket);
}

static struct neighbour responder_of(const struct dashboard_settings *settings)
{
	return (struct neighbour){ .url = is_set(settings->responder) ? settings->responder
								      : "http://localhost",
		.socket_path = settings->responder_socket,
		.server_name = settings->responder_name,
		.ca_file = settings->responder_ca,
		.token = is_set(settings->responder_token) ? settings->responder_token
							   : settings->token,
		.answer_max = ANSWER_MAX };
}

/* Looking. */

static void add_escaped(struct buffer *path, const char *name, struct text value)
{
	if (!value.length)
		return;
	buffer_printf(path, "&%s=", name);
	for (size_t i = 0; i < value.length; i++)
		buffer_printf(path, "%%%02X", (unsigned char)value.data[i]);
}

static void write_path(struct asked *asked, struct buffer *path)
{
	static const char *const names[] = { "state", "before", "namespace", "pod" };

	buffer_printf(path, "/api/responses?limit=%lld",
		(long long)asked_number(asked, "limit", LIMIT, LIMIT_MAX));
	for (size_t i = 0; i < COUNT_OF(names); i++)
		add_escaped(path, names[i], asked_parameter(asked, names[i]));
}

/* Of the replica that acts; when it is not found, of the last one that answered. */
static int get_list(const struct dashboard_settings *settings, const char *path,
	struct json_object **ret_answer, struct error *err)
{
	struct neighbour responder = responder_of(settings);
	bool leads = false;
	int r = -EHOSTUNREACH;

	for (int i = 0; i < TRIES && !leads; i++) {
		struct json_object *answer = NULL;

		responder.client = http_client_new(1);
		r = neighbour_get(&responder, path, &answer, err);
		http_client_free(responder.client);
		if (r < 0)
			break;
		leads = json_object_get_boolean(json_get(answer, "leads"));
		json_object_put(*ret_answer);
		*ret_answer = answer;
	}
	return *ret_answer ? 0 : r;
}

/* Of its alert what a row shows, and of its actions not what their undo needs: that can be all of
 * a pod. */
static void shorten(struct json_object *response)
{
	struct json_object *alert = json_get(response, "alert"), *shown = NULL,
			   *actions = json_get(response, "actions");
	struct text output = json_get_text(alert, "output");

	if (json_object_is_type(alert, json_type_object)) {
		shown = json_object_new_object();
		json_object_object_add(shown, "rule", json_object_get(json_get(alert, "rule")));
		json_object_object_add(
			shown, "priority", json_object_get(json_get(alert, "priority")));
		json_object_object_add(shown, "output",
			json_object_new_string_len(output.data ? output.data : "",
				(int)MIN_OF(output.length, OUTPUT_MAX)));
	}
	json_object_object_add(response, "alert", shown);
	for (size_t i = 0; json_object_is_type(actions, json_type_array) &&
			   i < json_object_array_length(actions);
		i++)
		json_object_object_del(json_object_array_get_idx(actions, i), "memory");
}

static void write_answer(struct asked *asked, struct json_object *answer, const char *error)
{
	struct json_object *responses = json_get(answer, "responses");
	struct json_writer json;

	json_writer_init(&json, asked->out);
	json_begin_object(&json);
	json_key(&json, "is_configured");
	json_add_bool(&json, has_responder(asked->parts->settings));
	json_key(&json, "error");
	json_add_string(&json, error);
	json_key(&json, "leads");
	json_add_bool(&json, json_object_get_boolean(json_get(answer, "leads")));
	json_key(&json, "dry_run");
	json_add_bool(&json, json_object_get_boolean(json_get(answer, "dry_run")));
	json_key(&json, "responses");
	json_begin_array(&json);
	for (size_t i = 0; json_object_is_type(responses, json_type_array) &&
			   i < json_object_array_length(responses);
		i++) {
		struct json_object *response = json_object_array_get_idx(responses, i);

		shorten(response);
		json_add_value(&json, response);
	}
	json_end(&json);
	json_end(&json);
	asked_reply_json(asked);
}

void answer_responses(struct asked *asked)
{
	_cleanup_(json_putp) struct json_object *answer = NULL;
	struct error err = { 0 };
	struct buffer path;

	if (!has_responder(asked->parts->settings)) {
		write_answer(asked, NULL, NULL);
		return;
	}
	buffer_init(&path, 64 * 1024);
	write_path(asked, &path);
	if (get_list(asked->parts->settings, path.data, &answer, &err) < 0)
		write_answer(asked, NULL, err.message);
	else
		write_answer(asked, answer, NULL);
	buffer_done(&path);
}

/* Deciding. */

static bool is_decision(struct text name)
{
	static const char *const names[] = { "approve", "reject", "undo" };

	for (size_t i = 0; i < COUNT_OF(names); i++)
		if (text_is(name, names[i]))
			return true;
	return false;
}

/* Its own words go on: that it is in another state by now, that another replica leads. */
static void hand_on(struct asked *asked, const struct http_answer *answer)
{
	_cleanup_(json_putp) struct json_object *body = NULL;
	struct text words;

	if (answer->status / 100 == 2) {
		http_reply(asked->request, 204, NULL, TEXT(""));
		return;
	}
	(void)json_parse(buffer_text(&answer->body), &body, NULL, NULL);
	words = json_get_text(body, "error");
	if (!answer->status)
		http_reply_error(asked->request, 502, "the responder cannot be reached: %s",
			answer->message);
	else if (words.length && (answer->status == 404 || answer->status == 409))
		http_reply_error(asked->request, answer->status, TEXT_FORMAT, TEXT_PRINT(words));
	else
		http_reply_error(asked->request, 502,
			"the responder answered with HTTP status %u: " TEXT_FORMAT, answer->status,
			TEXT_PRINT(words));
}

static void decide(struct asked *asked, int64_t id, struct text decision)
{
	struct neighbour responder = responder_of(asked->parts->settings);
	_cleanup_(freep) char *path = string_printf(
		"/api/responses/%lld/" TEXT_FORMAT, (long long)id, TEXT_PRINT(decision));
	struct http_answer answer = { 0 };
	struct json_writer json;

	log_info("user \"%s\" decides of response %lld: " TEXT_FORMAT, asked->user, (long long)id,
		TEXT_PRINT(decision));
	json_writer_init(&json, asked->out);
	json_begin_object(&json);
	json_key(&json, "by");
	json_add_string(&json, asked->user);
	json_end(&json);
	for (int i = 0; i < TRIES && (!i || answer.status == STANDS_BY); i++) {
		http_answer_done(&answer);
		answer = (struct http_answer){ 0 };
		responder.client = http_client_new(1);
		neighbour_ask(&responder, "POST", path, buffer_text(asked->out), &answer);
		http_client_free(responder.client);
	}
	hand_on(asked, &answer);
	http_answer_done(&answer);
}

void answer_decide(struct asked *asked)
{
	struct text decision = asked_parameter(asked, "decision");
	int64_t id;

	if (text_to_i64(asked_parameter(asked, "response"), &id) < 0 || !is_decision(decision))
		http_reply_error(asked->request, 400,
			"\"response\" must be the number of one, and \"decision\" approve, reject or undo");
	else if (!has_responder(asked->parts->settings))
		http_reply_error(asked->request, 404,
			"the dashboard knows no responder; start it with --responder and its address");
	else
		decide(asked, id, decision);
}
