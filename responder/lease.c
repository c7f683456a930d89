/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Lease (coordination.k8s.io/v1), as client-go's leader election does it: whoever finds it free
 * or not renewed for its duration by this clock takes it, and resourceVersion decides between two.
 */
#include <errno.h>
#include <json-c/json.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "responder/lease.h"

#define NAME "tercel-responder"

struct lease {
	struct engine *engine;
	struct cluster *cluster;
	char *name_space, *holder;
	int64_t duration_ms;
	bool holds, leads; /* leads: knows all that it must */
	char *seen;	   /* another's renewTime, and since when we see it so */
	int64_t seen_ms;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool is_started, is_ending;
};

static void add(struct json_writer *json, const char *key, const char *value)
{
	json_key(json, key);
	json_add_string(json, value);
}

/* With microseconds, as MicroTime wants them. */
static void add_time(struct json_writer *json, const char *key)
{
	int64_t now_us = clock_ns(CLOCK_REALTIME) / 1000;
	time_t seconds = now_us / 1000000;
	struct tm when;
	char text[64], day[32];

	gmtime_r(&seconds, &when);
	strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%S", &when);
	snprintf(text, sizeof(text), "%s.%06dZ", day, (int)(now_us % 1000000));
	add(json, key, text);
}

static void write_lease(
	const struct lease *lease, struct json_object *old, const char *holder, struct buffer *out)
{
	struct json_object *version = json_get(json_get(old, "metadata"), "resourceVersion");
	struct json_writer json;

	json_writer_init(&json, out);
	json_begin_object(&json);
	add(&json, "apiVersion", "coordination.k8s.io/v1");
	add(&json, "kind", "Lease");
	json_key(&json, "metadata");
	json_begin_object(&json);
	add(&json, "name", NAME);
	add(&json, "namespace", lease->name_space);
	if (version)
		add(&json, "resourceVersion", json_object_get_string(version));
	json_end(&json);
	json_key(&json, "spec");
	json_begin_object(&json);
	add(&json, "holderIdentity", holder);
	json_key(&json, "leaseDurationSeconds");
	json_add_i64(&json, MAX_OF(lease->duration_ms / 1000, 1));
	add_time(&json, "renewTime");
	json_end(&json);
	json_end(&json);
}

static void lease_path(const struct lease *lease, bool has_name, struct buffer *path)
{
	buffer_add_string(path, "/apis/coordination.k8s.io/v1/namespaces");
	path_of(path,
		(const char *const[]){ lease->name_space, "leases", has_name ? NAME : NULL, NULL });
}

static int put(struct lease *lease, struct json_object *old, const char *holder, struct error *err)
{
	struct buffer path, body;
	int r;

	buffer_init(&path, 1024);
	buffer_init(&body, 4096);
	lease_path(lease, old != NULL, &path);
	write_lease(lease, old, holder, &body);
	r = cluster_ask(lease->cluster,
		&(struct cluster_call){ .method = old ? "PUT" : "POST",
			.path = path.data,
			.body = buffer_text(&body),
			.timeout_ms = lease->duration_ms / 3 },
		NULL, err);
	buffer_done(&path);
	buffer_done(&body);
	return r < 0 ? r : 0;
}

static int read_lease(struct lease *lease, struct json_object **ret_lease, struct error *err)
{
	struct buffer path;
	int r;

	buffer_init(&path, 1024);
	lease_path(lease, true, &path);
	r = cluster_ask(lease->cluster,
		&(struct cluster_call){
			.method = "GET", .path = path.data, .timeout_ms = lease->duration_ms / 3 },
		ret_lease, err);
	buffer_done(&path);
	return r < 0 ? r : 0;
}

/* Clocks of two machines are not compared: what counts is how long we see it unchanged. */
static bool is_free(struct lease *lease, struct json_object *spec)
{
	struct text holder = json_get_text(spec, "holderIdentity");
	struct text renewed = json_get_text(spec, "renewTime");
	int64_t now_ms = clock_ms(CLOCK_MONOTONIC);

	if (!holder.length || text_is(holder, lease->holder))
		return true;
	if (!lease->seen || !text_is(renewed, lease->seen)) {
		free(lease->seen);
		lease->seen = text_to_string(renewed);
		lease->seen_ms = now_ms;
	}
	return now_ms - lease->seen_ms > lease->duration_ms;
}

