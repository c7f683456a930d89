/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The outlets: for each enabled output a backlog, a lock and a thread. The hot thread pushes and
 * goes on; an outlet takes what has come and hands it to its output.
 */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "sensor/outputs/backlog.h"
#include "sensor/sensor.h"

#define BATCH_MAX 64

struct outlet {
	const struct sensor_output *output;
	void *state;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct backlog backlog;
	uint64_t lost;
	int64_t deadline_ms; /* when stopping: the end of its grace */
	bool is_stopping, is_finished, wants_reopen;
	bool has_told_drops; /* since the backlog was last empty */
};

struct outlets {
	struct outlet **items;
	size_t count, capacity;
};

static const struct sensor_output *const outputs[] = {
	&output_stdout,
	&output_file,
	&output_http,
};

static struct text copied(struct text text)
{
	return (struct text){ memory_copy(text.data ? text.data : "", text.length), text.length };
}

struct sensor_alert *sensor_alert_new(enum priority priority, struct text text, struct text json)
{
	struct sensor_alert *alert = NEW(struct sensor_alert);

	alert->references = 1;
	alert->priority = priority;
	alert->text = copied(text);
	alert->json = copied(json);
	uuid_make(alert->uuid);
	return alert;
}

struct sensor_alert *sensor_alert_hold(struct sensor_alert *alert)
{
	atomic_fetch_add(&alert->references, 1);
	return alert;
}

void sensor_alert_release(struct sensor_alert *alert)
{
	if (atomic_fetch_sub(&alert->references, 1) != 1)
		return;
	free((char *)alert->text.data);
	free((char *)alert->json.data);
	free(alert);
}

bool outlet_may_wait(struct outlet *outlet)
{
	bool may_wait;

	pthread_mutex_lock(&outlet->lock);
	may_wait = !outlet->is_stopping || clock_ms(CLOCK_MONOTONIC) < outlet->deadline_ms;
	pthread_mutex_unlock(&outlet->lock);
	return may_wait;
}

void outlet_wait(struct outlet *outlet, int64_t ms)
{
	int64_t until_ms = clock_ms(CLOCK_MONOTONIC) + ms;
	bool was_stopping;

	pthread_mutex_lock(&outlet->lock);
	was_stopping = outlet->is_stopping;
	while (clock_ms(CLOCK_MONOTONIC) < until_ms && outlet->is_stopping == was_stopping) {
		struct timespec until = clock_timespec(
			was_stopping ? MIN_OF(until_ms, outlet->deadline_ms) : until_ms);

		if (pthread_cond_timedwait(&outlet->changed, &outlet->lock, &until) == ETIMEDOUT)
			break;
	}
	pthread_mutex_unlock(&outlet->lock);
}

void outlet_add_lost(struct outlet *outlet, size_t count)
{
	pthread_mutex_lock(&outlet->lock);
	outlet->lost += count;
	pthread_mutex_unlock(&outlet->lock);
}

size_t outlet_waiting(struct outlet *outlet)
{
	size_t count;

	pthread_mutex_lock(&outlet->lock);
	count = outlet->backlog.count;
	pthread_mutex_unlock(&outlet->lock);
	return count;
}

/* The next alerts, waiting for them; 0 once the outlet stops and nothing is left. */
static size_t next_alerts(struct outlet *outlet, struct sensor_alert **ret_alerts)
{
	bool wants_reopen;
	size_t count;

	pthread_mutex_lock(&outlet->lock);
	while (!outlet->backlog.count && !outlet->is_stopping && !outlet->wants_reopen)
		pthread_cond_wait(&outlet->changed, &outlet->lock);
	wants_reopen = outlet->wants_reopen;
	outlet->wants_reopen = false;
	count = backlog_take(&outlet->backlog, ret_alerts, BATCH_MAX);
	pthread_mutex_unlock(&outlet->lock);
	if (wants_reopen && outlet->output->reopen)
		outlet->output->reopen(outlet->state);
	return count;
}

static void settle(struct outlet *outlet, struct sensor_alert **alerts, size_t count, size_t done)
{
	pthread_mutex_lock(&outlet->lock);
	outlet->lost += count - done;
	backlog_settle(&outlet->backlog, alerts, count);
	if (!outlet->backlog.count)
		outlet->has_told_drops = false;
	pthread_cond_broadcast(&outlet->changed);
	pthread_mutex_unlock(&outlet->lock);
}

static bool is_over(struct outlet *outlet)
{
	bool is_over;

	pthread_mutex_lock(&outlet->lock);
	is_over = outlet->is_stopping &&
		  (!outlet->backlog.count || clock_ms(CLOCK_MONOTONIC) >= outlet->deadline_ms);
	pthread_mutex_unlock(&outlet->lock);
	return is_over;
}

static void *run(void *argument)
{
	struct outlet *outlet = argument;
	struct sensor_alert *alerts[BATCH_MAX];

	while (!is_over(outlet)) {
		size_t count = next_alerts(outlet, alerts);

		if (count)
			settle(outlet, alerts, count,
				outlet->output->write(outlet->state, outlet, alerts, count));
	}
	pthread_mutex_lock(&outlet->lock);
	outlet->is_finished = true;
	pthread_cond_broadcast(&outlet->changed);
	pthread_mutex_unlock(&outlet->lock);
	return NULL;
}

static struct outlet *outlet_new(
	const struct sensor_output *output, void *state, const struct sensor_options *options)
{
	struct outlet *outlet = NEW(struct outlet);
	pthread_condattr_t attributes;

	outlet->output = output;
	outlet->state = state;
	backlog_init(&outlet->backlog, (size_t)options->queue_capacity, options->queue_bytes);
	pthread_mutex_init(&outlet->lock, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&outlet->changed, &attributes);
	pthread_condattr_destroy(&attributes);
	return outlet;
}

