/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The metadata thread. Each container that was asked about is a job: it goes from runtime to
 * runtime, the likeliest first, and at each through that kind's steps. Calls run side by side on
 * one libcurl multi handle; a job that has to wait sleeps in a list until it is due.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>
#include <uthash.h>
#include <utlist.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/queue.h"
#include "sensor/state/runtimes/runtimes.h"

#define REQUESTS_MAX	   4096
#define JOBS_MAX	   4096
#define ANSWERS_MAX	   (REQUESTS_MAX + 2 * JOBS_MAX + SOCKETS_MAX)
#define CALLS_MAX	   128
#define CALLS_OF_ONE_MAX   16
#define CALL_TIMEOUT_MS	   2000
#define CONNECT_TIMEOUT_MS 1000
#define LOOK_EVERY_MS	   5000
#define BACKOFF_FIRST_MS   500
#define BACKOFF_MAX_MS	   30000
/* A refused socket is tried again at once when a container comes, but not more often than this. */
#define RETRY_REFUSED_MS 250
/* Runtimes make the cgroup before they know the container: 10, 20, 40 … 1280 ms. */
#define ASK_AGAIN_FIRST_MS 10
#define ASK_AGAIN_TIMES	   8
#define LOST_CALL_ROUNDS   3
#define REMEMBERED_MAX	   512 /* pods, and images, of each runtime */
#define ODDITIES_SAID	   10  /* answers that make no sense, in the log, of each runtime */
#define ID_MAX		   256

/* ---- what a runtime told before ---- */

struct remembered {
	const struct pod *pod; /* one of the two */
	struct image_facts *facts;
	char *key;
	UT_hash_handle handle;
};

static void remembered_free(struct remembered *one)
{
	pod_release(one->pod);
	image_facts_free(one->facts);
	free(one->key);
	free(one);
}

static void forget_all(struct remembered **table)
{
	struct remembered *one, *next;

	HASH_ITER (handle, *table, one, next) {
		HASH_DELETE(handle, *table, one);
		remembered_free(one);
	}
}

/* The table is in the order of adding: its head is the oldest. */
static void remember(struct remembered **table, struct text key, struct remembered what)
{
	struct remembered *one, *old;

	HASH_FIND(handle, *table, key.data, key.length, old);
	if (!old && HASH_CNT(handle, *table) >= REMEMBERED_MAX)
		old = *table;
	if (old) {
		HASH_DELETE(handle, *table, old);
		remembered_free(old);
	}
	one = NEW(struct remembered);
	*one = what;
	one->key = text_to_string(key);
	HASH_ADD_KEYPTR(handle, *table, one->key, key.length, one);
}

static const struct remembered *recall(const struct remembered *table, struct text key)
{
	struct remembered *one = NULL;

	if (key.length)
		HASH_FIND(handle, table, key.data, key.length, one);
	return one;
}

/* ---- the thread's data ---- */

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
	struct remembered *pods, *images;
	metric *up, *asked, *failed;
};

