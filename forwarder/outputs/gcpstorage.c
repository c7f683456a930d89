/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Google Cloud Storage: an object for each alert (cloud.google.com, "Objects: insert", media).
 */
#include "base/memory.h"
#include "forwarder/gcp.h"
#include "forwarder/outputs/object.h"

#define KEY_MAX 4096

struct gcpstorage {
	struct output_settings common;
	const struct gcp_settings *gcp;
	char *bucket, *prefix, *endpoint;
};

static const struct setting rows[] = {
	OUTPUT_ROW_TEXT(gcpstorage, bucket, "bucket", NULL, "Bucket; switches the output on"),
	OUTPUT_ROW_TEXT(gcpstorage, prefix, "prefix", NULL, "Beginning of the names"),
	GCP_ROW_ENDPOINT(gcpstorage, endpoint),
	OUTPUT_ROW_PRIORITY,
	OUTPUT_ROWS_HTTP,
};

static bool is_enabled(const void *settings)
{
	return is_set(((const struct gcpstorage *)settings)->bucket);
}

static int check(const void *settings, struct error *err)
{
	const struct gcpstorage *storage = settings;
	int r = gcp_check(storage->gcp, err);

	if (!r && is_set(storage->endpoint))
		r = check_url("gcp.storage.endpoint", storage->endpoint, err);
	return r;
}

static void compose(const struct messages *messages, const void *settings, struct request *request)
{
	const struct gcpstorage *storage = settings;
	struct buffer key;

	request_url(request,
		is_set(storage->endpoint) ? storage->endpoint : "https://storage.googleapis.com",
		"/upload/storage/v1/b/");
	url_escape(&request->url, text_of(storage->bucket));
	buffer_add_string(&request->url, "/o?uploadType=media&name=");
	buffer_init(&key, KEY_MAX);
	object_key_write(&key, messages->items[0].alert, storage->prefix);
	url_escape(&request->url, buffer_text(&key));
	buffer_done(&key);
	request_header(request, "Content-Type", TEXT("application/json"));
	buffer_add_text(&request->body, messages->items[0].raw);
}

const struct output output_gcpstorage = {
	.name = "gcpstorage",
	.key = "gcp.storage",
	.title = "GCPStorage",
	.about = "Stores each alert as an object in a bucket of Google Cloud Storage",
	.rows = rows,
	.row_count = COUNT_OF(rows),
	.settings_size = sizeof(struct gcpstorage),
	.group = &gcp_group,
	.group_at = offsetof(struct gcpstorage, gcp),
	.reads_alerts = true,
	.is_enabled = is_enabled,
	.check = check,
	.compose = compose,
	GCP_IDENTITY,
};
