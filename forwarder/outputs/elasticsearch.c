/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Elasticsearch and OpenSearch: a document for each alert, alone or by the bulk API. In bulk each
 * document has the alert's uuid as id, so that what is sent again is there once (409 means "it is
 * there"). Ours: the index is that of the alert's day, not of the day when it was sent.
 */
#include <errno.h>
#include <json-c/linkhash.h>

#include "base/memory.h"
#include "forwarder/alert-text.h"
#include "forwarder/output.h"

/* With filter_path, a bulk's answer on so many is below the 64 KiB that are kept. */
#define BATCH 500

struct elasticsearch {
	struct output_settings common;
	char *host, *index, *type, *pipeline, *username, *password, *api_key;
	int suffix;
	bool flattens, batches, makes_template;
	int64_t shards, replicas;
	struct text_map headers;
};

enum { SUFFIX_DAILY, SUFFIX_MONTHLY, SUFFIX_ANNUALLY, SUFFIX_NONE };

static const struct setting rows[] = {
	OUTPUT_ROW_TEXT(elasticsearch, host, "hostport", NULL,
		"Address of Elasticsearch or OpenSearch, such as http://elasticsearch:9200; "
		"switches the output on"),
	OUTPUT_ROW_TEXT(elasticsearch, index, "index", "falco", "Index, before the suffix"),
	OUTPUT_ROW_TEXT(elasticsearch, type, "type", "_doc", "Type of the document"),
	OUTPUT_ROW_CHOICE(elasticsearch, suffix, "suffix", "daily monthly annually none", "daily",
		"Date behind the index: -2026.11.24, -2026.11, -2026 or nothing"),
	OUTPUT_ROW_TEXT(elasticsearch, pipeline, "pipeline", NULL, "Ingest pipeline"),
	OUTPUT_ROW_TEXT(elasticsearch, username, "username", NULL, "User"),
	OUTPUT_ROW_SECRET(elasticsearch, password, "password", "Its password"),
	OUTPUT_ROW_SECRET(elasticsearch, api_key, "apikey", "API key, before user and password"),
	OUTPUT_ROW_BOOL(elasticsearch, flattens, "flattenfields", "false",
		"Whether . in names of fields becomes _"),
	OUTPUT_ROW_BOOL(elasticsearch, batches, "batching.enabled", "false",
		"Whether alerts that wait travel together, by the bulk API"),
	OUTPUT_ROW_IGNORED("batching.batchsize", "5242880", "a bulk is at most 4 MiB"),
	OUTPUT_ROW_IGNORED("batching.flushinterval", "1s", "nothing waits for others to come"),
	OUTPUT_ROW_IGNORED("enablecompression", "false", "bodies are not compressed"),
	OUTPUT_ROW_BOOL(elasticsearch, makes_template, "createindextemplate", "false",
		"Whether to make the index template \"falco\" where it is not there; names of "
		"fields are then flattened"),
	OUTPUT_ROW_INTEGER(
		elasticsearch, shards, "numberofshards", "3", 1, 1024, "Shards, in the template"),
	OUTPUT_ROW_INTEGER(elasticsearch, replicas, "numberofreplicas", "3", 0, 1024,
		"Replicas, in the template"),
	OUTPUT_ROW_HEADERS(elasticsearch, headers),
	OUTPUT_ROW_PRIORITY,
	OUTPUT_ROWS_HTTP,
};

static bool is_enabled(const void *settings)
{
	return is_set(((const struct elasticsearch *)settings)->host);
}

static int check(const void *settings, struct error *err)
{
	return check_url(
		"elasticsearch.hostport", ((const struct elasticsearch *)settings)->host, err);
}

static size_t batch(const void *settings)
{
	return ((const struct elasticsearch *)settings)->batches ? BATCH : 1;
}

static void write_index(
	struct buffer *out, const struct alert *alert, const struct elasticsearch *elasticsearch)
{
	static const size_t lengths[] = {
		[SUFFIX_DAILY] = 10, [SUFFIX_MONTHLY] = 7, [SUFFIX_ANNUALLY] = 4, [SUFFIX_NONE] = 0
	};
	struct buffer time;

	buffer_add_string(out, elasticsearch->index);
	if (elasticsearch->suffix == SUFFIX_NONE)
		return;
	buffer_init(&time, 64);
	time_write(&time, alert->time_ns);
	buffer_add_char(out, '-');
	text_write_replaced(
		out, text_slice(buffer_text(&time), 0, lengths[elasticsearch->suffix]), '-', '.');
	buffer_done(&time);
}

static void add_flat_field(struct json_writer *json, const char *name, struct json_object *value)
{
	struct buffer flat;

	buffer_init(&flat, ALERT_MAX);
	text_write_replaced(&flat, text_of(name), '.', '_');
	json_key_text(json, buffer_text(&flat));
	json_add_value(json, value);
	buffer_done(&flat);
}

static void add_flat_fields(struct json_writer *json, struct json_object *fields)
{
	json_begin_object(json);
	json_object_object_foreach(fields, name, value)
	{
		add_flat_field(json, name, value);
	}
	json_end(json);
}

