/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Slack's attachments, which Mattermost and Rocket.Chat speak as well.
 */
#pragma once

#include "forwarder/alert-text.h"
#include "forwarder/output.h"

/* The settings of each of them; only Slack has a channel. */
struct attachment_chat {
	struct output_settings common;
	char *webhook_url, *channel, *footer, *icon, *username, *message_format;
	int format; /* of ATTACHMENT_FORMATS */
};

#define ATTACHMENT_FORMATS "all text fields"
#define ATTACHMENT_ROWS(footer_, icon_)                                                         \
	OUTPUT_ROW_SECRET(attachment_chat, webhook_url, "webhookurl",                           \
		"Address of the incoming webhook; switches the output on"),                     \
		OUTPUT_ROW_TEXT(                                                                \
			attachment_chat, footer, "footer", footer_, "Text below each message"), \
		OUTPUT_ROW_TEXT(                                                                \
			attachment_chat, icon, "icon", icon_, "URL of the sender's picture"),   \
		OUTPUT_ROW_TEXT(attachment_chat, username, "username", "Falcosidekick",         \
			"Name of the sender"),                                                  \
		OUTPUT_ROW_CHOICE(attachment_chat, format, "outputformat", ATTACHMENT_FORMATS,  \
			"all", "Whether to show the alert's text, its fields, or both"),        \
		OUTPUT_ROW_TEXT(attachment_chat, message_format, "messageformat", NULL,         \
			"Template of a text above the attachment, such as Rule *{{ .Rule }}*"), \
		OUTPUT_ROW_PRIORITY, OUTPUT_ROWS_HTTP

/* In what the chats differ. */
struct attachment_style {
	const enum fact_kind *order; /* of the fields */
	bool has_footer;
	/* Makes text of it that the chat shows as it is; may be NULL. */
	void (*escape)(struct buffer *out, struct text text);
};

bool attachment_is_enabled(const void *settings);
int attachment_check(const char *name, const void *settings, struct error *err);
void attachment_compose(const struct alert *alert, const struct attachment_chat *chat,
	const struct attachment_style *style, struct request *request);
