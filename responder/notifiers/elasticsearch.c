/* SPDX-License-Identifier: Apache-2.0 */
/*
 * elasticsearch: Talon's line as a document of Elasticsearch or OpenSearch, with the index template
 * that it needs.
 */
#include <errno.h>
#include <json-c/json.h>

#include "alert/alert.h"
#include "base/memory.h"
#include "responder/notifier.h"

struct elasticsearch {
	char *url, *index, *user, *password;
	int suffix;
	bool makes_template;
	int64_t shards, replicas;
	struct text_map headers;
};

#define SUFFIXES "daily monthly annually none"

static const size_t date_lengths[] = { 10, 7, 4, 0 }; /* of 2026-11-24 */

static const struct setting rows[] = {
	{ .key = "url",
		.type = SETTING_TEXT,
		.at = offsetof(struct elasticsearch, url),
		.about = "Address" },
	{ .key = "index",
		.type = SETTING_TEXT,
		.at = offsetof(struct elasticsearch, index),
		.fallback = "falco-talon",
		.about = "Index, before the suffix; also the template's name" },
	{ .key = "suffix",
		.type = SETTING_CHOICE,
		.choices = SUFFIXES,
		.fallback = "daily",
		.at = offsetof(struct elasticsearch, suffix),
		.about = "Date behind the index: -2026.11.24, -2026.11, -2026 or nothing" },
	{ .key = "user",
		.type = SETTING_TEXT,
		.at = offsetof(struct elasticsearch, user),
		.about = "User" },
	{ .key = "password",
		.type = SETTING_SECRET,
		.at = offsetof(struct elasticsearch, password),
		.about = "Its password" },
	{ .key = "create_index_template",
		.type = SETTING_BOOL,
		.at = offsetof(struct elasticsearch, makes_template),
		.fallback = "true",
		.about = "Make the index template where it is not there" },
	{ .key = "number_of_shards",
		.type = SETTING_INTEGER,
		.at = offsetof(struct elasticsearch, shards),
		.fallback = "3",
		.minimum = 1,
		.maximum = 1024,
		.about = "Shards, in the template" },
	{ .key = "number_of_replicas",
		.type = SETTING_INTEGER,
		.at = offsetof(struct elasticsearch, replicas),
		.fallback = "3",
		.minimum = 0,
		.maximum = 1024,
		.about = "Replicas, in the template" },
	{ .key = "custom_headers",
		.type = SETTING_MAP,
		.at = offsetof(struct elasticsearch, headers),
		.about = "Further headers" },
};

static int check(const void *settings, struct error *err)
{
	return is_set(((const struct elasticsearch *)settings)->url)
		       ? 0
		       : error_set(err, -EINVAL, "url is missing");
}

static void begin(struct request *request, const struct elasticsearch *elasticsearch,
	const char *method, const char *path)
{
	request_init(request);
	request->method = method;
	request_url(request, elasticsearch->url, path);
	request_json(request);
	request_basic(request, elasticsearch->user, elasticsearch->password);
	request_headers(request, &elasticsearch->headers);
}

/* An alert's fields are kept but not indexed: their number has no bound. */
static void write_template(struct buffer *out, const struct elasticsearch *elasticsearch)
{
	buffer_add_string(out, "{\"index_patterns\":[\"");
	json_escape(out, text_of(elasticsearch->index));
	buffer_printf(out,
		"-*\"],\"template\":{\"settings\":{\"number_of_shards\":%lld,"
		"\"number_of_replicas\":%lld},\"mappings\":{\"properties\":{"
		"\"time\":{\"type\":\"date_nanos\"},\"event\":{\"properties\":{"
		"\"output_fields\":{\"type\":\"object\",\"enabled\":false}}}}}}}",
		(long long)elasticsearch->shards, (long long)elasticsearch->replicas);
}

static int make_template(const struct telling *telling, const struct elasticsearch *elasticsearch,
	const char *path, struct error *err)
{
	struct request request;
	int r;

	begin(&request, elasticsearch, "PUT", path);
	write_template(&request.body, elasticsearch);
	r = notifier_send(telling, &request, err);
	request_done(&request);
	return r < 0 ? error_prefix(err, "the index template") : 0;
}

/* Asked for each time: there are few notes, and it may be taken away meanwhile. */
static int need_template(
	const struct telling *telling, const struct elasticsearch *elasticsearch, struct error *err)
{
	struct request request;
	struct error ignored = { 0 };
	struct buffer path;
	int r;

	if (!elasticsearch->makes_template)
		return 0;
	buffer_init(&path, 4096);
	buffer_add_string(&path, "/_index_template/");
	url_escape(&path, text_of(elasticsearch->index));
	begin(&request, elasticsearch, "GET", path.data);
	r = notifier_send(telling, &request, &ignored);
	request_done(&request);
	if (r < 0 && r != -EAGAIN)
		r = make_template(telling, elasticsearch, path.data, err);
	else if (r < 0)
		*err = ignored;
	buffer_done(&path);
	return r;
}

static void write_path(
	struct buffer *out, const struct elasticsearch *elasticsearch, struct json_object *note)
{
	struct buffer time;

	buffer_add_char(out, '/');
	url_escape(out, text_of(elasticsearch->index));
	buffer_init(&time, 64);
	time_write(&time, note_time_ns(note));
	for (size_t i = 0; i < date_lengths[elasticsearch->suffix]; i++)
		buffer_printf(out, "%s%c", i ? "" : "-", time.data[i] == '-' ? '.' : time.data[i]);
	buffer_add_string(out, "/_doc");
	buffer_done(&time);
}

static int tell(const struct telling *telling, struct error *err)
{
	const struct elasticsearch *elasticsearch = telling->settings;
	struct request request;
	struct buffer path;
	int r;

	if (!is_set(elasticsearch->url))
		return error_set(err, -EINVAL, "notifiers.elasticsearch.url is not set");
	r = need_template(telling, elasticsearch, err);
	if (r < 0)
		return r;
	buffer_init(&path, 4096);
	write_path(&path, elasticsearch, telling->note);
	begin(&request, elasticsearch, "POST", path.data);
	buffer_add_string(&request.body,
		json_object_to_json_string_ext(telling->note, JSON_C_TO_STRING_PLAIN));
	r = notifier_send(telling, &request, err);
	request_done(&request);
	buffer_done(&path);
	return r;
}

const struct notifier notifier_elasticsearch = { .name = "elasticsearch",
	.rows = rows,
	.row_count = COUNT_OF(rows),
	.settings_size = sizeof(struct elasticsearch),
	.check = check,
	.tell = tell };
