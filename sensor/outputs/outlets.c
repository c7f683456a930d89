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

#define BATCH_MAX   64
#define OUTPUTS_MAX 8
#define LEAVING_MAX 16
/* How long after its grace an outlet is still waited for. */
#define OVERTIME_MS 250

struct outlet {
	const struct sensor_output *output;
	void *state;	  /* the thread's */
	void *next_state; /* takes its place: new settings. Under the lock */
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct backlog backlog;
	uint64_t lost;
	int64_t beat_ms;     /* of its thread: when it is to beat again */
	int64_t deadline_ms; /* when stopping: the end of its grace */
	bool is_stopping, is_finished, wants_reopen;
	bool has_told_drops; /* since the backlog was last empty */
};

/* Alerts come from the hot thread, and now and then from those that report on the sensor itself. */
struct outlets {
	pthread_mutex_t lock;
	struct outlet *items[OUTPUTS_MAX];   /* by output; NULL: not enabled */
	struct outlet *leaving[LEAVING_MAX]; /* switched off by a reload, not yet empty */
	uint64_t lost_before;		     /* by outlets that are gone */
};

static const struct sensor_output *const outputs[] = {
	&output_stdout,
	&output_file,
	&output_syslog,
	&output_program,
	&output_http,
};
_Static_assert(COUNT_OF(outputs) <= OUTPUTS_MAX, "struct outlets has a place for each");

