/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rocket.Chat: Slack's attachments without a footer. Ours: with outputformat text it shows the
 * alert's text, where Falcosidekick sends nothing, and no alert can speak to everybody.
 */
#include "base/memory.h"
#include "forwarder/outputs/attachment.h"

static const struct setting rows[] = {
	ATTACHMENT_ROWS(NULL,
		"https://raw.githubusercontent.com/falcosecurity/falcosidekick/master/imgs/falcosidekick.png"),
};

static const enum fact_kind order[] = { FACT_RULE, FACT_PRIORITY, FACT_SOURCE, FACT_TAGS,
	FACT_STRING_FIELDS, FACT_TIME, FACT_HOSTNAME, FACTS_END };

/*
 * What Rocket.Chat's message parser makes bold, slanted, struck, code or a heading has a backslash
 * before it; a mention and a link, for which it has none, are broken by U+2060 (no width).
 */
static void escape(struct buffer *out, struct text text)
{
	for (size_t i = 0; i < text.length; i++) {
		char c = text.data[i];

		if (c && strchr("*_~`#", c))
			buffer_add_char(out, '\\');
		buffer_add_char(out, c);
		if (c == '@' || (c == ']' && i + 1 < text.length && text.data[i + 1] == '('))
			buffer_add_string(out, "\u2060");
	}
}

static const struct attachment_style style = {
	.order = order,
	.has_footer = false,
	.escape = escape,
};

static int check(const void *settings, struct error *err)
{
	return attachment_check("rocketchat", settings, err);
}

static void compose(const struct messages *messages, const void *settings, struct request *request)
{
	attachment_compose(messages->items[0].alert, settings, &style, request);
}

const struct output output_rocketchat = {
	.name = "rocketchat",
	.title = "Rocketchat",
	.about = "Posts each alert to a channel of Rocket.Chat",
	.rows = rows,
	.row_count = COUNT_OF(rows),
	.settings_size = sizeof(struct attachment_chat),
	.reads_alerts = true,
	.is_enabled = attachment_is_enabled,
	.check = check,
	.compose = compose,
};
