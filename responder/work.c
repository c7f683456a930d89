/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Carrying out a response.
 */
#include <errno.h>
#include <json-c/json.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "responder/contexts.h"
#include "responder/guard.h"
#include "responder/outputs.h"
#include "responder/work.h"

#define HOUR_MS	    INT64_C(3600000)
#define LATER_MS    1000
#define LATER_MAX_S 30

/* What one response is done with. */
struct job {
	struct work *work;
	struct response *response;
	const struct rule *rule;
	struct alert *alert;
	struct json_object *steps; /* what each action did, an array */
	bool is_lost;		   /* another replica has it */
	struct run run;
};

static int64_t now_ms(void)
{
	return clock_ms(CLOCK_REALTIME);
}

static void say(struct job *job, const struct step *step, const char *status, const char *words,
	int64_t took_ms)
{
	if (job->is_lost)
		return;
	report(job->work->parts->reporter,
		&(struct report){ .response = job->response,
			.rule = job->rule,
			.action = step ? step->name : "",
			.actionner = step ? step->kind->name : "",
			.status = status,
			.words = words,
			.output_target = step ? step->output_target : NULL,
			.took_ms = took_ms });
}

/*
 * -EEXIST: another replica has taken it over, and it is no more ours; -EAGAIN: others are told of
 * it later.
 */
static int save(struct job *job)
{
	const struct engine_parts *parts = job->work->parts;
	struct response *response = job->response;
	struct error err = { 0 };
	int r;

	if (job->is_lost)
		return -EEXIST;
	free(response->steps);
	response->steps =
		string_copy(json_object_to_json_string_ext(job->steps, JSON_C_TO_STRING_PLAIN));
	r = ledger_save(parts->ledger, response, &err);
	if (!r && parts->mirror)
		r = mirror_write(parts->mirror, response, &err);
	if (r < 0)
		log_warning("%s", err.message);
	if (r == -EEXIST) {
		job->is_lost = true;
		(void)ledger_remove(parts->ledger, response->id, &err);
	}
	return r;
}

static void set_why(struct response *response, const char *why)
{
	char *copy = string_copy(why);

	free(response->why);
	response->why = copy;
}

static void end(struct job *job, enum response_state state, const char *why)
{
	job->response->state = state;
	job->response->finished_ms = now_ms();
	set_why(job->response, why);
	(void)save(job);
}

static void refuse(struct job *job, const char *why)
{
	end(job, RESPONSE_REFUSED, why);
	say(job, NULL, "refused", why, 0);
}

/* Once more later, or it expires. */
static void postpone(struct job *job, const char *why)
{
	struct response *response = job->response;
	int64_t wait = MIN_OF(LATER_MS << MIN_OF(response->tries, 5), LATER_MAX_S * 1000);
	int64_t now = now_ms();

	if (now >= response->deadline_ms) {
		end(job, response->step > 0 ? RESPONSE_FAILED : RESPONSE_EXPIRED, why);
		say(job, NULL, "expired", why, 0);
		return;
	}
	response->tries++;
	response->state = RESPONSE_PENDING;
	response->next_ms = MIN_OF(now + wait, response->deadline_ms);
	set_why(response, why);
	(void)save(job);
	log_info("response %lld of rule \"%s\" waits: %s", (long long)response->id, response->rule,
		why);
}

static struct json_object *parse_alert(const struct response *response, struct alert **ret_alert)
{
	struct json_object *json = NULL;
	struct error err = { 0 };

	if (json_parse(text_of(response->alert), &json, NULL, &err) < 0 ||
		alert_from_json(json, ret_alert, &err) < 0)
		log_error("response %lld: %s", (long long)response->id, err.message);
	return json;
}

static void job_init(struct job *job, struct work *work, struct response *response)
{
	_cleanup_(json_putp) struct json_object *json = NULL;
	struct error ignored = { 0 };

	*job = (struct job){ .work = work, .response = response };
	json = parse_alert(response, &job->alert);
	job->rule = playbooks_find(work->playbooks, response->rule);
	if (!response->steps ||
		json_parse(text_of(response->steps), &job->steps, NULL, &ignored) < 0)
		job->steps = json_object_new_array();
	job->run = (struct run){ .cluster = work->cluster,
		.settings = work->parts->settings,
		.alert = job->alert,
		.rule = response->rule,
		.may_touch = job->rule ? &job->rule->may_touch : NULL,
		.name_space = string_copy(response->name_space),
		.pod = string_copy(response->pod),
		.uid = string_copy(response->uid),
		.node = string_copy(response->node) };
	buffer_init(&job->run.result, RESULT_MAX);
	buffer_init(&job->run.artifact, ARTIFACT_MAX);
}

