/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A bounded queue of pointers: a ring under one mutex. Poppers take many at a time, so the lock
 * is not what limits an alert path of some 100,000 a second.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/queue.h"

struct queue {
	pthread_mutex_t lock;
	pthread_cond_t has_items;
	pthread_cond_t has_room;
	size_t capacity;
	size_t first;
	size_t length;
	uint64_t dropped;
	bool is_closed;
	void *items[];
};

struct queue *queue_new(size_t capacity)
{
	struct queue *queue = memory_new(1, sizeof(*queue) + capacity * sizeof(void *));
	pthread_condattr_t monotonic;

	queue->capacity = capacity;
	pthread_mutex_init(&queue->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&queue->has_items, &monotonic);
	pthread_cond_init(&queue->has_room, &monotonic);
	pthread_condattr_destroy(&monotonic);
	return queue;
}

void queue_free(struct queue *queue)
{
	if (!queue)
		return;
	pthread_cond_destroy(&queue->has_items);
	pthread_cond_destroy(&queue->has_room);
	pthread_mutex_destroy(&queue->lock);
	free(queue);
}

static int push_locked(struct queue *queue, void *item)
{
	if (queue->is_closed)
		return -ECANCELED;
	if (queue->length == queue->capacity)
		return -EAGAIN;
	queue->items[(queue->first + queue->length++) % queue->capacity] = item;
	pthread_cond_signal(&queue->has_items);
	return 0;
}

int queue_push(struct queue *queue, void *item)
{
	int r;

	pthread_mutex_lock(&queue->lock);
	r = push_locked(queue, item);
	if (r == -EAGAIN)
		queue->dropped++;
	pthread_mutex_unlock(&queue->lock);
	return r;
}

int queue_push_wait(struct queue *queue, void *item)
{
	int r;

	pthread_mutex_lock(&queue->lock);
	while ((r = push_locked(queue, item)) == -EAGAIN)
		pthread_cond_wait(&queue->has_room, &queue->lock);
	pthread_mutex_unlock(&queue->lock);
	return r;
}

int queue_pop_many(struct queue *queue, void **ret_items, size_t limit, int timeout_ms)
{
	struct timespec until =
		timeout_ms > 0 ? clock_after(CLOCK_MONOTONIC, timeout_ms) : (struct timespec){ 0 };
	int taken = 0, r = 0;

	pthread_mutex_lock(&queue->lock);
	while (!queue->length && !queue->is_closed && timeout_ms && r != ETIMEDOUT)
		r = timeout_ms < 0
			    ? pthread_cond_wait(&queue->has_items, &queue->lock)
			    : pthread_cond_timedwait(&queue->has_items, &queue->lock, &until);
	while (queue->length && (size_t)taken < limit) {
		ret_items[taken++] = queue->items[queue->first];
		queue->first = (queue->first + 1) % queue->capacity;
		queue->length--;
	}
	if (!taken && queue->is_closed)
		taken = -ECANCELED;
	pthread_cond_broadcast(&queue->has_room);
	pthread_mutex_unlock(&queue->lock);
	return taken;
}

void queue_close(struct queue *queue)
{
	pthread_mutex_lock(&queue->lock);
	queue->is_closed = true;
	pthread_cond_broadcast(&queue->has_items);
	pthread_cond_broadcast(&queue->has_room);
	pthread_mutex_unlock(&queue->lock);
}

size_t queue_length(struct queue *queue)
{
	size_t length;

	pthread_mutex_lock(&queue->lock);
	length = queue->length;
	pthread_mutex_unlock(&queue->lock);
	return length;
}

uint64_t queue_dropped(struct queue *queue)
{
	uint64_t dropped;

	pthread_mutex_lock(&queue->lock);
	dropped = queue->dropped;
	pthread_mutex_unlock(&queue->lock);
	return dropped;
}
