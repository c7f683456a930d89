/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Telegram: a message of a bot for each alert, in MarkdownV2 (core.telegram.org, "Formatting
 * options"), where one character that is not escaped refuses the whole message.
 */
#include <errno.h>

#include "base/memory.h"
#include "forwarder/alert-text.h"
#include "forwarder/output.h"

/*
 * core.telegram.org, sendMessage: 4096 characters without the markup. Bytes with it are counted
 * here, which are never fewer. The output comes last, so it has its share kept.
 */
#define TEXT_MAX_BYTES	 4096
#define OUTPUT_MAX_BYTES 1600
#define VALUE_MAX_BYTES	 400
#define SPECIAL		 "_*[]()~`>#+-=|{}.!\\"

struct telegram {
	struct output_settings common;
	char *token, *chat, *thread, *host;
};

static const struct setting rows[] = {
	OUTPUT_ROW_SECRET(telegram, token, "token",
		"Token of the bot; with chatid it switches the output on"),
	OUTPUT_ROW_TEXT(telegram, chat, "chatid", NULL, "Chat that the bot writes to"),
	OUTPUT_ROW_TEXT(
		telegram, thread, "messagethreadid", NULL, "Topic within the chat, a number"),
	OUTPUT_ROW_TEXT(
		telegram, host, "host", "https://api.telegram.org", "Address of the Bot API"),
	OUTPUT_ROW_PRIORITY,
	OUTPUT_ROWS_HTTP,
};

static bool is_enabled(const void *settings)
{
	const struct telegram *telegram = settings;

	return is_set(telegram->token) && is_set(telegram->chat);
}

static int check(const void *settings, struct error *err)
{
	const struct telegram *telegram = settings;
	int64_t thread;

	if (is_set(telegram->thread) && text_to_i64(text_of(telegram->thread), &thread) < 0)
		return error_set(err, -EINVAL, "telegram.messagethreadid: \"%s\" is no number",
			telegram->thread);
	return check_url("telegram.host", telegram->host, err);
}

/* Escaped, and cut so that neither a character nor an escape is torn. */
static void write_value(struct buffer *out, struct text text, size_t most)
{
	size_t end = out->length + most;

	while (text.length) {
		size_t length = MAX_OF(utf8_sequence_length(text), 1);
		bool is_special = text.data[0] && strchr(SPECIAL, text.data[0]);

		if (out->length + length + is_special + strlen("…") > end) {
			buffer_add_string(out, "…");
			return;
		}
		if (is_special)
			buffer_add_char(out, '\\');
		buffer_add(out, text.data, length);
		text = text_slice(text, length, text.length);
	}
}

static void write_item(struct buffer *out, const char *name, struct text value)
{
	buffer_printf(out, "• *%s*: ", name);
	write_value(out, value, VALUE_MAX_BYTES);
	buffer_add_char(out, '\n');
}

static void write_fields(struct buffer *out, const struct alert *alert, size_t end)
{
	static const enum fact_kind fields[] = { FACT_FIELDS, FACTS_END };
	struct buffer line;
	struct facts facts;

	buffer_init(&line, ALERT_MAX);
	facts_init(&facts, alert, fields, "");
	buffer_add_string(out, "• *Fields*:\n");
	for (size_t i = 0; i < facts.count; i++) {
		buffer_clear(&line);
		buffer_add_string(&line, "\t  • *");
		write_value(&line, facts.items[i].name, VALUE_MAX_BYTES);
		buffer_add_string(&line, "*: ");
		write_value(&line, facts.items[i].value, VALUE_MAX_BYTES);
		buffer_add_char(&line, '\n');
		if (out->length + line.length > end)
			break;
		buffer_add_text(out, buffer_text(&line));
	}
	facts_done(&facts);
	buffer_done(&line);
}

static void write_text(struct buffer *out, const struct alert *alert)
{
	struct buffer time, tags;

	buffer_init(&time, 64);
	buffer_init(&tags, ALERT_MAX);
	alert_time_text(&time, alert->time_ns);
	alert_tags_text(&tags, alert, " ");
	buffer_printf(out, "*\\[Falco\\] \\[%s\\] ", priority_name(alert->priority));
	write_value(out, text_of(alert->rule), VALUE_MAX_BYTES);
	buffer_add_string(out, "*\n\n");
	write_item(out, "Time", buffer_text(&time));
	write_item(out, "Source", text_of(alert->source));
	if (is_set(alert->hostname))
		write_item(out, "Hostname", text_of(alert->hostname));
	if (tags.length) {
		buffer_add_char(&tags, ' ');
		write_item(out, "Tags", buffer_text(&tags));
	}
	write_fields(out, alert, TEXT_MAX_BYTES - OUTPUT_MAX_BYTES - 32);
	buffer_add_string(out, "\n\n**Output**: ");
	write_value(out, text_of(alert->output), OUTPUT_MAX_BYTES);
	buffer_add_char(out, '\n');
	buffer_done(&time);
	buffer_done(&tags);
}

static void compose(const struct messages *messages, const void *settings, struct request *request)
{
	const struct telegram *telegram = settings;
	struct json_writer json;
	struct buffer text;

	buffer_init(&text, REQUEST_BODY_MAX);
	write_text(&text, messages->items[0].alert);
	request_url(request, telegram->host, "/bot");
	buffer_printf(&request->url, "%s/sendMessage", telegram->token);
	request_json(request);
	json_writer_init(&json, &request->body);
	json_begin_object(&json);
	json_key(&json, "text");
	json_add_text(&json, buffer_text(&text));
	json_key(&json, "parse_mode");
	json_add_string(&json, "MarkdownV2");
	json_key(&json, "disable_web_page_preview");
	json_add_bool(&json, true);
	json_key(&json, "chat_id");
	json_add_string(&json, telegram->chat);
	if (is_set(telegram->thread)) {
		json_key(&json, "message_thread_id");
		json_add_raw(&json, text_of(telegram->thread));
	}
	json_end(&json);
	buffer_done(&text);
}

/* A chat that is not there is the settings' fault, not the alert's. */
static enum verdict verdict(const struct http_answer *answer)
{
	if (answer->status == 400 &&
		text_contains(buffer_text(&answer->body), TEXT("chat not found")))
		return VERDICT_OUTPUT_REFUSED;
	return verdict_of_answer(answer);
}

const struct output output_telegram = {
	.name = "telegram",
	.title = "Telegram",
	.about = "Posts each alert to a chat of Telegram",
	.rows = rows,
	.row_count = COUNT_OF(rows),
	.settings_size = sizeof(struct telegram),
	.reads_alerts = true,
	.is_enabled = is_enabled,
	.check = check,
	.compose = compose,
	.verdict = verdict,
};