static void job_done(struct job *job)
{
	struct run *run = &job->run;

	alert_free(job->alert);
	json_object_put(job->steps);
	free(run->name_space);
	free(run->pod);
	free(run->uid);
	free(run->node);
	json_object_put(run->object);
	json_object_put(run->memory);
	buffer_done(&run->result);
	buffer_done(&run->artifact);
}

/* Guard rails. */

static bool wants_pod(const struct rule *rule)
{
	for (size_t i = 0; i < rule->step_count; i++)
		if (rule->steps[i].kind->target == TARGET_POD)
			return true;
	return false;
}

static bool wants_object(const struct rule *rule)
{
	for (size_t i = 0; i < rule->step_count; i++)
		if (rule->steps[i].kind->target == TARGET_OBJECT)
			return true;
	return false;
}

static int check_pod(struct job *job, struct error *err)
{
	struct run *run = &job->run;

	if (!run->pod || !*run->pod || !run->name_space || !*run->name_space)
		return error_set(err, -EPERM, "the alert names no pod and namespace");
	if (!run->cluster)
		return error_set(err, -EAGAIN, "no cluster is known (kubeconfig)");
	return guard_pod(run, err);
}

/* The pod's own uid, its node and its owner are known now. */
static void learn_pod(struct job *job)
{
	struct response *response = job->response;
	struct json_object *owner = owner_of(job->run.object);
	struct text name = json_get_text(owner, "name");

	free(response->uid);
	response->uid = string_copy(job->run.uid);
	free(response->node);
	response->node = string_copy(job->run.node);
	if (text_starts_with(text_of(response->workload), TEXT("node/")))
		return;
	free(response->workload);
	response->workload =
		name.length
			? string_printf("%s/" TEXT_FORMAT, response->name_space, TEXT_PRINT(name))
			: string_printf("%s/%s", response->name_space, response->pod);
}

static int check_twice(struct job *job, struct error *err)
{
	const struct response *response = job->response;
	int64_t window = job->rule->window_ms ? job->rule->window_ms
					      : job->work->parts->settings->window_s * 1000;

	if (!ledger_has_other(job->work->parts->ledger, response, response->created_ms - window))
		return 0;
	return error_set(err, -EPERM, "this rule has acted on this pod within its window of %lld s",
		(long long)(window / 1000));
}

static int check_count(const char *what, int64_t count, int64_t limit, struct error *err)
{
	if (!limit || count < limit)
		return 0;
	return error_set(err, -EPERM, "%s: %lld have been reached", what, (long long)limit);
}

static int check_limits(struct job *job, struct error *err)
{
	const struct responder_settings *settings = job->work->parts->settings;
	struct ledger *ledger = job->work->parts->ledger;
	const struct rule *rule = job->rule;
	int64_t now = now_ms();
	int r = check_count("the limit of responses an hour",
		ledger_count_acted(ledger, NULL, NULL, now - HOUR_MS), settings->limit_an_hour,
		err);

	if (!r && rule->limit)
		r = check_count("the limit of the rule",
			ledger_count_acted(ledger, rule->name, NULL, now - rule->limit_ms),
			rule->limit, err);
	if (!r)
		r = check_count("the limit of pods of one workload an hour",
			ledger_count_acted(
				ledger, rule->name, job->response->workload, now - HOUR_MS),
			settings->workload_limit_an_hour, err);
	return r;
}

/* From here on it counts as having acted; who comes again keeps its place. */
static int take_place(struct job *job, struct error *err)
{
	int r;

	if (job->response->acted_ms)
		return 0;
	pthread_mutex_lock(&job->work->limits->lock);
	r = check_twice(job, err);
	if (!r)
		r = check_limits(job, err);
	if (!r) {
		job->response->acted_ms = now_ms();
		r = save(job);
	}
	if (r == -EAGAIN)
		(void)error_set(err, r, "other replicas cannot be told of it");
	pthread_mutex_unlock(&job->work->limits->lock);
	return r;
}

static int check_object(struct job *job, struct error *err)
{
	if (list_matches(&job->work->parts->settings->cluster_hosts, job->alert->hostname))
		return 0;
	return error_set(err, -EPERM,
		"%s may not speak for the whole cluster (guard.cluster_hosts)",
		job->alert->hostname ? job->alert->hostname : "a nameless host");
}

