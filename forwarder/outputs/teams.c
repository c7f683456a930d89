/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Teams: a MessageCard for the old connectors, an Adaptive Card for Workflows, which take nothing
 * else.
 */
#include "base/memory.h"
#include "forwarder/alert-text.h"
#include "forwarder/output.h"

struct teams {
	struct output_settings common;
	char *webhook_url, *activity_image;
	int format, card;
};

enum { FORMAT_ALL, FORMAT_TEXT, FORMAT_FACTS };
enum { CARD_AUTO, CARD_MESSAGE, CARD_ADAPTIVE };

static const struct setting rows[] = {
	OUTPUT_ROW_SECRET(teams, webhook_url, "webhookurl",
		"Address of the webhook or workflow; switches the output on"),
	OUTPUT_ROW_TEXT(teams, activity_image, "activityimage",
		"https://raw.githubusercontent.com/falcosecurity/falcosidekick/master/imgs/"
		"falcosidekick_color.png",
		"URL of the picture on a MessageCard"),
	OUTPUT_ROW_CHOICE(teams, format, "outputformat", "all text facts", "all",
		"Whether to show the alert's text, its facts, or both"),
	OUTPUT_ROW_CHOICE(teams, card, "card", "auto message adaptive", "auto",
		"Kind of card; auto: adaptive where the address is a workflow's "
		"(logic.azure.com, powerplatform.com), else message"),
	OUTPUT_ROW_PRIORITY,
	OUTPUT_ROWS_HTTP,
};

static const enum fact_kind order[] = { FACT_RULE, FACT_PRIORITY, FACT_SOURCE, FACT_HOSTNAME,
	FACT_STRING_FIELDS, FACT_TAGS, FACTS_END };

static const struct {
	const char *theme; /* of a MessageCard */
	const char *style; /* of a container in an Adaptive Card */
} looks[] = {
	[PRIORITY_EMERGENCY] = { "e20b0b", "attention" },
	[PRIORITY_ALERT] = { "ff5400", "attention" },
	[PRIORITY_CRITICAL] = { "ff9000", "attention" },
	[PRIORITY_ERROR] = { "ffc700", "attention" },
	[PRIORITY_WARNING] = { "ffff00", "warning" },
	[PRIORITY_NOTICE] = { "5bffb5", "good" },
	[PRIORITY_INFORMATIONAL] = { "68c2ff", "accent" },
	[PRIORITY_DEBUG] = { "ccfff2", "emphasis" },
	[PRIORITY_NONE] = { "ccfff2", "emphasis" },
};

static void add(struct json_writer *json, const char *key, struct text value)
{
	json_key(json, key);
	json_add_text(json, value);
}

/* A FactSet is Markdown, whatever one wants. */
static void add_fact(struct json_writer *json, const char *key, struct text text, bool is_markdown)
{
	struct buffer escaped;

	if (!is_markdown) {
		add(json, key, text);
		return;
	}
	buffer_init(&escaped, REQUEST_BODY_MAX);
	markdown_write(&escaped, text, ALERT_MAX);
	add(json, key, buffer_text(&escaped));
	buffer_done(&escaped);
}

static void add_facts(
	struct json_writer *json, const struct alert *alert, const char *name_key, bool is_markdown)
{
	struct facts facts;

	facts_init(&facts, alert, order, ", ");
	json_key(json, "facts");
	json_begin_array(json);
	for (size_t i = 0; i < facts.count; i++) {
		json_begin_object(json);
		add_fact(json, name_key, facts.items[i].name, is_markdown);
		add_fact(json, "value", facts.items[i].value, is_markdown);
		json_end(json);
	}
	json_end(json);
	facts_done(&facts);
}

static void add_time(struct json_writer *json, const char *key, const struct alert *alert)
{
	struct buffer time;

	buffer_init(&time, 64);
	alert_time_text(&time, alert->time_ns);
	add(json, key, buffer_text(&time));
	buffer_done(&time);
}