struct job {
	struct job *next, *prev;
	struct runtimes *owner;
	enum container_kind kind;
	char *id;
	uid_t user;	    /* whose container it is by its cgroup; 0: the system's */
	uint64_t tried;	    /* bit i: runtimes[i] was asked in this round */
	bool was_answered;  /* someone said that there is no such container */
	bool has_timed_out; /* a call of this round: its runtime may answer the next one */
	unsigned rounds;
	int64_t due_ms;
	struct runtime *runtime; /* being asked */
	size_t step;
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

/* ---- answers ---- */

void runtimes_answer_free(struct runtimes_answer *answer)
{
	if (!answer)
		return;
	metadata_release(answer->metadata);
	free(answer->id);
	free(answer);
}

static void give(struct runtimes *runtimes, struct runtimes_answer answer)
{
	struct runtimes_answer *given = NEW(struct runtimes_answer);

	*given = answer;
	/* The queue holds what all requests and jobs can give; only news can find it full. */
	if (queue_push(runtimes->answers, given) < 0)
		runtimes_answer_free(given);
}

static void fetch_done(struct fetch *fetch)
{
	metadata_release(fetch->metadata);
	pod_release(fetch->ret_pod);
	image_facts_free(fetch->ret_facts);
	*fetch = (struct fetch){ 0 };
}

static void drop_first(struct job *job)
{
	if (job->has_first)
		http_answer_done(&job->first);
	job->has_first = false;
}

static void job_end(struct job *job, struct metadata *metadata)
{
	struct runtimes *runtimes = job->owner;

	atomic_fetch_add(metadata ? runtimes->known : runtimes->unknown, 1);
	give(runtimes, (struct runtimes_answer){
			       .answer = metadata ? ANSWER_KNOWN : ANSWER_UNKNOWN,
			       .kind = job->kind,
			       .id = TAKE(job->id),
			       .metadata = metadata,
		       });
	fetch_done(&job->fetch);
	drop_first(job);
	buffer_done(&job->request.body);
	runtimes->jobs--;
	free(job);
}

static void job_sleep(struct job *job, int64_t for_ms)
{
	job->due_ms = clock_ms(CLOCK_MONOTONIC) + for_ms;
	DL_APPEND(job->owner->sleeping, job);
}

/* ---- calls ---- */

static void request_reset(struct request *request)
{
	buffer_done(&request->body);
	buffer_init(&request->body, 64 * 1024);
	request->path[0] = '\0';
	request->is_get = false;
}

static int send_request(
	struct runtime *runtime, const struct request *request, http_done *done, void *context)
{
	static const char *const grpc[] = { "Content-Type: application/grpc", "TE: trailers",
		NULL };
	char url[sizeof(request->path) + 32];
	struct http_call call = {
		.url = url,
		.socket_path = runtime->socket.path,
		.headers = runtime->socket.kind->uses_grpc ? grpc : NULL,
		.body = request->is_get ? (struct text){ 0 } : buffer_text(&request->body),
		.connect_timeout_ms = CONNECT_TIMEOUT_MS,
		.timeout_ms = runtime->owner->call_timeout_ms,
		.uses_http2 = runtime->socket.kind->uses_grpc,
		.answer_max = ANSWER_BYTES_MAX,
	};
	int r;

