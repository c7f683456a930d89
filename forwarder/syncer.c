/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A thread that carries what was written to a file to the disk. fdatasync() reaches the file
 * through any descriptor, so a duplicate serves while the writer may already have moved on.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"
#include "forwarder/syncer.h"

struct syncer {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	pthread_t thread;
	int64_t interval_ms;
	char *path;
	int fd;
	bool is_dirty, is_ending;
};

/* Syncs outside of the lock. */
static void sync_now(struct syncer *syncer)
{
	int fd = dup(syncer->fd);

	syncer->is_dirty = false;
	pthread_mutex_unlock(&syncer->lock);
	if (fd >= 0) {
		fdatasync(fd);
		close(fd);
	}
	pthread_mutex_lock(&syncer->lock);
}

static void *run(void *context)
{
	struct syncer *syncer = context;
	struct timespec until;

	pthread_mutex_lock(&syncer->lock);
	while (!syncer->is_ending || syncer->is_dirty) {
		if (!syncer->is_dirty) {
			pthread_cond_wait(&syncer->changed, &syncer->lock);
			continue;
		}
		until = clock_after(CLOCK_MONOTONIC, syncer->interval_ms);
		sync_now(syncer);
		while (!syncer->is_ending && pthread_cond_timedwait(&syncer->changed, &syncer->lock,
						     &until) != ETIMEDOUT)
			;
	}
	pthread_mutex_unlock(&syncer->lock);
	return NULL;
}

struct syncer *syncer_new(int64_t interval_ms)
{
	struct syncer *syncer = NEW(struct syncer);
	pthread_condattr_t monotonic;

	syncer->interval_ms = interval_ms;
	syncer->fd = -1;
	pthread_mutex_init(&syncer->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&syncer->changed, &monotonic);
	pthread_condattr_destroy(&monotonic);
	pthread_create(&syncer->thread, NULL, run, syncer);
	return syncer;
}

void syncer_free(struct syncer *syncer)
{
	if (!syncer)
		return;
	pthread_mutex_lock(&syncer->lock);
	syncer->is_ending = true;
	pthread_cond_signal(&syncer->changed);
	pthread_mutex_unlock(&syncer->lock);
	pthread_join(syncer->thread, NULL);
	if (syncer->fd >= 0)
		close(syncer->fd);
	pthread_cond_destroy(&syncer->changed);
	pthread_mutex_destroy(&syncer->lock);
	free(syncer->path);
	free(syncer);
}

static void follow(struct syncer *syncer, const char *path)
{
	if (syncer->fd >= 0)
		close(syncer->fd);
	free(syncer->path);
	syncer->path = string_copy(path);
	syncer->fd = open(path, O_RDONLY | O_CLOEXEC);
}

void syncer_touch(struct syncer *syncer, const char *path)
{
	pthread_mutex_lock(&syncer->lock);
	if (syncer->fd < 0 || strcmp(syncer->path, path))
		follow(syncer, path);
	if (!syncer->is_dirty) {
		syncer->is_dirty = true;
		pthread_cond_signal(&syncer->changed);
	}
	pthread_mutex_unlock(&syncer->lock);
}
