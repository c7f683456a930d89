/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Engine: from alerts to responses, and the workers that carry them out.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "responder/engine.h"
#include "responder/guard.h"
#include "responder/work.h"

#define HOUSE_MS  2000
#define HOUR_MS	  INT64_C(3600000)
#define SLEEP_MAX 60000

struct worker {
	struct engine *engine;
	struct cluster *cluster;
	pthread_t thread;
	char *workload; /* what it is busy with; NULL: idle */
};

struct engine {
	struct engine_parts parts;
	pthread_mutex_t lock; /* guards all below */
	pthread_cond_t changed;
	struct playbooks *playbooks;
	struct worker *workers;
	size_t count;
	pthread_t keeper;
	bool has_keeper, is_ending;
	int64_t lead_until_ms; /* CLOCK_MONOTONIC */
	struct work_limits limits;
};

struct playbooks *engine_playbooks(struct engine *engine)
{
	struct playbooks *held;

	pthread_mutex_lock(&engine->lock);
	held = playbooks_hold(engine->playbooks);
	pthread_mutex_unlock(&engine->lock);
	return held;
}

void engine_change(struct engine *engine, struct playbooks *playbooks)
{
	struct playbooks *old;

	pthread_mutex_lock(&engine->lock);
	old = engine->playbooks;
	engine->playbooks = playbooks;
	pthread_mutex_unlock(&engine->lock);
	playbooks_free(old);
}

void engine_wake(struct engine *engine)
{
	pthread_mutex_lock(&engine->lock);
	pthread_cond_broadcast(&engine->changed);
	pthread_mutex_unlock(&engine->lock);
}

/* Under the lock. A program that was stopped for a while finds that its time is over. */
static bool leads_now(const struct engine *engine)
{
	return clock_ms(CLOCK_MONOTONIC) < engine->lead_until_ms;
}

void engine_lead(struct engine *engine, int64_t until_ms)
{
	pthread_mutex_lock(&engine->lock);
	if (!leads_now(engine))
		pthread_cond_broadcast(&engine->changed);
	engine->lead_until_ms = until_ms;
	pthread_mutex_unlock(&engine->lock);
}

bool engine_leads(struct engine *engine)
{
	bool leads;

	pthread_mutex_lock(&engine->lock);
	leads = leads_now(engine);
	pthread_mutex_unlock(&engine->lock);
	return leads;
}

/* From an alert to a response. */

static char *first_field(const struct alert *alert, const char *const *names)
{
	char number[256];

	for (; *names; names++) {
		struct text value = read_output_field(alert, *names, number, sizeof(number));

		if (value.length && !text_is(value, "<NA>") && !text_is(value, "null"))
			return text_to_string(value);
	}
	return NULL;
}

static bool rule_acts_on_node(const struct rule *rule)
{
	for (size_t i = 0; i < rule->step_count; i++)
		if (rule->steps[i].kind->acts_on_node)
			return true;
	return false;
}

static bool rule_wants_pod(const struct rule *rule)
{
	for (size_t i = 0; i < rule->step_count; i++)
		if (rule->steps[i].kind->target == TARGET_POD)
			return true;
	return false;
}

/* Whom it is queued with: until the pod is read that is what its names say. */
static char *workload_of(
	const struct rule *rule, const struct alert *alert, const struct response *response)
{
	static const char *const owners[] = { "k8s.deployment.name", "k8s.rs.name",
		"k8s.statefulset.name", "k8s.daemonset.name", NULL };
	_cleanup_(freep) char *owner = NULL;

	if (rule_acts_on_node(rule) || !response->pod)
		return string_printf("node/%s", alert->hostname ? alert->hostname : "");
	owner = first_field(alert, owners);
	return string_printf("%s/%s", response->name_space ? response->name_space : "",
		owner ? owner : response->pod);
}

/*
 * What further alerts are folded by. The host is part of it: what one node says of another's pod is
 * refused, and must not stand in the way of what that one says itself. Without a uid the container
 * tells a pod from its successor of the same name.
 */