	snprintf(url, sizeof(url), "http://localhost%s", request->path);
	r = http_client_start(runtime->owner->client, &call, done, context);
	if (!r)
		runtime->calls++;
	return r;
}

/* ---- is it there? ---- */

static void say(struct runtime *runtime, enum log_level level, const char *line)
{
	if (!strcmp(runtime->said, line))
		return;
	snprintf(runtime->said, sizeof(runtime->said), "%s", line);
	if (!runtime->owner->is_quiet)
		log_write(level, "%s", line);
}

static void runtime_up(struct runtime *runtime, const char *about)
{
	_cleanup_(freep) char *line =
		string_printf("%s answers at %s", about, runtime->socket.name);
	bool is_news = runtime->state != RUNTIME_UP;

	runtime->state = RUNTIME_UP;
	snprintf(runtime->about, sizeof(runtime->about), "%s", about);
	runtime->backoff_ms = 0;
	if (runtime->socket.kind != &runtime_cri)
		runtime->type = runtime->socket.kind->name;
	else
		runtime->type = !strncmp(about, "cri-o", 5) ? "cri-o" : "containerd";
	atomic_store(runtime->up, 1);
	say(runtime, LOG_LEVEL_INFO, line);
	if (is_news)
		give(runtime->owner, (struct runtimes_answer){ .answer = ANSWER_NEWS });
}

static void runtime_down(struct runtime *runtime, const char *reason)
{
	_cleanup_(freep) char *line =
		string_printf("no answer at %s: %s; its containers are known by their ids alone",
			runtime->socket.name, reason);

	runtime->state = RUNTIME_DOWN;
	snprintf(runtime->about, sizeof(runtime->about), "%s", reason);
	runtime->backoff_ms = runtime->backoff_ms ? MIN_OF(2 * runtime->backoff_ms, BACKOFF_MAX_MS)
						  : BACKOFF_FIRST_MS;
	runtime->next_probe_ms = clock_ms(CLOCK_MONOTONIC) + runtime->backoff_ms;
	atomic_store(runtime->up, 0);
	say(runtime, LOG_LEVEL_WARNING, line);
	/* Another daemon may be behind the socket next time. */
	forget_all(&runtime->pods);
	forget_all(&runtime->images);
}

/* libcurl's words for a unix socket are those for a port of localhost. */
static const char *why(const struct runtime *runtime, const struct http_answer *answer)
{
	if (answer->error == -ETIMEDOUT)
		return "it accepts connections and does not answer";
	if (answer->error != -ECONNREFUSED)
		return answer->message;
	return access(runtime->socket.path, W_OK) ? strerror(errno) : "nobody listens there";
}

static void say_oddity(struct runtime *runtime, const char *reason)
{
	_cleanup_(freep) char *line = string_printf("%s: %s", runtime->socket.name, reason);

	if (runtime->oddities++ < ODDITIES_SAID)
		log_warning("%s", line);
}

static void take_probe(void *context, struct http_answer *answer)
{
	struct runtime *runtime = context;
	const struct runtime_kind *kind = runtime->socket.kind;
	struct error err = { 0 };
	struct buffer about;
	int r;

	runtime->calls--;
	runtime->is_probing = false;
	if (answer->error) {
		runtime_down(runtime, why(runtime, answer));
		return;
	}
	buffer_init(&about, 200);
	r = kind->take_version(answer, &about, &err);
	if (r == -ENOENT && kind->prefixes[runtime->version + 1]) {
		runtime->version++;
		runtime->next_probe_ms = 0;
	} else if (r == -ENOENT) {
		runtime_down(runtime, "it speaks no version of the interface that we know");
	} else if (r < 0) {
		runtime_down(runtime, err.message);
	} else {
		if (kind->uses_grpc)
			buffer_printf(&about, " (%s)", kind->prefixes[runtime->version]);
		runtime_up(runtime, about.data);
	}
	buffer_done(&about);
}

static void probe(struct runtime *runtime)
{
	const struct runtime_kind *kind = runtime->socket.kind;

	runtime->is_probing = true;
	runtime->probed_ms = clock_ms(CLOCK_MONOTONIC);
	runtime->next_probe_ms = INT64_MAX;
	request_reset(&runtime->probe);
	kind->compose_version(kind->prefixes[runtime->version], &runtime->probe);
	if (send_request(runtime, &runtime->probe, take_probe, runtime) < 0) {
		runtime->is_probing = false;
		runtime->next_probe_ms = clock_ms(CLOCK_MONOTONIC) + RETRY_REFUSED_MS;
	}
}

static void probe_anew(struct runtime *runtime)
{
	if (runtime->is_probing || runtime->socket.error)
		return;
	runtime->version = 0;
	if (runtime->state == RUNTIME_DOWN)
		runtime->state = RUNTIME_PROBING;
	probe(runtime);
}

/* Starts what is due. A runtime that is up is probed after a call of it timed out. */
static void probe_due(struct runtime *runtime)
{
	if (runtime->is_probing || runtime->socket.error ||
		clock_ms(CLOCK_MONOTONIC) < runtime->next_probe_ms)
		return;
	if (runtime->state == RUNTIME_DOWN)
		runtime->version = 0;
	probe(runtime);
}

/* ---- which sockets there are ---- */

static struct runtime *runtime_new(struct runtimes *runtimes, const struct found_socket *socket)
{
	_cleanup_(buffer_done) struct buffer labels;
	struct runtime *runtime = NEW(struct runtime);

