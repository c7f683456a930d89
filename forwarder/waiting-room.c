/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The waiting room: a list in the order of arrival, and a thread that offers it to the journal.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <utlist.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "forwarder/waiting-room.h"

#define TRY_MS 50

struct guest {
	struct guest *next;
	struct waiting_room *room;
	struct journal_append *append;
	size_t bytes;
	int64_t answer_ms; /* monotonic */
	bool is_offered;   /* the journal has it, and has not answered */
	bool is_taken;
	void (*answer)(void *context, enum waiting_end end); /* NULL once it was called */
	void *context;
};

struct waiting_room {
	struct journal *journal;
	pthread_t thread;
	bool is_started;
	pthread_mutex_t lock; /* of all that follows */
	pthread_cond_t changed;
	struct guest *guests;
	size_t bytes;
	bool is_closing;
	metric *waiting, *kept;
};

struct waiting_room *waiting_room_new(struct journal *journal, struct metrics *metrics)
{
	struct waiting_room *room = NEW(struct waiting_room);
	pthread_condattr_t attributes;

	room->journal = journal;
	pthread_mutex_init(&room->lock, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&room->changed, &attributes);
	pthread_condattr_destroy(&attributes);
	room->waiting = metrics_gauge(metrics, "tercel_forwarder_waiting",
		"Alerts in memory that the journal does not take", NULL);
	room->kept = metrics_counter(metrics, "tercel_forwarder_kept_in_memory_total",
		"Alerts that were acknowledged before the journal took them", NULL);
	return room;
}

/* With the lock held. */
static void answer(struct guest *guest, enum waiting_end end)
{
	if (!guest->answer)
		return;
	if (end == WAITING_IN_MEMORY)
		*guest->room->kept += (int64_t)guest->append->count;
	guest->answer(guest->context, end);
	guest->answer = NULL;
}

static void guest_free(struct guest *guest)
{
	guest->room->bytes -= guest->bytes;
	*guest->room->waiting -= (int64_t)guest->append->count;
	journal_append_free(guest->append);
	free(guest);
}

/* The journal's thread. */
static void take_answer(struct journal_append *append, int error)
{
	struct guest *guest = append->context;
	struct waiting_room *room = guest->room;

	pthread_mutex_lock(&room->lock);
	guest->is_offered = false;
	guest->is_taken = !error;
	pthread_cond_signal(&room->changed);
	pthread_mutex_unlock(&room->lock);
}

/* Who is in the journal leaves. Whether nobody's answer is open with the journal. */
static bool let_out(struct waiting_room *room)
{
	struct guest *guest, *next;
	bool is_quiet = true;

	LL_FOREACH_SAFE(room->guests, guest, next)
	{
		is_quiet &= !guest->is_offered;
		if (!guest->is_taken)
			continue;
		answer(guest, WAITING_IN_JOURNAL);
		LL_DELETE(room->guests, guest);
		guest_free(guest);
	}
	return is_quiet;
}

/* In order, so nobody overtakes; until the journal has had enough. */
static void offer(struct waiting_room *room)
{
	struct guest *guest;

	LL_FOREACH (room->guests, guest) {
		if (guest->is_offered || guest->is_taken)
			continue;
		guest->is_offered = true;
		if (journal_append(room->journal, guest->append) < 0) {
			guest->is_offered = false;
			return;
		}
		/* One asks whether it works again, before all do. */
		if (journal_error(room->journal))
			return;
	}
}

static void answer_the_patient(struct waiting_room *room, int64_t now_ms)
{
	struct guest *guest;

	LL_FOREACH (room->guests, guest)
		if (guest->answer && now_ms >= guest->answer_ms)
			answer(guest, guest->is_taken ? WAITING_IN_JOURNAL : WAITING_IN_MEMORY);
}

static void *attend(void *context)
{
	struct waiting_room *room = context;

	pthread_mutex_lock(&room->lock);
	while (!room->is_closing) {
		int64_t until_ms = clock_ms(CLOCK_MONOTONIC) + TRY_MS;
		struct timespec until = { until_ms / 1000, until_ms % 1000 * 1000000 };

		if (let_out(room))
			offer(room);
		answer_the_patient(room, clock_ms(CLOCK_MONOTONIC));
		if (room->guests)
			(void)pthread_cond_timedwait(&room->changed, &room->lock, &until);
		else
			(void)pthread_cond_wait(&room->changed, &room->lock);
	}
	pthread_mutex_unlock(&room->lock);
	return NULL;
}

int waiting_room_start(struct waiting_room *room, struct error *err)
{
	int r = pthread_create(&room->thread, NULL, attend, room);

	if (r)
		return error_set(err, -r, "no thread for what waits: %s", strerror(r));
	room->is_started = true;
	return 0;
}

/* What the journal takes now it has; the rest is lost, and that is told. */
static size_t close_room(struct waiting_room *room)
{
	struct guest *guest, *next;
	size_t lost = 0;

	while (!let_out(room))
		(void)pthread_cond_wait(&room->changed, &room->lock);
	offer(room);
	while (!let_out(room))
		(void)pthread_cond_wait(&room->changed, &room->lock);
	LL_FOREACH_SAFE(room->guests, guest, next)
	{
		lost += guest->append->count;
		LL_DELETE(room->guests, guest);
		if (guest->answer)
			guest->answer(guest->context, WAITING_LOST);
		guest_free(guest);
	}
	return lost;
}

size_t waiting_room_stop(struct waiting_room *room)
{
	size_t lost;

	if (!room->is_started)
		return 0;
	pthread_mutex_lock(&room->lock);
	room->is_closing = true;
	pthread_cond_signal(&room->changed);
	pthread_mutex_unlock(&room->lock);
	pthread_join(room->thread, NULL);
	room->is_started = false;
	pthread_mutex_lock(&room->lock);
	lost = close_room(room);
	pthread_mutex_unlock(&room->lock);
	if (lost)
		log_error(
			"%zu alerts were only in memory and are lost: the journal took none", lost);
	return lost;
}

void waiting_room_free(struct waiting_room *room)
{
	if (!room)
		return;
	(void)waiting_room_stop(room);
	pthread_cond_destroy(&room->changed);
	pthread_mutex_destroy(&room->lock);
	free(room);
}

int waiting_room_add(struct waiting_room *room, struct journal_append *append, int64_t delay_ms,
	void (*answer_to)(void *context, enum waiting_end end), void *context)
{
	struct guest *guest = NEW(struct guest);
	int r = 0;

	*guest = (struct guest){ .room = room,
		.append = append,
		.answer_ms = clock_ms(CLOCK_MONOTONIC) + delay_ms,
		.answer = answer_to,
		.context = context };
	for (size_t i = 0; i < append->count; i++)
		guest->bytes += append->alerts[i].length;
	pthread_mutex_lock(&room->lock);
	if (room->is_closing || room->bytes + guest->bytes > WAITING_ROOM_BYTES) {
		r = -ENOSPC;
	} else {
		append->done = take_answer;
		append->context = guest;
		room->bytes += guest->bytes;
		*room->waiting += (int64_t)append->count;
		LL_APPEND(room->guests, guest);
		pthread_cond_signal(&room->changed);
	}
	pthread_mutex_unlock(&room->lock);
	if (r < 0)
		free(guest);
	return r;
}
