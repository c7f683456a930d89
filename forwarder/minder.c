/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The minder: a table of nodes, a count of what was refused, and a thread that looks at both once
 * a second.
 */
#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdlib.h>
#include <time.h>
#include <uthash.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "forwarder/minder.h"

#define LOOK_MS		 1000
#define FORGET_MS	 (24LL * 3600 * 1000)
#define REFUSED_EVERY_MS 60000 /* an alert about refusals at most so often */
#define HOSTNAME_MAX	 256

struct node {
	UT_hash_handle hh;
	char *hostname;
	int64_t seen_ms; /* monotonic */
	enum verified verified;
	bool is_silent; /* and that was told */
	bool is_back;	/* and that is to be told */
};

struct minder {
	struct journal *journal;
	pthread_t thread;
	bool is_started;
	pthread_mutex_t lock; /* of all that follows */
	pthread_cond_t changed;
	bool is_ending;
	struct node *nodes;
	int64_t silent_after_ms;
	size_t refused;
	int64_t refused_first_ms, refused_last_ms; /* time of day */
	int64_t refused_told_ms;
	metric *watched, *silent, *unwatched;
};

struct minder *minder_new(struct journal *journal, struct metrics *metrics)
{
	struct minder *minder = NEW(struct minder);
	pthread_condattr_t attributes;

	minder->journal = journal;
	pthread_mutex_init(&minder->lock, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&minder->changed, &attributes);
	pthread_condattr_destroy(&attributes);
	minder->watched = metrics_gauge(
		metrics, "tercel_forwarder_nodes", "Nodes whose beats are watched", NULL);
	minder->silent = metrics_gauge(metrics, "tercel_forwarder_nodes_silent",
		"Nodes that fell silent and did not come back", NULL);
	minder->unwatched = metrics_counter(metrics, "tercel_forwarder_nodes_unwatched_total",
		"Beats of nodes beyond those that are watched", NULL);
	return minder;
}

static void node_free(struct minder *minder, struct node *node)
{
	HASH_DEL(minder->nodes, node);
	free(node->hostname);
	free(node);
}

void minder_free(struct minder *minder)
{
	struct node *node, *next;

	if (!minder)
		return;
	minder_stop(minder);
	HASH_ITER (hh, minder->nodes, node, next)
		node_free(minder, node);
	pthread_cond_destroy(&minder->changed);
	pthread_mutex_destroy(&minder->lock);
	free(minder);
}

void minder_set_silence(struct minder *minder, int64_t silent_after_ms)
{
	pthread_mutex_lock(&minder->lock);
	minder->silent_after_ms = silent_after_ms;
	pthread_mutex_unlock(&minder->lock);
}

static struct node *node_add(struct minder *minder, struct text hostname)
{
	struct node *node;

	if (HASH_COUNT(minder->nodes) >= MINDER_NODES_MAX) {
		(*minder->unwatched)++;
		return NULL;
	}
	node = NEW(struct node);
	node->hostname = text_to_string(hostname);
	HASH_ADD_KEYPTR(hh, minder->nodes, node->hostname, hostname.length, node);
	return node;
}

static int note_beat(struct minder *minder, struct text hostname, enum verified verified)
{
	struct node *node;

	HASH_FIND(hh, minder->nodes, hostname.data, hostname.length, node);
	if (!node)
		node = node_add(minder, hostname);
	if (!node)
		return 0;
	if (verified == VERIFIED_NONE && node->verified != VERIFIED_NONE)
		return -EACCES;
	node->verified = verified;
	node->seen_ms = clock_ms(CLOCK_MONOTONIC);
	node->is_back |= node->is_silent;
	node->is_silent = false;
	return 0;
}

int minder_beat(struct minder *minder, struct text hostname, enum verified verified)
{
	int r;

	if (!hostname.length || hostname.length > HOSTNAME_MAX)
		return -EINVAL;
	pthread_mutex_lock(&minder->lock);
	r = note_beat(minder, hostname, verified);
	pthread_mutex_unlock(&minder->lock);
	return r;
}

void minder_refused(struct minder *minder, size_t count)
{
	pthread_mutex_lock(&minder->lock);
	minder->refused_last_ms = journal_now_ms(minder->journal);
	if (!minder->refused)
		minder->refused_first_ms = minder->refused_last_ms;
	minder->refused += count;
	pthread_mutex_unlock(&minder->lock);
}

/* Of an alert of ours that was not taken nothing more is heard; what it told stays true. */
static void forget(struct journal_append *append, int error)
{
	if (error)
		log_error("an alert of the forwarder's own could not be kept: %s",
			append->alerts[0].body);
	journal_append_free(append);
}

struct notice {
	const char *rule;
	enum priority priority;
	const char *hostname; /* NULL: nobody's */
	struct json_object *fields;
};

/* Takes notice->fields over. Whether the journal takes it. */
static bool tell(struct minder *minder, const struct notice *notice, char *words)
{
	struct journal_append *append = journal_append_new(1);
	struct alert *alert = alert_new();
	struct buffer json;

	uuid_make(alert->uuid);
	alert->rule = string_copy(notice->rule);
	alert->output = words;
	alert->priority = notice->priority;
	alert->source = string_copy("internal");
	alert->hostname = string_copy(notice->hostname);
	alert->time_ns = journal_now_ms(minder->journal) * 1000000;
	alert->fields = notice->fields;
	buffer_init(&json, ALERT_MAX);
	alert_write(alert, &json);
	log_warning("%s", words);
	alert_free(alert);
	append->alerts[0].length = json.length;
	append->alerts[0].body = buffer_take(&json);
	append->done = forget;
	if (journal_append(minder->journal, append) == 0)
		return true;
	journal_append_free(append);
	return false;
}

