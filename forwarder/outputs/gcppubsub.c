/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Google Pub/Sub over REST (cloud.google.com, "projects.topics.publish"): raw events, many in a
 * request.
 */
#include <errno.h>

#include "base/memory.h"
#include "forwarder/gcp.h"

#define BATCH 100

struct gcppubsub {
	struct output_settings common;
	const struct gcp_settings *gcp;
	char *project, *topic, *endpoint;
	struct text_map attributes;
};

static const struct setting rows[] = {
	OUTPUT_ROW_TEXT(gcppubsub, project, "projectid", NULL,
		"Project of the topic; with topic it switches the output on"),
	OUTPUT_ROW_TEXT(gcppubsub, topic, "topic", NULL, "Topic"),
	OUTPUT_ROW_MAP(
		gcppubsub, attributes, "customattributes", "Attributes to add to every message"),
	GCP_ROW_ENDPOINT(gcppubsub, endpoint),
	OUTPUT_ROW_PRIORITY,
	OUTPUT_ROWS_HTTP,
};

static bool is_enabled(const void *settings)
{
	const struct gcppubsub *pubsub = settings;

	return is_set(pubsub->project) && is_set(pubsub->topic);
}

static int check(const void *settings, struct error *err)
{
	const struct gcppubsub *pubsub = settings;
	int r = gcp_check(pubsub->gcp, err);

	if (!r && is_set(pubsub->endpoint))
		r = check_url("gcp.pubsub.endpoint", pubsub->endpoint, err);
	return r;
}

static size_t batch(const void *settings)
{
	(void)settings;
	return BATCH;
}

static void add_attributes(struct json_writer *json, const struct text_map *attributes)
{
	json_key(json, "attributes");
	json_begin_object(json);
	for (size_t i = 0; i < attributes->count; i++) {
		json_key(json, attributes->keys[i]);
		json_add_string(json, attributes->values[i]);
	}
	json_end(json);
}

static void add_message(
	struct json_writer *json, struct text raw, const struct text_map *attributes)
{
	struct buffer data;

	buffer_init(&data, REQUEST_BODY_MAX);
	base64_write(&data, raw);
	json_begin_object(json);
	json_key(json, "data");
	json_add_text(json, buffer_text(&data));
	if (attributes->count)
		add_attributes(json, attributes);
	json_end(json);
	buffer_done(&data);
}

static void compose(const struct messages *messages, const void *settings, struct request *request)
{
	const struct gcppubsub *pubsub = settings;
	struct json_writer json;

	request_url(request,
		is_set(pubsub->endpoint) ? pubsub->endpoint : "https://pubsub.googleapis.com",
		"/v1/projects/");
	url_escape(&request->url, text_of(pubsub->project));
	buffer_add_string(&request->url, "/topics/");
	url_escape(&request->url, text_of(pubsub->topic));
	buffer_add_string(&request->url, ":publish");
	request_json(request);
	json_writer_init(&json, &request->body);
	json_begin_object(&json);
	json_key(&json, "messages");
	json_begin_array(&json);
	for (size_t i = 0; i < messages->count; i++)
		add_message(&json, messages->items[i].raw, &pubsub->attributes);
	json_end(&json);
	json_end(&json);
}

const struct output output_gcppubsub = {
	.name = "gcppubsub",
	.key = "gcp.pubsub",
	.title = "GCPPubSub",
	.about = "Publishes alerts to a topic of Google Pub/Sub",
	.rows = rows,
	.row_count = COUNT_OF(rows),
	.settings_size = sizeof(struct gcppubsub),
	.group = &gcp_group,
	.group_at = offsetof(struct gcppubsub, gcp),
	.is_enabled = is_enabled,
	.check = check,
	.batch = batch,
	.compose = compose,
	GCP_IDENTITY,
};
