/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Quickwit: raw events, a line each. With autocreateindex the index is looked for first, and made
 * where it is not there (quickwit.io, "Index API").
 */
#include <errno.h>

#include "base/memory.h"
#include "forwarder/output.h"

struct quickwit {
	struct output_settings common;
	char *host, *endpoint, *index, *version;
	bool makes_index;
	struct text_map headers;
};

static const struct setting rows[] = {
	OUTPUT_ROW_TEXT(quickwit, host, "hostport", NULL,
		"Address, such as http://quickwit:7280; switches the output on"),
	OUTPUT_ROW_TEXT(quickwit, endpoint, "apiendpoint", "api/v1", "Path of the API"),
	OUTPUT_ROW_TEXT(quickwit, index, "index", "falco", "Index"),
	OUTPUT_ROW_TEXT(quickwit, version, "version", "0.7", "Version of the index to make"),
	OUTPUT_ROW_BOOL(quickwit, makes_index, "autocreateindex", "false",
		"Whether to make the index where it is not there"),
	OUTPUT_ROW_HEADERS(quickwit, headers),
	OUTPUT_ROW_PRIORITY,
	OUTPUT_ROWS_HTTP,
};

static size_t batch(const void *settings)
{
	(void)settings;
	return 200;
}

static bool is_enabled(const void *settings)
{
	const struct quickwit *quickwit = settings;

	return is_set(quickwit->host);
}

static int check(const void *settings, struct error *err)
{
	const struct quickwit *quickwit = settings;

	return check_url("quickwit.hostport", quickwit->host, err);
}

enum step { STEP_LOOK, STEP_MAKE, STEP_DONE };

static void add_address(struct request *request, const struct quickwit *quickwit)
{
	struct text endpoint = text_of(quickwit->endpoint);

	request_url(request, quickwit->host, text_starts_with(endpoint, TEXT("/")) ? "" : "/");
	buffer_add_text(&request->url, endpoint);
}

static void add_field(struct json_writer *json, const char *name, const char *type, bool is_fast)
{
	json_begin_object(json);
	json_key(json, "name");
	json_add_string(json, name);
	json_key(json, "type");
	json_add_string(json, type);
	if (is_fast) {
		json_key(json, "fast");
		json_add_bool(json, true);
	}
	json_end(json);
}

static void add_mapping(struct json_writer *json)
{
	static const char dynamic[] = "{\"fast\":true,\"expand_dots\":true,\"indexed\":true,"
				      "\"stored\":true,\"record\":\"basic\",\"tokenizer\":\"raw\"}";
	static const char *const texts[] = { "uuid", "hostname", "priority", "source", "rule" };

	json_begin_object(json);
	json_key(json, "mode");
	json_add_string(json, "dynamic");
	json_key(json, "store_source");
	json_add_bool(json, true);
	json_key(json, "timestamp_field");
	json_add_string(json, "time");
	json_key(json, "dynamic_mapping");
	json_add_raw(json, text_of(dynamic));
	json_key(json, "field_mappings");
	json_begin_array(json);
	add_field(json, "time", "datetime", true);
	for (size_t i = 0; i < COUNT_OF(texts); i++)
		add_field(json, texts[i], "text", true);
	add_field(json, "output", "text", false);
	add_field(json, "tags", "array<text>", true);
	add_field(json, "output_fields", "json", true);
	json_end(json);
	json_end(json);
}

static void write_index(struct buffer *out, const struct quickwit *quickwit)
{
	static const char *const searched[] = { "rule", "source", "output", "priority", "hostname",
		"tags" };
	struct json_writer json;

	json_writer_init(&json, out);
	json_begin_object(&json);
	json_key(&json, "index_id");
	json_add_string(&json, quickwit->index);
	json_key(&json, "version");
	json_add_string(&json, quickwit->version);
	json_key(&json, "doc_mapping");
	add_mapping(&json);
	json_key(&json, "search_settings");
	json_begin_object(&json);
	json_key(&json, "default_search_fields");
	json_begin_array(&json);
	for (size_t i = 0; i < COUNT_OF(searched); i++)
		json_add_string(&json, searched[i]);
	while (json.depth)
		json_end(&json);
}

static int prepare(const struct preparing *at, struct request *request, struct error *err)
{
	const struct quickwit *quickwit = at->settings;
	const enum step *step = at->memory;

	(void)err;
	if (!quickwit->makes_index || *step == STEP_DONE)
		return PREPARED;
	add_address(request, quickwit);
	request_headers(request, &quickwit->headers);
	buffer_add_string(&request->url, "/indexes");
	if (*step == STEP_LOOK) {
		request->method = "GET";
		buffer_printf(&request->url, "/%s/describe", quickwit->index);
		return PREPARE_BY_REQUEST;
	}
	request_json(request);
	write_index(&request->body, quickwit);
	return PREPARE_BY_REQUEST;
}

static enum verdict learn(
	const struct preparing *at, const struct http_answer *answer, struct error *err)
{
	enum step *step = at->memory;
	bool is_good = verdict_of_answer(answer) == VERDICT_SENT;

	if (!is_good && (*step == STEP_MAKE || answer->status != 404)) {
		error_set(err, -EACCES, "the index cannot be %s",
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

static void compose(const struct messages *messages, const void *settings, struct request *request)
{
	const struct quickwit *quickwit = settings;

	add_address(request, quickwit);
	buffer_printf(&request->url, "/%s/ingest", quickwit->index);
	request_json(request);
	request_headers(request, &quickwit->headers);
	for (size_t i = 0; i < messages->count; i++) {
		if (i)
			buffer_add_char(&request->body, '\n');
		buffer_add_text(&request->body, messages->items[i].raw);
	}
}

const struct output output_quickwit = {
	.name = "quickwit",
	.title = "Quickwit",
	.about = "Stores alerts in Quickwit",
	.rows = rows,
	.row_count = COUNT_OF(rows),
	.settings_size = sizeof(struct quickwit),
	.is_enabled = is_enabled,
	.check = check,
	.batch = batch,
	.compose = compose,
	.memory_size = sizeof(enum step),
	.prepare = prepare,
	.learn = learn,
	.forget = forget,
};