static char *target_of(
	const struct alert *alert, const struct rule *rule, const struct response *response)
{
	static const char *const containers[] = { "container.id", NULL };
	const char *host = alert->hostname ? alert->hostname : "";
	const char *name_space = response->name_space ? response->name_space : "";
	_cleanup_(freep) char *container = first_field(alert, containers);

	if (response->uid && *response->uid)
		return string_printf("pod/%s@%s", response->uid, host);
	if (response->pod && rule_wants_pod(rule))
		return string_printf("pod/%s/%s/%s@%s", name_space, response->pod,
			container ? container : "", host);
	if (response->pod)
		return string_printf("object/%s/%s@%s", name_space, response->pod, host);
	return string_printf("alert/%s", response->alert_uuid);
}

static void response_make(const struct engine *engine, const struct rule *rule,
	const struct alert *alert, struct response *ret_response)
{
	static const char *const pods[] = { "k8s.pod.name", "ka.target.pod.name", "ka.target.name",
		NULL };
	static const char *const spaces[] = { "k8s.ns.name", "ka.target.namespace", NULL };
	static const char *const uids[] = { "k8s.pod.uid", "k8s.pod.id", NULL };
	const struct responder_settings *settings = engine->parts.settings;
	struct response response = { .state = RESPONSE_PENDING };
	struct buffer json;

	buffer_init(&json, ALERT_MAX);
	alert_write(alert, &json);
	response.alert = buffer_take(&json);
	response.rule = string_copy(rule->name);
	response.alert_uuid = string_copy(alert->uuid);
	response.pod = first_field(alert, pods);
	response.name_space = first_field(alert, spaces);
	response.uid = first_field(alert, uids);
	response.hostname = string_copy(alert->hostname);
	response.target = target_of(alert, rule, &response);
	response.workload = workload_of(rule, alert, &response);
	response.window_ms = rule->window_ms ? rule->window_ms : settings->window_s * 1000;
	response.created_ms = response.next_ms = clock_ms(CLOCK_REALTIME);
	response.deadline_ms = response.created_ms +
			       (rule->patience_ms ? rule->patience_ms : settings->patience_ms);
	if (rule->needs_approval && rule->dry_run != CHOICE_TRUE && !settings->is_dry_run) {
		response.state = RESPONSE_WAITING;
		response.deadline_ms = response.created_ms + settings->confirm_ms;
	}
	*ret_response = response;
}

/*
 * Other replicas know of it before anybody is told that it is taken. What is too large for them is
 * done all the same: to be safe from the loss of this replica is not worth to be safe from action.
 */
static int share_new(struct engine *engine, struct response *response, struct error *err)
{
	struct error ignored = { 0 };
	int r;

	if (!engine->parts.mirror || response->state == RESPONSE_REFUSED)
		return 0;
	r = mirror_write(engine->parts.mirror, response, err);
	if (r == -E2BIG) {
		log_warning("%s", err->message);
		return 0;
	}
	if (r < 0)
		(void)ledger_remove(engine->parts.ledger, response->id, &ignored);
	return r;
}

static int begin(struct engine *engine, const struct rule *rule, const struct alert *alert,
	struct error *err)
{
	struct response response;
	int r;

	response_make(engine, rule, alert, &response);
	r = guard_before(engine->parts.settings, rule, &response, engine->parts.api, err);
	if (r < 0) {
		response.state = RESPONSE_REFUSED;
		response.why = string_copy(err->message);
		response.finished_ms = response.created_ms;
	}
	r = ledger_add(engine->parts.ledger, &response, engine->parts.settings->waiting_max, err);
	if (!r)
		r = share_new(engine, &response, err);
	if (!r && response.state == RESPONSE_REFUSED)
		report(engine->parts.reporter, &(struct report){ .response = &response,
						       .rule = rule,
						       .action = "",
						       .actionner = "",
						       .status = "refused",
						       .words = response.why });
	if (!r && response.state == RESPONSE_WAITING)
		report(engine->parts.reporter, &(struct report){ .response = &response,
						       .rule = rule,
						       .action = "",
						       .actionner = "",
						       .status = "waiting",
						       .words = "somebody must approve it" });
	response_done(&response);
	return r == -EEXIST ? 0 : r < 0 ? r : 1;
}

static void count_match(struct engine *engine, const struct rule *rule)
{
	struct buffer labels;

	buffer_init(&labels, 4096);
	metrics_label(&labels, "rule", text_of(rule->name));
	(*metrics_counter(engine->parts.metrics, "tercel_responder_matches_total",
		"Alerts that a rule took", labels.data))++;
	buffer_done(&labels);
}