static void write_message_card(
	struct json_writer *json, const struct alert *alert, const struct teams *teams)
{
	json_begin_object(json);
	add(json, "@type", TEXT("MessageCard"));
	add(json, "summary", text_of(alert->output));
	add(json, "themeColor", text_of(looks[alert->priority].theme));
	json_key(json, "sections");
	json_begin_array(json);
	json_begin_object(json);
	add(json, "activityTitle", TEXT("Falcosidekick"));
	add_time(json, "activitySubtitle", alert);
	if (is_set(teams->activity_image))
		add(json, "activityImage", text_of(teams->activity_image));
	add(json, "text", teams->format != FORMAT_FACTS ? text_of(alert->output) : TEXT(""));
	if (teams->format != FORMAT_TEXT)
		add_facts(json, alert, "name", false);
	json_key(json, "markdown"); /* an attacker's words are no links */
	json_add_bool(json, false);
	json_end(json);
	json_end(json);
	json_end(json);
}

/* Text that Markdown does not touch; a TextBlock would make links of an attacker's words. */
static void add_rich_text(struct json_writer *json, struct text text, const char *weight)
{
	json_begin_object(json);
	add(json, "type", TEXT("RichTextBlock"));
	json_key(json, "inlines");
	json_begin_array(json);
	json_begin_object(json);
	add(json, "type", TEXT("TextRun"));
	add(json, "text", text);
	add(json, "weight", text_of(weight));
	json_end(json);
	json_end(json);
	json_end(json);
}

static void add_headline(struct json_writer *json, const struct alert *alert)
{
	json_begin_object(json);
	add(json, "type", TEXT("Container"));
	add(json, "style", text_of(looks[alert->priority].style));
	json_key(json, "items");
	json_begin_array(json);
	add_rich_text(json, text_of(alert->rule), "bolder");
	json_begin_object(json);
	add(json, "type", TEXT("TextBlock"));
	add_time(json, "text", alert);
	json_key(json, "isSubtle");
	json_add_bool(json, true);
	json_end(json);
	json_end(json);
	json_end(json);
}

static void add_body(struct json_writer *json, const struct alert *alert, int format)
{
	json_key(json, "body");
	json_begin_array(json);
	add_headline(json, alert);
	if (format != FORMAT_FACTS)
		add_rich_text(json, text_of(alert->output), "default");
	if (format != FORMAT_TEXT) {
		json_begin_object(json);
		add(json, "type", TEXT("FactSet"));
		add_facts(json, alert, "title", true);
		json_end(json);
	}
	json_end(json);
}

/* learn.microsoft.com, "Send Adaptive Cards using an incoming webhook". */
static void write_adaptive_card(
	struct json_writer *json, const struct alert *alert, const struct teams *teams)
{
	json_begin_object(json);
	add(json, "type", TEXT("message"));
	json_key(json, "attachments");
	json_begin_array(json);
	json_begin_object(json);
	add(json, "contentType", TEXT("application/vnd.microsoft.card.adaptive"));
	json_key(json, "contentUrl");
	json_add_null(json);
	json_key(json, "content");
	json_begin_object(json);
	add(json, "$schema", TEXT("http://adaptivecards.io/schemas/adaptive-card.json"));
	add(json, "type", TEXT("AdaptiveCard"));
	add(json, "version", TEXT("1.4"));
	add_body(json, alert, teams->format);
	json_end(json);
	json_end(json);
	json_end(json);
	json_end(json);
}

static bool is_adaptive(const struct teams *teams)
{
	struct text url = text_of(teams->webhook_url);

	if (teams->card != CARD_AUTO)
		return teams->card == CARD_ADAPTIVE;
	return text_contains(url, TEXT(".logic.azure.com")) ||
	       text_contains(url, TEXT(".powerplatform.com"));
}

static bool is_enabled(const void *settings)
{
	return is_set(((const struct teams *)settings)->webhook_url);
}

static int check(const void *settings, struct error *err)
{
	return check_url("teams.webhookurl", ((const struct teams *)settings)->webhook_url, err);
}

static void compose(const struct messages *messages, const void *settings, struct request *request)
{
	const struct teams *teams = settings;
	struct json_writer json;

	buffer_add_string(&request->url, teams->webhook_url);
	request_json(request);
	json_writer_init(&json, &request->body);
	if (is_adaptive(teams))
		write_adaptive_card(&json, messages->items[0].alert, teams);
	else
		write_message_card(&json, messages->items[0].alert, teams);
}

const struct output output_teams = {
	.name = "teams",
	.title = "Teams",
	.about = "Posts each alert as a card to a channel of Microsoft Teams",
	.rows = rows,
	.row_count = COUNT_OF(rows),
	.settings_size = sizeof(struct teams),
	.reads_alerts = true,
	.is_enabled = is_enabled,
	.check = check,
	.compose = compose,
};
