/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Webex: a message in Markdown for each alert.
 */
#include "base/memory.h"
#include "forwarder/alert-text.h"
#include "forwarder/output.h"

/* developer.webex.com, "Create a Message": at most 7439 bytes. */
#define MARKDOWN_MAX_BYTES 7439
#define VALUE_MAX_CHARS	   512
#define OUTPUT_MAX_CHARS   1024

struct webex {
	struct output_settings common;
	char *webhook_url;
};

static const struct setting rows[] = {
	OUTPUT_ROW_SECRET(webex, webhook_url, "webhookurl",
		"Address of the incoming webhook; switches the output on"),
	OUTPUT_ROW_PRIORITY,
	OUTPUT_ROWS_HTTP,
};

static const enum fact_kind order[] = { FACT_HOSTNAME, FACT_SOURCE, FACT_PRIORITY, FACT_TAGS,
	FACT_FIELDS, FACTS_END };

static bool is_enabled(const void *settings)
{
	return is_set(((const struct webex *)settings)->webhook_url);
}

static int check(const void *settings, struct error *err)
{
	return check_url("webex.webhookurl", ((const struct webex *)settings)->webhook_url, err);
}

static const char *label_of(enum fact_kind kind)
{
	return kind == FACT_HOSTNAME   ? "Hostname"
	       : kind == FACT_SOURCE   ? "Source"
	       : kind == FACT_PRIORITY ? "Priority"
				       : "Tags";
}

static void write_line(struct buffer *out, const struct fact *fact)
{
	if (fact->kind != FACT_FIELDS) {
		buffer_printf(out, "- **%s**: ", label_of(fact->kind));
	} else {
		buffer_add_string(out, "  - **");
		markdown_write(out, fact->name, VALUE_MAX_CHARS);
		buffer_add_string(out, "**: ");
	}
	markdown_write(out, fact->value, VALUE_MAX_CHARS);
	buffer_add_char(out, '\n');
}

/* Fields until there is no more room for one. */
static void write_facts(struct buffer *out, const struct alert *alert)
{
	bool has_fields = false;
	struct buffer line;
	struct facts facts;

	buffer_init(&line, ALERT_MAX);
	facts_init(&facts, alert, order, ", ");
	for (size_t i = 0; i < facts.count; i++) {
		buffer_clear(&line);
		if (facts.items[i].kind == FACT_FIELDS && !has_fields)
			buffer_add_string(&line, "- **Fields**:\n");
		has_fields |= facts.items[i].kind == FACT_FIELDS;
		write_line(&line, &facts.items[i]);
		if (out->length + line.length > MARKDOWN_MAX_BYTES)
			break;
		buffer_add_text(out, buffer_text(&line));
	}
	facts_done(&facts);
	buffer_done(&line);
}

static void compose(const struct messages *messages, const void *settings, struct request *request)
{
	const struct webex *webex = settings;
	const struct alert *alert = messages->items[0].alert;
	struct json_writer json;
	struct buffer markdown;

	buffer_init(&markdown, REQUEST_BODY_MAX);
	buffer_add_string(&markdown, "# ");
	markdown_write(&markdown, text_of(alert->rule), VALUE_MAX_CHARS);
	buffer_add_string(&markdown, "\n## ");
	markdown_write(&markdown, text_of(alert->output), OUTPUT_MAX_CHARS);
	buffer_add_string(&markdown, "\n\n");
	write_facts(&markdown, alert);

	buffer_add_string(&request->url, webex->webhook_url);
	request_json(request);
	json_writer_init(&json, &request->body);
	json_begin_object(&json);
	json_key(&json, "markdown");
	json_add_text(&json, buffer_text(&markdown));
	json_end(&json);
	buffer_done(&markdown);
}

const struct output output_webex = {
	.name = "webex",
	.title = "Webex",
	.about = "Posts each alert to a space of Webex",
	.rows = rows,
	.row_count = COUNT_OF(rows),
	.settings_size = sizeof(struct webex),
	.reads_alerts = true,
	.is_enabled = is_enabled,
	.check = check,
	.compose = compose,
};
