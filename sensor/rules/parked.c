/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Parked events: a queue a container. An event's texts are copied behind it in one block; its
 * process is frozen together with its ancestors.
 */
#include <errno.h>
#include <stdlib.h>
#include <uthash.h>

#include "base/memory.h"
#include "sensor/rules/parked.h"
#include "sensor/sources/look.h"

/* As for events under way: what rules may ask for, ancestors' command lines above all. */
#define EVALUATION_MEMORY_MAX (64 << 20)

struct parked_event {
	struct parked_event *next;
	struct event event;
	struct parked_place place;
	int64_t since_ms;
	size_t bytes;
	char data[]; /* what the event points to */
};

/* The events of one container. */
struct queue_of_one {
	const struct container *container;
	struct parked_event *first, *last;
	size_t bytes;
	UT_hash_handle handle;
};

struct parked {
	struct parked_options options;
	struct queue_of_one *queues;
	struct arena *arena; /* of the event that is being tried */
	size_t count, bytes;
	uint64_t gave_up;
	metric *held, *overdue, *refused, *now;
};

/* ---- copying an event ---- */

/* Measures when `at` is NULL, else copies to there. */
struct copier {
	char *at;
	size_t size;
};

static void *copy_bytes(struct copier *copier, const void *data, size_t size)
{
	void *copy = copier->at ? copier->at + copier->size : NULL;

	/* Values behind it want to be aligned. */
	copier->size += (size + 15) & ~(size_t)15;
	if (copy && size)
		memcpy(copy, data, size);
	return copy;
}

static void copy_text(struct copier *copier, struct text *text)
{
	void *copy;

	if (!text->data)
		return;
	copy = copy_bytes(copier, text->data, text->length);
	if (copy)
		text->data = copy;
}

static void copy_value(struct copier *copier, struct value *value)
{
	struct value *items;

	if (value->kind == VALUE_TEXT || value->kind == VALUE_BYTES)
		copy_text(copier, &value->text);
	if (value->kind != VALUE_LIST)
		return;
	items = copy_bytes(
		copier, value->list.items, value->list.count * sizeof(*value->list.items));
	for (size_t i = 0; i < value->list.count; i++) {
		struct value item = value->list.items[i];

		copy_value(copier, items ? &items[i] : &item);
	}
	if (items)
		value->list.items = items;
}

static void copy_event(struct copier *copier, struct event *event)
{
	for (int i = 0; i < event->type->argument_count; i++) {
		if (event->arguments_present >> i & 1)
			copy_value(copier, &event->arguments[i]);
		copy_text(copier, &event->absolute[i]);
	}
	copy_text(copier, &event->fd.name);
	copy_text(copier, &event->fd.raw_name);
	copy_text(copier, &event->fd.real_name);
}

static struct parked_event *parked_event_new(const struct parked *parked, const struct event *event)
{
	struct copier copier = { 0 };
	struct parked_event *one;
	struct event measured;
	size_t frozen = 0;

	event_fill(event);
	measured = *event;
	copy_event(&copier, &measured);
	one = memory_new(1, sizeof(*one) + copier.size);
	one->event = *event;
	one->bytes = sizeof(*one) + copier.size;
	copier = (struct copier){ .at = one->data };
	copy_event(&copier, &one->event);
	one->event.arena = parked->arena;
	if (event->process)
		one->event.process = process_freeze(event->process, &frozen);
	one->bytes += frozen;
	(void)container_hold(event->container);
	(void)look_hold(event->look);
	return one;
}

static void parked_event_free(struct parked_event *one)
{
	process_release(one->event.process);
	container_release(one->event.container);
	look_release(one->event.look);
	free(one);
}

/* ---- queues ---- */

struct parked *parked_new(const struct parked_options *options)
{
	struct parked *parked = NEW(struct parked);
	struct metrics *metrics = options->metrics;

	parked->options = *options;
	parked->arena = arena_new(EVALUATION_MEMORY_MAX);
	if (!metrics)
		return parked;
	parked->held = metrics_counter(metrics, "tercel_sensor_parked_events_total",
		"Events that waited for metadata", NULL);
	parked->overdue = metrics_counter(metrics, "tercel_sensor_parked_overdue_total",
		"Events that went on without metadata because time was up", NULL);
	parked->refused = metrics_counter(metrics, "tercel_sensor_parked_refused_total",
		"Events that went on without metadata because too many waited", NULL);
	parked->now = metrics_gauge(
		metrics, "tercel_sensor_parked_bytes", "Memory of the events that wait", NULL);
	return parked;
}