static int ask(struct lease *lease, struct error *err)
{
	_cleanup_(json_putp) struct json_object *old = NULL;
	int r = read_lease(lease, &old, err);

	if (r < 0 && r != -ENOENT)
		return r;
	if (r == 0 && !is_free(lease, json_get(old, "spec")))
		return -EBUSY;
	return put(lease, old, lease->holder, err);
}

static void stand_by(struct lease *lease)
{
	if (lease->leads)
		log_info("another replica leads, this one stands by");
	lease->leads = false;
	engine_lead(lease->engine, 0);
}

/* What others did is learned first; while that goes on too long, the Lease may be another's. */
static void lead(struct lease *lease, int64_t asked_ms)
{
	int64_t until_ms = asked_ms + lease->duration_ms * 2 / 3;
	struct error err = { 0 };

	if (!lease->leads && engine_take_over(lease->engine, &err) < 0) {
		log_warning("this replica has the Lease, but cannot lead yet: %s", err.message);
		return;
	}
	if (clock_ms(CLOCK_MONOTONIC) >= until_ms)
		return;
	if (!lease->leads)
		log_info("this replica leads");
	lease->leads = true;
	engine_lead(lease->engine, until_ms);
}

static void renew(struct lease *lease)
{
	struct error err = { 0 };
	int64_t asked_ms = clock_ms(CLOCK_MONOTONIC);
	int r = ask(lease, &err);

	if (r == 0) {
		lease->holds = true;
		lead(lease, asked_ms);
	} else if (r == -EBUSY || r == -EEXIST || !engine_leads(lease->engine)) {
		lease->holds = false;
		stand_by(lease);
	}
	if (r < 0 && r != -EBUSY)
		log_warning("the Lease: %s", err.message);
}

static void *keep(void *context)
{
	struct lease *lease = context;

	pthread_mutex_lock(&lease->lock);
	while (!lease->is_ending) {
		struct timespec until = clock_after(CLOCK_REALTIME, lease->duration_ms / 5);

		pthread_mutex_unlock(&lease->lock);
		renew(lease);
		pthread_mutex_lock(&lease->lock);
		if (!lease->is_ending)
			(void)pthread_cond_timedwait(&lease->changed, &lease->lock, &until);
	}
	pthread_mutex_unlock(&lease->lock);
	return NULL;
}

int lease_new(const struct engine_parts *parts, struct engine *engine, struct lease **ret_lease,
	struct error *err)
{
	struct lease *lease;
	char host[256] = "";
	char uuid[UUID_LENGTH + 1];
	int r;

	if (!parts->api)
		return error_set(err, -EINVAL,
			"deduplication.leader_election needs a cluster to hold the Lease");
	lease = NEW(struct lease);
	(void)gethostname(host, sizeof(host) - 1);
	uuid_make(uuid);
	lease->engine = engine;
	lease->cluster = cluster_new(parts->api);
	lease->name_space =
		string_copy(parts->api->name_space ? parts->api->name_space : "default");
	lease->holder = string_printf("%s_%s", host, uuid);
	lease->duration_ms = MAX_OF(parts->settings->lease_ms, 1000);
	pthread_mutex_init(&lease->lock, NULL);
	pthread_cond_init(&lease->changed, NULL);
	r = -pthread_create(&lease->thread, NULL, keep, lease);
	lease->is_started = r == 0;
	if (r < 0) {
		lease_free(lease);
		return error_set(err, r, "no thread for the Lease: %s", strerror(-r));
	}
	*ret_lease = lease;
	return 0;
}

static void give_back(struct lease *lease)
{
	_cleanup_(json_putp) struct json_object *old = NULL;
	struct error err = { 0 };

	if (lease->holds && read_lease(lease, &old, &err) == 0)
		(void)put(lease, old, "", &err);
}

void lease_stop(struct lease *lease)
{
	if (!lease)
		return;
	pthread_mutex_lock(&lease->lock);
	lease->is_ending = true;
	pthread_cond_signal(&lease->changed);
	pthread_mutex_unlock(&lease->lock);
	if (lease->is_started)
		pthread_join(lease->thread, NULL);
	lease->is_started = false;
}

void lease_free(struct lease *lease)
{
	if (!lease)
		return;
	lease_stop(lease);
	give_back(lease);
	cluster_free(lease->cluster);
	free(lease->name_space);
	free(lease->holder);
	free(lease->seen);
	pthread_mutex_destroy(&lease->lock);
	pthread_cond_destroy(&lease->changed);
	free(lease);
}
