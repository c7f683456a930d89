/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Responses as ConfigMaps.
 */
#include <errno.h>
#include <json-c/json.h>
#include <pthread.h>
#include <stdlib.h>

#include "alert/alert.h"
#include "base/log.h"
#include "base/memory.h"
#include "responder/cluster.h"
#include "responder/mirror.h"

#define RESPONSE_MAX 900000 /* a ConfigMap holds 1 MiB (kubernetes.io, "ConfigMaps") */
#define LATE_MAX     10000
#define SELECTOR     "app.kubernetes.io%2Fmanaged-by%3Dtercel-responder"

struct mirror {
	struct ledger *ledger;
	struct cluster *cluster;
	char *name_space;
	char writer[UUID_LENGTH + 1]; /* this process */
	pthread_mutex_t lock;	      /* guards all below, and the cluster */
	int64_t *late;		      /* ids of what could not be written */
	size_t late_count, late_capacity;
};

struct mirror *mirror_new(const struct kubernetes_api *api, struct ledger *ledger)
{
	struct mirror *mirror = NEW(struct mirror);

	mirror->ledger = ledger;
	mirror->cluster = cluster_new(api);
	mirror->name_space = string_copy(api->name_space ? api->name_space : "default");
	uuid_make(mirror->writer);
	pthread_mutex_init(&mirror->lock, NULL);
	return mirror;
}

void mirror_free(struct mirror *mirror)
{
	if (!mirror)
		return;
	cluster_free(mirror->cluster);
	free(mirror->name_space);
	free(mirror->late);
	pthread_mutex_destroy(&mirror->lock);
	free(mirror);
}

/* Of one response, or of all where `id` is 0. */
static void write_path(const struct mirror *mirror, int64_t id, struct buffer *path)
{
	_cleanup_(freep) char *name = string_printf("tercel-response-%lld", (long long)id);

	buffer_init(path, 1024);
	path_of(path, (const char *const[]){ "api", "v1", "namespaces", mirror->name_space,
			      "configmaps", id ? name : NULL, NULL });
}

static void add(struct json_writer *json, const char *key, const char *value)
{
	json_key(json, key);
	json_add_string(json, value);
}

static void write_object(
	const struct mirror *mirror, const struct response *response, struct buffer *out)
{
	_cleanup_(freep) char *name =
		string_printf("tercel-response-%lld", (long long)response->id);
	struct json_writer json, inner;
	struct buffer text;

	buffer_init(&text, RESPONSE_MAX);
	json_writer_init(&inner, &text);
	response_write(response, &inner);
	json_writer_init(&json, out);
	json_begin_object(&json);
	add(&json, "apiVersion", "v1");
	add(&json, "kind", "ConfigMap");
	json_key(&json, "metadata");
	json_begin_object(&json);
	add(&json, "name", name);
	add(&json, "namespace", mirror->name_space);
	if (response->version)
		add(&json, "resourceVersion", response->version);
	json_key(&json, "labels");
	json_begin_object(&json);
	add(&json, "app.kubernetes.io/managed-by", "tercel-responder");
	json_end(&json);
	json_end(&json);
	json_key(&json, "data");
	json_begin_object(&json);
	add(&json, "writer", mirror->writer);
	json_key(&json, "response");
	json_add_text(&json, buffer_text(&text));
	json_end(&json);
	json_end(&json);
	out->is_cut |= text.is_cut;
	buffer_done(&text);
}

static void set_version(struct response *response, struct json_object *object)
{
	struct json_object *version = json_get(json_get(object, "metadata"), "resourceVersion");

	free(response->version);
	response->version = string_copy(version ? json_object_get_string(version) : NULL);
}

static int call(struct mirror *mirror, const char *method, int64_t id, struct text body,
	struct json_object **ret_object, struct error *err)
{
	struct buffer path;
	int r;

	write_path(mirror, id, &path);
	r = cluster_ask(mirror->cluster,
		&(struct cluster_call){ .method = method, .path = path.data, .body = body },
		ret_object, err);
	buffer_done(&path);
	return r < 0 ? r : 0;
}

static int put(struct mirror *mirror, struct response *response, struct error *err)
{
	_cleanup_(json_putp) struct json_object *object = NULL;
	bool is_new = !response->version;
	struct buffer body;
	int r;

	buffer_init(&body, 2 * RESPONSE_MAX);
	write_object(mirror, response, &body);
	r = body.is_cut ? error_set(err, -E2BIG,
				  "response %lld is larger than other replicas can be told",
				  (long long)response->id)
			: call(mirror, is_new ? "POST" : "PUT", is_new ? 0 : response->id,
				  buffer_text(&body), &object, err);
	if (!r)
		set_version(response, object);
	buffer_done(&body);
	return r;
}

/* An answer may have been lost on the way: what we wrote ourselves is no conflict. */
static int put_again(struct mirror *mirror, struct response *response, struct error *err)
{
	_cleanup_(json_putp) struct json_object *found = NULL;
	int r = call(mirror, "GET", response->id, (struct text){ 0 }, &found, err);

	if (r == -ENOENT) {
		free(TAKE(response->version));
		return put(mirror, response, err);
	}
	if (r < 0)
		return r;
	if (!text_is(json_get_text(json_get(found, "data"), "writer"), mirror->writer))
		return error_set(err, -EEXIST, "another replica has taken response %lld over",
			(long long)response->id);
	set_version(response, found);
	return put(mirror, response, err);
}

