/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The live stream. Alerts lie in a ring, counted by who looks at them, so that a filter is asked
 * without the lock and the store's thread never waits for a page.
 */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>
#include <utlist.h>

#include "base/memory.h"
#include "dashboard/event-json.h"
#include "dashboard/live.h"
#include "dashboard/logins.h"

#define RING	       2048
#define STREAMS_MAX    256
#define TAKE_MAX       64 /* alerts looked at in one go */
#define SIGN_SECONDS   15
#define EVENT_MAX      (ALERT_MAX * 8)
#define FRAME_MAX      128 /* what is around an event's data */
#define RING_BYTES_MAX (64 * 1024 * 1024)
#define GAP	       "event: gap\ndata: {}\n\n"

struct shared_alert {
	_Atomic unsigned refs;
	int64_t id;
	size_t length;
	char json[];
};

struct stream {
	struct http_stream http; /* first: what the server hands back */
	struct live *live;
	struct filter *filter;
	char session[SESSION_TOKEN_MAX];
	int64_t after;
	bool needs_sign, needs_gap, is_new;
	unsigned refs; /* the server's, and live_stream()'s while it runs */
	bool is_open;  /* the server has it: it may be woken */
	bool is_closed;
	struct buffer scratch;
	struct stream *prev, *next;
};

struct live {
	live_is_allowed *is_allowed;
	void *context;
	pthread_mutex_t lock;
	pthread_cond_t stops;
	bool is_stopping;
	pthread_t ticker;
	struct shared_alert *ring[RING]; /* by id modulo RING; ids have no holes */
	size_t bytes;
	int64_t first_id, last_id; /* what the ring holds; first > last: nothing */
	struct stream *streams;
	size_t stream_count;
};

static void alert_unref(struct shared_alert *alert)
{
	if (alert && --alert->refs == 0)
		free(alert);
}

static struct shared_alert *alert_share(int64_t id, const char *json, size_t length)
{
	struct shared_alert *alert = memory_new(1, sizeof(*alert) + length + 1);

	alert->refs = 1;
	alert->id = id;
	alert->length = length;
	memcpy(alert->json, json, length);
	return alert;
}

/* With the lock. */
static void ring_drop_oldest(struct live *live)
{
	struct shared_alert **slot = &live->ring[live->first_id++ % RING];

	live->bytes -= (*slot)->length;
	alert_unref(TAKE(*slot));
}

/* With the lock. */
static void ring_add(struct live *live, int64_t id, const char *json, size_t length)
{
	/* Ids that do not follow: what was before is of another time. */
	while (live->first_id <= live->last_id &&
		(id != live->last_id + 1 || id - live->first_id >= RING ||
			live->bytes + length > RING_BYTES_MAX))
		ring_drop_oldest(live);
	if (live->first_id > live->last_id)
		live->first_id = id;
	live->last_id = id;
	live->ring[id % RING] = alert_share(id, json, length);
	live->bytes += length;
}

/* Up to TAKE_MAX alerts after the stream's place, each with a reference. */
static size_t take_alerts(struct stream *stream, struct shared_alert *ret[TAKE_MAX])
{
	struct live *live = stream->live;
	size_t count = 0;

	pthread_mutex_lock(&live->lock);
	if (stream->after < 0)
		stream->after = live->last_id;
	if (live->first_id <= live->last_id && stream->after < live->first_id - 1) {
		stream->needs_gap = true;
		stream->after = live->first_id - 1;
	}
	/* A page that saw a later alert than any we have: the store was begun anew. */
	if (stream->after > live->last_id) {
		stream->needs_gap = true;
		stream->after = live->last_id;
	}
	while (count < TAKE_MAX && stream->after < live->last_id) {
		struct shared_alert *alert = live->ring[++stream->after % RING];

		alert->refs++;
		ret[count++] = alert;
	}
	pthread_mutex_unlock(&live->lock);
	return count;
}

/* False when it does not fit into what goes out at once. */
static bool write_alert(struct stream *stream, const struct shared_alert *alert, struct buffer *out)
{
	struct text json = { alert->json, alert->length };
	struct buffer event;
	bool fits;

	if (!filter_fits(stream->filter, json, &stream->scratch))
		return true;
	buffer_init(&event, EVENT_MAX);
	event_write(json, &event);
	fits = !event.is_cut && out->length + event.length + FRAME_MAX < out->limit;
	if (fits) {
		buffer_printf(out, "event: alert\nid: %lld\ndata: ", (long long)alert->id);
		buffer_add_text(out, buffer_text(&event));
		buffer_add_string(out, "\n\n");
	}
	buffer_done(&event);
	return fits;
}

/* What does not fit comes first next time; what never fits is a gap, which makes the page ask. */
static void write_alerts(
	struct stream *stream, struct shared_alert **alerts, size_t count, struct buffer *out)
{
	size_t at = 0;

	while (at < count && write_alert(stream, alerts[at], out))
		at++;
	if (at < count && out->length)
		stream->after = alerts[at]->id - 1;
	else if (at < count) {
		stream->after = alerts[at]->id;
		buffer_add_string(out, GAP);
	}
	for (at = 0; at < count; at++)
		alert_unref(alerts[at]);
}

static bool is_allowed(struct stream *stream)
{
	struct live *live = stream->live;

	return !*stream->session || live->is_allowed(live->context, stream->session);
}

