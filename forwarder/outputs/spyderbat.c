/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Spyderbat: alerts as lines of its own schema, compressed. The source that they belong to is
 * looked for first, and made where it is not there. Ours: an alert without evt.time or proc.pid is
 * sent with its own time and pid 0, where Falcosidekick drops it.
 */
#include <errno.h>
#include <zlib.h>

#include "base/clock.h"
#include "base/memory.h"
#include "forwarder/alert-text.h"
#include "forwarder/output.h"

#define BATCH	       100
#define SOURCE_PREFIX  "falcosidekick_"
#define WINDOW_OF_GZIP (15 + 16) /* zlib.h, deflateInit2 */

struct spyderbat {
	struct output_settings common;
	char *organisation, *key, *address, *source, *about;
};

enum step { STEP_LOOK, STEP_MAKE, STEP_DONE };

static const struct setting rows[] = {
	OUTPUT_ROW_TEXT(spyderbat, organisation, "orguid", NULL,
		"The organisation; switches the output on"),
	OUTPUT_ROW_SECRET(spyderbat, key, "apikey", "API key"),
	OUTPUT_ROW_TEXT(spyderbat, address, "apiurl", "https://api.spyderbat.com",
		"Address of the service"),
	OUTPUT_ROW_TEXT(spyderbat, source, "source", "falcosidekick", "Name of the source"),
	OUTPUT_ROW_TEXT(spyderbat, about, "sourcedescription", NULL, "Description of the source"),
	OUTPUT_ROW_PRIORITY,
	OUTPUT_ROWS_HTTP,
};

static const char *const levels[] = {
	[PRIORITY_EMERGENCY] = "critical",
	[PRIORITY_ALERT] = "high",
	[PRIORITY_CRITICAL] = "critical",
	[PRIORITY_ERROR] = "high",
	[PRIORITY_WARNING] = "medium",
	[PRIORITY_NOTICE] = "low",
	[PRIORITY_INFORMATIONAL] = "info",
	[PRIORITY_DEBUG] = "info",
	[PRIORITY_NONE] = "info",
};

static bool is_enabled(const void *settings)
{
	return is_set(((const struct spyderbat *)settings)->organisation);
}

static int check(const void *settings, struct error *err)
{
	return check_url("spyderbat.apiurl", ((const struct spyderbat *)settings)->address, err);
}

static size_t batch(const void *settings)
{
	(void)settings;
	return BATCH;
}

static void add_address(struct request *request, const struct spyderbat *spyderbat)
{
	request_url(request, spyderbat->address, "/api/v1/org/");
	url_escape(&request->url, text_of(spyderbat->organisation));
	buffer_add_string(&request->url, "/source/");
}

static void add_seconds(struct json_writer *json, const char *key, int64_t time_ns)
{
	char seconds[40];

	snprintf(seconds, sizeof(seconds), "%lld.%09lld", (long long)(time_ns / NS_PER_SECOND),
		(long long)(time_ns % NS_PER_SECOND));
	json_key(json, key);
	json_add_raw(json, text_of(seconds));
}

static int64_t number_of(const struct alert *alert, const char *field, int64_t fallback)
{
	int64_t number;

	if (!alert->fields || text_to_i64(field_text(json_get(alert->fields, field)), &number) < 0)
		return fallback;
	return number;
}

/* The output without the time and the priority before it. */
static void add_words(struct json_writer *json, const char *output)
{
	struct text rest = text_of(output), word;

	json_key(json, "msg");
	json_begin_array(json);
	for (size_t i = 0; text_split(&rest, ' ', &word); i++)
		if (i >= 2)
			json_add_text(json, word);
	json_end(json);
}

static void write_alert(struct buffer *out, const struct alert *alert)
{
	struct json_writer json;

	json_writer_init(&json, out);
	json_begin_object(&json);
	json_key(&json, "schema");
	json_add_string(&json, "falco_alert::1.0.0");
	json_key(&json, "id");
	json_add_string(&json, alert->uuid);
	json_key(&json, "monotonic_time");
	json_add_i64(&json, alert->time_ns % NS_PER_SECOND);
	add_seconds(&json, "orc_time", alert->time_ns);
	add_seconds(&json, "time", MAX_OF(number_of(alert, "evt.time", alert->time_ns), 0));
	json_key(&json, "pid");
	json_add_i64(&json, number_of(alert, "proc.pid", 0));
	json_key(&json, "level");
	json_add_string(&json, levels[alert->priority]);
	add_words(&json, alert->output);
	json_key(&json, "args");
	json_add_text(&json, alert_field(alert, "proc.cmdline"));
	json_key(&json, "container");
	json_add_text(&json, alert_field(alert, "container.id"));
	json_end(&json);
}

