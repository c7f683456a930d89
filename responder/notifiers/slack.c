/* SPDX-License-Identifier: Apache-2.0 */
/*
 * slack: a message with an attachment, coloured by how it ended.
 */
#include <errno.h>

#include "base/encoding.h"
#include "base/memory.h"
#include "responder/notifier.h"

struct slack {
	char *url, *icon, *user, *footer;
	int format; /* long, short */
};

static const struct setting rows[] = {
	{ .key = "webhook_url",
		.type = SETTING_SECRET,
		.at = offsetof(struct slack, url),
		.about = "Slack's incoming webhook" },
	{ .key = "icon",
		.type = SETTING_TEXT,
		.at = offsetof(struct slack, icon),
		.about = "Address of an icon" },
	{ .key = "username",
		.type = SETTING_TEXT,
		.at = offsetof(struct slack, user),
		.fallback = "Tercel",
		.about = "Who speaks" },
	{ .key = "footer",
		.type = SETTING_TEXT,
		.at = offsetof(struct slack, footer),
		.about = "What stands below" },
	{ .key = "format",
		.type = SETTING_CHOICE,
		.choices = "long short",
		.fallback = "long",
		.at = offsetof(struct slack, format),
		.about = "With all fields, or a line" },
};

static const char *color_of(const char *status)
{
	if (!strcmp(status, "failure"))
		return "#e20b0b";
	return !strcmp(status, "success") || !strcmp(status, "undone") ? "#23ba47" : "#a4a8b1";
}

static void add_field(struct json_writer *json, const char *title, const char *value)
{
	struct buffer clean;

	if (!*value)
		return;
	buffer_init(&clean, 3000);
	/* Slack reads & < > as its own (api.slack.com, "Formatting text"). */
	html_escape(&clean, text_of(value));
	json_begin_object(json);
	json_key(json, "title");
	json_add_string(json, title);
	json_key(json, "value");
	json_add_text(json, buffer_text(&clean));
	json_key(json, "short");
	json_add_bool(json, strlen(value) < 40);
	json_end(json);
	buffer_done(&clean);
}

static void write_fields(struct json_object *note, struct json_writer *json)
{
	static const char *const keys[][2] = { { "Rule", "rule" }, { "Action", "action" },
		{ "Actionner", "actionner" }, { "Status", "status" }, { "Result", "result" },
		{ "Error", "error" } };
	struct json_object *objects = json_get(note, "objects");

	json_begin_array(json);
	for (size_t i = 0; i < COUNT_OF(keys); i++)
		add_field(json, keys[i][0], note_text(note, keys[i][1]));
	add_field(json, "Namespace", note_text(objects, "namespace"));
	add_field(json, "Pod", note_text(objects, "pod"));
	json_end(json);
}

static void write_message(const struct slack *slack, struct json_object *note, struct buffer *out)
{
	struct json_writer json;
	struct buffer text;

	buffer_init(&text, 4000);
	buffer_printf(&text, "[%s] Rule: ", note_text(note, "status"));
	html_escape(&text, text_of(note_text(note, "rule")));
	buffer_add_string(&text, ", Action: ");
	html_escape(&text, text_of(note_text(note, "action")));
	json_writer_init(&json, out);
	json_begin_object(&json);
	json_key(&json, "username");
	json_add_string(&json, slack->user);
	if (slack->icon && *slack->icon) {
		json_key(&json, "icon_url");
		json_add_string(&json, slack->icon);
	}
	json_key(&json, "text");
	json_add_text(&json, buffer_text(&text));
	json_key(&json, "attachments");
	json_begin_array(&json);
	json_begin_object(&json);
	json_key(&json, "color");
	json_add_string(&json, color_of(note_text(note, "status")));
	json_key(&json, "fallback");
	json_add_text(&json, buffer_text(&text));
	if (slack->footer && *slack->footer) {
		json_key(&json, "footer");
		json_add_string(&json, slack->footer);
	}
	if (slack->format == 0) {
		json_key(&json, "fields");
		write_fields(note, &json);
	}
	json_end(&json);
	json_end(&json);
	json_end(&json);
	buffer_done(&text);
}

static int tell(const struct telling *telling, struct error *err)
{
	static const char *const headers[] = { "Content-Type: application/json", NULL };
	const struct slack *slack = telling->settings;
	struct buffer body;
	int r;

	if (!slack->url || !*slack->url)
		return error_set(err, -EINVAL, "notifiers.slack.webhook_url is not set");
	buffer_init(&body, 64 * 1024);
	write_message(slack, telling->note, &body);
	r = notifier_post(telling,
		&(struct http_call){
			.url = slack->url, .headers = headers, .body = buffer_text(&body) },
		err);
	buffer_done(&body);
	return r;
}

const struct notifier notifier_slack = { .name = "slack",
	.rows = rows,
	.row_count = COUNT_OF(rows),
	.settings_size = sizeof(struct slack),
	.tell = tell };
