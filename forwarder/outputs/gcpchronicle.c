/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Google Security Operations (Chronicle): raw events as logs of a type (cloud.google.com,
 * "logs.import"). It wants a log to be collected after it was made, so that is a millisecond later.
 */
#include <ctype.h>
#include <errno.h>

#include "base/clock.h"
#include "base/memory.h"
#include "forwarder/gcp.h"

#define BATCH 100

struct gcpchronicle {
	struct output_settings common;
	const struct gcp_settings *gcp;
	char *project, *instance, *region, *log_type, *endpoint;
};

static const struct setting rows[] = {
	OUTPUT_ROW_TEXT(gcpchronicle, project, "projectid", NULL,
		"Project; with instanceid and region it switches the output on"),
	OUTPUT_ROW_TEXT(gcpchronicle, instance, "instanceid", NULL, "Instance (customer id)"),
	OUTPUT_ROW_TEXT(gcpchronicle, region, "region", NULL, "Region, such as eu"),
	OUTPUT_ROW_TEXT(gcpchronicle, log_type, "logtype", "FALCO_IDS", "Type of the logs"),
	GCP_ROW_ENDPOINT(gcpchronicle, endpoint),
	OUTPUT_ROW_PRIORITY,
	OUTPUT_ROWS_HTTP,
};

static bool is_enabled(const void *settings)
{
	const struct gcpchronicle *chronicle = settings;

	return is_set(chronicle->project) && is_set(chronicle->instance) &&
	       is_set(chronicle->region);
}

/* [a-zA-Z0-9][a-zA-Z0-9_-]*, as each becomes a part of the address. */
static int check_name(const char *key, const char *value, struct error *err)
{
	bool is_good = is_set(value) && isalnum((unsigned char)value[0]);

	for (const char *c = value; is_good && *c; c++)
		is_good = isalnum((unsigned char)*c) || *c == '_' || *c == '-';
	if (is_good)
		return 0;
	return error_set(err, -EINVAL,
		"gcp.chronicle.%s must be letters, digits, _ and -, not \"%s\"", key,
		value ? value : "");
}

static int check(const void *settings, struct error *err)
{
	const struct gcpchronicle *chronicle = settings;
	int r = gcp_check(chronicle->gcp, err);

	r = r < 0 ? r : check_name("projectid", chronicle->project, err);
	r = r < 0 ? r : check_name("instanceid", chronicle->instance, err);
	r = r < 0 ? r : check_name("region", chronicle->region, err);
	r = r < 0 ? r : check_name("logtype", chronicle->log_type, err);
	if (!r && is_set(chronicle->endpoint))
		r = check_url("gcp.chronicle.endpoint", chronicle->endpoint, err);
	return r;
}

static size_t batch(const void *settings)
{
	(void)settings;
	return BATCH;
}

static void add_time(struct json_writer *json, const char *key, int64_t time_ns)
{
	struct buffer time;

	buffer_init(&time, 64);
	time_write(&time, time_ns);
	json_key(json, key);
	json_add_text(json, buffer_text(&time));
	buffer_done(&time);
}

static void add_log(struct json_writer *json, const struct message *message)
{
	struct buffer data;

	buffer_init(&data, REQUEST_BODY_MAX);
	base64_write(&data, message->raw);
	json_begin_object(json);
	json_key(json, "data");
	json_add_text(json, buffer_text(&data));
	add_time(json, "logEntryTime", message->alert->time_ns);
	add_time(json, "collectionTime", message->alert->time_ns + NS_PER_MS);
	json_end(json);
	buffer_done(&data);
}

static void compose(const struct messages *messages, const void *settings, struct request *request)
{
	const struct gcpchronicle *chronicle = settings;
	_cleanup_(freep) char *usual =
		string_printf("https://chronicle.%s.rep.googleapis.com", chronicle->region);
	struct json_writer json;

	request_url(request, is_set(chronicle->endpoint) ? chronicle->endpoint : usual, "");
	buffer_printf(&request->url,
		"/v1beta/projects/%s/locations/%s/instances/%s/logTypes/%s/logs:import",
		chronicle->project, chronicle->region, chronicle->instance, chronicle->log_type);
	request_json(request);
	json_writer_init(&json, &request->body);
	json_begin_object(&json);
	json_key(&json, "inlineSource");
	json_begin_object(&json);
	json_key(&json, "logs");
	json_begin_array(&json);
	for (size_t i = 0; i < messages->count; i++)
		add_log(&json, &messages->items[i]);
	while (json.depth)
		json_end(&json);
}

const struct output output_gcpchronicle = {
	.name = "gcpchronicle",
	.key = "gcp.chronicle",
	.title = "GCPChronicle",
	.about = "Imports alerts as logs into Google Security Operations (Chronicle)",
	.rows = rows,
	.row_count = COUNT_OF(rows),
	.settings_size = sizeof(struct gcpchronicle),
	.group = &gcp_group,
	.group_at = offsetof(struct gcpchronicle, gcp),
	.reads_alerts = true,
	.is_enabled = is_enabled,
	.check = check,
	.batch = batch,
	.compose = compose,
	GCP_IDENTITY,
};
