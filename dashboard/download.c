/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Downloads. Who downloads slowly keeps its own thread waiting, nobody else.
 */
#include <errno.h>
#include <pthread.h>

#include "base/memory.h"
#include "dashboard/download.h"

#define AHEAD_MAX (1024 * 1024) /* bytes made before they are asked for */

struct downloads {
	unsigned limit;
	pthread_mutex_t lock;
	pthread_cond_t ended;
	unsigned running;
};

struct download {
	struct http_stream http; /* first: what the server hands back */
	struct downloads *downloads;
	struct download_maker maker;
	pthread_mutex_t lock;
	pthread_cond_t taken;
	struct buffer ready; /* with the lock, as the next */
	bool is_closed, is_done, is_open;
	bool is_broken; /* something is missing; set before is_done */
	unsigned refs;	/* the thread's, the server's and that of who starts it */
};

static void download_unref(struct download *download)
{
	bool is_last;

	pthread_mutex_lock(&download->lock);
	is_last = !--download->refs;
	pthread_mutex_unlock(&download->lock);
	if (!is_last)
		return;
	buffer_done(&download->ready);
	pthread_mutex_destroy(&download->lock);
	pthread_cond_destroy(&download->taken);
	free(download);
}

static int download_pull(struct http_stream *http, struct buffer *out)
{
	struct download *download = (struct download *)http;
	struct text ready;
	int r = -EAGAIN;

	pthread_mutex_lock(&download->lock);
	ready = buffer_text(&download->ready);
	if (ready.length) {
		/* What does not fit into what goes out at once stays. */
		size_t length = MIN_OF(ready.length, out->limit - out->length);

		buffer_add(out, ready.data, length);
		memmove(download->ready.data, download->ready.data + length, ready.length - length);
		download->ready.length -= length;
		r = 0;
	} else if (download->is_done) {
		r = download->is_broken ? -EIO : -ECANCELED;
	}
	pthread_cond_signal(&download->taken);
	pthread_mutex_unlock(&download->lock);
	return r;
}

static void download_closed(struct http_stream *http)
{
	struct download *download = (struct download *)http;

	pthread_mutex_lock(&download->lock);
	download->is_closed = true;
	pthread_cond_signal(&download->taken);
	pthread_mutex_unlock(&download->lock);
	download_unref(download);
}

/* With the lock. The server may be told only between its taking the stream and its closing it. */
static void download_wake(struct download *download)
{
	if (download->is_open && !download->is_closed)
		http_stream_wake(&download->http);
}

bool download_give(struct download *download, struct text text)
{
	bool goes_on;

	pthread_mutex_lock(&download->lock);
	buffer_add_text(&download->ready, text);
	download_wake(download);
	while (!download->is_closed && download->ready.length > AHEAD_MAX)
		pthread_cond_wait(&download->taken, &download->lock);
	goes_on = !download->is_closed;
	pthread_mutex_unlock(&download->lock);
	return goes_on;
}

static void *run_download(void *context)
{
	struct download *download = context;
	struct downloads *downloads = download->downloads;
	bool is_broken = download->maker.make(download, download->maker.context) < 0;

	download->maker.free(download->maker.context);
	pthread_mutex_lock(&download->lock);
	download->is_broken = is_broken;
	download->is_done = true;
	download_wake(download);
	pthread_mutex_unlock(&download->lock);
	download_unref(download);

	pthread_mutex_lock(&downloads->lock);
	downloads->running--;
	pthread_cond_signal(&downloads->ended);
	pthread_mutex_unlock(&downloads->lock);
	return NULL;
}

static bool take_place(struct downloads *downloads)
{
	bool has_room;

	pthread_mutex_lock(&downloads->lock);
	has_room = downloads->running < downloads->limit;
	downloads->running += has_room;
	pthread_mutex_unlock(&downloads->lock);
	return has_room;
}

static void download_opened(struct download *download)
{
	pthread_mutex_lock(&download->lock);
	download->is_open = true;
	download_wake(download);
	pthread_mutex_unlock(&download->lock);
	download_unref(download);
}

int download_start(struct downloads *downloads, struct http_request *request, const char *type,
	const struct download_maker *maker)
{
	struct download *download;
	pthread_t thread;

	if (!take_place(downloads)) {
		maker->free(maker->context);
		return -EAGAIN;
	}
	download = NEW(struct download);
	*download = (struct download){ .http = { download_pull, download_closed, NULL },
		.downloads = downloads,
		.maker = *maker,
		.refs = 3 };
	buffer_init(&download->ready, AHEAD_MAX + DOWNLOAD_PIECE_MAX);
	pthread_mutex_init(&download->lock, NULL);
	pthread_cond_init(&download->taken, NULL);
	if (pthread_create(&thread, NULL, run_download, download))
		abort();
	pthread_detach(thread);
	http_reply_stream(request, type, &download->http);
	download_opened(download);
	return 0;
}

struct downloads *downloads_new(unsigned limit)
{
	struct downloads *downloads = NEW(struct downloads);

	downloads->limit = limit;
	pthread_mutex_init(&downloads->lock, NULL);
	pthread_cond_init(&downloads->ended, NULL);
	return downloads;
}

void downloads_free(struct downloads *downloads)
{
	if (!downloads)
		return;
	pthread_mutex_lock(&downloads->lock);
	while (downloads->running)
		pthread_cond_wait(&downloads->ended, &downloads->lock);
	pthread_mutex_unlock(&downloads->lock);
	pthread_mutex_destroy(&downloads->lock);
	pthread_cond_destroy(&downloads->ended);
	free(downloads);
}
