/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Discord: an embed for each alert, within Discord's limits (discord.com/developers/docs,
 * "Embed limits"): 25 fields, 256 characters a name, 1024 a value, 4096 the description, 6000 in
 * all.
 */
#include "base/memory.h"
#include "forwarder/alert-text.h"
#include "forwarder/output.h"

#define FIELDS_MAX	25
#define NAME_MAX_CHARS	256
#define VALUE_MAX_CHARS 1024
#define TEXT_MAX_CHARS	4096
#define ALL_MAX_BYTES	6000 /* bytes are never fewer than characters */

struct discord {
	struct output_settings common;
	char *webhook_url, *icon;
};

static const struct setting rows[] = {
	OUTPUT_ROW_SECRET(discord, webhook_url, "webhookurl",
		"Address of the channel's webhook; switches the output on"),
	OUTPUT_ROW_TEXT(discord, icon, "icon",
		"https://raw.githubusercontent.com/falcosecurity/falcosidekick/master/imgs/"
		"falcosidekick_color.png",
		"URL of the sender's picture"),
	OUTPUT_ROW_PRIORITY,
	OUTPUT_ROWS_HTTP,
};

static const enum fact_kind order[] = { FACT_RULE, FACT_PRIORITY, FACT_SOURCE, FACT_HOSTNAME,
	FACT_STRING_FIELDS, FACT_TAGS, FACT_TIME, FACTS_END };

static const char *const colours[] = {
	[PRIORITY_EMERGENCY] = "15158332",
	[PRIORITY_ALERT] = "11027200",
	[PRIORITY_CRITICAL] = "15105570",
	[PRIORITY_ERROR] = "15844367",
	[PRIORITY_WARNING] = "12745742",
	[PRIORITY_NOTICE] = "3066993",
	[PRIORITY_INFORMATIONAL] = "3447003",
	[PRIORITY_DEBUG] = "12370112",
	[PRIORITY_NONE] = "12370112",
};

static bool is_enabled(const void *settings)
{
	return is_set(((const struct discord *)settings)->webhook_url);
}

static int check(const void *settings, struct error *err)
{
	return check_url(
		"discord.webhookurl", ((const struct discord *)settings)->webhook_url, err);
}

/* In a block of code, which a value must not end: its backticks become apostrophes. */
static void write_code(struct buffer *out, struct text value)
{
	struct buffer quoted;

	buffer_init(&quoted, ALERT_MAX);
	text_write_replaced(&quoted, value, '`', '\'');
	buffer_add_string(out, "```");
	text_write_cut(out, buffer_text(&quoted), VALUE_MAX_CHARS - 6);
	buffer_add_string(out, "```");
	buffer_done(&quoted);
}

/* Bytes of the field, 0 when it would not fit into what is left of ALL_MAX_BYTES. */
static size_t add_field(struct json_writer *json, const struct fact *fact, size_t left)
{
	struct buffer name, value;
	size_t size;

	buffer_init(&name, ALERT_MAX);
	buffer_init(&value, ALERT_MAX);
	text_write_cut(&name, fact->name, NAME_MAX_CHARS);
	if (fact->kind == FACT_STRING_FIELDS)
		write_code(&value, fact->value);
	else
		text_write_cut(&value, fact->value, VALUE_MAX_CHARS);
	size = name.length + value.length;
	if (size <= left) {
		json_begin_object(json);
		json_key(json, "name");
		json_add_text(json, buffer_text(&name));
		json_key(json, "value");
		json_add_text(json, buffer_text(&value));
		json_key(json, "inline");
		json_add_bool(json, true);
		json_end(json);
	}
	buffer_done(&name);
	buffer_done(&value);
	return size <= left ? size : 0;
}

/* Discord refuses a field without a name or value, so they are left out. */
static void add_fields(struct json_writer *json, const struct alert *alert, size_t left)
{
	struct facts facts;
	size_t strings = 0, room = FIELDS_MAX;

	facts_init(&facts, alert, order, ", ");
	for (size_t i = 0; i < facts.count; i++)
		room -= facts.items[i].kind != FACT_STRING_FIELDS;
	json_key(json, "fields");
	json_begin_array(json);
	for (size_t i = 0; i < facts.count; i++) {
		const struct fact *fact = &facts.items[i];

		if (!fact->value.length || !fact->name.length)
			continue;
		if (fact->kind == FACT_STRING_FIELDS && strings++ >= room)
			continue;
		left -= add_field(json, fact, left);
	}
	json_end(json);
	facts_done(&facts);
}

static void add_embed(struct json_writer *json, const struct alert *alert)
{
	struct buffer description;

	buffer_init(&description, ALERT_MAX);
	text_write_cut(&description, text_of(alert->output), TEXT_MAX_CHARS);
	json_begin_object(json);
	json_key(json, "title");
	json_add_string(json, "");
	json_key(json, "url");
	json_add_string(json, "");
	json_key(json, "description");
	json_add_text(json, buffer_text(&description));
	json_key(json, "color");
	json_add_string(json, colours[alert->priority]);
	add_fields(json, alert,
		ALL_MAX_BYTES > description.length ? ALL_MAX_BYTES - description.length : 0);
	json_end(json);
	buffer_done(&description);
}

static void compose(const struct messages *messages, const void *settings, struct request *request)
{
	const struct discord *discord = settings;
	struct json_writer json;

	buffer_add_string(&request->url, discord->webhook_url);
	request_json(request);
	json_writer_init(&json, &request->body);
	json_begin_object(&json);
	json_key(&json, "content");
	json_add_string(&json, "");
	json_key(&json, "avatar_url");
	json_add_string(&json, discord->icon ? discord->icon : "");
	json_key(&json, "embeds");
	json_begin_array(&json);
	add_embed(&json, messages->items[0].alert);
	json_end(&json);
	json_end(&json);
}

const struct output output_discord = {
	.name = "discord",
	.title = "Discord",
	.about = "Posts each alert to a channel of Discord",
	.rows = rows,
	.row_count = COUNT_OF(rows),
	.settings_size = sizeof(struct discord),
	.reads_alerts = true,
	.is_enabled = is_enabled,
	.check = check,
	.compose = compose,
};
