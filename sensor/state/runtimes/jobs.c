/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A job's way from runtime to runtime: each container that was asked about is one. It goes to the
 * likeliest runtime first, and at each through that kind's steps; where it has to wait it sleeps
 * in a list until it is due.
 */
#include <errno.h>
#include <stdio.h>
#include <utlist.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "sensor/state/runtimes/thread.h"

#define CALLS_OF_ONE_MAX 64
/* Runtimes make the cgroup before they know the container: 10, 20, 40 … 1280 ms. */
#define ASK_AGAIN_FIRST_MS 10
#define ASK_AGAIN_TIMES	   8
#define LOST_CALL_ROUNDS   3

/* ---- its beginning and end ---- */
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

void job_free(struct job *job)
{
	fetch_done(&job->fetch);
	drop_first(job);
	buffer_done(&job->request.body);
	free(job->id);
	free(job->pod);
	free(job);
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
	runtimes->jobs--;
	job_free(job);
}

void job_sleep(struct job *job, int64_t for_ms)
{
	job->due_ms = clock_ms(CLOCK_MONOTONIC) + for_ms;
	DL_APPEND(job->owner->sleeping, job);
}

/* ---- whom to ask ---- */

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
	if ((job->may_know_later || job->has_timed_out) && job->rounds < ASK_AGAIN_TIMES) {
		job->tried = 0;
		job->may_know_later = job->has_timed_out = false;
		job_sleep(job, ASK_AGAIN_FIRST_MS << job->rounds++);
		return;
	}
	if (!job->may_know_later && !job->rounds && try_the_lost(job->owner)) {
		job->tried = 0;
		job->rounds = ASK_AGAIN_TIMES - 2;
		job_sleep(job, ASK_AGAIN_FIRST_MS);
		return;
	}
	say_that_none_answers(job);
	job_end(job, NULL);
}

/* What is remembered from before, put into the metadata. */
static void apply_facts(struct fetch *fetch)
{
	struct metadata *metadata = fetch->metadata;
	const struct image_facts *facts = fetch->facts;

	if (!metadata->pod && fetch->pod)
		metadata->pod = pod_hold(fetch->pod);
	if (!facts)
		return;
	metadata_set_image(metadata, fetch->image_name, facts->tags, facts->tag_count,
		facts->digests, facts->digest_count);
	if (!metadata->image_id.data)
		metadata->image_id = keep_text(&metadata->kept, facts->id);
}

static void job_finish(struct job *job)
{
	struct fetch *fetch = &job->fetch;

	apply_facts(fetch);
	metadata_finish(fetch->metadata);
	job_end(job, TAKE(fetch->metadata));
}

/* At once, so that a pod's containers know it while its sandbox still asks for its image. */
static void remember_told(struct job *job)
{
	struct fetch *fetch = &job->fetch;

	if (fetch->ret_pod) {
		remember(&job->runtime->pods, fetch->sandbox_id,
			(struct remembered){ .pod = pod_hold(fetch->ret_pod) });
		fetch->metadata->pod = TAKE(fetch->ret_pod);
	}
	if (fetch->ret_facts)
		remember(&job->runtime->images, fetch->image,
			(struct remembered){ .facts = TAKE(fetch->ret_facts) });
}

static void recall_facts(const struct runtime *runtime, struct fetch *fetch)
{
	const struct remembered *pod = recall(runtime->pods, fetch->sandbox_id);
	const struct remembered *image = recall(runtime->images, fetch->image);

	fetch->pod = pod ? pod->pod : NULL;
	fetch->facts = image ? image->facts : NULL;
}

static void give_partial(struct job *job, struct fetch *fetch)
{
	recall_facts(job->runtime, fetch);
	apply_facts(fetch);
	fetch->metadata->is_partial = true;
	metadata_finish(fetch->metadata);
	give(job->owner, (struct runtimes_answer){ .answer = ANSWER_KNOWN,
				 .kind = job->kind,
				 .id = string_copy(job->id),
				 .metadata = TAKE(fetch->metadata) });
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
	if (job->runtime->socket.kind->steps[0].take(&early, &job->first, &err) == 0)
		give_partial(job, &early);
	fetch_done(&early);
	drop_first(job);
}

/* What the runtime wrote down is there before it can answer, where we can read its files. */
static void give_filed(struct job *job)
{
	struct fetch filed = { .id = job->fetch.id };
	struct error err = { 0 };

	if (!job->runtime->root || job->rounds)
		return;
	filed.metadata = metadata_new(job->runtime->type);
	if (job->runtime->socket.kind->read_files(job->runtime->root, &filed, &err) == 0)
		give_partial(job, &filed);
	fetch_done(&filed);
}

/*
 * The first cgroup of a pod is its sandbox's: asking for a pod at once saves a call, so that the
 * pod is known by the time its containers run.
 */
static bool may_be_sandbox(struct job *job)
{
	struct text pod = text_of(job->pod);

	if (!job->pod || !job->runtime->socket.kind->has_pods || recall(job->runtime->met, pod))
		return false;
	remember(&job->runtime->met, pod, (struct remembered){ 0 });
	return true;
}

/* At the runtime that it is at, from the first step on. */
static void fetch_begin(struct job *job, bool as_sandbox)
{
	struct fetch *fetch = &job->fetch;

	fetch_done(fetch);
	job->step = 0;
	job->is_guess = as_sandbox;
	fetch->id = text_of(job->id);
	fetch->prefix = job->runtime->socket.kind->prefixes[job->runtime->version];
	fetch->metadata = metadata_new(job->runtime->type);
	fetch->is_no_container = as_sandbox;
	if (as_sandbox)
		fetch->sandbox_id = keep_text(&fetch->metadata->kept, fetch->id);
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
		runtime_lost(runtime, answer);
	if (!r) {
		r = runtime->socket.kind->steps[job->step].take(&job->fetch, answer, &err);
		if (job->is_guess && r < 0) {
			fetch_begin(job, false);
			job_sleep(job, 0);
			return;
		}
		if (r == -EPROTO || r == -EAGAIN)
			say_oddity(runtime, err.message);
	}
	if (!r)
		remember_told(job);
	if (!r && !job->step && !job->fetch.is_no_container) {
		job->first = *answer;
		job->has_first = true;
		buffer_init(&answer->body, 0);
	}
	if (r < 0 && r != -ENOENT)
		atomic_fetch_add(runtime->failed, 1);
	job->may_know_later |= r == -ENOENT || r == -EAGAIN;
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
		recall_facts(job->runtime, &job->fetch);
		request_reset(&job->request);
		if (!kind->steps[job->step].compose(&job->fetch, &job->request))
			continue;
		if ((job->step && survey_may_tell(job->runtime)) ||
			job->runtime->calls >= CALLS_OF_ONE_MAX ||
			send_request(job->runtime, &job->request, take_answer, job) < 0)
			job_sleep(job, 5);
		else
			atomic_fetch_add(job->runtime->asked, 1);
		if (job->has_first)
			give_early(job);
		return;
	}
	recall_facts(job->runtime, &job->fetch);
	job_finish(job);
}

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
		fetch_begin(job, may_be_sandbox(job));
		give_filed(job);
		survey_images(job->runtime);
		next_step(job);
	} else if (waits) {
		job_sleep(job, ASK_AGAIN_FIRST_MS);
	} else {
		next_round(job);
	}
}

void advance_due(struct runtimes *runtimes)
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