static void outlet_free(struct outlet *outlet)
{
	outlet->output->close(outlet->state);
	(void)backlog_clear(&outlet->backlog);
	pthread_cond_destroy(&outlet->changed);
	pthread_mutex_destroy(&outlet->lock);
	free(outlet);
}

int outlets_new(
	const struct sensor_options *options, struct outlets **ret_outlets, struct error *err)
{
	struct outlets *outlets = NEW(struct outlets);

	for (size_t i = 0; i < COUNT_OF(outputs); i++) {
		struct outlet *outlet;
		void *state = NULL;
		int r = outputs[i]->open(options, &state, err);

		if (r < 0) {
			outlets_stop(outlets, 0);
			return r;
		}
		if (!r)
			continue;
		outlet = outlet_new(outputs[i], state, options);
		*ARRAY_ADD(outlets->items, outlets->count, outlets->capacity) = outlet;
		r = pthread_create(&outlet->thread, NULL, run, outlet);
		if (r) {
			outlet->is_finished = true;
			outlets_stop(outlets, 0);
			return error_set(
				err, -r, "%s output: no thread: %s", outputs[i]->name, strerror(r));
		}
	}
	if (!outlets->count)
		log_warning("no output is enabled, so nobody is told of alerts; set "
			    "stdout_output.enabled, file_output.enabled or http_output.enabled");
	*ret_outlets = outlets;
	return 0;
}

static void push(struct outlet *outlet, struct sensor_alert *alert)
{
	bool tells = false;

	pthread_mutex_lock(&outlet->lock);
	if (backlog_push(&outlet->backlog, alert)) {
		tells = !outlet->has_told_drops;
		outlet->has_told_drops = true;
	}
	pthread_cond_signal(&outlet->changed);
	pthread_mutex_unlock(&outlet->lock);
	if (tells)
		log_warning(
			"%s output: too many alerts wait; the oldest of the lowest priority are "
			"dropped and counted",
			outlet->output->name);
}

void outlets_push(struct outlets *outlets, struct sensor_alert *alert)
{
	for (size_t i = 0; i < outlets->count; i++)
		push(outlets->items[i], alert);
}

static bool wait_for_room(struct outlet *outlet, size_t most, int64_t until_ms)
{
	struct timespec until = clock_timespec(until_ms);
	bool has_room;

	pthread_mutex_lock(&outlet->lock);
	while (outlet->backlog.count > most &&
		pthread_cond_timedwait(&outlet->changed, &outlet->lock, &until) != ETIMEDOUT)
		;
	has_room = outlet->backlog.count <= most;
	pthread_mutex_unlock(&outlet->lock);
	return has_room;
}

bool outlets_wait_for_room(struct outlets *outlets, size_t most, int64_t timeout_ms)
{
	int64_t until_ms = clock_ms(CLOCK_MONOTONIC) + timeout_ms;

	for (size_t i = 0; i < outlets->count; i++)
		if (!wait_for_room(outlets->items[i], most, until_ms))
			return false;
	return true;
}

void outlets_reopen(struct outlets *outlets)
{
	for (size_t i = 0; i < outlets->count; i++) {
		struct outlet *outlet = outlets->items[i];

		pthread_mutex_lock(&outlet->lock);
		outlet->wants_reopen = true;
		pthread_cond_broadcast(&outlet->changed);
		pthread_mutex_unlock(&outlet->lock);
	}
}

static uint64_t lost_by(struct outlet *outlet)
{
	uint64_t lost;

	pthread_mutex_lock(&outlet->lock);
	lost = outlet->lost + outlet->backlog.dropped;
	pthread_mutex_unlock(&outlet->lock);
	return lost;
}

uint64_t outlets_lost(struct outlets *outlets)
{
	uint64_t lost = 0;

	for (size_t i = 0; i < outlets->count; i++)
		lost += lost_by(outlets->items[i]);
	return lost;
}

/* Whether its thread ended by itself, a little after its grace at the latest. */
static bool wait_for_end(struct outlet *outlet)
{
	struct timespec until = clock_timespec(outlet->deadline_ms + 250);
	bool is_finished;

	pthread_mutex_lock(&outlet->lock);
	while (!outlet->is_finished &&
		pthread_cond_timedwait(&outlet->changed, &outlet->lock, &until) != ETIMEDOUT)
		;
	is_finished = outlet->is_finished;
	outlet->lost += is_finished ? outlet->backlog.count : 0;
	pthread_mutex_unlock(&outlet->lock);
	return is_finished;
}

static void stop(struct outlet *outlet, int64_t grace_ms)
{
	pthread_mutex_lock(&outlet->lock);
	outlet->deadline_ms = clock_ms(CLOCK_MONOTONIC) + grace_ms;
	outlet->is_stopping = true;
	pthread_cond_broadcast(&outlet->changed);
	pthread_mutex_unlock(&outlet->lock);
}

void outlets_stop(struct outlets *outlets, int64_t grace_ms)
{
	if (!outlets)
		return;
	for (size_t i = 0; i < outlets->count; i++)
		stop(outlets->items[i], grace_ms);
	for (size_t i = 0; i < outlets->count; i++) {
		struct outlet *outlet = outlets->items[i];
		bool is_finished = wait_for_end(outlet);
		uint64_t lost = lost_by(outlet);

		if (lost)
			log_warning("%s output: %llu alerts did not get out", outlet->output->name,
				(unsigned long long)lost);
		if (!is_finished) {
			log_warning("%s output: still blocked; what it holds is discarded",
				outlet->output->name);
			continue;
		}
		if (outlet->thread)
			pthread_join(outlet->thread, NULL);
		outlet_free(outlet);
	}
	free(outlets->items);
	free(outlets);
}
