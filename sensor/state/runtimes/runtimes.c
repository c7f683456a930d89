/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The metadata thread, and what the hot thread calls. Calls to runtimes run side by side on one
 * libcurl multi handle; what is due next ends the thread's sleep.
 */
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <utlist.h>

#include "base/clock.h"
#include "base/memory.h"
#include "sensor/state/runtimes/thread.h"

#define REQUESTS_MAX	4096
#define JOBS_MAX	4096
#define ANSWERS_MAX	(REQUESTS_MAX + 2 * JOBS_MAX + SOCKETS_MAX)
#define CALLS_MAX	256
#define CALL_TIMEOUT_MS 2000
#define ID_MAX		256

/* ---- answers ---- */

void runtimes_answer_free(struct runtimes_answer *answer)
{
	if (!answer)
		return;
	metadata_release(answer->metadata);
	free(answer->id);
	free(answer);
}

void give(struct runtimes *runtimes, struct runtimes_answer answer)
{
	struct runtimes_answer *given = NEW(struct runtimes_answer);

	*given = answer;
	/* The queue holds what all requests and jobs can give; only news can find it full. */
	if (queue_push(runtimes->answers, given) < 0)
		runtimes_answer_free(given);
}

/* ---- the thread ---- */

static void take_requests(struct runtimes *runtimes)
{
	struct job *job;

	while (runtimes->jobs < JOBS_MAX &&
		queue_pop_many(runtimes->requests, (void **)&job, 1, 0) == 1) {
		runtimes->jobs++;
		DL_APPEND(runtimes->sleeping, job);
	}
}

/* Until the next thing is due; a request or an answer ends it sooner. */
static int idle_ms(struct runtimes *runtimes)
{
	int64_t until = runtimes->next_look_ms, now = clock_ms(CLOCK_MONOTONIC);
	struct job *job;

	DL_FOREACH (runtimes->sleeping, job)
		until = MIN_OF(until, job->due_ms);
	for (size_t i = 0; i < runtimes->count; i++)
		if (!runtimes->runtimes[i]->socket.error && !runtimes->runtimes[i]->is_probing)
			until = MIN_OF(until, runtimes->runtimes[i]->next_probe_ms);
	return until > now ? (int)(until - now) : 0;
}

static void *run(void *context)
{
	struct runtimes *runtimes = context;

	while (!atomic_load(&runtimes->is_stopping)) {
		if (clock_ms(CLOCK_MONOTONIC) >= runtimes->next_look_ms)
			look(runtimes);
		for (size_t i = 0; i < runtimes->count; i++)
			probe_due(runtimes->runtimes[i]);
		take_requests(runtimes);
		advance_due(runtimes);
		http_client_run(runtimes->client, idle_ms(runtimes));
	}
	return NULL;
}

/* ---- for the hot thread ---- */

static void counters_new(struct runtimes *runtimes)
{
	struct metrics *metrics = runtimes->metrics;

	runtimes->known = metrics_counter(metrics, "tercel_sensor_containers_known_total",
		"Containers whose metadata a runtime told", NULL);
	runtimes->unknown = metrics_counter(metrics, "tercel_sensor_containers_unknown_total",
		"Containers that no runtime knew", NULL);
	runtimes->refused = metrics_counter(metrics, "tercel_sensor_containers_unasked_total",
		"Containers that nobody was asked about because the queue was full", NULL);
}

static struct runtimes *make(const struct runtimes_options *options)
{
	struct runtimes *runtimes = NEW(struct runtimes);

	runtimes->sockets = options->sockets;
	runtimes->metrics = options->metrics;
	runtimes->call_timeout_ms =
		options->call_timeout_ms ? options->call_timeout_ms : CALL_TIMEOUT_MS;
	runtimes->client = http_client_new(CALLS_MAX);
	runtimes->requests = queue_new(REQUESTS_MAX);
	runtimes->answers = queue_new(ANSWERS_MAX);
	counters_new(runtimes);
	return runtimes;
}

struct runtimes *runtimes_new(const struct runtimes_options *options)
{
	struct runtimes *runtimes = make(options);
	sigset_t all, before;

	/* Signals are for the main thread. */
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &before);
	pthread_create(&runtimes->thread, NULL, run, runtimes);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return runtimes;
}

size_t runtimes_wait(struct runtimes *runtimes, struct runtimes_answer **ret_answers, size_t limit,
	int timeout_ms)
{
	int count = queue_pop_many(runtimes->answers, (void **)ret_answers, limit, timeout_ms);

	return count > 0 ? (size_t)count : 0;
}

size_t runtimes_take(struct runtimes *runtimes, struct runtimes_answer **ret_answers, size_t limit)
{
	return runtimes_wait(runtimes, ret_answers, limit, 0);
}