static int guard(struct job *job, struct error *err)
{
	const struct engine_parts *parts = job->work->parts;
	int r;

	if (!job->rule)
		return error_set(err, -EPERM, "its rule is in no playbook any more");
	if (!job->alert)
		return error_set(err, -EPERM, "its alert cannot be read");
	r = guard_before(parts->settings, job->rule, job->response, parts->api, err);
	if (!r && wants_object(job->rule))
		r = check_object(job, err);
	if (!r && wants_pod(job->rule) && !job->response->step) {
		r = check_pod(job, err);
		if (!r)
			learn_pod(job);
	}
	return r;
}

/* Actions. */

static void note_step(struct job *job, const struct step *step, const char *state,
	const char *words, int64_t took_ms)
{
	struct json_object *note = json_object_new_object();
	size_t at = (size_t)job->response->step;
	struct buffer clean;

	buffer_init(&clean, RESULT_MAX);
	buffer_add_utf8(&clean, text_of(words));
	json_object_object_add(note, "action", json_object_new_string(step->name));
	json_object_object_add(note, "actionner", json_object_new_string(step->kind->name));
	json_object_object_add(note, "state", json_object_new_string(state));
	json_object_object_add(
		note, "result", json_object_new_string(clean.data ? clean.data : ""));
	json_object_object_add(note, "took_ms", json_object_new_int64(took_ms));
	if (job->run.memory)
		json_object_object_add(note, "memory", json_object_get(job->run.memory));
	json_object_array_put_idx(job->steps, at, note);
	buffer_done(&clean);
}

static int run_step(struct job *job, const struct step *step, struct error *err)
{
	struct run *run = &job->run;
	int r = 0;

	run->action = step->name;
	run->actionner = step->kind->name;
	run->until_ms = clock_ms(CLOCK_MONOTONIC) + run->settings->action_ms;
	buffer_clear(&run->result);
	buffer_clear(&run->artifact);
	json_object_put(run->memory);
	run->memory = NULL;
	if (step->kind->target == TARGET_POD && !run->object)
		r = guard_pod(run, err);
	if (!r)
		r = contexts_collect(run, &step->contexts, err);
	if (r >= 0)
		r = step->kind->run(run, step->parameters, err);
	if (r == ACTION_DONE && step->output_target)
		r = output_store(step->output_target, &step->output_parameters, run, err);
	contexts_done(run);
	return r;
}

static void plan_undo(struct job *job, const struct step *step)
{
	int64_t expires = step->expires_ms ? step->expires_ms : job->rule->expires_ms;

	if (expires && step->kind->undo && job->run.memory)
		job->response->undo_ms = now_ms() + expires;
}

/* 1: go on with the next one, 0: the end, -EAGAIN: later, -ECANCELED: it is another replica's. */
static int do_step(struct job *job, const struct step *step)
{
	int64_t began = clock_ms(CLOCK_MONOTONIC), took;
	struct error err = { 0 };
	const char *words;
	int r;

	note_step(job, step, "running", "", 0);
	r = save(job);
	if (r == -EEXIST)
		return -ECANCELED;
	if (r == -EAGAIN)
		(void)error_set(&err, r, "other replicas cannot be told of it");
	else
		r = run_step(job, step, &err);
	if (r == -EAGAIN) {
		note_step(job, step, "again", err.message, 0);
		postpone(job, err.message);
		return r;
	}
	took = clock_ms(CLOCK_MONOTONIC) - began;
	words = r < 0 ? err.message : job->run.result.data ? job->run.result.data : "";
	note_step(job, step, r < 0 ? "failed" : r ? "ignored" : "done", words, took);
	if (r >= 0)
		plan_undo(job, step);
	job->response->step++;
	job->response->tries = 0;
	(void)save(job);
	say(job, step, r < 0 ? "failure" : r ? "ignored" : "success", words, took);
	if (r < 0 && step->ignores_errors != CHOICE_TRUE) {
		end(job, RESPONSE_FAILED, words);
		return 0;
	}
	return step_continues(step) ? 1 : 0;
}

static void do_steps(struct job *job)
{
	const struct rule *rule = job->rule;
	int r = 1;

	while (r > 0 && job->response->step < (int64_t)rule->step_count)
		r = do_step(job, &rule->steps[job->response->step]);
	if (r >= 0 && job->response->state == RESPONSE_RUNNING)
		end(job, RESPONSE_DONE, NULL);
}

