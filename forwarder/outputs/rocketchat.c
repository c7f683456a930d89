/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rocket.Chat: Slack's attachments without a footer. Ours: with outputformat text it shows the
 * alert's text, where Falcosidekick sends nothing.
 */
#include "base/memory.h"
#include "forwarder/outputs/attachment.h"

static const struct setting rows[] = {
	ATTACHMENT_ROWS(NULL,
		"https://raw.githubusercontent.com/falcosecurity/falcosidekick/master/imgs/falcosidekick.png"),
};

static const enum fact_kind order[] = { FACT_RULE, FACT_PRIORITY, FACT_SOURCE, FACT_TAGS,
	FACT_STRING_FIELDS, FACT_TIME, FACT_HOSTNAME, FACTS_END };

static const struct attachment_style style = {
	.order = order,
	.has_footer = false,
	.escapes = false,
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
