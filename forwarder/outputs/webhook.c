/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Webhook: the raw event, as it is, to any address.
 */
#include "base/memory.h"
#include "forwarder/output.h"

struct webhook {
	struct output_settings common;
	char *address;
	int method;
	struct text_map headers;
};

enum { METHOD_POST, METHOD_PUT };

static const struct setting rows[] = {
	{ .key = "address",
		.type = SETTING_TEXT,
		.at = offsetof(struct webhook, address),
		.value = "URL",
		.about = "Where alerts are posted; switches the output on" },
	{ .key = "method",
		.type = SETTING_CHOICE,
		.at = offsetof(struct webhook, method),
		.choices = "POST PUT",
		.fallback = "POST",
		.about = "The request's method" },
	OUTPUT_ROW_HEADERS(webhook, headers),
	OUTPUT_ROW_PRIORITY,
	OUTPUT_ROWS_HTTP,
};

static bool is_enabled(const void *settings)
{
	const struct webhook *webhook = settings;

	return is_set(webhook->address);
}

static int check(const void *settings, struct error *err)
{
	return check_url("webhook.address", ((const struct webhook *)settings)->address, err);
}

static void compose(const struct messages *messages, const void *settings, struct request *request)
{
	const struct webhook *webhook = settings;

	request->method = webhook->method == METHOD_PUT ? "PUT" : "POST";
	buffer_add_string(&request->url, webhook->address);
	request_json(request);
	request_headers(request, &webhook->headers);
	buffer_add_text(&request->body, messages->items[0].raw);
}

const struct output output_webhook = {
	.name = "webhook",
	.title = "Webhook",
	.about = "Posts each alert as JSON to an address",
	.rows = rows,
	.row_count = COUNT_OF(rows),
	.settings_size = sizeof(struct webhook),
	.is_enabled = is_enabled,
	.check = check,
	.compose = compose,
};
