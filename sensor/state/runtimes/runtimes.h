/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The runtimes of this host: found by looking, asked on a thread of their own, so that nobody who
 * handles events ever waits for one.
 *
 * The hot thread asks about a container and later takes the answer. Both ways are bounded queues.
 * A runtime that does not answer, lies or goes away costs its own containers their metadata and
 * nothing else: calls have a timeout, and a runtime that failed is asked again with back-off. What
 * answers and what does not, and why, is in the log and in the metrics tercel_sensor_runtime_*.
 */
#pragma once

#include "base/metrics.h"
#include "sensor/state/runtimes/sockets.h"

struct runtimes;

struct runtimes_options {
	struct sockets_options sockets; /* what it points to must live as long as the runtimes */
	struct metrics *metrics;
	int64_t call_timeout_ms; /* of one call; 0: 2 s */
};

/* Looks for sockets and starts the thread. Never fails: a host may have no runtime. */
struct runtimes *runtimes_new(const struct runtimes_options *options);
/* Ends the thread; answers that nobody took are freed. */
void runtimes_free(struct runtimes *runtimes);
DEFINE_CLEANUP(struct runtimes *, runtimes_free)

/* Where its counters are; the containers' are beside them. */
struct metrics *runtimes_metrics(const struct runtimes *runtimes);

/* Whether containers of this kind can have metadata at all. */
bool runtimes_may_know(enum container_kind kind);
/*
 * Asks about a container by its whole id. `cgroup` tells whose it is: a user's own Podman is asked
 * about that user's containers alone. Never waits: -EAGAIN when the queue is full, -EINVAL for a
 * text that is no id (nobody is asked then). Otherwise one answer comes; before it there may be one
 * whose metadata is partial.
 */
int runtimes_ask(
	struct runtimes *runtimes, enum container_kind kind, struct text id, struct text cgroup);

enum answer_kind {
	ANSWER_KNOWN,
	ANSWER_UNKNOWN, /* nobody that answered knows this container */
	ANSWER_NEWS,	/* a runtime has come (back): what is unknown may be asked again */
};

struct runtimes_answer {
	enum answer_kind answer;
	enum container_kind kind;
	char *id;		   /* NULL with ANSWER_NEWS */
	struct metadata *metadata; /* the receiver's, with ANSWER_KNOWN; may be taken (set NULL) */
};

void runtimes_answer_free(struct runtimes_answer *answer);
/* Takes up to `limit` answers without waiting for any. Each is the caller's. */
size_t runtimes_take(struct runtimes *runtimes, struct runtimes_answer **ret_answers, size_t limit);
/* As runtimes_take, but waits for the first one: for tests and tools. */
size_t runtimes_wait(struct runtimes *runtimes, struct runtimes_answer **ret_answers, size_t limit,
	int timeout_ms);

/* One socket, for `tercel doctor`. */
struct runtime_report {
	char socket[108];
	bool answers;
	char about[256]; /* "containerd 1.6.20 (runtime.v1)", or why it does not answer */
};
/* Looks and asks for versions, waiting at most two seconds a socket. Returns how many. */
size_t runtimes_look(
	const struct sockets_options *options, struct runtime_report *ret_reports, size_t limit);