/* What a set of settings opened. */
struct outlets_change {
	void *states[OUTPUTS_MAX]; /* NULL: not enabled */
	size_t queue_capacity, queue_bytes;
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

struct text sensor_alert_line(const struct sensor_alert *alert, bool is_json)
{
	return is_json && alert->json.length ? alert->json : alert->text;
}

bool outlet_may_wait(struct outlet *outlet)
{
	bool may_wait;

	pthread_mutex_lock(&outlet->lock);
	may_wait = !outlet->next_state &&
		   (!outlet->is_stopping || clock_ms(CLOCK_MONOTONIC) < outlet->deadline_ms);
	pthread_mutex_unlock(&outlet->lock);
	return may_wait;
}

void outlet_wait(struct outlet *outlet, int64_t ms)
{
	int64_t until_ms = clock_ms(CLOCK_MONOTONIC) + ms;
	bool was_stopping;

	pthread_mutex_lock(&outlet->lock);
	was_stopping = outlet->is_stopping;
	while (clock_ms(CLOCK_MONOTONIC) < until_ms && outlet->is_stopping == was_stopping &&
		!outlet->next_state) {
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

/* The next alerts, waiting for them; 0 once the outlet stops and nothing is left, or to beat. */
static size_t next_alerts(struct outlet *outlet, struct sensor_alert **ret_alerts)
{
	bool wants_reopen;
	size_t count;

	pthread_mutex_lock(&outlet->lock);
	while (!outlet->backlog.count && !outlet->is_stopping && !outlet->wants_reopen &&
		!outlet->next_state && clock_ms(CLOCK_MONOTONIC) < outlet->beat_ms) {
		struct timespec until = clock_timespec(outlet->beat_ms);

		(void)pthread_cond_timedwait(&outlet->changed, &outlet->lock, &until);
	}
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

/* What new settings opened takes the place of what is there. False: there is nothing new. */
static bool take_next_state(struct outlet *outlet)
{
	void *old = outlet->state;
	bool has_next;

	pthread_mutex_lock(&outlet->lock);
	has_next = outlet->next_state != NULL;
	if (has_next)
		outlet->state = TAKE(outlet->next_state);
	pthread_mutex_unlock(&outlet->lock);
	if (has_next)
		outlet->output->close(old);
	return has_next;
}

/* What did not get out by the old settings is tried by the new ones. */
static size_t write_all(struct outlet *outlet, struct sensor_alert *const *alerts, size_t count)
{
	size_t done = 0;

	do
		done += outlet->output->write(outlet->state, outlet, alerts + done, count - done);
	while (take_next_state(outlet) && done < count);
	return done;
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

/* Between two writes, so that what waits in one is not taken for life. */
static void beat(struct outlet *outlet)
{
	if (clock_ms(CLOCK_MONOTONIC) < outlet->beat_ms)
		return;
	outlet->beat_ms = clock_ms(CLOCK_MONOTONIC) + OUTLET_BEAT_MS;
	if (outlet->output->beat)
		outlet->output->beat(outlet->state, outlet);
}

static void *run(void *argument)
{
	struct outlet *outlet = argument;
	struct sensor_alert *alerts[BATCH_MAX];

	while (!is_over(outlet)) {
		size_t count = next_alerts(outlet, alerts);

		(void)take_next_state(outlet);
		beat(outlet);
		if (count)
			settle(outlet, alerts, count, write_all(outlet, alerts, count));
	}
	pthread_mutex_lock(&outlet->lock);
	outlet->is_finished = true;
	pthread_cond_broadcast(&outlet->changed);
	pthread_mutex_unlock(&outlet->lock);
	return NULL;
}

static struct outlet *outlet_new(
	const struct sensor_output *output, void *state, const struct outlets_change *change)
{
	struct outlet *outlet = NEW(struct outlet);
	pthread_condattr_t attributes;

	outlet->output = output;
	outlet->state = state;
	outlet->beat_ms = clock_ms(CLOCK_MONOTONIC) + OUTLET_BEAT_MS;
	backlog_init(&outlet->backlog, change->queue_capacity, change->queue_bytes);
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
	if (outlet->next_state)
		outlet->output->close(outlet->next_state);
	(void)backlog_clear(&outlet->backlog);
	pthread_cond_destroy(&outlet->changed);
	pthread_mutex_destroy(&outlet->lock);
	free(outlet);
}

void outlets_change_free(struct outlets_change *change)
{
	if (!change)
		return;
	for (size_t i = 0; i < COUNT_OF(outputs); i++)
		if (change->states[i])
			outputs[i]->close(change->states[i]);
	free(change);
}

int outlets_prepare(
	const struct sensor_options *options, struct outlets_change **ret_change, struct error *err)
{
	struct outlets_change *change = NEW(struct outlets_change);

	change->queue_capacity = (size_t)options->queue_capacity;
	change->queue_bytes = options->queue_bytes;
	for (size_t i = 0; i < COUNT_OF(outputs); i++) {
		int r = outputs[i]->open(options, &change->states[i], err);

		if (r < 0) {
			outlets_change_free(change);
			return r;
		}
	}
	*ret_change = change;
	return 0;
}

static void stop(struct outlet *outlet, int64_t grace_ms)
{
	pthread_mutex_lock(&outlet->lock);
	outlet->deadline_ms = clock_ms(CLOCK_MONOTONIC) + grace_ms;
	outlet->is_stopping = true;
	pthread_cond_broadcast(&outlet->changed);
	pthread_mutex_unlock(&outlet->lock);
}

/* The outlet of an output that is new. Without a thread nothing would come out: that is an error.
 */
static int start(struct outlets *outlets, size_t i, struct outlets_change *change)
{
	struct outlet *outlet = outlet_new(outputs[i], TAKE(change->states[i]), change);
	int r = pthread_create(&outlet->thread, NULL, run, outlet);

	if (r) {
		outlet_free(outlet);
		return -r;
	}
	outlets->items[i] = outlet;
	return 0;
}

static void renew(struct outlet *outlet, void *state, const struct outlets_change *change)
{
	void *unused;

	pthread_mutex_lock(&outlet->lock);
	unused = outlet->next_state;
	outlet->next_state = state;
	backlog_set_limits(&outlet->backlog, change->queue_capacity, change->queue_bytes);
	pthread_cond_broadcast(&outlet->changed);
	pthread_mutex_unlock(&outlet->lock);
	if (unused)
		outlet->output->close(unused);
}

/* An output that is not wanted any more sends what it has. */
static void retire(struct outlets *outlets, size_t i, int64_t grace_ms)
{
	for (size_t at = 0; at < LEAVING_MAX; at++) {
		if (outlets->leaving[at])
			continue;
		outlets->leaving[at] = TAKE(outlets->items[i]);
		stop(outlets->leaving[at], grace_ms);
		return;
	}
}

static bool apply(struct outlets *outlets, struct outlets_change *change, size_t i,
	int64_t grace_ms, struct error *err)
{
	int r = 0;

	if (change->states[i] && outlets->items[i])
		renew(outlets->items[i], TAKE(change->states[i]), change);
	else if (change->states[i])
		r = start(outlets, i, change);
	else if (outlets->items[i])
		retire(outlets, i, grace_ms);
	if (r < 0)
		error_set(err, r, "%s output: no thread: %s", outputs[i]->name, strerror(-r));
	return r >= 0;
}

int outlets_apply(
	struct outlets *outlets, struct outlets_change *change, int64_t grace_ms, struct error *err)
{
	bool is_enabled = false, is_done = true;

	pthread_mutex_lock(&outlets->lock);
	for (size_t i = 0; i < COUNT_OF(outputs); i++) {
		is_done &= apply(outlets, change, i, grace_ms, err);
		is_enabled |= outlets->items[i] != NULL;
	}
	pthread_mutex_unlock(&outlets->lock);
	outlets_change_free(change);
	if (is_done && !is_enabled)
		log_warning("no output is enabled, so nobody is told of alerts; set "
			    "stdout_output.enabled, file_output.enabled or http_output.enabled");
	return is_done ? 0 : -EAGAIN;
}

int outlets_begin(struct outlets_change *change, struct outlets **ret_outlets, struct error *err)
{
	struct outlets *outlets = NEW(struct outlets);
	int r;

	pthread_mutex_init(&outlets->lock, NULL);
	r = outlets_apply(outlets, change, 0, err);
	if (r < 0) {
		outlets_stop(outlets, 0);
		return r;
	}
	*ret_outlets = outlets;
	return 0;
}

int outlets_new(
	const struct sensor_options *options, struct outlets **ret_outlets, struct error *err)
{
	struct outlets_change *change = NULL;
	int r = outlets_prepare(options, &change, err);

	return r < 0 ? r : outlets_begin(change, ret_outlets, err);
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
		log_error(
			"%s output: Outputs queue out of memory. Drop event and continue on: too many "
			"alerts wait; the oldest of the lowest priority are dropped and counted",
			outlet->output->name);
}

void outlets_push(struct outlets *outlets, struct sensor_alert *alert)
{
	pthread_mutex_lock(&outlets->lock);
	for (size_t i = 0; i < COUNT_OF(outputs); i++)
		if (outlets->items[i])
			push(outlets->items[i], alert);
	pthread_mutex_unlock(&outlets->lock);
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

	for (size_t i = 0; i < COUNT_OF(outputs); i++)
		if (outlets->items[i] && !wait_for_room(outlets->items[i], most, until_ms))
			return false;
	return true;
}

static void reopen(struct outlet *outlet)
{
	pthread_mutex_lock(&outlet->lock);
	outlet->wants_reopen = true;
	pthread_cond_broadcast(&outlet->changed);
	pthread_mutex_unlock(&outlet->lock);
}

void outlets_reopen(struct outlets *outlets)
{
	pthread_mutex_lock(&outlets->lock);
	for (size_t i = 0; i < COUNT_OF(outputs); i++)
		if (outlets->items[i])
			reopen(outlets->items[i]);
	pthread_mutex_unlock(&outlets->lock);
}

static uint64_t lost_by(struct outlet *outlet)
{
	uint64_t lost;

	pthread_mutex_lock(&outlet->lock);
	lost = outlet->lost + outlet->backlog.dropped;
	pthread_mutex_unlock(&outlet->lock);
	return lost;
}

/* Under the lock. */
static uint64_t lost_by_all(const struct outlets *outlets)
{
	uint64_t lost = outlets->lost_before;

	for (size_t i = 0; i < COUNT_OF(outputs); i++)
		lost += outlets->items[i] ? lost_by(outlets->items[i]) : 0;
	for (size_t i = 0; i < LEAVING_MAX; i++)
		lost += outlets->leaving[i] ? lost_by(outlets->leaving[i]) : 0;
	return lost;
}

uint64_t outlets_lost(struct outlets *outlets)
{
	uint64_t lost;

	pthread_mutex_lock(&outlets->lock);
	lost = lost_by_all(outlets);
	pthread_mutex_unlock(&outlets->lock);
	return lost;
}

/* Whether its thread ended by itself, a little after its grace at the latest. */
static bool wait_for_end(struct outlet *outlet)
{
	struct timespec until = clock_timespec(outlet->deadline_ms + OVERTIME_MS);
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

/* Waits for it, at most until its grace is over; gives what it lost. */
static uint64_t finish(struct outlet *outlet)
{
	bool is_finished = wait_for_end(outlet);
	uint64_t lost = lost_by(outlet);

	if (lost)
		log_warning("%s output: %llu alerts did not get out", outlet->output->name,
			(unsigned long long)lost);
	if (!is_finished) {
		log_warning("%s output: output channels still blocked, discarding all remaining "
			    "notifications",
			outlet->output->name);
		return lost;
	}
	pthread_join(outlet->thread, NULL);
	outlet_free(outlet);
	return lost;
}

static bool has_ended(struct outlet *outlet)
{
	bool has_ended;

	pthread_mutex_lock(&outlet->lock);
	has_ended = outlet->is_finished ||
		    clock_ms(CLOCK_MONOTONIC) > outlet->deadline_ms + OVERTIME_MS;
	pthread_mutex_unlock(&outlet->lock);
	return has_ended;
}

void outlets_tidy(struct outlets *outlets)
{
	pthread_mutex_lock(&outlets->lock);
	for (size_t i = 0; i < LEAVING_MAX; i++)
		if (outlets->leaving[i] && has_ended(outlets->leaving[i]))
			outlets->lost_before += finish(TAKE(outlets->leaving[i]));
	pthread_mutex_unlock(&outlets->lock);
}

void outlets_stop(struct outlets *outlets, int64_t grace_ms)
{
	if (!outlets)
		return;
	for (size_t i = 0; i < COUNT_OF(outputs); i++)
		if (outlets->items[i])
			stop(outlets->items[i], grace_ms);
	for (size_t i = 0; i < COUNT_OF(outputs); i++)
		if (outlets->items[i])
			(void)finish(outlets->items[i]);
	for (size_t i = 0; i < LEAVING_MAX; i++)
		if (outlets->leaving[i])
			(void)finish(outlets->leaving[i]);
	pthread_mutex_destroy(&outlets->lock);
	free(outlets);
}
