/* SPDX-License-Identifier: Apache-2.0 */
/*
 * WebUI: the dashboard. Falcosidekick's takes one event a request; ours takes arrays, and is known
 * by its socket or token.
 */
#include "base/memory.h"
#include "forwarder/output.h"

#define BATCH_OF_OURS 500

struct webui {
	struct output_settings common;
	char *url;
	char *socket;
	char *token;
	int64_t batch;
};

static const struct setting rows[] = {
	{ .key = "url",
		.type = SETTING_TEXT,
		.at = offsetof(struct webui, url),
		.value = "URL",
		.about = "Address of the dashboard, such as http://localhost:2802; "
			 "switches the output on" },
	{ .key = "socket",
		.type = SETTING_TEXT,
		.at = offsetof(struct webui, socket),
		.value = "PATH",
		.about = "Unix socket of a dashboard on this host, used in place of the URL's "
			 "host" },
	{ .key = "token",
		.type = SETTING_SECRET,
		.at = offsetof(struct webui, token),
		.about = "Token that the dashboard knows us by" },
	{ .key = "batchsize",
		.type = SETTING_INTEGER,
		.at = offsetof(struct webui, batch),
		.fallback = "0",
		.minimum = 0,
		.maximum = 10000,
		.about = "Alerts in one request; 0: 500 where a socket or token is set, else 1" },
	OUTPUT_ROWS_HTTP,
};

static bool is_enabled(const void *settings)
{
	const struct webui *webui = settings;

	return is_set(webui->url) || is_set(webui->socket);
}

static int check(const void *settings, struct error *err)
{
	const struct webui *webui = settings;

	return is_set(webui->url) ? check_url("webui.url", webui->url, err) : 0;
}

static size_t batch(const void *settings)
{
	const struct webui *webui = settings;

	if (webui->batch)
		return (size_t)webui->batch;
	return is_set(webui->socket) || is_set(webui->token) ? BATCH_OF_OURS : 1;
}

static void add_event(
	struct json_writer *json, const struct message *message, const struct messages *messages)
{
	json_begin_object(json);
	json_key(json, "event");
	json_add_raw(json, message->raw);
	json_key(json, "outputs");
	json_begin_array(json);
	for (size_t i = 0; i < messages->enabled_count; i++)
		json_add_string(json, messages->enabled[i]);
	json_end(json);
	json_end(json);
}

static void compose(const struct messages *messages, const void *settings, struct request *request)
{
	const struct webui *webui = settings;
	bool is_array = batch(settings) > 1;
	struct json_writer json;

	buffer_add_string(&request->url, is_set(webui->url) ? webui->url : "http://localhost/");
	request->socket_path = is_set(webui->socket) ? webui->socket : NULL;
	request_json(request);
	if (is_set(webui->token))
		request_header_printf(request, "Authorization", "Bearer %s", webui->token);

	json_writer_init(&json, &request->body);
	if (is_array)
		json_begin_array(&json);
	for (size_t i = 0; i < messages->count; i++)
		add_event(&json, &messages->items[i], messages);
	if (is_array)
		json_end(&json);
}

const struct output output_webui = {
	.name = "webui",
	.title = "WebUI",
	.about = "Sends alerts to the dashboard",
	.rows = rows,
	.row_count = COUNT_OF(rows),
	.settings_size = sizeof(struct webui),
	.is_enabled = is_enabled,
	.check = check,
	.batch = batch,
	.compose = compose,
};