int engine_take(struct engine *engine, const struct alert *alert, struct error *err)
{
	_cleanup_(playbooks_freep) struct playbooks *playbooks = engine_playbooks(engine);
	int begun = 0;

	for (size_t i = 0; i < playbooks_count(playbooks); i++) {
		const struct rule *rule = playbooks_at(playbooks, i);
		int r;

		if (!rule_takes(playbooks, rule, alert))
			continue;
		count_match(engine, rule);
		r = begin(engine, rule, alert, err);
		if (r < 0)
			return r;
		begun += r;
		if (rule->continues == CHOICE_FALSE)
			break;
	}
	if (begun)
		engine_wake(engine);
	return begun;
}

/* Workers. */

static size_t list_busy(const struct engine *engine, const char **busy)
{
	size_t count = 0;

	for (size_t i = 0; i < engine->count; i++)
		if (engine->workers[i].workload)
			busy[count++] = engine->workers[i].workload;
	return count;
}

static void wait_for_work(struct engine *engine, int64_t next_ms)
{
	int64_t now_ms = clock_ms(CLOCK_REALTIME);
	struct timespec until = clock_timespec(
		next_ms <= now_ms ? now_ms + 1000 : MIN_OF(next_ms, now_ms + SLEEP_MAX));

	(void)pthread_cond_timedwait(&engine->changed, &engine->lock, &until);
}

static void do_work(struct worker *worker, struct response *response)
{
	struct engine *engine = worker->engine;
	struct work work = { .parts = &engine->parts,
		.playbooks = engine_playbooks(engine),
		.cluster = worker->cluster,
		.limits = &engine->limits };

	work_on(&work, response);
	playbooks_free(work.playbooks);
}

static void *work_all(void *context)
{
	struct worker *worker = context;
	struct engine *engine = worker->engine;
	_cleanup_(freep) const char **busy = NEW_ARRAY(const char *, engine->count);

	pthread_mutex_lock(&engine->lock);
	while (!engine->is_ending) {
		struct response response;
		struct error err = { 0 };
		int64_t next_ms = INT64_MAX;
		int r = 0;

		if (leads_now(engine))
			r = ledger_take(engine->parts.ledger, clock_ms(CLOCK_REALTIME), busy,
				list_busy(engine, busy), &response, &next_ms, &err);
		if (r < 0)
			log_error("%s", err.message);
		if (r <= 0) {
			wait_for_work(engine, next_ms);
			continue;
		}
		worker->workload = string_copy(response.workload);
		pthread_mutex_unlock(&engine->lock);
		do_work(worker, &response);
		response_done(&response);
		pthread_mutex_lock(&engine->lock);
		free(worker->workload);
		worker->workload = NULL;
		pthread_cond_broadcast(&engine->changed);
	}
	pthread_mutex_unlock(&engine->lock);
	return NULL;
}

/* The house: what waited too long, and what may be forgotten. */

static void expire(void *context, struct response *response)
{
	struct engine *engine = context;
	struct error err = { 0 };

	response->state = RESPONSE_EXPIRED;
	response->finished_ms = clock_ms(CLOCK_REALTIME);
	free(response->why);
	response->why = string_copy("nobody approved it in time");
	if (ledger_save(engine->parts.ledger, response, &err) < 0)
		return;
	if (engine->parts.mirror)
		(void)mirror_write(engine->parts.mirror, response, &err);
	report(engine->parts.reporter, &(struct report){ .response = response,
					       .action = "",
					       .actionner = "",
					       .status = "expired",
					       .words = response->why });
}

/* How long other replicas must know of what is over: as long as windows and limits look back. */
static int64_t look_back_ms(struct engine *engine)
{
	_cleanup_(playbooks_freep) struct playbooks *playbooks = engine_playbooks(engine);
	int64_t longest = MAX_OF(HOUR_MS, engine->parts.settings->window_s * 1000);

	for (size_t i = 0; i < playbooks_count(playbooks); i++) {
		const struct rule *rule = playbooks_at(playbooks, i);

		longest = MAX_OF(longest, MAX_OF(rule->window_ms, rule->limit_ms));
	}
	return longest;
}

