/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Logstash: the raw event as a line of JSON over TCP, plain or TLS. Its names of fields have no
 * brackets, which Logstash reads as paths: "proc.aname[2]" is sent as "proc.aname.2".
 *
 * There is no acknowledgement. An alert counts as sent when the other machine has it.
 */
#include <ctype.h>
#include <errno.h>
#include <json-c/linkhash.h>
#include <stdlib.h>

#include "base/memory.h"
#include "forwarder/stream.h"

struct logstash {
	struct output_settings common;
	char *address, *certificate, *key, *ca;
	int64_t port;
	bool uses_tls;
	struct text_list tags;
};

static const struct setting rows[] = {
	OUTPUT_ROW_TEXT(logstash, address, "address", NULL, "Host; switches the output on"),
	OUTPUT_ROW_INTEGER(logstash, port, "port", "5044", 1, 65535, "Port of its tcp input"),
	OUTPUT_ROW_BOOL(logstash, uses_tls, "tls", "false", "Whether to speak TLS"),
	OUTPUT_ROW_TEXT(logstash, certificate, "certfile", NULL,
		"Client certificate, before that of mutualtlsclient"),
	OUTPUT_ROW_TEXT(
		logstash, key, "keyfile", NULL, "Client key, before that of mutualtlsclient"),
	OUTPUT_ROW_TEXT(logstash, ca, "cacertfile", NULL,
		"Who signs the server's certificate, before tlsclient.cacertfile"),
	OUTPUT_ROW_LIST(logstash, tags, "tags", "Tags to add to those of the alert"),
	OUTPUT_ROW_PRIORITY,
	OUTPUT_ROWS_TLS,
};

static bool is_enabled(const void *settings)
{
	return is_set(((const struct logstash *)settings)->address);
}

static size_t batch(const void *settings)
{
	(void)settings;
	return 256;
}

/* "a[2]" as "a.2"; brackets around other things than digits stay. */
static void add_name(struct json_writer *json, struct text name)
{
	struct buffer clean;

	buffer_init(&clean, ALERT_MAX);
	for (size_t i = 0; i < name.length; i++) {
		size_t end = i + 1;

		while (name.data[i] == '[' && end < name.length &&
			isdigit((unsigned char)name.data[end]))
			end++;
		if (end == i + 1 || end == name.length || name.data[end] != ']') {
			buffer_add_char(&clean, name.data[i]);
			continue;
		}
		buffer_add_char(&clean, '.');
		buffer_add_text(&clean, text_slice(name, i + 1, end - i - 1));
		i = end;
	}
	json_key_text(json, buffer_text(&clean));
	buffer_done(&clean);
}

static void add_fields(struct json_writer *json, struct json_object *fields)
{
	json_begin_object(json);
	json_object_object_foreach(fields, name, value)
	{
		add_name(json, text_of(name));
		json_add_value(json, value);
	}
	json_end(json);
}

static void add_tags(
	struct json_writer *json, struct json_object *tags, const struct text_list *also)
{
	json_begin_array(json);
	for (size_t i = 0; tags && i < json_object_array_length(tags); i++)
		json_add_value(json, json_object_array_get_idx(tags, i));
	for (size_t i = 0; i < also->count; i++)
		json_add_string(json, also->items[i]);
	json_end(json);
}

static void write_event(struct buffer *out, struct json_object *event, const struct text_list *tags)
{
	struct json_writer json;

	json_writer_init(&json, out);
	json_begin_object(&json);
	json_object_object_foreach(event, key, value)
	{
		json_key(&json, key);
		if (!strcmp(key, "output_fields") && json_object_is_type(value, json_type_object))
			add_fields(&json, value);
		else if (!strcmp(key, "tags") && json_object_is_type(value, json_type_array))
			add_tags(&json, value, tags);
		else
			json_add_value(&json, value);
	}
	if (tags->count && !json_get(event, "tags")) {
		json_key(&json, "tags");
		add_tags(&json, NULL, tags);
	}
	json_end(&json);
}

static void compose(const struct messages *messages, const void *settings, struct request *request)
{
	const struct logstash *logstash = settings;
	_cleanup_(json_putp) struct json_object *event = NULL;

	request->method = logstash->uses_tls || logstash->common.uses_mutual_tls ? "TLS" : "TCP";
	buffer_printf(&request->url, "%s:%lld", logstash->address, (long long)logstash->port);
	if (json_parse(messages->items[0].raw, &event, NULL, NULL) == 0 &&
		json_object_is_type(event, json_type_object))
		write_event(&request->body, event, &logstash->tags);
	buffer_add_char(&request->body, '\n');
}

static int open_stream(const void *settings, const struct output_trust *trust, int timeout_ms,
	void **ret_connection, struct error *err)
{
	const struct logstash *logstash = settings;
	_cleanup_(freep) char *port = string_printf("%lld", (long long)logstash->port);
	struct stream_tls tls = stream_tls_of(
		&logstash->common, trust, logstash->ca, logstash->certificate, logstash->key);
	bool uses_tls = logstash->uses_tls || logstash->common.uses_mutual_tls;

	return stream_open(logstash->address, port, uses_tls ? &tls : NULL, timeout_ms,
		(struct stream **)ret_connection, err);
}

static enum verdict send_lines(void *connection, const struct request *requests, size_t count,
	int timeout_ms, struct error *err)
{
	struct buffer all;
	int r;

	buffer_init(&all, (size_t)2 * REQUEST_BODY_MAX);
	for (size_t i = 0; i < count; i++)
		buffer_add_text(&all, buffer_text(&requests[i].body));
	r = stream_send(connection, buffer_text(&all), timeout_ms, err);
	buffer_done(&all);
	/* A peer that is gone says nothing about an alert. */
	return r < 0 ? VERDICT_OUTPUT_REFUSED : VERDICT_SENT;
}

static void close_stream(void *connection)
{
	stream_close(connection);
}

const struct output output_logstash = {
	.name = "logstash",
	.title = "Logstash",
	.about = "Writes a line an alert to a tcp input of Logstash",
	.rows = rows,
	.row_count = COUNT_OF(rows),
	.settings_size = sizeof(struct logstash),
	.is_enabled = is_enabled,
	.batch = batch,
	.compose = compose,
	.open = open_stream,
	.send = send_lines,
	.close = close_stream,
};