static void dry_run(struct job *job)
{
	struct buffer words;

	buffer_init(&words, RESULT_MAX);
	buffer_add_string(&words, "would do: ");
	for (size_t i = 0; i < job->rule->step_count; i++) {
		const struct step *step = &job->rule->steps[i];

		buffer_printf(&words, "%s%s (%s)", i ? ", " : "", step->name, step->kind->name);
		if (!step_continues(step))
			break;
	}
	end(job, RESPONSE_DRY_RUN, words.data);
	say(job, NULL, "dry_run", words.data, 0);
	buffer_done(&words);
}

static bool is_dry(const struct job *job)
{
	return job->work->parts->settings->is_dry_run || job->rule->dry_run == CHOICE_TRUE;
}

static void carry_out(struct job *job)
{
	struct error err = { 0 };
	int r = guard(job, &err);

	if (r == -EAGAIN && job->rule && is_dry(job))
		r = 0; /* the rest cannot be known */
	if (!r && is_dry(job)) {
		dry_run(job);
		return;
	}
	if (!r)
		r = take_place(job, &err);
	if (r == -EAGAIN)
		postpone(job, err.message);
	else if (r < 0)
		refuse(job, err.message);
	else
		do_steps(job);
}

/* Undo. */

static int undo_step(struct job *job, size_t at, struct error *err)
{
	struct json_object *note = json_object_array_get_idx(job->steps, at);
	struct json_object *memory = json_get(note, "memory");
	const struct step *step =
		job->rule && at < job->rule->step_count ? &job->rule->steps[at] : NULL;
	const struct action *kind = action_find(json_get_text(note, "actionner"));
	int r;

	if (!memory || !kind || !kind->undo)
		return 0;
	buffer_clear(&job->run.result);
	job->run.until_ms = clock_ms(CLOCK_MONOTONIC) + job->run.settings->action_ms;
	r = kind->undo(
		&job->run, step && step->kind == kind ? step->parameters : NULL, memory, err);
	if (r < 0)
		return r;
	json_object_object_del(note, "memory");
	json_object_object_add(note, "state", json_object_new_string("undone"));
	if (save(job) == -EEXIST)
		return -ECANCELED;
	report(job->work->parts->reporter,
		&(struct report){ .response = job->response,
			.rule = job->rule,
			.action = json_object_get_string(json_get(note, "action")),
			.actionner = kind->name,
			.status = "undone",
			.words = job->run.result.data ? job->run.result.data : "" });
	return 0;
}

static void undo_later(struct job *job, const char *why)
{
	struct response *response = job->response;
	int64_t wait = MIN_OF(LATER_MS << MIN_OF(response->tries, 10), 600 * 1000);

	response->tries++;
	response->next_ms = now_ms() + wait;
	set_why(response, why);
	(void)save(job);
}

/* Backwards; what cannot be undone now is tried again for ever, for somebody waits for it. */
static void undo(struct job *job)
{
	struct error err = { 0 };
	int r = 0;

	if (!job->work->cluster || !job->alert)
		r = error_set(&err, -EAGAIN, "no cluster is known (kubeconfig)");
	for (size_t at = json_object_array_length(job->steps); at-- > 0 && !r;)
		r = undo_step(job, at, &err);
	if (r == -EAGAIN) {
		undo_later(job, err.message);
		return;
	}
	job->response->undo_ms = 0;
	end(job, r < 0 ? RESPONSE_FAILED : RESPONSE_UNDONE, r < 0 ? err.message : NULL);
	if (r < 0)
		say(job, NULL, "failure", err.message, 0);
}

void work_on(struct work *work, struct response *response)
{
	struct job job;

	job_init(&job, work, response);
	if (response->state == RESPONSE_UNDOING)
		undo(&job);
	else
		carry_out(&job);
	job_done(&job);
}

static bool was_begun(const struct job *job)
{
	struct json_object *note =
		json_object_array_get_idx(job->steps, (size_t)job->response->step);

	return text_is(json_get_text(note, "state"), "running");
}

void work_settle(struct work *work, struct response *response)
{
	struct job job;
	bool may_repeat;

	if (response->state == RESPONSE_UNDOING)
		return; /* it is due as it is */
	job_init(&job, work, response);
	may_repeat =
		!was_begun(&job) || (job.rule && response->step < (int64_t)job.rule->step_count &&
					    job.rule->steps[response->step].kind->is_repeatable);
	if (may_repeat) {
		response->state = RESPONSE_PENDING;
		response->next_ms = now_ms();
		(void)save(&job);
	} else {
		end(&job, RESPONSE_FAILED,
			"the responder ended while it was done; it is not done again, for it may "
			"have been done");
		say(&job, NULL, "failure", response->why, 0);
	}
	job_done(&job);
}
