/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Alerts between the programs: Falco's JSON both ways.
 */
#include <errno.h>
#include <json-c/json_util.h>
#include <json-c/linkhash.h>

#include "alert/alert.h"
#include "base/memory.h"

/* Ladder of spec/forwarder.md 2; the order of the enum is syslog's. */
static const struct {
	const char *name;
	int rank;
} priorities[] = {
	[PRIORITY_EMERGENCY] = { "Emergency", 8 },
	[PRIORITY_ALERT] = { "Alert", 7 },
	[PRIORITY_CRITICAL] = { "Critical", 6 },
	[PRIORITY_ERROR] = { "Error", 5 },
	[PRIORITY_WARNING] = { "Warning", 4 },
	[PRIORITY_NOTICE] = { "Notice", 3 },
	[PRIORITY_INFORMATIONAL] = { "Informational", 2 },
	[PRIORITY_DEBUG] = { "Debug", 1 },
	[PRIORITY_NONE] = { "", 0 },
};

const char *priority_name(enum priority priority)
{
	return priorities[priority].name;
}

int priority_rank(enum priority priority)
{
	return priorities[priority].rank;
}

enum priority priority_parse(struct text text)
{
	if (text_equal_ignoring_case(text, TEXT("info")))
		return PRIORITY_INFORMATIONAL;
	for (size_t i = 0; i < PRIORITY_NONE; i++)
		if (text_equal_ignoring_case(text, text_of(priorities[i].name)))
			return (enum priority)i;
	return PRIORITY_NONE;
}

const char *verified_name(enum verified verified)
{
	static const char *const names[] = { "none", "token", "socket", "mtls" };

	return names[verified];
}

struct alert *alert_new(void)
{
	struct alert *alert = NEW(struct alert);

	alert->priority = PRIORITY_NONE;
	return alert;
}

void alert_free(struct alert *alert)
{
	if (!alert)
		return;
	free(alert->output);
	free(alert->rule);
	free(alert->source);
	free(alert->hostname);
	json_object_put(alert->fields);
	for (size_t i = 0; i < alert->tag_count; i++)
		free(alert->tags[i]);
	free(alert->tags);
	free(alert);
}

void alert_add_tag(struct alert *alert, const char *tag)
{
	alert->tags = memory_resize(alert->tags, alert->tag_count + 1, sizeof(*alert->tags));
	alert->tags[alert->tag_count++] = string_copy(tag);
}

static int wrong_type(
	struct json_object *value, const char *key, const char *want, struct error *err)
{
	return error_set(err, -EINVAL, "\"%s\" must be %s, not %s", key, want,
		json_type_to_name(json_object_get_type(value)));
}

/* The member's text made valid UTF-8, without NUL; NULL stays NULL. */
static int take_text(
	struct json_object *object, const char *key, char **ret_text, struct error *err)
{
	struct json_object *value = json_get(object, key);
	struct buffer clean;

	if (!value)
		return 0;
	if (!json_object_is_type(value, json_type_string))
		return wrong_type(value, key, "text", err);
	buffer_init(&clean, ALERT_MAX);
	buffer_add_utf8(&clean, json_get_text(object, key));
	for (size_t i = 0; i < clean.length; i++)
		if (!clean.data[i])
			clean.data[i] = ' ';
	free(*ret_text);
	*ret_text = buffer_take(&clean);
	return 0;
}

static int take_priority(struct json_object *object, struct alert *alert, struct error *err)
{
	struct json_object *value = json_get(object, "priority");

	if (value && !json_object_is_type(value, json_type_string))
		return wrong_type(value, "priority", "text", err);
	alert->priority = priority_parse(json_get_text(object, "priority"));
	return 0;
}

static int take_time(struct json_object *object, struct alert *alert, struct error *err)
{
	struct json_object *value = json_get(object, "time");
	struct text text = json_get_text(object, "time");

	if (!value)
		return 0;
	if (!json_object_is_type(value, json_type_string))
		return wrong_type(value, "time", "RFC 3339 text", err);
	if (time_parse(text, &alert->time_ns) < 0)
		return error_set(err, -EINVAL,
			"\"time\" must be RFC 3339 such as 2026-11-24T10:00:00.123456789Z, not "
			"\"%.*s\"",
			TEXT_PRINT(text_slice(text, 0, 64)));
	return 0;
}

static int take_fields(struct json_object *object, struct alert *alert, struct error *err)
{
	struct json_object *value = json_get(object, "output_fields");

	if (!value)
		return 0;
	if (!json_object_is_type(value, json_type_object))
		return wrong_type(value, "output_fields", "an object", err);
	alert->fields = json_object_get(value);
	return 0;
}