	buffer_init(&labels, 512);
	metrics_label(&labels, "runtime", text_of(socket->kind->name));
	metrics_label(&labels, "socket", text_of(socket->name));
	runtime->owner = runtimes;
	runtime->socket = *socket;
	runtime->type = socket->kind->name;
	runtime->state = RUNTIME_PROBING;
	runtime->up = metrics_gauge(runtimes->metrics, "tercel_sensor_runtime_up",
		"Whether a container runtime answers", labels.data);
	runtime->asked = metrics_counter(runtimes->metrics, "tercel_sensor_runtime_calls_total",
		"Calls to a container runtime", labels.data);
	runtime->failed = metrics_counter(runtimes->metrics, "tercel_sensor_runtime_failures_total",
		"Calls that a container runtime did not answer or answered wrongly", labels.data);
	return runtime;
}

static void runtime_free(struct runtime *runtime)
{
	forget_all(&runtime->pods);
	forget_all(&runtime->images);
	buffer_done(&runtime->probe.body);
	free(runtime);
}

static struct runtime *find_runtime(struct runtimes *runtimes, const struct found_socket *socket)
{
	for (size_t i = 0; i < runtimes->count; i++)
		if (!strcmp(runtimes->runtimes[i]->socket.name, socket->name))
			return runtimes->runtimes[i];
	return NULL;
}

/* A socket that was found: new, made anew by a daemon that came back, or as before. */
static void meet(struct runtimes *runtimes, const struct found_socket *socket)
{
	struct runtime *runtime = find_runtime(runtimes, socket);
	bool is_other;

	if (!runtime) {
		if (runtimes->count == SOCKETS_MAX)
			return;
		runtime = runtime_new(runtimes, socket);
		runtimes->runtimes[runtimes->count++] = runtime;
		is_other = true;
	} else {
		is_other = runtime->socket.inode != socket->inode ||
			   runtime->socket.device != socket->device;
		runtime->socket = *socket;
	}
	if (socket->error)
		runtime_down(runtime, strerror(-socket->error));
	else if (is_other)
		probe_anew(runtime);
}

static void miss(struct runtime *runtime, const struct found_socket *sockets, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!strcmp(sockets[i].name, runtime->socket.name))
			return;
	if (runtime->socket.error == -ENOENT)
		return;
	runtime->socket.error = -ENOENT;
	runtime->socket.inode = 0;
	if (!runtime->is_probing)
		runtime_down(runtime, strerror(ENOENT));
}

static void look(struct runtimes *runtimes)
{
	_cleanup_(freep) struct found_socket *sockets = NEW_ARRAY(struct found_socket, SOCKETS_MAX);
	size_t count = sockets_find(&runtimes->sockets, sockets);

	runtimes->next_look_ms = clock_ms(CLOCK_MONOTONIC) + LOOK_EVERY_MS;
	for (size_t i = 0; i < runtimes->count; i++)
		miss(runtimes->runtimes[i], sockets, count);
	for (size_t i = 0; i < count; i++)
		meet(runtimes, &sockets[i]);
}

/* ---- a job's way from runtime to runtime ---- */

static bool may_ask(const struct runtime *runtime, const struct job *job)
{
	return !runtime->socket.owner || runtime->socket.owner == job->user;
}

static bool is_likely(const struct runtime *runtime, const struct job *job)
{
	const struct runtime_kind *kind = runtime->socket.kind;

	switch (job->kind) {
	case CONTAINER_DOCKER:
		return kind == &runtime_docker;
	case CONTAINER_PODMAN:
		return kind == &runtime_podman && runtime->socket.owner == job->user;
	case CONTAINER_CRIO:
	case CONTAINER_CONTAINERD:
		return kind == &runtime_cri;
	default:
		return false;
	}
}

/* The next one to ask, or NULL; likely ones first. `ret_waits`: one is still being probed. */
static struct runtime *next_runtime(struct job *job, bool *ret_waits)
{
	struct runtimes *runtimes = job->owner;

	*ret_waits = false;
	for (int wants_likely = 1; wants_likely >= 0; wants_likely--) {
		for (size_t i = 0; i < runtimes->count; i++) {
			struct runtime *runtime = runtimes->runtimes[i];

			if (job->tried >> i & 1 || !may_ask(runtime, job) ||
				is_likely(runtime, job) != (wants_likely == 1))
				continue;
			if (runtime->state == RUNTIME_UP) {
				job->tried |= UINT64_C(1) << i;
				return runtime;
			}
			*ret_waits |= runtime->state == RUNTIME_PROBING;
		}
		/* Do not ask the unlikely while the likely one is coming. */
		if (*ret_waits)
			return NULL;
	}
	return NULL;
}

