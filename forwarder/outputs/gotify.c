/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Gotify: a push message for each alert. Ours: the content types that Gotify's clients know.
 */
#include "base/memory.h"
#include "forwarder/alert-text.h"
#include "forwarder/output.h"

struct gotify {
	struct output_settings common;
	char *host, *token;
	int format;
};

enum { FORMAT_MARKDOWN, FORMAT_PLAINTEXT, FORMAT_TEXT, FORMAT_JSON };

static const struct setting rows[] = {
	OUTPUT_ROW_TEXT(gotify, host, "hostport", NULL,
		"Address, such as http://gotify:8080; switches the output on"),
	OUTPUT_ROW_SECRET(gotify, token, "token", "Token of the application"),
	OUTPUT_ROW_CHOICE(gotify, format, "format", "markdown plaintext text json", "markdown",
		"Form of the message"),
	OUTPUT_ROW_PRIORITY,
	OUTPUT_ROWS_HTTP,
};

static bool is_enabled(const void *settings)
{
	return is_set(((const struct gotify *)settings)->host);
}

static int check(const void *settings, struct error *err)
{
	return check_url("gotify.hostport", ((const struct gotify *)settings)->host, err);
}

static void write_text(struct buffer *out, struct text text, bool is_markdown)
{
	if (is_markdown)
		markdown_write(out, text, ALERT_MAX);
	else
		buffer_add_text(out, text);
}

static void write_item(struct buffer *out, const char *indent, struct text name, struct text value,
	bool is_markdown)
{
	const char *mark = is_markdown ? "**" : "";

	buffer_printf(out, "%s- %s", indent, mark);
	write_text(out, name, is_markdown);
	buffer_printf(out, "%s: ", mark);
	write_text(out, value, is_markdown);
	buffer_add_char(out, '\n');
}

static void write_fields(struct buffer *out, const struct alert *alert, bool is_markdown)
{
	static const enum fact_kind fields[] = { FACT_FIELDS, FACTS_END };
	struct facts facts;

	facts_init(&facts, alert, fields, ", ");
	write_item(out, "", TEXT("Fields"), TEXT(""), is_markdown);
	for (size_t i = 0; i < facts.count; i++)
		write_item(out, "  ", facts.items[i].name, facts.items[i].value, is_markdown);
	facts_done(&facts);
}

static void write_list(struct buffer *out, const struct alert *alert, bool is_markdown)
{
	struct buffer tags, time;

	buffer_init(&tags, ALERT_MAX);
	buffer_init(&time, 64);
	alert_tags_text(&tags, alert, ", ");
	alert_time_text(&time, alert->time_ns);
	const struct {
		struct text name, value;
	} items[] = {
		{ TEXT("Priority"), text_of(priority_name(alert->priority)) },
		{ TEXT("Rule"), text_of(alert->rule) },
		{ TEXT("Output"), text_of(alert->output) },
		{ TEXT("Source"), text_of(alert->source) },
		{ TEXT("Tags"), buffer_text(&tags) },
		{ TEXT("Time"), buffer_text(&time) },
	};
	for (size_t i = 0; i < COUNT_OF(items); i++)
		if (items[i].value.length)
			write_item(out, "", items[i].name, items[i].value, is_markdown);
	write_fields(out, alert, is_markdown);
	buffer_done(&tags);
	buffer_done(&time);
}

static void add_title(struct json_writer *json, const struct alert *alert)
{
	struct buffer title;

	buffer_init(&title, ALERT_MAX);
	buffer_printf(&title, "[Falco] [%s] ", priority_name(alert->priority));
	buffer_add_text(&title, text_of(alert->rule));
	json_key(json, "title");
	json_add_text(json, buffer_text(&title));
	buffer_done(&title);
}

static void compose(const struct messages *messages, const void *settings, struct request *request)
{
	const struct gotify *gotify = settings;
	const struct alert *alert = messages->items[0].alert;
	bool is_markdown = gotify->format == FORMAT_MARKDOWN;
	struct json_writer json;
	struct buffer message;

	buffer_init(&message, REQUEST_BODY_MAX);
	if (gotify->format == FORMAT_JSON)
		buffer_add_text(&message, messages->items[0].raw);
	else
		write_list(&message, alert, is_markdown);
	request_url(request, gotify->host, "/message");
	request_json(request);
	if (is_set(gotify->token))
		request_header(request, "X-Gotify-Key", text_of(gotify->token));
	json_writer_init(&json, &request->body);
	json_begin_object(&json);
	add_title(&json, alert);
	json_key(&json, "priority");
	json_add_i64(&json, priority_rank(alert->priority));
	json_key(&json, "message");
	json_add_text(&json, buffer_text(&message));
	json_key(&json, "extras");
	json_add_raw(&json,
		is_markdown ? TEXT("{\"client::display\":{\"contentType\":\"text/markdown\"}}")
			    : TEXT("{\"client::display\":{\"contentType\":\"text/plain\"}}"));
	json_end(&json);
	buffer_done(&message);
}

const struct output output_gotify = {
	.name = "gotify",
	.title = "Gotify",
	.about = "Pushes each alert to the clients of Gotify",
	.rows = rows,
	.row_count = COUNT_OF(rows),
	.settings_size = sizeof(struct gotify),
	.reads_alerts = true,
	.is_enabled = is_enabled,
	.check = check,
	.compose = compose,
};
