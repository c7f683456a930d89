/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Zoho Cliq: a text and a table for each alert.
 */
#include "base/memory.h"
#include "forwarder/alert-text.h"
#include "forwarder/message-format.h"
#include "forwarder/output.h"

struct cliq {
	struct output_settings common;
	char *webhook_url, *icon, *message_format;
	int format;
	bool uses_emoji;
};

enum { FORMAT_ALL, FORMAT_TEXT, FORMAT_FIELDS };

static const struct setting rows[] = {
	OUTPUT_ROW_SECRET(cliq, webhook_url, "webhookurl",
		"Address of the channel's webhook; switches the output on"),
	OUTPUT_ROW_TEXT(cliq, icon, "icon",
		"https://raw.githubusercontent.com/falcosecurity/falcosidekick/master/imgs/"
		"falcosidekick_color.png",
		"URL of the sender's picture"),
	OUTPUT_ROW_CHOICE(cliq, format, "outputformat", "all text fields", "all",
		"Whether to show the alert's text, a table of its fields, or both"),
	OUTPUT_ROW_BOOL(cliq, uses_emoji, "useemoji", "false",
		"Whether the text begins with an emoji of the priority"),
	OUTPUT_ROW_TEXT(cliq, message_format, "messageformat", NULL,
		"Template of the text, such as Rule *{{ .Rule }}*"),
	OUTPUT_ROW_PRIORITY,
	OUTPUT_ROWS_HTTP,
};

static const char *const emojis[] = {
	[PRIORITY_EMERGENCY] = "🚨",
	[PRIORITY_ALERT] = "🟠",
	[PRIORITY_CRITICAL] = "🟠",
	[PRIORITY_ERROR] = "🚨",
	[PRIORITY_WARNING] = "🟡",
	[PRIORITY_NOTICE] = "🔵",
	[PRIORITY_INFORMATIONAL] = "🟢",
	[PRIORITY_DEBUG] = "⚪",
	[PRIORITY_NONE] = "⚪",
};

static const enum fact_kind order[] = { FACT_RULE, FACT_PRIORITY, FACT_HOSTNAME, FACT_STRING_FIELDS,
	FACT_TIME, FACTS_END };

static bool is_enabled(const void *settings)
{
	return is_set(((const struct cliq *)settings)->webhook_url);
}

static int check(const void *settings, struct error *err)
{
	const struct cliq *cliq = settings;
	int r = check_url("cliq.webhookurl", cliq->webhook_url, err);

	return r < 0 ? r : message_format_check("cliq.messageformat", cliq->message_format, err);
}

static void add(struct json_writer *json, const char *key, struct text value)
{
	json_key(json, key);
	json_add_text(json, value);
}

static void add_table(struct json_writer *json, const struct alert *alert)
{
	struct facts facts;

	facts_init(&facts, alert, order, ", ");
	json_begin_object(json);
	add(json, "type", TEXT("table"));
	json_key(json, "data");
	json_begin_object(json);
	json_key(json, "headers");
	json_add_raw(json, TEXT("[\"field\",\"value\"]"));
	json_key(json, "rows");
	json_begin_array(json);
	for (size_t i = 0; i < facts.count; i++) {
		json_begin_object(json);
		add(json, "field", facts.items[i].name);
		add(json, "value", facts.items[i].value);
		json_end(json);
	}
	json_end(json);
	json_end(json);
	json_end(json);
	facts_done(&facts);
}

/* The alert's text is a slide where the template took its place. */
static void add_slides(struct json_writer *json, const struct alert *alert, const struct cliq *cliq)
{
	bool has_text = is_set(cliq->message_format) && cliq->format != FORMAT_FIELDS;
	bool has_table = cliq->format != FORMAT_TEXT;

	if (!has_text && !has_table)
		return;
	json_key(json, "slides");
	json_begin_array(json);
	if (has_text) {
		json_begin_object(json);
		add(json, "type", TEXT("text"));
		add(json, "data", text_of(alert->output));
		json_end(json);
	}
	if (has_table)
		add_table(json, alert);
	json_end(json);
}

static void compose(const struct messages *messages, const void *settings, struct request *request)
{
	const struct cliq *cliq = settings;
	const struct alert *alert = messages->items[0].alert;
	struct json_writer json;
	struct buffer text;

	buffer_init(&text, ALERT_MAX);
	if (cliq->uses_emoji)
		buffer_printf(&text, "%s ", emojis[alert->priority]);
	if (is_set(cliq->message_format))
		message_format_write(cliq->message_format, alert, NULL, &text);
	else
		buffer_add_text(&text, text_of(alert->output));
	buffer_add_string(&request->url, cliq->webhook_url);
	request_header(request, "Content-Type", TEXT("application/json"));
	json_writer_init(&json, &request->body);
	json_begin_object(&json);
	add(&json, "text", buffer_text(&text));
	json_key(&json, "bot");
	json_begin_object(&json);
	add(&json, "name", TEXT("Falcosidekick"));
	add(&json, "image", text_of(cliq->icon));
	json_end(&json);
	add_slides(&json, alert, cliq);
	json_end(&json);
	buffer_done(&text);
}

const struct output output_cliq = {
	.name = "cliq",
	.title = "Cliq",
	.about = "Posts each alert to a channel of Zoho Cliq",
	.rows = rows,
	.row_count = COUNT_OF(rows),
	.settings_size = sizeof(struct cliq),
	.reads_alerts = true,
	.is_enabled = is_enabled,
	.check = check,
	.compose = compose,
};
