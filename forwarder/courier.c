/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Couriers: a thread each.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/memory.h"
#include "forwarder/connection.h"
#include "forwarder/courier.h"

struct courier {
	struct carrier *carrier;
	const _Atomic int64_t *stop_ms;
	pthread_t thread;
	bool is_started;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool has_news, has_ended; /* under the lock */
};

struct courier *courier_new(struct carrier *carrier, const _Atomic int64_t *stop_ms)
{
	struct courier *courier = NEW(struct courier);
	pthread_condattr_t attributes;

	courier->carrier = carrier;
	courier->stop_ms = stop_ms;
	pthread_mutex_init(&courier->lock, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&courier->changed, &attributes);
	pthread_condattr_destroy(&attributes);
	return courier;
}

void courier_free(struct courier *courier)
{
	if (!courier)
		return;
	pthread_cond_destroy(&courier->changed);
	pthread_mutex_destroy(&courier->lock);
	free(courier);
}

/* Until there is news, or `until_ms`. Whether there was news. */
static bool wait_until(struct courier *courier, int64_t until_ms)
{
	struct timespec until = { until_ms / 1000, until_ms % 1000 * 1000000 };
	bool has_news;
	int r = 0;

	pthread_mutex_lock(&courier->lock);
	while (!courier->has_news && !r)
		r = pthread_cond_timedwait(&courier->changed, &courier->lock, &until);
	has_news = courier->has_news;
	courier->has_news = false;
	pthread_mutex_unlock(&courier->lock);
	return has_news;
}

/* Nothing can be sent before `due_ms` (0: before there is news). */
static void rest(struct courier *courier, int64_t now_ms, int64_t due_ms)
{
	int64_t until_ms = now_ms + CONNECTION_REST_MS;

	if (due_ms > now_ms)
		until_ms = MIN_OF(until_ms, due_ms);
	if (!wait_until(courier, until_ms) && until_ms != due_ms)
		carrier_rest(courier->carrier);
}

static void *run(void *context)
{
	struct courier *courier = context;
	struct carrier *carrier = courier->carrier;

	for (;;) {
		int64_t now_ms = clock_ms(CLOCK_MONOTONIC), stop_ms = *courier->stop_ms, due_ms;

		if (stop_ms && (now_ms >= stop_ms || carrier_is_drained(carrier)))
			break;
		carrier_work(carrier, now_ms);
		due_ms = carrier_due_ms(carrier);
		if (carrier_is_drained(carrier) || due_ms > now_ms)
			rest(courier, now_ms,
				stop_ms ? MIN_OF(MAX_OF(due_ms, now_ms + 1), stop_ms) : due_ms);
	}
	carrier_rest(carrier);
	pthread_mutex_lock(&courier->lock);
	courier->has_ended = true;
	pthread_cond_broadcast(&courier->changed);
	pthread_mutex_unlock(&courier->lock);
	return NULL;
}

int courier_start(struct courier *courier, struct error *err)
{
	int r = pthread_create(&courier->thread, NULL, run, courier);

	if (r)
		return error_set(err, -r, "no thread for an output: %s", strerror(r));
	courier->is_started = true;
	return 0;
}

void courier_wake(struct courier *courier)
{
	pthread_mutex_lock(&courier->lock);
	courier->has_news = true;
	pthread_cond_signal(&courier->changed);
	pthread_mutex_unlock(&courier->lock);
}

/* Not pthread_clockjoin_np(), of which ThreadSanitizer knows nothing. */
bool courier_join(struct courier *courier, int64_t until_ms)
{
	struct timespec until = clock_timespec(until_ms);
	bool has_ended;
	int r = 0;

	if (!courier->is_started)
		return true;
	pthread_mutex_lock(&courier->lock);
	while (!courier->has_ended && !r)
		r = pthread_cond_timedwait(&courier->changed, &courier->lock, &until);
	has_ended = courier->has_ended;
	pthread_mutex_unlock(&courier->lock);
	if (!has_ended)
		return false;
	pthread_join(courier->thread, NULL);
	courier->is_started = false;
	return true;
}
