/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Labels and annotations: one merge patch to do it, another to undo it. A patch of a pod carries
 * its uid, so that the API server refuses it (409) if the name is another pod's by now.
 */
#include <errno.h>
#include <json-c/json.h>

#include "base/memory.h"
#include "responder/actions/metadata.h"

int metadata_check(const void *parameters, const char *kind, struct error *err)
{
	const struct metadata_settings *settings = parameters;

	return settings->values.count
		       ? 0
		       : error_set(err, -EINVAL, "the parameter %s is missing", kind);
}

void pod_path(const struct run *run, struct buffer *path)
{
	path_of(path, (const char *const[]){
			      "api", "v1", "namespaces", run->name_space, "pods", run->pod, NULL });
}

void node_path(const struct run *run, struct buffer *path)
{
	path_of(path, (const char *const[]){ "api", "v1", "nodes", run->node, NULL });
}

int merge_patch(struct run *run, const char *path, struct text body,
	struct json_object **ret_object, struct error *err)
{
	return cluster_ask(run->cluster,
		&(struct cluster_call){ .method = "PATCH",
			.path = path,
			.media = "application/merge-patch+json",
			.body = body },
		ret_object, err);
}

static void begin_patch(
	struct json_writer *json, struct buffer *body, const char *uid, const char *kind)
{
	json_writer_init(json, body);
	json_begin_object(json);
	json_key(json, "metadata");
	json_begin_object(json);
	if (uid) {
		json_key(json, "uid");
		json_add_string(json, uid);
	}
	json_key(json, kind);
	json_begin_object(json);
}

static void end_patch(struct json_writer *json)
{
	json_end(json);
	json_end(json);
	json_end(json);
}

/* What the keys that are to change are now; null for those that are not there. */
static struct json_object *before(
	struct json_object *object, const char *kind, const struct text_map *values)
{
	struct json_object *old = json_get(json_get(object, "metadata"), kind);
	struct json_object *kept = json_object_new_object();

	for (size_t i = 0; i < values->count; i++)
		json_object_object_add(
			kept, values->keys[i], json_object_get(json_get(old, values->keys[i])));
	return kept;
}

static void remember(struct run *run, int level, const char *path, struct json_object *old)
{
	run->memory = json_object_new_object();
	json_object_object_add(run->memory, "path", json_object_new_string(path));
	json_object_object_add(run->memory, "old", old);
	if (level == LEVEL_POD)
		json_object_object_add(run->memory, "uid", json_object_new_string(run->uid));
}

static int patch(struct run *run, const struct metadata_settings *settings, const char *kind,
	const char *path, struct error *err)
{
	bool is_pod = settings->level == LEVEL_POD;
	struct json_writer json;
	struct buffer body;
	int r;

	buffer_init(&body, 1024 * 1024);
	begin_patch(&json, &body, is_pod ? run->uid : NULL, kind);
	for (size_t i = 0; i < settings->values.count; i++) {
		json_key(&json, settings->values.keys[i]);
		json_add_string(
			&json, *settings->values.values[i] ? settings->values.values[i] : NULL);
	}
	end_patch(&json);
	r = merge_patch(run, path, buffer_text(&body), NULL, err);
	buffer_done(&body);
	return r;
}

int metadata_run(struct run *run, const void *parameters, const char *kind, struct error *err)
{
	const struct metadata_settings *settings = parameters;
	_cleanup_(json_putp) struct json_object *node = NULL;
	struct json_object *object = run->object;
	struct buffer path;
	int r = 0;

	buffer_init(&path, 2048);
	if (settings->level == LEVEL_POD) {
		pod_path(run, &path);
	} else {
		node_path(run, &path);
		r = cluster_ask(run->cluster,
			&(struct cluster_call){ .method = "GET", .path = path.data }, &node, err);
		object = node;
	}
	if (r >= 0)
		r = patch(run, settings, kind, path.data, err);
	if (r >= 0) {
		remember(run, settings->level, path.data, before(object, kind, &settings->values));
		buffer_printf(&run->result, "%zu %s changed of %s", settings->values.count, kind,
			settings->level == LEVEL_POD ? run->pod : run->node);
	}
	buffer_done(&path);
	return r < 0 ? r : ACTION_DONE;
}

int metadata_undo(struct run *run, struct json_object *memory, const char *kind, struct error *err)
{
	struct json_object *old = json_get(memory, "old"), *uid = json_get(memory, "uid");
	struct json_writer json;
	struct buffer body;
	int r;

	if (!json_object_is_type(old, json_type_object))
		return error_set(err, -EINVAL, "nothing is known of what was before");
	buffer_init(&body, 1024 * 1024);
	begin_patch(&json, &body, uid ? json_object_get_string(uid) : NULL, kind);
	json_object_object_foreach(old, key, value)
	{
		json_key(&json, key);
		json_add_value(&json, value);
	}
	end_patch(&json);
	r = merge_patch(run, json_object_get_string(json_get(memory, "path")), buffer_text(&body),
		NULL, err);
	buffer_done(&body);
	if (r == -ENOENT || r == -EEXIST) {
		buffer_add_string(&run->result, "it is gone by now");
		return ACTION_DONE;
	}
	buffer_printf(&run->result, "%s are as they were", kind);
	return r < 0 ? r : ACTION_DONE;
}
