/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Slack's attachments (spec/forwarder.md 4.2, ATT).
 */
#include "base/memory.h"
#include "forwarder/message-format.h"
#include "forwarder/outputs/attachment.h"

/* Falcosidekick shows a field beside another one when it is shorter. */
#define SHORT_BYTES 36

enum { FORMAT_ALL, FORMAT_TEXT, FORMAT_FIELDS };

static const char *const colours[] = {
	[PRIORITY_EMERGENCY] = "#e20b0b",
	[PRIORITY_ALERT] = "#ff5400",
	[PRIORITY_CRITICAL] = "#ff5400",
	[PRIORITY_ERROR] = "#e20b0b",
	[PRIORITY_WARNING] = "#ffc700",
	[PRIORITY_NOTICE] = "#5bffb5",
	[PRIORITY_INFORMATIONAL] = "#68c2ff",
	[PRIORITY_DEBUG] = "#ccfff2",
	[PRIORITY_NONE] = "#ccfff2",
};

struct attachment {
	struct json_writer json;
	const struct attachment_style *style;
};

/*
 * Slack takes <!channel> and <URL|text> in any text for a command; whoever names a file so must
 * not call everybody (docs.slack.dev, "Formatting text": escape &, < and >).
 */
static void add_text(struct attachment *to, const char *key, struct text text)
{
	struct buffer escaped;

	json_key(&to->json, key);
	if (!to->style->escape) {
		json_add_text(&to->json, text);
		return;
	}
	buffer_init(&escaped, REQUEST_BODY_MAX);
	to->style->escape(&escaped, text);
	json_add_text(&to->json, buffer_text(&escaped));
	buffer_done(&escaped);
}

static void add_setting(struct json_writer *json, const char *key, const char *value)
{
	if (!is_set(value))
		return;
	json_key(json, key);
	json_add_string(json, value);
}

static void add_field(struct attachment *to, const struct fact *fact)
{
	json_begin_object(&to->json);
	add_text(to, "title", fact->name);
	add_text(to, "value", fact->value);
	json_key(&to->json, "short");
	json_add_bool(&to->json,
		fact->kind != FACT_TIME &&
			(fact->kind != FACT_STRING_FIELDS || fact->value.length < SHORT_BYTES));
	json_end(&to->json);
}

static void add_fields(struct attachment *to, const struct alert *alert)
{
	struct facts facts;

	facts_init(&facts, alert, to->style->order, ", ");
	json_begin_array(&to->json);
	for (size_t i = 0; i < facts.count; i++)
		add_field(to, &facts.items[i]);
	json_end(&to->json);
	facts_done(&facts);
}

static void add_attachment(
	struct attachment *to, const struct alert *alert, const struct attachment_chat *chat)
{
	json_begin_object(&to->json);
	add_text(to, "fallback", text_of(alert->output));
	json_key(&to->json, "color");
	json_add_string(&to->json, colours[alert->priority]);
	if (chat->format != FORMAT_FIELDS)
		add_text(to, "text", text_of(alert->output));
	json_key(&to->json, "fields");
	if (chat->format != FORMAT_TEXT)
		add_fields(to, alert);
	else
		json_add_null(&to->json);
	if (to->style->has_footer && chat->format != FORMAT_TEXT)
		add_setting(&to->json, "footer", chat->footer);
	json_end(&to->json);
}

/* What the template itself says is the user's, commands and all; only the alert's is not. */
static void add_message(
	struct attachment *to, const struct alert *alert, const struct attachment_chat *chat)
{
	struct buffer message;

	buffer_init(&message, ALERT_MAX);
	message_format_write(chat->message_format, alert, to->style->escape, &message);
	if (message.length) {
		json_key(&to->json, "text");
		json_add_text(&to->json, buffer_text(&message));
	}
	buffer_done(&message);
}

bool attachment_is_enabled(const void *settings)
{
	return is_set(((const struct attachment_chat *)settings)->webhook_url);
}

int attachment_check(const char *name, const void *settings, struct error *err)
{
	const struct attachment_chat *chat = settings;
	_cleanup_(freep) char *url = string_printf("%s.webhookurl", name);
	_cleanup_(freep) char *format = string_printf("%s.messageformat", name);
	int r = check_url(url, chat->webhook_url, err);

	return r < 0 ? r : message_format_check(format, chat->message_format, err);
}

void attachment_compose(const struct alert *alert, const struct attachment_chat *chat,
	const struct attachment_style *style, struct request *request)
{
	struct attachment to = { .style = style };

	buffer_add_string(&request->url, chat->webhook_url);
	request_json(request);
	json_writer_init(&to.json, &request->body);
	json_begin_object(&to.json);
	add_message(&to, alert, chat);
	add_setting(&to.json, "username", chat->username);
	add_setting(&to.json, "icon_url", chat->icon);
	add_setting(&to.json, "channel", chat->channel);
	json_key(&to.json, "attachments");
	json_begin_array(&to.json);
	add_attachment(&to, alert, chat);
	json_end(&to.json);
	json_end(&to.json);
}
