/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is posted, made ready for the store. Any text is taken, whatever its characters: who could
 * get an alert refused by a file's name could hide with it.
 */
#include <errno.h>

#include "base/memory.h"
#include "dashboard/intake.h"

#define REFUSED_MAX (64 * 1024)

static enum verified verified_parse(struct text text)
{
	for (int verified = VERIFIED_NONE; verified <= VERIFIED_MTLS; verified++)
		if (text_is(text, verified_name((enum verified)verified)))
			return (enum verified)verified;
	return VERIFIED_NONE;
}

static int check_alert(struct json_object *event, const struct alert *alert, struct error *err)
{
	struct json_object *uuid = json_get(event, "uuid");

	if (uuid && !*alert->uuid)
		return error_set(err, -EINVAL, "\"uuid\" is none");
	if (!alert->output || !*alert->output)
		return error_set(err, -EINVAL, "\"output\" is missing");
	if (alert->priority == PRIORITY_NONE)
		return error_set(err, -EINVAL, "\"priority\" is missing or unknown");
	if (!alert->rule || !*alert->rule)
		return error_set(err, -EINVAL, "\"rule\" is missing");
	if (!alert->time_ns)
		return error_set(err, -EINVAL, "\"time\" is missing");
	return 0;
}

static int read_item(struct json_object *item, bool is_trusted, struct store_event *ret_event,
	struct json_object **ret_outputs, struct error *err)
{
	struct json_object *event = json_get(item, "event"), *outputs = json_get(item, "outputs");
	_cleanup_(alert_freep) struct alert *alert = NULL;
	int r;

	if (!event)
		return error_set(err, -EINVAL, "\"event\" is missing");
	if (!json_object_is_type(outputs, json_type_array))
		return error_set(err, -EINVAL, "\"outputs\" is missing or no array");
	r = alert_from_json(event, &alert, err);
	if (!r)
		r = check_alert(event, alert, err);
	if (r < 0)
		return r;
	if (!*alert->uuid)
		uuid_make(alert->uuid);
	if (is_trusted)
		alert->verified = verified_parse(json_get_text(event, "verified"));
	store_event_init(ret_event, alert);
	json_object_put(*ret_outputs);
	*ret_outputs = json_object_get(outputs);
	return 0;
}

static void note_refused(struct intake_result *result, size_t item, const char *message)
{
	struct json_writer json;

	if (result->refused.length)
		buffer_add_char(&result->refused, ',');
	json_writer_init(&json, &result->refused);
	json_begin_object(&json);
	json_key(&json, "item");
	json_add_u64(&json, item);
	json_key(&json, "error");
	json_add_string(&json, message);
	json_end(&json);
	result->refused_count++;
}

static void read_array(struct json_object *array, bool is_trusted, struct intake_result *result)
{
	size_t count = json_object_array_length(array);

	result->is_array = true;
	result->add = store_add_new(count);
	result->add->count = 0;
	for (size_t i = 0; i < count; i++) {
		struct error err = { 0 };

		if (read_item(json_object_array_get_idx(array, i), is_trusted,
			    &result->add->events[result->add->count], &result->outputs, &err) < 0)
			note_refused(result, i, err.message);
		else
			result->add->count++;
	}
}

int intake_read(
	struct text body, bool is_trusted, struct intake_result *ret_result, struct error *err)
{
	_cleanup_(json_putp) struct json_object *root = NULL;
	struct intake_result result = { 0 };
	int r;

	r = json_parse(body, &root, NULL, err);
	if (r < 0)
		return r;
	buffer_init(&result.refused, REFUSED_MAX);
	if (json_object_is_type(root, json_type_array)) {
		read_array(root, is_trusted, &result);
	} else {
		result.add = store_add_new(1);
		r = read_item(root, is_trusted, &result.add->events[0], &result.outputs, err);
	}
	if (r < 0) {
		intake_result_done(&result);
		return r;
	}
	*ret_result = result;
	return 0;
}

void intake_result_done(struct intake_result *result)
{
	store_add_free(result->add);
	json_object_put(result->outputs);
	buffer_done(&result->refused);
}