static void add_flattened(struct json_writer *json, struct text raw)
{
	_cleanup_(json_putp) struct json_object *event = NULL;

	if (json_parse(raw, &event, NULL, NULL) < 0 ||
		!json_object_is_type(event, json_type_object))
		return;
	json_object_object_foreach(event, key, value)
	{
		json_key(json, key);
		if (!strcmp(key, "output_fields") && json_object_is_type(value, json_type_object))
			add_flat_fields(json, value);
		else
			json_add_value(json, value);
	}
}

/* The raw event with @timestamp before it. */
static void write_document(struct buffer *out, const struct message *message,
	const struct elasticsearch *elasticsearch)
{
	struct json_writer json;
	struct buffer time;

	buffer_init(&time, 64);
	time_write(&time, message->alert->time_ns);
	json_writer_init(&json, out);
	json_begin_object(&json);
	json_key(&json, "@timestamp");
	json_add_text(&json, buffer_text(&time));
	if (elasticsearch->flattens || elasticsearch->makes_template) {
		add_flattened(&json, message->raw);
		json_end(&json);
	} else {
		buffer_add_char(out, ',');
		buffer_add_text(out, text_slice(message->raw, 1, message->raw.length));
	}
	buffer_done(&time);
}

static void write_action(
	struct buffer *out, const struct alert *alert, const struct elasticsearch *elasticsearch)
{
	struct json_writer json;
	struct buffer index;

	buffer_init(&index, 1024);
	write_index(&index, alert, elasticsearch);
	json_writer_init(&json, out);
	json_begin_object(&json);
	json_key(&json, "create");
	json_begin_object(&json);
	json_key(&json, "_index");
	json_add_text(&json, buffer_text(&index));
	json_key(&json, "_id");
	json_add_string(&json, alert->uuid);
	json_end(&json);
	json_end(&json);
	buffer_done(&index);
}

static void add_pipeline(struct buffer *url, char mark, const struct elasticsearch *elasticsearch)
{
	if (!is_set(elasticsearch->pipeline))
		return;
	buffer_printf(url, "%cpipeline=", mark);
	url_escape(url, text_of(elasticsearch->pipeline));
}

static void compose_bulk(const struct messages *messages, const struct elasticsearch *elasticsearch,
	struct request *request)
{
	request_url(request, elasticsearch->host,
		"/_bulk?filter_path=errors,items.*.status,items.*.error.type,items.*.error.reason");
	add_pipeline(&request->url, '&', elasticsearch);
	request_header(request, "Content-Type", TEXT("application/x-ndjson"));
	for (size_t i = 0; i < messages->count; i++) {
		write_action(&request->body, messages->items[i].alert, elasticsearch);
		buffer_add_char(&request->body, '\n');
		write_document(&request->body, &messages->items[i], elasticsearch);
		buffer_add_char(&request->body, '\n');
	}
}

static void compose_one(const struct message *message, const struct elasticsearch *elasticsearch,
	struct request *request)
{
	request_url(request, elasticsearch->host, "/");
	write_index(&request->url, message->alert, elasticsearch);
	buffer_printf(&request->url, "/%s", elasticsearch->type);
	add_pipeline(&request->url, '?', elasticsearch);
	request_json(request);
	write_document(&request->body, message, elasticsearch);
}

static void add_identity(struct request *request, const struct elasticsearch *elasticsearch)
{
	if (is_set(elasticsearch->api_key))
		request_header_printf(
			request, "Authorization", "APIKey %s", elasticsearch->api_key);
	else
		request_basic(request, elasticsearch->username, elasticsearch->password);
	request_headers(request, &elasticsearch->headers);
}

static void compose(const struct messages *messages, const void *settings, struct request *request)
{
	const struct elasticsearch *elasticsearch = settings;

	if (elasticsearch->batches)
		compose_bulk(messages, elasticsearch, request);
	else
		compose_one(&messages->items[0], elasticsearch, request);
	add_identity(request, elasticsearch);
}

enum step { STEP_LOOK, STEP_MAKE, STEP_DONE };

static void add_text_property(struct json_writer *json, const char *name, int64_t longest)
{
	json_key(json, name);
	json_begin_object(json);
	json_key(json, "type");
	json_add_string(json, "text");
	json_key(json, "fields");
	json_begin_object(json);
	json_key(json, "keyword");
	json_begin_object(json);
	json_key(json, "type");
	json_add_string(json, "keyword");
	json_key(json, "ignore_above");
	json_add_i64(json, longest);
	json_end(json);
	json_end(json);
	json_end(json);
}

static void add_date_property(struct json_writer *json, const char *name)
{
	json_key(json, name);
	json_add_raw(json, TEXT("{\"type\":\"date\"}"));
}

