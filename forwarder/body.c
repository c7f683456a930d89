/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A body becomes alerts for the journal. One bad alert among many does not spoil the others: a
 * sender that tries the same batch again would never get past it.
 */
#include <errno.h>

#include "base/memory.h"
#include "forwarder/intake.h"

struct reading {
	const struct pipeline *pipeline;
	enum verified verified;
	void (*seen)(void *context, const struct alert *alert);
	void *context;
	struct intake_result *result;
	size_t capacity; /* of result->append->alerts */
};

static void reject(struct reading *reading, const struct error *err)
{
	if (!reading->result->rejected++)
		reading->result->first = *err;
}

static void add_to_append(struct reading *reading, const struct alert *alert, struct buffer *json)
{
	struct journal_append *append = reading->result->append;
	struct journal_alert *item;

	if (!append)
		append = reading->result->append = journal_append_new(0);
	item = ARRAY_ADD(append->alerts, append->count, reading->capacity);
	*item = (struct journal_alert){ .length = json->length };
	item->body = buffer_take(json);
	/* Only who is known may say that it is the same alert again. */
	if (alert->verified != VERIFIED_NONE)
		snprintf(item->uuid, sizeof(item->uuid), "%s", alert->uuid);
	reading->result->accepted++;
}

static void read_one(struct reading *reading, struct json_object *object)
{
	_cleanup_(alert_freep) struct alert *alert = NULL;
	struct error err;
	struct buffer json;

	if (alert_from_json(object, &alert, &err) < 0) {
		reject(reading, &err);
		return;
	}
	alert->verified = reading->verified;
	buffer_init(&json, ALERT_MAX);
	if (pipeline_run(reading->pipeline, alert, &json, &err) < 0) {
		reject(reading, &err);
	} else {
		add_to_append(reading, alert, &json);
		if (reading->seen)
			reading->seen(reading->context, alert);
	}
	buffer_done(&json);
}

static void read_array(struct reading *reading, struct json_object *array)
{
	size_t count = json_object_array_length(array);
	struct error err;

	reading->result->is_many = true;
	if (count > JOURNAL_APPEND_MAX) {
		error_set(&err, -E2BIG, "%zu alerts in one request; at most %d are taken", count,
			JOURNAL_APPEND_MAX);
		reject(reading, &err);
		return;
	}
	for (size_t i = 0; i < count; i++)
		read_one(reading, json_object_array_get_idx(array, i));
}

/* Whether what follows an alert looks like one more: Falcosidekick ignores anything else. */
static bool begins_alert(struct text rest)
{
	return rest.length && rest.data[0] == '{';
}

void intake_read(const struct pipeline *pipeline, struct text body, enum verified verified,
	void (*seen)(void *context, const struct alert *alert), void *context,
	struct intake_result *ret_result)
{
	struct reading reading = { pipeline, verified, seen, context, ret_result, 0 };
	struct text rest = text_trim(body);
	struct error err;

	*ret_result = (struct intake_result){ 0 };
	do {
		_cleanup_(json_putp) struct json_object *value = NULL;

		if (json_parse(rest, &value, &rest, &err) < 0) {
			reject(&reading, &err);
			return;
		}
		if (json_object_is_type(value, json_type_array))
			read_array(&reading, value);
		else
			read_one(&reading, value);
		rest = text_trim(rest);
		ret_result->is_many |= begins_alert(rest);
	} while (begins_alert(rest) &&
		 ret_result->accepted + ret_result->rejected < JOURNAL_APPEND_MAX);
}
