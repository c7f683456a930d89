/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mattermost: Slack's attachments with the host before the priority; it knows Slack's <!channel>
 * too.
 */
#include "base/memory.h"
#include "forwarder/outputs/attachment.h"

static const struct setting rows[] = {
	ATTACHMENT_ROWS("https://github.com/falcosecurity/falcosidekick",
		"https://raw.githubusercontent.com/falcosecurity/falcosidekick/master/imgs/falcosidekick.png"),
};

static const enum fact_kind order[] = { FACT_RULE, FACT_HOSTNAME, FACT_PRIORITY, FACT_SOURCE,
	FACT_TAGS, FACT_STRING_FIELDS, FACT_TIME, FACTS_END };

static const struct attachment_style style = {
	.order = order,
	.has_footer = true,
	.escape = html_escape,
};

static int check(const void *settings, struct error *err)
{
	return attachment_check("mattermost", settings, err);
}

static void compose(const struct messages *messages, const void *settings, struct request *request)
{
	attachment_compose(messages->items[0].alert, settings, &style, request);
}

const struct output output_mattermost = {
	.name = "mattermost",
	.title = "Mattermost",
	.about = "Posts each alert to a channel of Mattermost",
	.rows = rows,
	.row_count = COUNT_OF(rows),
	.settings_size = sizeof(struct attachment_chat),
	.reads_alerts = true,
	.is_enabled = attachment_is_enabled,
	.check = check,
	.compose = compose,
};
