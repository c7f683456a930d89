/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A bounded queue of pointers between threads. Any number of threads may push and pop.
 * The queue never owns what it carries.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct queue;

struct queue *queue_new(size_t capacity);
/* Must be empty and no longer in use by any thread. */
void queue_free(struct queue *queue);
/* 0; -EAGAIN when it is full (the newest is refused and counted); -ECANCELED once it is closed. */
int queue_push(struct queue *queue, void *item);
/* As queue_push, but waits for room. */
int queue_push_wait(struct queue *queue, void *item);
/*
 * Takes up to `limit` items in the order of their pushes, waiting at most `timeout_ms` for the
 * first one (-1: for ever). Returns how many; 0 on timeout; -ECANCELED once it is closed and empty.
 */
int queue_pop_many(struct queue *queue, void **ret_items, size_t limit, int timeout_ms);
/* No more pushes; those who pop get what is left and then -ECANCELED. */
void queue_close(struct queue *queue);
size_t queue_length(struct queue *queue);
/* How many pushes were refused because it was full. */
uint64_t queue_dropped(struct queue *queue);
