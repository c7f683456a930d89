/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Slack: an attachment for each alert.
 */
#include "base/memory.h"
#include "forwarder/outputs/attachment.h"

static const struct setting rows[] = {
	OUTPUT_ROW_TEXT(attachment_chat, channel, "channel", NULL,
		"Channel, where the webhook allows another than its own"),
	ATTACHMENT_ROWS("https://github.com/falcosecurity/falcosidekick",
		"https://raw.githubusercontent.com/falcosecurity/falcosidekick/master/imgs/falcosidekick_color.png"),
};

static const enum fact_kind order[] = { FACT_RULE, FACT_PRIORITY, FACT_SOURCE, FACT_HOSTNAME,
	FACT_TAGS, FACT_STRING_FIELDS, FACT_TIME, FACTS_END };

static const struct attachment_style style = {
	.order = order,
	.has_footer = true,
	.escape = html_escape,
};

static int check(const void *settings, struct error *err)
{
	return attachment_check("slack", settings, err);
}

static void compose(const struct messages *messages, const void *settings, struct request *request)
{
	attachment_compose(messages->items[0].alert, settings, &style, request);
}

const struct output output_slack = {
	.name = "slack",
	.title = "Slack",
	.about = "Posts each alert to a channel of Slack",
	.rows = rows,
	.row_count = COUNT_OF(rows),
	.settings_size = sizeof(struct attachment_chat),
	.reads_alerts = true,
	.is_enabled = attachment_is_enabled,
	.check = check,
	.compose = compose,
};
