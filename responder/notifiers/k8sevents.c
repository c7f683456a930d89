/* SPDX-License-Identifier: Apache-2.0 */
/*
 * k8sevents: an Event of Kubernetes beside the pod, which `kubectl describe` shows.
 */
#include <errno.h>
#include <json-c/json.h>

#include "base/clock.h"
#include "base/memory.h"
#include "alert/alert.h"
#include "responder/notifier.h"

#define MESSAGE_MAX 1024 /* the API server's own limit */

static void add(struct json_writer *json, const char *key, const char *value)
{
	json_key(json, key);
	json_add_string(json, value);
}

static void write_message(struct json_object *note, struct buffer *out)
{
	const char *error = note_text(note, "error");

	buffer_printf(out, "Status: %s\nRule: %s\nAction: %s\nActionner: %s\n%s: %s",
		note_text(note, "status"), note_text(note, "rule"), note_text(note, "action"),
		note_text(note, "actionner"), *error ? "Error" : "Result",
		*error ? error : note_text(note, "result"));
}

static void write_object(struct json_object *note, struct json_writer *json)
{
	struct json_object *objects = json_get(note, "objects");
	const char *pod = note_text(objects, "pod"), *uid = note_text(note, "pod_uid");

	json_key(json, "involvedObject");
	json_begin_object(json);
	add(json, "kind", *pod ? "Pod" : "Namespace");
	add(json, "apiVersion", "v1");
	if (*pod)
		add(json, "namespace", note_text(objects, "namespace"));
	add(json, "name", *pod ? pod : note_text(objects, "namespace"));
	if (*uid)
		add(json, "uid", uid);
	json_end(json);
}

static void write_event(struct json_object *note, struct json_writer *json)
{
	struct buffer time, message, clean;
	bool has_failed = *note_text(note, "error");
	char uuid[UUID_LENGTH + 1];
	_cleanup_(freep) char *name = NULL, *reason = NULL;

	uuid_make(uuid);
	name = string_printf("tercel-responder.%s", uuid);
	reason = string_printf("tercel:%s:%s:%s", note_text(note, "message"),
		note_text(note, "actionner"), note_text(note, "status"));
	buffer_init(&time, 64);
	buffer_init(&message, MESSAGE_MAX * 4);
	buffer_init(&clean, MESSAGE_MAX);
	time_write(&time, clock_ns(CLOCK_REALTIME) / NS_PER_SECOND * NS_PER_SECOND);
	write_message(note, &message);
	buffer_add_utf8(&clean, buffer_text(&message));
	json_begin_object(json);
	add(json, "kind", "Event");
	add(json, "apiVersion", "v1");
	json_key(json, "metadata");
	json_begin_object(json);
	add(json, "name", name);
	add(json, "namespace", note_text(json_get(note, "objects"), "namespace"));
	json_end(json);
	write_object(note, json);
	add(json, "reason", reason);
	add(json, "message", clean.data);
	add(json, "type", has_failed ? "Warning" : "Normal");
	json_key(json, "source");
	json_begin_object(json);
	add(json, "component", "tercel-responder");
	json_end(json);
	add(json, "reportingComponent", "tercel-responder");
	add(json, "firstTimestamp", time.data);
	add(json, "lastTimestamp", time.data);
	json_key(json, "count");
	json_add_i64(json, 1);
	json_end(json);
	buffer_done(&time);
	buffer_done(&message);
	buffer_done(&clean);
}

static int tell(const struct telling *telling, struct error *err)
{
	const char *name_space = note_text(json_get(telling->note, "objects"), "namespace");
	struct json_writer json;
	struct buffer body, path;
	int r;

	if (!telling->cluster || !is_object_name(text_of(name_space)))
		return 0; /* nowhere to put it */
	buffer_init(&body, 64 * 1024);
	buffer_init(&path, 1024);
	json_writer_init(&json, &body);
	write_event(telling->note, &json);
	path_of(&path,
		(const char *const[]){ "api", "v1", "namespaces", name_space, "events", NULL });
	r = cluster_ask(telling->cluster,
		&(struct cluster_call){
			.method = "POST", .path = path.data, .body = buffer_text(&body) },
		NULL, err);
	buffer_done(&body);
	buffer_done(&path);
	return r < 0 ? r : 0;
}

const struct notifier notifier_k8sevents = { .name = "k8sevents", .tell = tell };
