/* SPDX-License-Identifier: Apache-2.0 */
/*
 * webhook: Talon's line as JSON, posted.
 */
#include <errno.h>
#include <json-c/json.h>
#include <stdlib.h>

#include "base/memory.h"
#include "responder/notifier.h"

struct webhook {
	char *url, *method, *content_type, *user_agent;
	struct text_map headers;
};

static const struct setting rows[] = {
	{ .key = "url",
		.type = SETTING_TEXT,
		.at = offsetof(struct webhook, url),
		.about = "Where to" },
	{ .key = "http_method",
		.type = SETTING_TEXT,
		.at = offsetof(struct webhook, method),
		.fallback = "POST",
		.about = "The method" },
	{ .key = "content_type",
		.type = SETTING_TEXT,
		.at = offsetof(struct webhook, content_type),
		.fallback = "application/json; charset=utf-8",
		.about = "The content type" },
	{ .key = "user_agent",
		.type = SETTING_TEXT,
		.at = offsetof(struct webhook, user_agent),
		.fallback = "falco-talon",
		.about = "The user agent" },
	{ .key = "custom_headers",
		.type = SETTING_MAP,
		.at = offsetof(struct webhook, headers),
		.about = "Further headers" },
};

static int check(const void *settings, struct error *err)
{
	const struct webhook *webhook = settings;

	return webhook->url && *webhook->url ? 0 : error_set(err, -EINVAL, "url is missing");
}

static int tell(const struct telling *telling, struct error *err)
{
	const struct webhook *webhook = telling->settings;
	size_t count = 0;
	char **lines;
	int r;

	if (!webhook->url || !*webhook->url)
		return error_set(err, -EINVAL, "notifiers.webhook.url is not set");
	lines = NEW_ARRAY(char *, webhook->headers.count + 3);
	lines[count++] = string_printf("Content-Type: %s", webhook->content_type);
	lines[count++] = string_printf("User-Agent: %s", webhook->user_agent);
	for (size_t i = 0; i < webhook->headers.count; i++)
		lines[count++] = string_printf(
			"%s: %s", webhook->headers.keys[i], webhook->headers.values[i]);
	r = notifier_post(telling,
		&(struct http_call){ .method = webhook->method,
			.url = webhook->url,
			.headers = (const char *const *)lines,
			.body = text_of(json_object_to_json_string_ext(
				telling->note, JSON_C_TO_STRING_PLAIN)) },
		err);
	for (size_t i = 0; i < count; i++)
		free(lines[i]);
	free(lines);
	return r;
}

const struct notifier notifier_webhook = { .name = "webhook",
	.rows = rows,
	.row_count = COUNT_OF(rows),
	.settings_size = sizeof(struct webhook),
	.check = check,
	.tell = tell };
