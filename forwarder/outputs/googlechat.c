/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Google Chat: a card for each alert. Ours: with outputformat text and no messageformat the
 * alert's text is shown, where Falcosidekick sends nothing.
 */
#include "base/memory.h"
#include "forwarder/alert-text.h"
#include "forwarder/message-format.h"
#include "forwarder/output.h"

struct googlechat {
	struct output_settings common;
	char *webhook_url, *message_format, *format;
};

static const struct setting rows[] = {
	OUTPUT_ROW_SECRET(googlechat, webhook_url, "webhookurl",
		"Address of the space's webhook; switches the output on"),
	OUTPUT_ROW_TEXT(googlechat, format, "outputformat", "all",
		"all: a card with the fields; text: only messageformat's text"),
	OUTPUT_ROW_TEXT(googlechat, message_format, "messageformat", NULL,
		"Template of a text above the card, such as Rule *{{ .Rule }}*"),
	OUTPUT_ROW_PRIORITY,
	OUTPUT_ROWS_HTTP,
};

static const enum fact_kind order[] = { FACT_RULE, FACT_PRIORITY, FACT_SOURCE, FACT_HOSTNAME,
	FACT_STRING_FIELDS, FACT_TAGS, FACT_TIME, FACTS_END };

static bool is_enabled(const void *settings)
{
	return is_set(((const struct googlechat *)settings)->webhook_url);
}

static int check(const void *settings, struct error *err)
{
	const struct googlechat *googlechat = settings;
	int r = check_url("googlechat.webhookurl", googlechat->webhook_url, err);

	return r < 0 ? r
		     : message_format_check(
			       "googlechat.messageformat", googlechat->message_format, err);
}

/* <users/all> calls everybody and <URL|text> is a link, and there is no escape for them. */
static void take_angles(struct buffer *out, struct text text)
{
	for (size_t i = 0; i < text.length; i++) {
		if (text.data[i] == '<')
			buffer_add_string(out, "‹");
		else if (text.data[i] == '>')
			buffer_add_string(out, "›");
		else
			buffer_add_char(out, text.data[i]);
	}
}

/* Text of a card is HTML. */
static void add_html(struct json_writer *json, const char *key, struct text text)
{
	struct buffer escaped;

	buffer_init(&escaped, REQUEST_BODY_MAX);
	html_escape(&escaped, text);
	json_key(json, key);
	json_add_text(json, buffer_text(&escaped));
	buffer_done(&escaped);
}

static void add_widgets(struct json_writer *json, const struct alert *alert)
{
	struct facts facts;

	facts_init(&facts, alert, order, ", ");
	json_key(json, "widgets");
	json_begin_array(json);
	for (size_t i = 0; i < facts.count; i++) {
		json_begin_object(json);
		json_key(json, "keyValue");
		json_begin_object(json);
		add_html(json, "topLabel", facts.items[i].name);
		add_html(json, "content", facts.items[i].value);
		json_end(json);
		json_end(json);
	}
	json_end(json);
	facts_done(&facts);
}

static void add_card(struct json_writer *json, const struct alert *alert)
{
	json_key(json, "cards");
	json_begin_array(json);
	json_begin_object(json);
	json_key(json, "header");
	json_add_raw(json, TEXT("{\"title\":\"\",\"subtitle\":\"\"}"));
	json_key(json, "sections");
	json_begin_array(json);
	json_begin_object(json);
	add_widgets(json, alert);
	json_end(json);
	json_end(json);
	json_end(json);
	json_end(json);
}

static void compose(const struct messages *messages, const void *settings, struct request *request)
{
	const struct googlechat *googlechat = settings;
	const struct alert *alert = messages->items[0].alert;
	bool is_text = googlechat->format && !strcmp(googlechat->format, "text");
	struct json_writer json;
	struct buffer text;

	buffer_init(&text, ALERT_MAX);
	message_format_write(googlechat->message_format, alert, take_angles, &text);
	if (is_text && !text.length)
		take_angles(&text, text_of(alert->output));
	buffer_add_string(&request->url, googlechat->webhook_url);
	request_json(request);
	json_writer_init(&json, &request->body);
	json_begin_object(&json);
	if (text.length) {
		json_key(&json, "text");
		json_add_text(&json, buffer_text(&text));
	}
	if (!is_text)
		add_card(&json, alert);
	json_end(&json);
	buffer_done(&text);
}

const struct output output_googlechat = {
	.name = "googlechat",
	.title = "GoogleChat",
	.about = "Posts each alert to a space of Google Chat",
	.rows = rows,
	.row_count = COUNT_OF(rows),
	.settings_size = sizeof(struct googlechat),
	.reads_alerts = true,
	.is_enabled = is_enabled,
	.check = check,
	.compose = compose,
};