static void keep_house(struct engine *engine)
{
	const struct engine_parts *parts = &engine->parts;
	int64_t now_ms = clock_ms(CLOCK_REALTIME);
	struct error err = { 0 };

	if (engine_leads(engine)) {
		(void)ledger_expire(parts->ledger, now_ms, expire, engine, &err);
		if (parts->mirror)
			mirror_catch_up(parts->mirror, now_ms - look_back_ms(engine));
	}
	if (ledger_forget(parts->ledger, now_ms - parts->settings->keep_ms, &err) < 0)
		log_error("%s", err.message);
}

static void *keep(void *context)
{
	struct engine *engine = context;

	pthread_mutex_lock(&engine->lock);
	while (!engine->is_ending) {
		struct timespec until = clock_after(CLOCK_REALTIME, HOUSE_MS);

		pthread_mutex_unlock(&engine->lock);
		keep_house(engine);
		pthread_mutex_lock(&engine->lock);
		if (!engine->is_ending)
			(void)pthread_cond_timedwait(&engine->changed, &engine->lock, &until);
	}
	pthread_mutex_unlock(&engine->lock);
	return NULL;
}

static void settle(void *context, struct response *response)
{
	struct engine *engine = context;
	_cleanup_(playbooks_freep) struct playbooks *playbooks = engine_playbooks(engine);

	work_settle(&(struct work){ .parts = &engine->parts, .playbooks = playbooks }, response);
}

int engine_take_over(struct engine *engine, struct error *err)
{
	int r = engine->parts.mirror ? mirror_take_over(engine->parts.mirror, err) : 0;

	return r < 0 ? r : ledger_each_interrupted(engine->parts.ledger, settle, engine, err);
}

void engine_share(struct engine *engine, int64_t id)
{
	struct response response = { 0 };
	struct error err = { 0 };
	int r;

	if (!engine->parts.mirror)
		return;
	r = ledger_get(engine->parts.ledger, id, &response, &err);
	if (!r)
		r = mirror_write(engine->parts.mirror, &response, &err);
	if (r < 0)
		log_warning("%s", err.message);
	response_done(&response);
}

static int start(struct engine *engine, struct error *err)
{
	int r = engine->parts.mirror ? 0 : engine_take_over(engine, err);

	for (size_t i = 0; i < engine->count && !r; i++) {
		struct worker *worker = &engine->workers[i];

		worker->engine = engine;
		worker->cluster = engine->parts.api ? cluster_new(engine->parts.api) : NULL;
		r = -pthread_create(&worker->thread, NULL, work_all, worker);
	}
	if (!r)
		r = -pthread_create(&engine->keeper, NULL, keep, engine);
	engine->has_keeper = r == 0;
	return r < 0 ? error_set(err, r, "no thread: %s", strerror(-r)) : 0;
}

int engine_new(const struct engine_parts *parts, struct playbooks *playbooks,
	struct engine **ret_engine, struct error *err)
{
	struct engine *engine = NEW(struct engine);
	int r;

	engine->parts = *parts;
	engine->playbooks = playbooks;
	engine->lead_until_ms = parts->settings->has_leader_election ? 0 : INT64_MAX;
	engine->count = (size_t)parts->settings->workers;
	engine->workers = NEW_ARRAY(struct worker, engine->count);
	pthread_mutex_init(&engine->lock, NULL);
	pthread_mutex_init(&engine->limits.lock, NULL);
	pthread_cond_init(&engine->changed, NULL);
	r = start(engine, err);
	if (r < 0) {
		engine_free(engine);
		return r;
	}
	*ret_engine = engine;
	return 0;
}

void engine_free(struct engine *engine)
{
	if (!engine)
		return;
	pthread_mutex_lock(&engine->lock);
	engine->is_ending = true;
	pthread_cond_broadcast(&engine->changed);
	pthread_mutex_unlock(&engine->lock);
	for (size_t i = 0; i < engine->count; i++) {
		if (engine->workers[i].thread)
			pthread_join(engine->workers[i].thread, NULL);
		cluster_free(engine->workers[i].cluster);
	}
	if (engine->has_keeper)
		pthread_join(engine->keeper, NULL);
	playbooks_free(engine->playbooks);
	pthread_mutex_destroy(&engine->lock);
	pthread_mutex_destroy(&engine->limits.lock);
	pthread_cond_destroy(&engine->changed);
	free(engine->workers);
	free(engine);
}