/* A container has just come, so its runtime lives: perhaps it came back unnoticed. */
static bool try_the_lost(struct runtimes *runtimes)
{
	bool is_probing = false;
	int64_t now = clock_ms(CLOCK_MONOTONIC);

	if (now >= runtimes->next_look_ms - LOOK_EVERY_MS + RETRY_REFUSED_MS)
		look(runtimes);
	for (size_t i = 0; i < runtimes->count; i++) {
		struct runtime *runtime = runtimes->runtimes[i];

		if (runtime->state == RUNTIME_DOWN &&
			now >= runtime->probed_ms + RETRY_REFUSED_MS &&
			runtime->backoff_ms < 4 * BACKOFF_FIRST_MS)
			probe_anew(runtime);
		is_probing |= runtime->state == RUNTIME_PROBING;
	}
	return is_probing;
}

/* Once for each kind: without this an administrator wonders about <NA>. */
static void say_that_none_answers(struct job *job)
{
	struct runtimes *runtimes = job->owner;
	unsigned bit = 1U << job->kind;

	for (size_t i = 0; i < runtimes->count; i++)
		if (runtimes->runtimes[i]->state == RUNTIME_UP &&
			is_likely(runtimes->runtimes[i], job))
			return;
	if (!(runtimes->said_kinds & bit))
		log_warning("there are containers of %s, and no socket of it answers: names and "
			    "images are not known (\"tercel doctor\" tells more)",
			container_kind_name(job->kind));
	runtimes->said_kinds |= bit;
}

static void next_round(struct job *job)
{
	fetch_done(&job->fetch);
	/* A lost call has cost seconds already, so that it is repeated less often. */
	if (job->has_timed_out)
		job->rounds += LOST_CALL_ROUNDS;
	if ((job->was_answered || job->has_timed_out) && job->rounds < ASK_AGAIN_TIMES) {
		job->tried = 0;
		job->was_answered = job->has_timed_out = false;
		job_sleep(job, ASK_AGAIN_FIRST_MS << job->rounds++);
		return;
	}
	if (!job->was_answered && !job->rounds && try_the_lost(job->owner)) {
		job->tried = 0;
		job->rounds = ASK_AGAIN_TIMES - 2;
		job_sleep(job, ASK_AGAIN_FIRST_MS);
		return;
	}
	say_that_none_answers(job);
	job_end(job, NULL);
}

static void job_finish(struct job *job)
{
	struct fetch *fetch = &job->fetch;
	struct metadata *metadata = fetch->metadata;
	const struct image_facts *facts = fetch->ret_facts ? fetch->ret_facts : fetch->facts;

	if (fetch->ret_pod) {
		remember(&job->runtime->pods, fetch->sandbox_id,
			(struct remembered){ .pod = pod_hold(fetch->ret_pod) });
		metadata->pod = TAKE(fetch->ret_pod);
	} else if (fetch->pod) {
		metadata->pod = pod_hold(fetch->pod);
	}
	if (facts) {
		metadata_set_image(metadata, fetch->image_name, facts->tags, facts->tag_count,
			facts->digests, facts->digest_count);
		if (!metadata->image_id.data)
			metadata->image_id = keep_text(&metadata->kept, facts->id);
	}
	if (fetch->ret_facts)
		remember(&job->runtime->images, fetch->image,
			(struct remembered){ .facts = TAKE(fetch->ret_facts) });
	metadata_finish(metadata);
	job_end(job, TAKE(fetch->metadata));
}

static void recall_facts(struct job *job)
{
	const struct remembered *pod = recall(job->runtime->pods, job->fetch.sandbox_id);
	const struct remembered *image = recall(job->runtime->images, job->fetch.image);

	job->fetch.pod = pod ? pod->pod : NULL;
	job->fetch.facts = image ? image->facts : NULL;
}

/*
 * A slow runtime must not keep the name, image and privileges back until it has told the pod and
 * the image's digest too: what the first step told is given at once.
 */