static void destroy(struct runtimes *runtimes)
{
	struct runtimes_answer *answer;
	struct job *job, *next;

	/* Calls under way end here and put their jobs into the list. */
	http_client_free(runtimes->client);
	DL_FOREACH_SAFE(runtimes->sleeping, job, next)
	job_free(job);
	while (queue_pop_many(runtimes->requests, (void **)&job, 1, 0) == 1)
		job_free(job);
	while (runtimes_take(runtimes, &answer, 1))
		runtimes_answer_free(answer);
	for (size_t i = 0; i < runtimes->count; i++)
		runtime_free(runtimes->runtimes[i]);
	queue_free(runtimes->requests);
	queue_free(runtimes->answers);
	free(runtimes);
}

void runtimes_free(struct runtimes *runtimes)
{
	if (!runtimes)
		return;
	atomic_store(&runtimes->is_stopping, true);
	http_client_wake(runtimes->client);
	pthread_join(runtimes->thread, NULL);
	destroy(runtimes);
}

struct metrics *runtimes_metrics(const struct runtimes *runtimes)
{
	return runtimes->metrics;
}

bool runtimes_may_know(enum container_kind kind)
{
	return kind == CONTAINER_DOCKER || kind == CONTAINER_CONTAINERD || kind == CONTAINER_CRIO ||
	       kind == CONTAINER_PODMAN;
}

/* Ids go into URLs and are compared with what comes back. */
static bool is_id(struct text id)
{
	for (size_t i = 0; i < id.length; i++) {
		char c = id.data[i];

		if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			    c == '-' || c == '_' || (c == '.' && i > 0)))
			return false;
	}
	return id.length > 0 && id.length <= ID_MAX;
}

/* "…/user-1000.slice/…": what a user without privileges runs. */
static uid_t user_of_cgroup(struct text cgroup)
{
	struct text part;
	uint64_t uid;

	while (text_split(&cgroup, '/', &part)) {
		if (!text_starts_with(part, TEXT("user-")) || !text_ends_with(part, TEXT(".slice")))
			continue;
		part = text_slice(part, 5, part.length - 5 - 6);
		if (text_to_u64(part, &uid) == 0 && uid <= UINT32_MAX)
			return (uid_t)uid;
	}
	return 0;
}

/* "/kubepods/besteffort/podUID", which its containers' cgroups are below; NULL: in none. */
static char *pod_of_cgroup(struct text cgroup, struct text id)
{
	ptrdiff_t end = text_find(cgroup, id);

	if (end < 0 || !text_contains(cgroup, TEXT("kubepods")))
		return NULL;
	while (end > 0 && cgroup.data[end] != '/')
		end--;
	return end ? text_to_string(text_slice(cgroup, 0, (size_t)end)) : NULL;
}

int runtimes_ask(
	struct runtimes *runtimes, enum container_kind kind, struct text id, struct text cgroup)
{
	struct job *job;
	int r;

	if (!is_id(id) || !runtimes_may_know(kind))
		return -EINVAL;
	job = NEW(struct job);
	job->owner = runtimes;
	job->kind = kind;
	job->id = text_to_string(id);
	job->pod = pod_of_cgroup(cgroup, id);
	job->user = user_of_cgroup(cgroup);
	r = queue_push(runtimes->requests, job);
	if (r < 0) {
		atomic_fetch_add(runtimes->refused, 1);
		job_free(job);
		return r;
	}
	http_client_wake(runtimes->client);
	return 0;
}

static bool is_undecided(const struct runtimes *runtimes)
{
	for (size_t i = 0; i < runtimes->count; i++)
		if (runtimes->runtimes[i]->state == RUNTIME_PROBING)
			return true;
	return false;
}

size_t runtimes_look(
	const struct sockets_options *options, struct runtime_report *ret_reports, size_t limit)
{
	struct metrics *metrics = metrics_new();
	struct runtimes_options all = { .sockets = *options, .metrics = metrics };
	struct runtimes *runtimes = make(&all);
	size_t count;

	runtimes->is_quiet = true;
	look(runtimes);
	while (is_undecided(runtimes)) {
		for (size_t i = 0; i < runtimes->count; i++)
			probe_due(runtimes->runtimes[i]);
		http_client_run(runtimes->client, 100);
	}
	count = MIN_OF(limit, runtimes->count);
	for (size_t i = 0; i < count; i++) {
		struct runtime *runtime = runtimes->runtimes[i];

		snprintf(ret_reports[i].socket, sizeof(ret_reports[i].socket), "%s",
			runtime->socket.name);
		ret_reports[i].answers = runtime->state == RUNTIME_UP;
		snprintf(ret_reports[i].about, sizeof(ret_reports[i].about), "%s", runtime->about);
	}
	destroy(runtimes);
	metrics_free(metrics);
	return count;
}
