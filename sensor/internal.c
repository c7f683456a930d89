/* SPDX-License-Identifier: Apache-2.0 */
/* "Falco internal: …": what the sensor says about itself, as alerts. */
#include <inttypes.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/memory.h"
#include "sensor/internal.h"

static int by_name(const void *a, const void *b)
{
	return strcmp(
		((const struct internal_field *)a)->name, ((const struct internal_field *)b)->name);
}

/* The caller's; free() it. */
static struct internal_field *sorted_fields(const struct internal_message *message)
{
	struct internal_field *fields = NEW_ARRAY(struct internal_field, message->count + 1);

	if (message->count)
		memcpy(fields, message->fields, message->count * sizeof(*fields));
	qsort(fields, message->count, sizeof(*fields), by_name);
	return fields;
}

static void add_value(const struct internal_field *field, struct json_writer *json)
{
	switch (field->kind) {
	case FIELD_WORDS:
		json_add_string(json, field->words);
		break;
	case FIELD_INTEGER:
		json_add_u64(json, field->integer);
		break;
	case FIELD_REAL:
		json_add_double(json, field->real);
		break;
	}
}

void internal_write_fields(const struct internal_message *message, struct json_writer *json)
{
	_cleanup_(freep) struct internal_field *fields = sorted_fields(message);

	json_begin_object(json);
	for (size_t i = 0; i < message->count; i++) {
		json_key(json, fields[i].name);
		add_value(&fields[i], json);
	}
	json_end(json);
}

static uint64_t time_of(const struct internal_message *message)
{
	return message->time_ns ? message->time_ns : (uint64_t)clock_ns(CLOCK_REALTIME);
}

/* TIME: PRIORITY MESSAGE (k=v k=v), values as in JSON. */
void internal_write_text(const struct internal_message *message, const struct alert_format *format,
	struct buffer *out)
{
	_cleanup_(freep) struct internal_field *fields = sorted_fields(message);
	struct buffer line;

	buffer_init(&line, out->limit - out->length);
	alert_write_time(time_of(message), format, &line);
	buffer_printf(&line, ": %s %s", priority_name(message->priority), message->output);
	for (size_t i = 0; i < message->count; i++) {
		struct json_writer json;

		buffer_printf(&line, "%s%s=", i ? " " : " (", fields[i].name);
		json_writer_init(&json, &line);
		add_value(&fields[i], &json);
	}
	if (message->count)
		buffer_add_char(&line, ')');
	json_escape(out, buffer_text(&line));
	buffer_done(&line);
}

void internal_write_json(const struct internal_message *message, const struct alert_format *format,
	struct buffer *out)
{
	struct json_writer json;

	json_writer_init(&json, out);
	json_begin_object(&json);
	json_key(&json, "hostname");
	json_add_string(&json, format->hostname);
	json_key(&json, "output");
	json_add_string(&json, message->output);
	json_key(&json, "output_fields");
	internal_write_fields(message, &json);
	json_key(&json, "priority");
	json_add_string(&json, priority_name(message->priority));
	json_key(&json, "rule");
	json_add_string(&json, message->rule);
	json_key(&json, "source");
	json_add_string(&json, "internal");
	json_key(&json, "time");
	alert_write_utc_time(time_of(message), &json);
	json_end(&json);
}

void internal_push(const struct internal_message *given, const struct generation *generation,
	struct outlets *outlets)
{
	struct internal_message message = *given;
	struct sensor_alert *alert;
	struct buffer text, json;

	message.time_ns = time_of(given);
	buffer_init(&text, ALERT_MAX);
	buffer_init(&json, ALERT_MAX);
	internal_write_text(&message, &generation->format, &text);
	if (generation->makes_json)
		internal_write_json(&message, &generation->format, &json);
	alert = sensor_alert_new(
		message.priority, text_trim(buffer_text(&text)), text_trim(buffer_text(&json)));
	outlets_push(outlets, alert);
	sensor_alert_release(alert);
	buffer_done(&text);
	buffer_done(&json);
}