/* Fields of alerts come and go: whatever is text among them is searched whole and by word. */
static void add_dynamic_fields(struct json_writer *json)
{
	json_key(json, "dynamic_templates");
	json_add_raw(json,
		TEXT("[{\"output_fields\":{\"path_match\":\"output_fields.*\","
		     "\"match_mapping_type\":\"string\",\"mapping\":{\"type\":\"text\",\"fields\":{"
		     "\"keyword\":{\"type\":\"keyword\",\"ignore_above\":256}}}}}]"));
}

static void add_mappings(struct json_writer *json)
{
	static const char *const words[] = { "hostname", "priority", "rule", "source", "tags",
		"uuid" };

	json_key(json, "mappings");
	json_begin_object(json);
	add_dynamic_fields(json);
	json_key(json, "properties");
	json_begin_object(json);
	add_date_property(json, "@timestamp");
	add_date_property(json, "time");
	for (size_t i = 0; i < COUNT_OF(words); i++)
		add_text_property(json, words[i], 256);
	add_text_property(json, "output", 2048);
	json_end(json);
	json_end(json);
}

static void write_template(struct buffer *out, const struct elasticsearch *elasticsearch)
{
	_cleanup_(freep) char *pattern = string_printf(
		"%s%s", elasticsearch->index, elasticsearch->suffix == SUFFIX_NONE ? "" : "-*");
	struct json_writer json;

	json_writer_init(&json, out);
	json_begin_object(&json);
	json_key(&json, "index_patterns");
	json_begin_array(&json);
	json_add_string(&json, pattern);
	json_end(&json);
	json_key(&json, "template");
	json_begin_object(&json);
	json_key(&json, "settings");
	json_begin_object(&json);
	json_key(&json, "number_of_shards");
	json_add_i64(&json, elasticsearch->shards);
	json_key(&json, "number_of_replicas");
	json_add_i64(&json, elasticsearch->replicas);
	json_end(&json);
	add_mappings(&json);
	while (json.depth)
		json_end(&json);
}

static int prepare(const struct preparing *at, struct request *request, struct error *err)
{
	const struct elasticsearch *elasticsearch = at->settings;
	const enum step *step = at->memory;

	(void)err;
	if (!elasticsearch->makes_template || *step == STEP_DONE)
		return PREPARED;
	request_url(request, elasticsearch->host, "/_index_template/falco");
	add_identity(request, elasticsearch);
	request->method = *step == STEP_LOOK ? "GET" : "PUT";
	if (*step == STEP_MAKE) {
		request_json(request);
		write_template(&request->body, elasticsearch);
	}
	return PREPARE_BY_REQUEST;
}

static enum verdict learn(
	const struct preparing *at, const struct http_answer *answer, struct error *err)
{
	enum step *step = at->memory;
	bool is_good = verdict_of_answer(answer) == VERDICT_SENT;

	if (!is_good && (*step == STEP_MAKE || answer->status != 404)) {
		error_set(err, -EACCES, "the index template cannot be %s",
			*step == STEP_MAKE ? "made" : "looked for");
		return VERDICT_OUTPUT_REFUSED;
	}
	*step = is_good ? STEP_DONE : STEP_MAKE;
	return VERDICT_SENT;
}

static void forget(void *memory)
{
	(void)memory; /* nothing in it is owned */
}

static enum verdict verdict_of_item(struct json_object *item)
{
	struct http_answer one = { .retry_after_ms = -1 };

	json_object_object_foreach(item, action, result)
	{
		(void)action;
		one.status = (unsigned)json_get_i64(result, "status", 0);
	}
	/* "Version conflict": a document of this id, the alert's uuid, is there already. */
	return one.status == 409 ? VERDICT_SENT : verdict_of_answer(&one);
}

/*
 * The worst of its items: what must wait comes before what is refused, as the items that were
 * taken do no harm when they are sent again.
 */
static enum verdict verdict(const struct http_answer *answer)
{
	_cleanup_(json_putp) struct json_object *root = NULL;
	enum verdict worst = verdict_of_answer(answer);
	struct json_object *items;

	if (worst != VERDICT_SENT ||
		json_parse(buffer_text(&answer->body), &root, NULL, NULL) < 0 ||
		!json_get_bool(root, "errors", false))
		return worst;
	items = json_get(root, "items");
	if (!json_object_is_type(items, json_type_array))
		return VERDICT_ALERT_REFUSED; /* some are: one by one it will show */
	for (size_t i = 0; i < json_object_array_length(items); i++) {
		struct json_object *item = json_object_array_get_idx(items, i);

		if (json_object_is_type(item, json_type_object))
			worst = MAX_OF(worst, verdict_of_item(item));
	}
	return worst;
}

const struct output output_elasticsearch = {
	.name = "elasticsearch",
	.title = "Elasticsearch",
	.about = "Stores alerts in Elasticsearch or OpenSearch",
	.rows = rows,
	.row_count = COUNT_OF(rows),
	.settings_size = sizeof(struct elasticsearch),
	.reads_alerts = true,
	.is_enabled = is_enabled,
	.check = check,
	.batch = batch,
	.compose = compose,
	.memory_size = sizeof(enum step),
	.prepare = prepare,
	.learn = learn,
	.forget = forget,
	.verdict = verdict,
};