static void compose(const struct messages *messages, const void *settings, struct request *request)
{
	const struct spyderbat *spyderbat = settings;

	add_address(request, spyderbat);
	buffer_add_string(&request->url, SOURCE_PREFIX);
	url_escape(&request->url, text_of(spyderbat->organisation));
	buffer_add_string(&request->url, "/data/sb-agent");
	request_header(request, "Content-Type", TEXT("application/ndjson"));
	for (size_t i = 0; i < messages->count; i++) {
		write_alert(&request->body, messages->items[i].alert);
		buffer_add_char(&request->body, '\n');
	}
}

static void add_key(struct request *request, const struct spyderbat *spyderbat)
{
	request_header_printf(
		request, "Authorization", "Bearer %s", spyderbat->key ? spyderbat->key : "");
}

static int prepare(const struct preparing *at, struct request *request, struct error *err)
{
	const struct spyderbat *spyderbat = at->settings;
	const enum step *step = at->memory;
	struct json_writer json;

	(void)err;
	if (*step == STEP_DONE)
		return PREPARED;
	add_address(request, spyderbat);
	add_key(request, spyderbat);
	if (*step == STEP_LOOK) {
		request->method = "GET";
		return PREPARE_BY_REQUEST;
	}
	request_json(request);
	json_writer_init(&json, &request->body);
	json_begin_object(&json);
	json_key(&json, "name");
	json_add_string(&json, spyderbat->source);
	json_key(&json, "description");
	json_add_string(&json, spyderbat->about ? spyderbat->about : "");
	json_key(&json, "uid");
	buffer_printf(&request->body, "\"" SOURCE_PREFIX);
	json_escape(&request->body, text_of(spyderbat->organisation));
	buffer_add_string(&request->body, "\"}");
	return PREPARE_BY_REQUEST;
}

static bool has_source(struct text body, const char *organisation)
{
	_cleanup_(json_putp) struct json_object *root = NULL;
	_cleanup_(freep) char *uid = string_printf(SOURCE_PREFIX "%s", organisation);

	if (json_parse(body, &root, NULL, NULL) < 0 || !json_object_is_type(root, json_type_array))
		return false;
	for (size_t i = 0; i < json_object_array_length(root); i++)
		if (text_is(json_get_text(json_object_array_get_idx(root, i), "uid"), uid))
			return true;
	return false;
}

static enum verdict learn(
	const struct preparing *at, const struct http_answer *answer, struct error *err)
{
	const struct spyderbat *spyderbat = at->settings;
	enum step *step = at->memory;

	if (verdict_of_answer(answer) != VERDICT_SENT) {
		error_set(err, -EACCES, "its source cannot be %s",
			*step == STEP_LOOK ? "looked for" : "made");
		return VERDICT_OUTPUT_REFUSED;
	}
	*step = *step == STEP_MAKE ||
				has_source(buffer_text(&answer->body), spyderbat->organisation)
			? STEP_DONE
			: STEP_MAKE;
	return VERDICT_SENT;
}

static void forget(void *memory)
{
	(void)memory; /* nothing in it is owned */
}

static int compress_body(struct buffer *body, struct error *err)
{
	z_stream stream = { .next_in = (unsigned char *)body->data,
		.avail_in = (unsigned)body->length };
	_cleanup_(freep) unsigned char *out = NULL;
	size_t room;
	int r = deflateInit2(
		&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, WINDOW_OF_GZIP, 8, Z_DEFAULT_STRATEGY);

	if (r != Z_OK)
		return error_set(err, -ENOMEM, "gzip does not start");
	room = deflateBound(&stream, body->length);
	out = NEW_ARRAY(unsigned char, room);
	stream.next_out = out;
	stream.avail_out = (unsigned)room;
	r = deflate(&stream, Z_FINISH);
	deflateEnd(&stream);
	if (r != Z_STREAM_END)
		return error_set(err, -EIO, "gzip does not end");
	buffer_clear(body);
	buffer_add(body, (char *)out, stream.total_out);
	return 0;
}

/* Compressed here, and not in compose(), so that a request can be read and compared until then. */
static int sign(struct request *request, const struct preparing *at, struct error *err)
{
	add_key(request, at->settings);
	request_header(request, "Content-Encoding", TEXT("gzip"));
	return compress_body(&request->body, err);
}

const struct output output_spyderbat = {
	.name = "spyderbat",
	.title = "Spyderbat",
	.about = "Sends alerts to Spyderbat",
	.rows = rows,
	.row_count = COUNT_OF(rows),
	.settings_size = sizeof(struct spyderbat),
	.reads_alerts = true,
	.is_enabled = is_enabled,
	.check = check,
	.batch = batch,
	.compose = compose,
	.sign = sign,
	.memory_size = sizeof(enum step),
	.prepare = prepare,
	.learn = learn,
	.forget = forget,
};
