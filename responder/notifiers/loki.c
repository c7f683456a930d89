/* SPDX-License-Identifier: Apache-2.0 */
/*
 * loki: Talon's line in a stream of its own (grafana.com, "Loki HTTP API: push").
 */
#include <errno.h>
#include <json-c/json.h>

#include "base/memory.h"
#include "responder/notifier.h"

#define PUSH "/loki/api/v1/push"

struct loki {
	char *url, *user, *api_key, *tenant;
	struct text_map headers;
};

static const struct setting rows[] = {
	{ .key = "url",
		.type = SETTING_TEXT,
		.at = offsetof(struct loki, url),
		.about = "Address of Loki, with or without " PUSH },
	{ .key = "user", .type = SETTING_TEXT, .at = offsetof(struct loki, user), .about = "User" },
	{ .key = "api_key",
		.type = SETTING_SECRET,
		.at = offsetof(struct loki, api_key),
		.about = "Its key" },
	{ .key = "tenant",
		.type = SETTING_TEXT,
		.at = offsetof(struct loki, tenant),
		.about = "Tenant (X-Scope-OrgID)" },
	{ .key = "custom_headers",
		.type = SETTING_MAP,
		.at = offsetof(struct loki, headers),
		.about = "Further headers" },
};

static int check(const void *settings, struct error *err)
{
	return is_set(((const struct loki *)settings)->url)
		       ? 0
		       : error_set(err, -EINVAL, "url is missing");
}

/* Few, and of playbooks: a label for each pod would make a stream for each. */
static void write_labels(struct json_object *note, struct json_writer *json)
{
	static const char *const keys[] = { "status", "message", "rule", "action", "actionner" };

	json_begin_object(json);
	json_key(json, "source");
	json_add_string(json, "tercel-responder");
	for (size_t i = 0; i < COUNT_OF(keys); i++) {
		if (!*note_text(note, keys[i]))
			continue;
		json_key(json, keys[i]);
		json_add_string(json, note_text(note, keys[i]));
	}
	json_end(json);
}

static void write_push(struct json_object *note, struct buffer *out)
{
	_cleanup_(freep) char *time = string_printf("%lld", (long long)note_time_ns(note));
	struct json_writer json;

	json_writer_init(&json, out);
	json_begin_object(&json);
	json_key(&json, "streams");
	json_begin_array(&json);
	json_begin_object(&json);
	json_key(&json, "stream");
	write_labels(note, &json);
	json_key(&json, "values");
	json_begin_array(&json);
	json_begin_array(&json);
	json_add_string(&json, time);
	json_add_string(&json, json_object_to_json_string_ext(note, JSON_C_TO_STRING_PLAIN));
	json_end(&json);
	json_end(&json);
	json_end(&json);
	json_end(&json);
	json_end(&json);
}

static int tell(const struct telling *telling, struct error *err)
{
	const struct loki *loki = telling->settings;
	struct request request;
	int r;

	if (!is_set(loki->url))
		return error_set(err, -EINVAL, "notifiers.loki.url is not set");
	request_init(&request);
	request_url(
		&request, loki->url, text_ends_with(text_of(loki->url), TEXT(PUSH)) ? "" : PUSH);
	request_json(&request);
	request_basic(&request, loki->user, loki->api_key);
	if (is_set(loki->tenant))
		request_header(&request, "X-Scope-OrgID", text_of(loki->tenant));
	request_headers(&request, &loki->headers);
	write_push(telling->note, &request.body);
	r = notifier_send(telling, &request, err);
	request_done(&request);
	return r;
}

const struct notifier notifier_loki = { .name = "loki",
	.rows = rows,
	.row_count = COUNT_OF(rows),
	.settings_size = sizeof(struct loki),
	.check = check,
	.tell = tell };
