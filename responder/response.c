/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A response as a value: its states, what may be decided of it, and its JSON.
 */
#include <errno.h>
#include <json-c/json.h>
#include <stdlib.h>

#include "base/memory.h"
#include "responder/ledger.h"

static const char *const state_names[] = { "waiting", "pending", "running", "done", "failed",
	"refused", "expired", "dry_run", "undoing", "undone", "rejected" };
_Static_assert(COUNT_OF(state_names) == RESPONSE_STATE_COUNT, "a name a state");

const char *response_state_name(enum response_state state)
{
	return state_names[state];
}

void response_done(struct response *response)
{
	char *const texts[] = { response->rule, response->alert_uuid, response->alert,
		response->target, response->workload, response->name_space, response->pod,
		response->uid, response->node, response->hostname, response->why, response->steps,
		response->decided_by, response->version };

	for (size_t i = 0; i < COUNT_OF(texts); i++)
		free(texts[i]);
	*response = (struct response){ 0 };
}

const struct decision decisions[DECISION_COUNT] = {
	{ "approve", "approved", 1 << RESPONSE_WAITING, RESPONSE_PENDING },
	{ "reject", "rejected", 1 << RESPONSE_WAITING, RESPONSE_REJECTED },
	{ "undo", NULL, 1 << RESPONSE_DONE | 1 << RESPONSE_FAILED, RESPONSE_UNDOING },
};

/* An action that can be undone has left what that needs in its step. */
bool response_can_be_undone(const struct response *response)
{
	_cleanup_(json_putp) struct json_object *steps = NULL;

	if (!response->steps || json_parse(text_of(response->steps), &steps, NULL, NULL) < 0 ||
		!json_object_is_type(steps, json_type_array))
		return false;
	for (size_t i = 0; i < json_object_array_length(steps); i++)
		if (json_get(json_object_array_get_idx(steps, i), "memory"))
			return true;
	return false;
}

bool decision_fits(const struct decision *decision, const struct response *response)
{
	return decision->from >> response->state & 1 &&
	       (decision->to != RESPONSE_UNDOING || response_can_be_undone(response));
}

static void write_text(struct json_writer *json, const char *key, const char *text)
{
	json_key(json, key);
	json_add_string(json, text);
}

static void write_number(struct json_writer *json, const char *key, int64_t number)
{
	json_key(json, key);
	json_add_i64(json, number);
}

static void write_raw(struct json_writer *json, const char *key, const char *text)
{
	json_key(json, key);
	json_add_raw(json, text ? text_of(text) : TEXT("null"));
}

static void write_decisions(const struct response *response, struct json_writer *json)
{
	json_key(json, "decisions");
	json_begin_array(json);
	for (size_t i = 0; i < DECISION_COUNT; i++)
		if (decision_fits(&decisions[i], response))
			json_add_string(json, decisions[i].name);
	json_end(json);
}

/* From its first action to its end. */
static int64_t duration_of(const struct response *response)
{
	return response->acted_ms && response->finished_ms
		       ? response->finished_ms - response->acted_ms
		       : 0;
}

void response_write(const struct response *response, struct json_writer *json)
{
	json_begin_object(json);
	write_number(json, "id", response->id);
	write_text(json, "rule", response->rule);
	write_text(json, "state", state_names[response->state]);
	write_text(json, "why", response->why);
	write_text(json, "target", response->target);
	write_text(json, "workload", response->workload);
	write_text(json, "namespace", response->name_space);
	write_text(json, "pod", response->pod);
	write_text(json, "pod_uid", response->uid);
	write_text(json, "node", response->node);
	write_text(json, "hostname", response->hostname);
	write_text(json, "alert_uuid", response->alert_uuid);
	write_number(json, "created_ms", response->created_ms);
	write_number(json, "next_ms", response->next_ms);
	write_number(json, "acted_ms", response->acted_ms);
	write_number(json, "finished_ms", response->finished_ms);
	write_number(json, "deadline_ms", response->deadline_ms);
	write_number(json, "undo_ms", response->undo_ms);
	write_number(json, "took_ms", duration_of(response));
	write_number(json, "step", response->step);
	write_number(json, "tries", response->tries);
	write_text(json, "decided_by", response->decided_by);
	write_decisions(response, json);
	write_raw(json, "actions", response->steps);
	write_raw(json, "alert", response->alert);
	json_end(json);
}

static char *read_text(struct json_object *json, const char *key)
{
	struct text text = json_get_text(json, key);

	return text.data ? text_to_string(text) : NULL;
}

static char *read_raw(struct json_object *json, const char *key)
{
	struct json_object *value = json_get(json, key);

	return value ? string_copy(json_object_to_json_string_ext(value, JSON_C_TO_STRING_PLAIN))
		     : NULL;
}

static enum response_state read_state(struct json_object *json)
{
	struct text name = json_get_text(json, "state");
	int state = 0;

	while (state < RESPONSE_STATE_COUNT && !text_is(name, state_names[state]))
		state++;
	return (enum response_state)state;
}

int response_read(struct json_object *json, struct response *ret_response, struct error *err)
{
	struct response r = { .id = json_get_i64(json, "id", 0),
		.rule = read_text(json, "rule"),
		.state = read_state(json),
		.why = read_text(json, "why"),
		.target = read_text(json, "target"),
		.workload = read_text(json, "workload"),
		.name_space = read_text(json, "namespace"),
		.pod = read_text(json, "pod"),
		.uid = read_text(json, "pod_uid"),
		.node = read_text(json, "node"),
		.hostname = read_text(json, "hostname"),
		.alert_uuid = read_text(json, "alert_uuid"),
		.alert = read_raw(json, "alert"),
		.created_ms = json_get_i64(json, "created_ms", 0),
		.next_ms = json_get_i64(json, "next_ms", 0),
		.acted_ms = json_get_i64(json, "acted_ms", 0),
		.finished_ms = json_get_i64(json, "finished_ms", 0),
		.deadline_ms = json_get_i64(json, "deadline_ms", 0),
		.undo_ms = json_get_i64(json, "undo_ms", 0),
		.step = json_get_i64(json, "step", 0),
		.tries = json_get_i64(json, "tries", 0),
		.decided_by = read_text(json, "decided_by"),
		.steps = read_raw(json, "actions") };

	if (r.id < 1 || !r.rule || !r.alert_uuid || !r.alert || !r.target || !r.workload ||
		r.step < 0 || r.state == RESPONSE_STATE_COUNT) {
		response_done(&r);
		return error_set(err, -EINVAL, "this is no response of a responder");
	}
	*ret_response = r;
	return 0;
}