static bool is_nothing(const struct response *response)
{
	return response->finished_ms && !response->acted_ms;
}

static int take_away(struct mirror *mirror, struct response *response, struct error *err)
{
	int r = call(mirror, "DELETE", response->id, (struct text){ 0 }, NULL, err);

	if (r < 0 && r != -ENOENT)
		return r;
	free(TAKE(response->version));
	return 0;
}

static void note_late(struct mirror *mirror, int64_t id)
{
	for (size_t i = 0; i < mirror->late_count; i++)
		if (mirror->late[i] == id)
			return;
	if (mirror->late_count < LATE_MAX)
		*ARRAY_ADD(mirror->late, mirror->late_count, mirror->late_capacity) = id;
}

static int write_one(struct mirror *mirror, struct response *response, struct error *err)
{
	int r;

	if (is_nothing(response))
		return response->version ? take_away(mirror, response, err) : 0;
	r = put(mirror, response, err);
	return r == -EEXIST || r == -ENOENT ? put_again(mirror, response, err) : r;
}

int mirror_write(struct mirror *mirror, struct response *response, struct error *err)
{
	int r;

	pthread_mutex_lock(&mirror->lock);
	r = write_one(mirror, response, err);
	if (r == -EAGAIN)
		note_late(mirror, response->id);
	if (!r)
		r = ledger_set_version(mirror->ledger, response, err);
	pthread_mutex_unlock(&mirror->lock);
	return r;
}

static int import(struct mirror *mirror, struct json_object *object, struct error *err)
{
	_cleanup_(json_putp) struct json_object *text = NULL;
	struct response response = { 0 };
	int r = json_parse(json_get_text(json_get(object, "data"), "response"), &text, NULL, err);

	if (!r)
		r = response_read(text, &response, err);
	if (r < 0) {
		log_error(
			"a ConfigMap of a response cannot be read, and is left: %s", err->message);
		return 0;
	}
	set_version(&response, object);
	r = ledger_import(mirror->ledger, &response, err);
	response_done(&response);
	return r;
}

static int import_all(struct mirror *mirror, struct json_object *items, struct error *err)
{
	int r = ledger_import_begin(mirror->ledger, err);

	for (size_t i = 0; !r && json_object_is_type(items, json_type_array) &&
			   i < json_object_array_length(items);
		i++)
		r = import(mirror, json_object_array_get_idx(items, i), err);
	return r < 0 ? r : ledger_import_end(mirror->ledger, err);
}

struct taking {
	struct mirror *mirror;
	struct error *err;
	int r;
};

/* The writer is another one from here on, which is what stops the one before. */
static void take_one(void *context, struct response *response)
{
	struct taking *taking = context;

	if (taking->r < 0)
		return;
	taking->r = write_one(taking->mirror, response, taking->err);
	if (!taking->r)
		taking->r = ledger_set_version(taking->mirror->ledger, response, taking->err);
}

static int read_all(struct mirror *mirror, struct json_object **ret_list, struct error *err)
{
	struct buffer path;
	int r;

	write_path(mirror, 0, &path);
	buffer_add_string(&path, "?labelSelector=" SELECTOR);
	r = cluster_ask(mirror->cluster,
		&(struct cluster_call){ .method = "GET", .path = path.data, .timeout_ms = 30000 },
		ret_list, err);
	buffer_done(&path);
	return r < 0 ? r : 0;
}

int mirror_take_over(struct mirror *mirror, struct error *err)
{
	_cleanup_(json_putp) struct json_object *list = NULL;
	struct taking taking = { mirror, err, 0 };
	int r;

	pthread_mutex_lock(&mirror->lock);
	r = read_all(mirror, &list, err);
	if (!r)
		r = import_all(mirror, json_get(list, "items"), err);
	if (!r)
		r = ledger_each_open(mirror->ledger, take_one, &taking, err);
	pthread_mutex_unlock(&mirror->lock);
	return r < 0 ? r : taking.r;
}

static void write_late(struct mirror *mirror, int64_t id)
{
	struct response response = { 0 };
	struct error err = { 0 };
	int r = ledger_get(mirror->ledger, id, &response, &err);

	if (!r)
		r = write_one(mirror, &response, &err);
	if (!r)
		r = ledger_set_version(mirror->ledger, &response, &err);
	if (r == -EAGAIN)
		note_late(mirror, id);
	response_done(&response);
}

static void forget_one(void *context, struct response *response)
{
	struct mirror *mirror = context;
	struct error err = { 0 };

	if (take_away(mirror, response, &err) == 0)
		(void)ledger_set_version(mirror->ledger, response, &err);
}

void mirror_catch_up(struct mirror *mirror, int64_t before_ms)
{
	struct error err = { 0 };
	int64_t *late;
	size_t count;

	pthread_mutex_lock(&mirror->lock);
	late = TAKE(mirror->late);
	count = mirror->late_count;
	mirror->late_count = mirror->late_capacity = 0;
	for (size_t i = 0; i < count; i++)
		write_late(mirror, late[i]);
	if (ledger_each_shared(mirror->ledger, before_ms, forget_one, mirror, &err) < 0)
		log_error("%s", err.message);
	pthread_mutex_unlock(&mirror->lock);
	free(late);
}
