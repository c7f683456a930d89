/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The metadata thread's own data, for the files of it: presence.c finds runtimes and asks whether
 * they answer, jobs.c asks them about containers, runtimes.c runs both and speaks with the hot
 * thread. All but the queues is touched on that thread alone.
 */
#pragma once

#include <pthread.h>

#include "base/queue.h"
#include "sensor/state/runtimes/remembered.h"
#include "sensor/state/runtimes/runtimes.h"

#define LOOK_EVERY_MS	 5000
#define BACKOFF_FIRST_MS 500
/* A refused socket is tried again at once when a container comes, but not more often than this. */
#define RETRY_REFUSED_MS 250

enum runtime_state { RUNTIME_PROBING, RUNTIME_UP, RUNTIME_DOWN };

struct runtime {
	struct runtimes *owner;
	struct found_socket socket;
	enum runtime_state state;
	bool is_probing; /* a call for the version is under way; also while UP after a timeout */
	unsigned oddities;
	size_t version; /* index of the prefix that is tried or answered */
	const char *type;
	unsigned calls;
	int64_t probed_ms, next_probe_ms, backoff_ms;
	struct request probe;
	char about[256]; /* who answered, or why nobody did */
	char said[512];	 /* the last line in the log, so that it is said once */
	/* surveys.c's: */
	struct request images_request, root_request;
	bool is_listing, is_asking_root;
	int64_t listed_ms; /* when the last list of images was asked for; 0: never */
	char *root;	   /* where its files are, as we reach them; NULL: not known */
	struct remembered *pods, *images;
	struct remembered *met; /* by the cgroups of pods: a first container was asked about */
	metric *up, *asked, *failed;
};

struct job {
	struct job *next, *prev;
	struct runtimes *owner;
	enum container_kind kind;
	char *id;
	char *pod;	     /* the pod's cgroup; NULL: in none that shows */
	uid_t user;	     /* whose container it is by its cgroup; 0: the system's */
	uint64_t tried;	     /* bit i: runtimes[i] was asked in this round */
	bool may_know_later; /* someone said that there is none yet, or failed */
	bool has_timed_out;  /* a call of this round: its runtime may answer the next one */
	unsigned rounds;
	int64_t due_ms;
	struct runtime *runtime; /* being asked */
	size_t step;
	bool is_guess; /* that it is a pod's sandbox */
	struct fetch fetch;
	struct request request;
	struct http_answer first; /* of the first step, until an early answer was made of it */
	bool has_first;
};

struct runtimes {
	struct sockets_options sockets;
	struct metrics *metrics;
	int64_t call_timeout_ms;
	struct http_client *client;
	struct queue *requests, *answers;
	pthread_t thread;
	atomic_bool is_stopping;
	bool is_quiet;
	unsigned said_kinds; /* a bit each: nobody answers for such containers */
	struct runtime *runtimes[SOCKETS_MAX];
	size_t count;
	struct job *sleeping; /* jobs that are not in a call */
	size_t jobs;
	int64_t next_look_ms;
	metric *known, *unknown, *refused;
};

/* Puts an answer into the queue of the hot thread; takes over what it holds. */
void give(struct runtimes *runtimes, struct runtimes_answer answer);

/* ---- presence.c ---- */

void runtime_free(struct runtime *runtime);
/* Makes `request` empty, for a step to compose. */
void request_reset(struct request *request);
/* Calls a runtime: `done` is called once, from http_client_run(). */
int send_request(
	struct runtime *runtime, const struct request *request, http_done *done, void *context);
/* A call failed in a way that says that nobody is there. */
void runtime_lost(struct runtime *runtime, const struct http_answer *answer);
/* The runtime answered what makes no sense: in the log, a few times. */
void say_oddity(struct runtime *runtime, const char *reason);
/* Finds sockets that came and went. */
void look(struct runtimes *runtimes);
/* Asks for the version where that is due. */
void probe_due(struct runtime *runtime);
/* Asks those that are down again, a container being a sign of life. True: one may answer soon. */
bool try_the_lost(struct runtimes *runtimes);

/* ---- surveys.c ---- */

/* A runtime has come: what helps to answer sooner is asked for. */
void survey(struct runtime *runtime);
/*
 * A container has come, perhaps of an image that is new as well: lists the images beside the first
 * question about it, unless that was done a moment ago.
 */
void survey_images(struct runtime *runtime);
/* Whether a list is under way that may still spare a call. */
bool survey_may_tell(const struct runtime *runtime);
void survey_forget(struct runtime *runtime);

/* ---- jobs.c ---- */

void job_free(struct job *job);
void job_sleep(struct job *job, int64_t for_ms);
/* Goes on with each job whose time has come. */
void advance_due(struct runtimes *runtimes);