static int take_tags(struct json_object *object, struct alert *alert, struct error *err)
{
	struct json_object *value = json_get(object, "tags");

	if (!value)
		return 0;
	if (!json_object_is_type(value, json_type_array))
		return wrong_type(value, "tags", "an array of text", err);
	for (size_t i = 0; i < json_object_array_length(value); i++) {
		struct json_object *tag = json_object_array_get_idx(value, i);

		if (!json_object_is_type(tag, json_type_string))
			return wrong_type(tag, "tags", "an array of text", err);
		alert_add_tag(alert, json_object_get_string(tag));
	}
	return 0;
}

static void take_uuid(struct json_object *object, struct alert *alert)
{
	struct text uuid = json_get_text(object, "uuid");

	if (!uuid_is_valid(uuid))
		return;
	for (size_t i = 0; i < UUID_LENGTH; i++)
		alert->uuid[i] = uuid.data[i] >= 'A' && uuid.data[i] <= 'F' ? uuid.data[i] | 0x20
									    : uuid.data[i];
}

int alert_from_json(struct json_object *object, struct alert **ret_alert, struct error *err)
{
	_cleanup_(alert_freep) struct alert *alert = alert_new();
	int r;

	if (!json_object_is_type(object, json_type_object))
		return error_set(err, -EINVAL, "an alert must be a JSON object, not %s",
			json_type_to_name(json_object_get_type(object)));
	if ((r = take_text(object, "output", &alert->output, err)) < 0 ||
		(r = take_text(object, "rule", &alert->rule, err)) < 0 ||
		(r = take_text(object, "source", &alert->source, err)) < 0 ||
		(r = take_text(object, "hostname", &alert->hostname, err)) < 0 ||
		(r = take_priority(object, alert, err)) < 0 ||
		(r = take_time(object, alert, err)) < 0 ||
		(r = take_fields(object, alert, err)) < 0 ||
		(r = take_tags(object, alert, err)) < 0)
		return r;
	take_uuid(object, alert);
	*ret_alert = TAKE(alert);
	return 0;
}

int alert_check(const struct alert *alert, struct error *err)
{
	if (alert->priority == PRIORITY_NONE)
		return error_set(err, -EINVAL,
			"\"priority\" is missing or is none of Emergency, Alert, "
			"Critical, Error, Warning, Notice, Informational, Debug");
	if (!alert->rule || !*alert->rule)
		return error_set(err, -EINVAL, "\"rule\" is missing");
	if (!alert->time_ns)
		return error_set(err, -EINVAL, "\"time\" is missing");
	if (!alert->fields || !json_object_object_length(alert->fields))
		return error_set(err, -EINVAL, "\"output_fields\" is missing or empty");
	return 0;
}

struct member {
	const char *key;
	struct json_object *value;
};

static int by_key(const void *a, const void *b)
{
	return strcmp(((const struct member *)a)->key, ((const struct member *)b)->key);
}

static void write_fields(struct json_writer *json, struct json_object *fields)
{
	size_t count = (size_t)json_object_object_length(fields), at = 0;
	_cleanup_(freep) struct member *members = NEW_ARRAY(struct member, count);

	json_object_object_foreach(fields, key, value) members[at++] =
		(struct member){ key, value };
	qsort(members, count, sizeof(*members), by_key);
	json_begin_object(json);
	for (size_t i = 0; i < count; i++) {
		json_key(json, members[i].key);
		json_add_value(json, members[i].value);
	}
	json_end(json);
}

static void write_text(struct json_writer *json, const char *key, const char *value)
{
	json_key(json, key);
	json_add_string(json, value ? value : "");
}

static void write_time(struct json_writer *json, int64_t time_ns)
{
	struct buffer text;

	buffer_init(&text, 64);
	time_write(&text, time_ns);
	json_key(json, "time");
	json_add_text(json, buffer_text(&text));
	buffer_done(&text);
}

void alert_write(const struct alert *alert, struct buffer *out)
{
	struct json_writer json;

	json_writer_init(&json, out);
	json_begin_object(&json);
	if (*alert->uuid)
		write_text(&json, "uuid", alert->uuid);
	write_text(&json, "output", alert->output);
	write_text(&json, "priority", priority_name(alert->priority));
	write_text(&json, "rule", alert->rule);
	write_time(&json, alert->time_ns);
	json_key(&json, "output_fields");
	if (alert->fields)
		write_fields(&json, alert->fields);
	else
		json_add_null(&json);
	write_text(&json, "source", alert->source);
	if (alert->tag_count) {
		json_key(&json, "tags");
		json_begin_array(&json);
		for (size_t i = 0; i < alert->tag_count; i++)
			json_add_string(&json, alert->tags[i]);
		json_end(&json);
	}
	if (alert->hostname && *alert->hostname)
		write_text(&json, "hostname", alert->hostname);
	if (alert->verified != VERIFIED_NONE)
		write_text(&json, "verified", verified_name(alert->verified));
	json_end(&json);
}