static void give_early(struct job *job)
{
	struct fetch early = { .id = job->fetch.id, .prefix = job->fetch.prefix };
	struct error err = { 0 };

	early.metadata = metadata_new(job->runtime->type);
	if (job->runtime->socket.kind->steps[0].take(&early, &job->first, &err) == 0) {
		early.metadata->is_partial = true;
		metadata_finish(early.metadata);
		give(job->owner, (struct runtimes_answer){ .answer = ANSWER_KNOWN,
					 .kind = job->kind,
					 .id = string_copy(job->id),
					 .metadata = TAKE(early.metadata) });
	}
	fetch_done(&early);
	drop_first(job);
}

/* Where a call ends: the job goes on in the thread's loop, not inside of libcurl's. */
static void take_answer(void *context, struct http_answer *answer)
{
	struct job *job = context;
	struct runtime *runtime = job->runtime;
	struct error err = { 0 };
	int r = answer->error;

	runtime->calls--;
	if (r == -ETIMEDOUT)
		/* Perhaps only this container is locked: ask for the version. */
		runtime->next_probe_ms = 0;
	else if (r < 0 && r != -ECANCELED)
		runtime_down(runtime, why(runtime, answer));
	if (!r) {
		r = runtime->socket.kind->steps[job->step].take(&job->fetch, answer, &err);
		if (r == -EPROTO)
			say_oddity(runtime, err.message);
	}
	if (!r && !job->step && !job->fetch.is_no_container) {
		job->first = *answer;
		job->has_first = true;
		buffer_init(&answer->body, 0);
	}
	if (r < 0 && r != -ENOENT)
		atomic_fetch_add(runtime->failed, 1);
	job->was_answered |= r == -ENOENT;
	job->has_timed_out |= r == -ETIMEDOUT;
	job->step++;
	if (r < 0)
		job->runtime = NULL;
	job_sleep(job, 0);
}

/* Sends what the next step with something to ask composes; without one the job is done. */
static void next_step(struct job *job)
{
	const struct runtime_kind *kind = job->runtime->socket.kind;

	for (; job->step < kind->step_count; job->step++) {
		recall_facts(job);
		request_reset(&job->request);
		if (!kind->steps[job->step].compose(&job->fetch, &job->request))
			continue;
		if (job->runtime->calls >= CALLS_OF_ONE_MAX ||
			send_request(job->runtime, &job->request, take_answer, job) < 0)
			job_sleep(job, 5);
		else
			atomic_fetch_add(job->runtime->asked, 1);
		if (job->has_first)
			give_early(job);
		return;
	}
	recall_facts(job);
	job_finish(job);
}

/* ---- the thread ---- */

/* Begins a job's round or the next runtime of it, or goes on with the one that answered. */
static void advance(struct job *job)
{
	bool waits;

	if (job->runtime) {
		next_step(job);
		return;
	}
	drop_first(job);
	job->runtime = next_runtime(job, &waits);
	if (job->runtime) {
		fetch_done(&job->fetch);
		job->step = 0;
		job->fetch.id = text_of(job->id);
		job->fetch.prefix = job->runtime->socket.kind->prefixes[job->runtime->version];
		job->fetch.metadata = metadata_new(job->runtime->type);
		next_step(job);
	} else if (waits) {
		job_sleep(job, ASK_AGAIN_FIRST_MS);
	} else {
		next_round(job);
	}
}

static void advance_due(struct runtimes *runtimes)
{
	struct job *due = runtimes->sleeping, *job, *next;
	int64_t now = clock_ms(CLOCK_MONOTONIC);

	/* What falls asleep again now is for the next turn. */
	runtimes->sleeping = NULL;
	DL_FOREACH_SAFE(due, job, next)
	{
		DL_DELETE(due, job);
		if (job->due_ms > now)
			DL_APPEND(runtimes->sleeping, job);
		else
			advance(job);
	}
}

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

static void job_free(struct job *job)
{
	fetch_done(&job->fetch);
	drop_first(job);
	buffer_done(&job->request.body);
	free(job->id);
	free(job);
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