static int stream_pull(struct http_stream *http, struct buffer *out)
{
	struct stream *stream = (struct stream *)http;
	struct shared_alert *alerts[TAKE_MAX];
	bool needs_sign;
	size_t count;

	if (stream->is_new)
		buffer_add_string(out, "retry: 2000\n: welcome\n\n");
	stream->is_new = false;
	pthread_mutex_lock(&stream->live->lock);
	needs_sign = stream->needs_sign;
	stream->needs_sign = false;
	pthread_mutex_unlock(&stream->live->lock);
	if (needs_sign && !is_allowed(stream))
		return -ECANCELED;
	if (needs_sign)
		buffer_add_string(out, ": still here\n\n");

	/* As long as nothing fits, the next ones are looked at. */
	do {
		count = take_alerts(stream, alerts);
		if (stream->needs_gap)
			buffer_add_string(out, GAP);
		stream->needs_gap = false;
		write_alerts(stream, alerts, count, out);
	} while (count && !out->length);
	return out->length ? 0 : -EAGAIN;
}

static void stream_free(struct stream *stream)
{
	filter_free(stream->filter);
	buffer_done(&stream->scratch);
	free(stream);
}

static void stream_closed(struct http_stream *http)
{
	struct stream *stream = (struct stream *)http;
	struct live *live = stream->live;
	bool is_last;

	pthread_mutex_lock(&live->lock);
	DL_DELETE(live->streams, stream);
	live->stream_count--;
	stream->is_closed = true;
	is_last = !--stream->refs;
	pthread_mutex_unlock(&live->lock);
	if (is_last)
		stream_free(stream);
}

/* The server has taken it, and maybe closed it already. */
static void stream_opened(struct stream *stream)
{
	struct live *live = stream->live;
	bool is_last;

	pthread_mutex_lock(&live->lock);
	stream->is_open = !stream->is_closed;
	/* What was published before it could be woken. */
	if (stream->is_open)
		http_stream_wake(&stream->http);
	is_last = !--stream->refs;
	pthread_mutex_unlock(&live->lock);
	if (is_last)
		stream_free(stream);
}

int live_stream(struct live *live, struct http_request *request, struct filter *filter,
	int64_t after, const char *session)
{
	struct stream *stream = NEW(struct stream);

	*stream = (struct stream){ .http = { stream_pull, stream_closed, NULL },
		.live = live,
		.filter = filter,
		.after = after,
		.is_new = true,
		.refs = 2 };
	snprintf(stream->session, sizeof(stream->session), "%s", session);
	buffer_init(&stream->scratch, ALERT_MAX * 5);

	pthread_mutex_lock(&live->lock);
	if (live->stream_count == STREAMS_MAX) {
		pthread_mutex_unlock(&live->lock);
		stream_free(stream);
		return -EAGAIN;
	}
	/* From now on means from here on, not from when the server first asks. */
	if (after < 0)
		stream->after = live->last_id;
	live->stream_count++;
	DL_APPEND(live->streams, stream);
	pthread_mutex_unlock(&live->lock);

	http_reply_header(request, "Cache-Control", "no-store");
	http_reply_header(request, "X-Accel-Buffering", "no");
	http_reply_stream(request, "text/event-stream", &stream->http);
	stream_opened(stream);
	return 0;
}

/* With the lock. */
static void wake_all(struct live *live)
{
	struct stream *stream;

	DL_FOREACH (live->streams, stream)
		if (stream->is_open)
			http_stream_wake(&stream->http);
}

void live_publish(struct live *live, const struct store_event *events, size_t count)
{
	pthread_mutex_lock(&live->lock);
	for (size_t i = 0; i < count; i++)
		if (events[i].id)
			ring_add(live, events[i].id, events[i].json, events[i].json_length);
	wake_all(live);
	pthread_mutex_unlock(&live->lock);
}

void live_prime(struct live *live, const struct store_page *page)
{
	pthread_mutex_lock(&live->lock);
	for (size_t i = 0; i < page->count; i++)
		ring_add(live, page->rows[i].id, page->rows[i].json, page->rows[i].json_length);
	pthread_mutex_unlock(&live->lock);
}

/* Signs of life, so that proxies and pages know that the line still stands. */
static void *tick(void *context)
{
	struct live *live = context;
	struct timespec until;
	struct stream *stream;

	clock_gettime(CLOCK_MONOTONIC, &until);
	pthread_mutex_lock(&live->lock);
	while (!live->is_stopping) {
		until.tv_sec += SIGN_SECONDS;
		while (!live->is_stopping &&
			pthread_cond_timedwait(&live->stops, &live->lock, &until) != ETIMEDOUT)
			;
		DL_FOREACH (live->streams, stream)
			stream->needs_sign = true;
		wake_all(live);
	}
	pthread_mutex_unlock(&live->lock);
	return NULL;
}

struct live *live_new(live_is_allowed *allowed, void *context)
{
	struct live *live = NEW(struct live);
	pthread_condattr_t monotonic;

	live->is_allowed = allowed;
	live->context = context;
	live->first_id = 1;
	pthread_mutex_init(&live->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&live->stops, &monotonic);
	pthread_condattr_destroy(&monotonic);
	if (pthread_create(&live->ticker, NULL, tick, live))
		abort();
	return live;
}

void live_free(struct live *live)
{
	if (!live)
		return;
	pthread_mutex_lock(&live->lock);
	live->is_stopping = true;
	pthread_cond_broadcast(&live->stops);
	pthread_mutex_unlock(&live->lock);
	pthread_join(live->ticker, NULL);
	for (size_t i = 0; i < RING; i++)
		alert_unref(live->ring[i]);
	pthread_mutex_destroy(&live->lock);
	pthread_cond_destroy(&live->stops);
	free(live);
}