static struct json_object *fields_of(const char *name, int64_t number)
{
	struct json_object *fields = json_object_new_object();

	json_object_object_add(fields, name, json_object_new_int64(number));
	return fields;
}

/* Only once it can be told: while nothing can be written it grows. */
static void tell_refused(struct minder *minder, int64_t now_ms)
{
	struct notice notice = { "Alerts refused", PRIORITY_CRITICAL, NULL, NULL };
	struct buffer words;

	if (!minder->refused || journal_error(minder->journal) ||
		(minder->refused_told_ms && now_ms - minder->refused_told_ms < REFUSED_EVERY_MS))
		return;
	buffer_init(&words, 1024);
	buffer_printf(&words, "The forwarder refused %zu alert%s from ", minder->refused,
		minder->refused == 1 ? "" : "s");
	time_write(&words, minder->refused_first_ms * 1000000);
	buffer_add_string(&words, " to ");
	time_write(&words, minder->refused_last_ms * 1000000);
	buffer_add_string(&words, " because they could not be written; senders that do not send "
				  "again have lost them");
	notice.fields = fields_of("refused.count", (int64_t)minder->refused);
	if (!tell(minder, &notice, buffer_take(&words)))
		return;
	minder->refused = 0;
	minder->refused_told_ms = now_ms;
}

static void tell_node(struct minder *minder, struct node *node, int64_t silence_ms)
{
	struct notice silent = { "Node silent", PRIORITY_CRITICAL, node->hostname, NULL };
	struct notice back = { "Node back", PRIORITY_NOTICE, node->hostname, NULL };

	if (node->is_back) {
		back.fields = fields_of("node.silent_ms", 0);
		node->is_back = !tell(minder, &back,
			string_printf("The sensor of %s sends again", node->hostname));
	} else {
		silent.fields = fields_of("node.silent_ms", silence_ms);
		node->is_silent = tell(minder, &silent,
			string_printf("The sensor of %s has been silent for %lld s", node->hostname,
				(long long)(silence_ms / 1000)));
	}
}

static void look_at_nodes(struct minder *minder, int64_t now_ms)
{
	struct node *node, *next;
	int64_t silent = 0;

	HASH_ITER (hh, minder->nodes, node, next) {
		int64_t silence_ms = now_ms - node->seen_ms;
		bool is_news = minder->silent_after_ms && !node->is_silent &&
			       silence_ms >= minder->silent_after_ms;

		if (silence_ms >= FORGET_MS) {
			node_free(minder, node);
			continue;
		}
		if (is_news || node->is_back)
			tell_node(minder, node, silence_ms);
		silent += node->is_silent;
	}
	*minder->silent = silent;
	*minder->watched = (int64_t)HASH_COUNT(minder->nodes);
}

static void *mind(void *context)
{
	struct minder *minder = context;

	pthread_mutex_lock(&minder->lock);
	while (!minder->is_ending) {
		int64_t now_ms = clock_ms(CLOCK_MONOTONIC), until_ms = now_ms + LOOK_MS;
		struct timespec until = { until_ms / 1000, until_ms % 1000 * 1000000 };

		tell_refused(minder, now_ms);
		look_at_nodes(minder, now_ms);
		(void)pthread_cond_timedwait(&minder->changed, &minder->lock, &until);
	}
	pthread_mutex_unlock(&minder->lock);
	return NULL;
}

int minder_start(struct minder *minder, struct error *err)
{
	int r = pthread_create(&minder->thread, NULL, mind, minder);

	if (r)
		return error_set(err, -r, "no thread for the minder: %s", strerror(r));
	minder->is_started = true;
	return 0;
}

void minder_stop(struct minder *minder)
{
	if (!minder->is_started)
		return;
	pthread_mutex_lock(&minder->lock);
	minder->is_ending = true;
	pthread_cond_signal(&minder->changed);
	pthread_mutex_unlock(&minder->lock);
	pthread_join(minder->thread, NULL);
	minder->is_started = false;
}

void minder_write(struct minder *minder, struct buffer *out)
{
	int64_t now_ms = clock_ms(CLOCK_MONOTONIC);
	struct json_writer json;

	json_writer_init(&json, out);
	json_begin_array(&json);
	pthread_mutex_lock(&minder->lock);
	for (const struct node *node = minder->nodes; node; node = node->hh.next) {
		json_begin_object(&json);
		json_key(&json, "hostname");
		json_add_string(&json, node->hostname);
		json_key(&json, "verified");
		json_add_string(&json, verified_name(node->verified));
		json_key(&json, "silent_ms");
		json_add_i64(&json, now_ms - node->seen_ms);
		json_key(&json, "is_silent");
		json_add_bool(&json, node->is_silent);
		json_end(&json);
	}
	pthread_mutex_unlock(&minder->lock);
	json_end(&json);
}