static void count(metric *counter, int64_t by)
{
	if (counter)
		atomic_fetch_add(counter, by);
}

static void count_given_up(struct parked *parked, metric *why)
{
	parked->gave_up++;
	count(why, 1);
}

static void pop(struct parked *parked, struct queue_of_one *queue)
{
	struct parked_event *one = queue->first;

	queue->first = one->next;
	queue->bytes -= one->bytes;
	parked->bytes -= one->bytes;
	parked->count--;
	count(parked->now, -(int64_t)one->bytes);
	parked_event_free(one);
}

static void queue_drop(struct parked *parked, struct queue_of_one *queue)
{
	HASH_DELETE(handle, parked->queues, queue);
	container_release(queue->container);
	free(queue);
}

void parked_free(struct parked *parked)
{
	struct queue_of_one *queue, *next;

	if (!parked)
		return;
	HASH_ITER (handle, parked->queues, queue, next) {
		while (queue->first)
			pop(parked, queue);
		queue_drop(parked, queue);
	}
	arena_free(parked->arena);
	free(parked);
}

static struct queue_of_one *find(const struct parked *parked, const struct container *container)
{
	struct queue_of_one *queue;

	HASH_FIND(handle, parked->queues, &container, sizeof(void *), queue);
	return queue;
}

bool parked_has(const struct parked *parked, const struct container *container)
{
	return parked->count && find(parked, container);
}

uint64_t parked_gave_up(const struct parked *parked)
{
	return parked->gave_up;
}

size_t parked_count(const struct parked *parked)
{
	return parked->count;
}

static struct queue_of_one *queue_for(struct parked *parked, const struct container *container)
{
	struct queue_of_one *queue = find(parked, container);

	if (queue)
		return queue;
	queue = NEW(struct queue_of_one);
	queue->container = container_hold(container);
	HASH_ADD(handle, parked->queues, container, sizeof(queue->container), queue);
	return queue;
}

static int take_in(struct parked *parked, struct parked_event *one)
{
	const struct parked_options *options = &parked->options;
	struct queue_of_one *queue;

	queue = find(parked, one->event.container);
	if (parked->bytes + one->bytes > options->bytes_max ||
		(queue ? queue->bytes : 0) + one->bytes > options->container_bytes_max)
		return -ENOSPC;
	queue = queue_for(parked, one->event.container);
	if (queue->first)
		queue->last->next = one;
	else
		queue->first = one;
	queue->last = one;
	queue->bytes += one->bytes;
	parked->bytes += one->bytes;
	parked->count++;
	count(parked->now, (int64_t)one->bytes);
	count(parked->held, 1);
	return 0;
}

int parked_push(struct parked *parked, const struct event *event, const struct parked_place *place,
	int64_t now_ms)
{
	struct parked_event *one;
	int r;

	if (!event->container)
		return -ESRCH;
	one = parked_event_new(parked, event);
	one->place = *place;
	one->since_ms = now_ms;
	r = take_in(parked, one);
	if (r < 0) {
		count_given_up(parked, parked->refused);
		parked_event_free(one);
	}
	return r;
}

/* ---- going on ---- */

static void run_queue(struct parked *parked, struct queue_of_one *queue, int64_t now_ms,
	parked_go_on *go_on, void *context)
{
	while (queue->first) {
		struct parked_event *one = queue->first;

		if (!one->event.is_overdue && now_ms - one->since_ms >= parked->options.limit_ms) {
			one->event.is_overdue = true;
			count_given_up(parked, parked->overdue);
		}
		arena_reset(parked->arena);
		if (!go_on(context, &one->event, &one->place))
			return;
		pop(parked, queue);
	}
	queue_drop(parked, queue);
}

void parked_run(struct parked *parked, int64_t now_ms, parked_go_on *go_on, void *context)
{
	struct queue_of_one *queue, *next;

	HASH_ITER (handle, parked->queues, queue, next) {
		run_queue(parked, queue, now_ms, go_on, context);
	}
}

void parked_run_all(struct parked *parked, parked_go_on *go_on, void *context)
{
	parked_run(parked, INT64_MAX, go_on, context);
}
