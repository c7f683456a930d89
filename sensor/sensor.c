/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The hot loop: the next event, the rules that match it, the alert made once and handed to the
 * outlets. Everything slow is on other threads.
 */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/metrics.h"
#include "base/ready.h"
#include "sensor/base-calls.h"
#include "sensor/captures.h"
#include "sensor/filter/filter.h"
#include "sensor/outputs/output.h"
#include "sensor/generation.h"
#include "sensor/internal.h"
#include "sensor/losses.h"
#include "sensor/privileges.h"
#include "sensor/reload.h"
#include "sensor/report.h"
#include "sensor/web.h"
#include "sensor/working-set.h"
#include "sensor/rules/compiled.h"
#include "sensor/sources/look.h"
#include "sensor/sources/recording.h"
#include "sensor/sources/source.h"
#include "sensor/state/domains.h"
#include "sensor/state/runtimes/runtimes.h"

/* How long the source may sleep before we look at the signals. */
#define TURN_MS 100
/* The same while events wait for metadata. */
#define PARKED_TURN_MS 2
/* So many events are taken before clock, signals and settings are looked at again. */
#define TURNS 64
/* In a replay at most so many alerts wait for an output before the next event is taken. */
#define REPLAY_ALERTS_MAX 64

struct sensor {
	struct sensor_settings *start; /* the settings of the start, for what cannot change */
	struct sensor_signals *signals;
	struct generation *generation; /* that takes events */
	struct generation *leaving;    /* the one before: events wait in it. NULL: none do */
	struct reload *reload;	       /* takes over once the source is past `reload_at` */
	uint64_t reload_at;
	struct reloader *reloader; /* NULL in a replay */
	struct source *source;	   /* NULL with engine.kind nodriver */
	struct recorder *recorder;
	struct captures *captures;
	bool is_replay;
	struct outlets *outlets;
	struct buffer text, json;
	struct runtimes *runtimes;
	struct wanted_socket *sockets;
	size_t socket_count, socket_capacity;
	struct metrics *metrics;
	bool must_queue;
	int64_t run_parked_ms;
	uint64_t gave_up_before;  /* in generations that are gone */
	int64_t without_metadata; /* as far as it was told */
	int64_t *ignored_pids;
	size_t ignored_count;
	uint64_t dropped; /* as far as it was told */
	int64_t told_at_ms;
	struct reporter *reporter;
	struct web *web;
	struct drop_watch drops;
	struct losses losses;
	uint64_t reloads, failed_reloads;
	uint64_t last_event_ns; /* 0: none yet */
	int64_t empty_turns;
};

/* What an event goes through: a generation of the sensor. */
struct passage {
	struct sensor *sensor;
	struct generation *generation;
};

static void alert(struct passage *passage, const struct event *event, const struct rule *rule)
{
	struct sensor *sensor = passage->sensor;
	const struct generation *generation = passage->generation;
	struct sensor_alert *made;

	buffer_clear(&sensor->text);
	buffer_clear(&sensor->json);
	rule_write_text(rule, event, &generation->format, &sensor->text);
	if (generation->makes_json)
		rule_write_json(rule, event, &generation->format, &sensor->json);
	made = sensor_alert_new(rule->priority, text_trim(buffer_text(&sensor->text)),
		text_trim(buffer_text(&sensor->json)));
	outlets_push(sensor->outlets, made);
	sensor_alert_release(made);
	/* Who replays wants every alert; events can wait. */
	while (sensor->is_replay && !atomic_load(&sensor->signals->stop) &&
		!outlets_wait_for_room(sensor->outlets, REPLAY_ALERTS_MAX, TURN_MS))
		;
	atomic_fetch_add_explicit(&generation->matches[rule->index], 1, memory_order_relaxed);
	captures_take(sensor->captures, rule, event, clock_ms(CLOCK_MONOTONIC));
}

/* Whether events of the same container wait in the generation before. */
static bool is_behind(const struct passage *passage, const struct event *event)
{
	const struct generation *leaving = passage->sensor->leaving;

	return leaving && leaving != passage->generation &&
	       parked_has(leaving->parked, event->container);
}

/*
 * Goes on with an event from a place in the rules. False when it has to wait: for what a rule
 * decides on, or for what the alert of the rule that matched prints.
 */
static bool go_on(void *context, struct event *event, struct parked_place *place)
{
	struct passage *passage = context;
	struct sensor *sensor = passage->sensor;
	const struct generation *generation = passage->generation;

	for (;;) {
		if (place->matched) {
			const struct rule *rule = place->matched;

			if (sensor->must_queue || is_behind(passage, event) ||
				rule_waits(rule, event))
				return false;
			alert(passage, event, rule);
			place->matched = NULL;
			place->first = rule->index + 1;
			if (generation->settings->options.rule_matching != MATCH_ALL)
				return true;
		}
		switch (rules_match(generation->rules, generation->evaluation, event, place->first,
			&place->matched)) {
		case IS_FALSE:
			return true;
		case IS_TRUE:
			break;
		case IS_WAITING:
			place->first = TAKE(place->matched)->index;
			return false;
		}
	}
}

/* engine.*.drop_failed_exit */
static bool is_dropped(const struct sensor_options *options, const struct event *event)
{
	bool drops = options->engine_kind == ENGINE_KMOD ? options->kmod_drops_failed
							 : options->ebpf_drops_failed;

	return drops && event->type->is_syscall && event->type->has_result && event->result < 0;
}

static void take_event(struct sensor *sensor, struct event *event)
{
	const struct sensor_options *options = &sensor->generation->settings->options;
	struct passage passage = { sensor, sensor->generation };
	struct parked *parked = sensor->generation->parked;
	const struct additions *additions = sensor->generation->settings->additions;
	struct parked_place place = {};

	if (is_dropped(options, event))
		return;
	event->prints_base64 = options->prints_base64;
	if (!sensor->is_replay)
		event->domains = sensor->generation->domains;
	event->statics = additions->statics;
	event->static_count = additions->static_count;
	/* Behind events of its container that wait, an alert has to wait too. */
	sensor->must_queue = parked_has(parked, event->container);
	if (go_on(&passage, event, &place)) {
		sensor->must_queue = false;
		return;
	}
	/* It is asked for while the process is there, and in a recording beside the event. */
	if (rules_look(sensor->generation->rules))
		look_complete(event->look);
	if (parked_push(parked, event, &place, clock_ms(CLOCK_MONOTONIC)) < 0) {
		sensor->must_queue = false;
		event->is_overdue = true;
		(void)go_on(&passage, event, &place);
	}
	sensor->must_queue = false;
}

static void run_parked_of(struct sensor *sensor, struct generation *generation, int64_t now)
{
	struct passage passage = { sensor, generation };

	parked_run(generation->parked, now, go_on, &passage);
}

/* Names and metadata come by themselves: look every few milliseconds. */
static void run_parked(struct sensor *sensor)
{
	int64_t now;

	if (!sensor->leaving && !parked_count(sensor->generation->parked))
		return;
	now = clock_ms(CLOCK_MONOTONIC);
	if (now < sensor->run_parked_ms)
		return;
	sensor->run_parked_ms = now + PARKED_TURN_MS;
	if (sensor->leaving)
		run_parked_of(sensor, sensor->leaving, now);
	run_parked_of(sensor, sensor->generation, now);
	if (!sensor->leaving || parked_count(sensor->leaving->parked))
		return;
	sensor->gave_up_before += parked_gave_up(sensor->leaving->parked);
	generation_free(TAKE(sensor->leaving));
}

static void run_all_parked(struct sensor *sensor)
{
	struct generation *const generations[] = { sensor->leaving, sensor->generation };

	for (size_t i = 0; i < COUNT_OF(generations); i++) {
		struct passage passage = { sensor, generations[i] };

		if (generations[i])
			parked_run_all(generations[i]->parked, go_on, &passage);
	}
}

static void tell_overdue(struct sensor *sensor)
{
	int64_t now =
		(int64_t)(sensor->gave_up_before + parked_gave_up(sensor->generation->parked) +
			  (sensor->leaving ? parked_gave_up(sensor->leaving->parked) : 0));

	if (now > sensor->without_metadata)
		log_warning("%" PRId64 " events went on without all metadata of their containers "
			    "(container_metadata.timeout is %" PRId64 " ms), %" PRId64
			    " since the start",
			now - sensor->without_metadata,
			sensor->generation->settings->options.metadata_timeout_ms, now);
	sensor->without_metadata = now;
}

/* What syscall_event_drops says is to be done. */
static int act_on_drops(
	struct sensor *sensor, const struct source_counters *counters, struct error *err)
{
	_cleanup_(freep) uint64_t *by_rule =
		NEW_ARRAY(uint64_t, rules_count(sensor->generation->rules) + 1);
	struct source_counters lost;
	unsigned actions = drop_watch_look(&sensor->drops, &sensor->generation->drops, counters,
		clock_ms(CLOCK_MONOTONIC), &lost);

	if (sensor->source)
		losses_look(&sensor->losses, sensor->source, counters, sensor->generation, by_rule);
	if (actions & DROP_LOG)
		log_debug("Falco internal: syscall event drop. %" PRIu64
			  " system calls dropped in last second",
			lost.dropped);
	if (actions & DROP_ALERT)
		losses_tell(&lost, by_rule, sensor->generation, sensor->outlets);
	if (actions & DROP_EXIT)
		return error_set(err, -EIO, "Drop manager internal error");
	return 0;
}

static void publish(struct sensor *sensor, const struct source_counters *counters)
{
	const struct numbers numbers = {
		.source = *counters,
		.parked = parked_count(sensor->generation->parked) +
			  (sensor->leaving ? parked_count(sensor->leaving->parked) : 0),
		.outputs_lost = outlets_lost(sensor->outlets),
		.reloads = sensor->reloads,
		.failed_reloads = sensor->failed_reloads,
	};

	if (sensor->reporter)
		reporter_publish(sensor->reporter, &numbers);
}

/* Once a second: what is lost is told, the numbers are published. */
static int look_after(struct sensor *sensor, int64_t now, struct error *err)
{
	struct source_counters counters = {};

	if (now - sensor->told_at_ms < 1000)
		return 0;
	sensor->told_at_ms = now;
	if (sensor->source)
		sensor->source->operations->counters(sensor->source, &counters);
	if (counters.dropped > sensor->dropped)
		log_warning("%" PRIu64 " events were lost before they reached the rules, %" PRIu64
			    " since the start",
			counters.dropped - sensor->dropped, counters.dropped);
	sensor->dropped = counters.dropped;
	tell_overdue(sensor);
	outlets_tidy(sensor->outlets);
	publish(sensor, &counters);
	return sensor->is_replay ? 0 : act_on_drops(sensor, &counters, err);
}

/* Many turns in a row in which nothing came: syscall_event_timeouts. */
static void count_turn(struct sensor *sensor, const struct event *event)
{
	char when[32] = "none";
	const struct internal_field field = { .name = "last_event_time", .words = when };
	struct internal_message message = {
		.rule = "Falco internal: timeouts notification",
		.priority = PRIORITY_DEBUG,
		.fields = &field,
		.count = 1,
	};
	int64_t most = sensor->generation->settings->options.timeouts_max;
	_cleanup_(freep) char *output = NULL;

	if (event) {
		sensor->empty_turns = 0;
		sensor->last_event_ns = event->time_ns;
		return;
	}
	if (++sensor->empty_turns < most)
		return;
	sensor->empty_turns = 0;
	if (sensor->last_event_ns)
		snprintf(when, sizeof(when), "%" PRIu64, sensor->last_event_ns);
	output = string_printf(
		"%s. %" PRId64 " consecutive timeouts without event.", message.rule, most);
	message.output = output;
	internal_push(&message, sensor->generation, sensor->outlets);
}

/* ---- reload ---- */

static void add_events(struct event_set *set, const struct event_set *more)
{
	for (size_t i = 0; i < COUNT_OF(set->words); i++)
		set->words[i] |= more->words[i];
}

/* What fields need stays with base_syscalls.repair; else NULL. */
static const struct event_set *kept_calls(
	const struct generation *generation, struct event_set *room)
{
	rules_needed_events(generation->rules, room);
	return generation->settings->options.repairs_calls ? room : NULL;
}

/* Once a generation: what its settings take away from its rules. */
static void tell_base_calls(const struct generation *generation)
{
	struct event_set wanted, kept;

	rules_events(generation->rules, &wanted);
	base_calls_tell(
		&generation->settings->options.base_calls, kept_calls(generation, &kept), &wanted);
}

/* What a generation needs from the source. */
static void wanted_events(const struct sensor *sensor, const struct generation *generation,
	struct event_set *ret_wanted)
{
	struct event_set kept;
	size_t count;

	rules_events(generation->rules, ret_wanted);
	base_calls_apply(&generation->settings->options.base_calls, kept_calls(generation, &kept),
		ret_wanted);
	event_types(&count);
	for (unsigned i = 0;
		sensor->recorder && sensor->start->options.records_all_events && i < count; i++)
		event_set_add(ret_wanted, i);
}

/* Says that the files cannot be used, as Falco does: in the log and as an alert. */
static void tell_failure(struct sensor *sensor, const char *why)
{
	struct internal_message message = {
		.rule = "Falco internal: hot restart failure",
		.priority = PRIORITY_CRITICAL,
	};
	_cleanup_(freep) char *output = string_printf("%s: %s", message.rule, why);

	sensor->failed_reloads++;
	log_error("reload: %s; the rules of before stay", why);
	message.output = output;
	internal_push(&message, sensor->generation, sensor->outlets);
}

/*
 * What no rule can match is dropped in the kernel. A recording and a capture want everything. It
 * costs time and no alert when that does not work.
 */
static void filter(struct sensor *sensor, const struct generation *generation)
{
	const struct sensor_options *options = &sensor->start->options;
	_cleanup_(filter_freep) struct filter *made = NULL;
	struct error err = {};
	size_t refused = 0;

	if (!sensor->source || !sensor->source->operations->filter)
		return;
	if (generation && options->filters && !sensor->recorder && !options->captures)
		made = filter_new(generation->rules, FILTER_MAY);
	if (sensor->source->operations->filter(sensor->source, made, &refused, &err) < 0 || refused)
		log_warning("%s", err.message);
}

/*
 * The kernel is asked for what both generations want. What is in the ring by then was caused under
 * the old rules and is theirs; from there on the new ones have all that they need.
 */
static void widen(struct sensor *sensor, struct reload *reload)
{
	struct event_set wanted, more;
	struct error err = {};

	if (!sensor->source) {
		sensor->reload = reload;
		return;
	}
	filter(sensor, NULL);
	wanted_events(sensor, sensor->generation, &wanted);
	wanted_events(sensor, reload->generation, &more);
	add_events(&wanted, &more);
	if (sensor->source->operations->want(sensor->source, &wanted, &err) < 0) {
		tell_failure(sensor, err.message);
		reload_free(reload);
		filter(sensor, sensor->generation);
		return;
	}
	sensor->reload_at = sensor->source->operations->head(sensor->source);
	sensor->reload = reload;
}

/* The new generation takes over, between two events; the kernel is left with what it wants. */
static void take_over(struct sensor *sensor)
{
	struct generation *next = TAKE(sensor->reload->generation), *old = sensor->generation;
	struct event_set wanted;
	struct error err = {};

	reload_free(TAKE(sensor->reload));
	generation_take_matches(next, old);
	sensor->leaving = old;
	sensor->generation = next;
	if (sensor->source)
		sensor->source->operations->tell_domains(sensor->source, next->domains);
	sensor->reloads++;
	reporter_change(sensor->reporter, next);
	if (outlets_apply(sensor->outlets, TAKE(next->outlets),
		    next->settings->options.output_timeout_ms, &err) < 0)
		log_error("reload: %s", err.message);
	wanted_events(sensor, next, &wanted);
	if (sensor->source && sensor->source->operations->attach)
		sensor->source->operations->attach(
			sensor->source, (enum attach_choice)next->settings->options.attach);
	if (sensor->source && sensor->source->operations->want(sensor->source, &wanted, &err) < 0)
		log_error("reload: %s", err.message);
	filter(sensor, next);
	sensor_open_log(&next->settings->options);
	reload_tell_unchanged(sensor->start, next->settings);
	tell_base_calls(next);
	log_info("watching with %zu rules", rules_count(next->rules));
}

/* One at a time: while events of a generation wait, the next but one has to wait as well. */
static void look_for_reload(struct sensor *sensor)
{
	struct reload *reload;

	if (!sensor->reloader || sensor->reload || sensor->leaving)
		return;
	reload = reloader_take(sensor->reloader);
	if (!reload)
		return;
	if (reload->generation) {
		widen(sensor, reload);
		return;
	}
	tell_failure(sensor, reload->error);
	reload_free(reload);
}

/* Whether all that was in the stream when the kernel was widened went through the old rules. */
static bool is_past_widening(const struct sensor *sensor, bool has_event)
{
	uint64_t position;

	if (!sensor->source)
		return true;
	position = sensor->source->operations->position(sensor->source);
	return has_event ? position > sensor->reload_at : position >= sensor->reload_at;
}

static void take_signals(struct sensor *sensor)
{
	if (atomic_exchange(&sensor->signals->reopen, false)) {
		log_info("SIGUSR1 received, reopening outputs...");
		outlets_reopen(sensor->outlets);
	}
	if (!atomic_exchange(&sensor->signals->reload, false))
		return;
	if (sensor->reloader)
		reloader_ask(sensor->reloader);
	else
		log_warning("SIGHUP received: a replay keeps the rules that it began with");
}

/* ---- the loop ---- */

/* What lookups have found counts from here on. */
static void look_up_domains(struct sensor *sensor)
{
	struct domains *domains = sensor->generation->domains;

	if (domains_update(domains) && sensor->source)
		sensor->source->operations->tell_domains(sensor->source, domains);
}

/* The next event: 0, 1 when one was taken, or why the stream ended. */
static int turn(struct sensor *sensor, int64_t now, struct error *err)
{
	static const struct timespec pause = { .tv_nsec = TURN_MS * 1000000L };
	bool has_parked = sensor->leaving || parked_count(sensor->generation->parked);
	struct event *event = NULL;
	int r = 0;

	look_up_domains(sensor);
	if (sensor->source)
		r = sensor->source->operations->next(
			sensor->source, has_parked ? PARKED_TURN_MS : TURN_MS, &event, err);
	else
		nanosleep(&pause, NULL);
	if (sensor->reload && r >= 0 && is_past_widening(sensor, r == 1))
		take_over(sensor);
	if (r == 1)
		take_event(sensor, event);
	if (!has_parked && !sensor->is_replay)
		count_turn(sensor, event);
	run_parked(sensor);
	captures_keep_up(sensor->captures, now);
	return r == -EINTR ? 0 : r;
}

static void tell_end(struct sensor *sensor)
{
	if (atomic_load(&sensor->signals->stop))
		log_info("%s received, exiting...",
			atomic_load(&sensor->signals->number) == SIGINT ? "SIGINT" : "SIGTERM");
}

static int loop(struct sensor *sensor, struct error *err)
{
	int64_t seconds = sensor->start->options.seconds;
	int64_t until_ms = seconds ? clock_ms(CLOCK_MONOTONIC) + seconds * 1000 : INT64_MAX;
	int r = 0, looked = 0;

	while (r >= 0 && looked >= 0 && !atomic_load(&sensor->signals->stop)) {
		int64_t now = clock_ms(CLOCK_MONOTONIC);

		r = 1;
		for (int i = 0; i < TURNS && r == 1; i++)
			r = turn(sensor, now, err);
		take_signals(sensor);
		look_for_reload(sensor);
		looked = look_after(sensor, clock_ms(CLOCK_MONOTONIC), err);
		if (now >= until_ms)
			return 0;
	}
	tell_end(sensor);
	if (looked < 0)
		return looked;
	return r == -ECANCELED || r > 0 ? 0 : r;
}

static const char *severity_name(enum priority priority)
{
	static const char *const names[] = { "EMERGENCY", "ALERT", "CRITICAL", "ERROR", "WARNING",
		"NOTICE", "INFO", "DEBUG" };

	return names[priority];
}

/* What Falco prints at its end (spec/rule-language.md 10), for those who ask for it with -v. */
static void print_matches(const struct sensor *sensor)
{
	const struct rules *rules = sensor->generation->rules;
	uint64_t by_priority[PRIORITY_NONE] = {}, total = 0;

	for (size_t i = 0; i < rules_count(rules); i++) {
		by_priority[rules_at(rules, i)->priority] += sensor->generation->matches[i];
		total += sensor->generation->matches[i];
	}
	printf("Events detected: %" PRIu64 "\nRule counts by severity:\n", total);
	for (int i = 0; i < PRIORITY_NONE; i++)
		if (by_priority[i])
			printf("   %s: %" PRIu64 "\n", severity_name(i), by_priority[i]);
	printf("Triggered rules by rule name:\n");
	for (size_t i = 0; i < rules_count(rules); i++)
		if (sensor->generation->matches[i])
			printf("   %s: %" PRIu64 "\n", rules_at(rules, i)->name,
				sensor->generation->matches[i]);
	fflush(stdout);
}

static void print_counters(const struct sensor *sensor)
{
	struct source_counters counters = {};

	if (sensor->source)
		sensor->source->operations->counters(sensor->source, &counters);
	fprintf(stderr,
		"Events: %" PRIu64 " taken, %" PRIu64 " lost, %" PRIu64
		" of them of processes, %" PRIu64 " rejected in the kernel\n",
		counters.events, counters.dropped, counters.dropped_lifecycle,
		counters.kernel_rejected);
	fprintf(stderr,
		"Syscall event drop monitoring:\n   - event drop detected: %" PRIu64
		" occurrences\n   - num times actions taken: %" PRIu64 "\n",
		sensor->drops.detected, sensor->drops.acted);
}

static int prepare_ignored(struct sensor *sensor, struct error *err)
{
	const struct text_list *given = &sensor->start->options.ignored_pids;

	sensor->ignored_pids = NEW_ARRAY(int64_t, given->count + 1);
	sensor->ignored_pids[sensor->ignored_count++] = getpid();
	for (size_t i = 0; i < given->count; i++) {
		int64_t pid;

		if (text_to_i64(text_of(given->items[i]), &pid) < 0 || pid <= 0)
			return error_set(err, -EINVAL,
				"sensor.ignore_pids: \"%s\" is no process id", given->items[i]);
		sensor->ignored_pids[sensor->ignored_count++] = pid;
	}
	return 0;
}

static void add_sockets(struct sensor *sensor, const struct runtime_kind *kind,
	const struct text_list *paths, bool is_beside)
{
	for (size_t i = 0; i < paths->count; i++)
		*ARRAY_ADD(sensor->sockets, sensor->socket_count, sensor->socket_capacity) =
			(struct wanted_socket){ kind, paths->items[i], is_beside };
}

static void prepare_runtimes(struct sensor *sensor)
{
	const struct sensor_settings *settings = sensor->start;
	const struct sensor_options *options = &settings->options;
	struct runtimes_options runtimes_options = { .metrics = sensor->metrics };

	if (options->asks_cri) {
		add_sockets(sensor, &runtime_cri, &options->cri_sockets, false);
		add_sockets(sensor, &runtime_cri, &settings->more_cri_sockets, true);
	}
	if (options->asks_docker) {
		add_sockets(sensor, &runtime_docker, &options->docker_sockets, false);
		add_sockets(sensor, &runtime_docker, &settings->more_docker_sockets, true);
	}
	if (options->asks_podman) {
		add_sockets(sensor, &runtime_podman, &options->podman_sockets, false);
		add_sockets(sensor, &runtime_podman, &settings->more_podman_sockets, true);
	}
	runtimes_options.sockets = (struct sockets_options){
		.host_root = options->host_root,
		.wanted = sensor->sockets,
		.wanted_count = sensor->socket_count,
		.without_cri = !options->asks_cri,
		.without_docker = !options->asks_docker,
		.without_podman = !options->asks_podman,
	};
	sensor->runtimes = runtimes_new(&runtimes_options);
}

static int prepare_replay(struct sensor *sensor, struct error *err)
{
	const struct sensor_options *options = &sensor->start->options;
	struct event_set wanted = {};
	int r;

	if (!*options->replay_file)
		return error_set(err, -EINVAL,
			"engine.replay.capture_file is empty; engine.kind replay needs a recording "
			"(tercel record makes one)");
	r = record_source_new(options->replay_file, &sensor->source, err);
	if (r < 0)
		return r;
	sensor->is_replay = true;
	/* Pids of this host say nothing about that one. */
	sensor->ignored_count = 0;
	if (!*options->hostname)
		generation_set_hostname(sensor->generation, record_source_hostname(sensor->source));
	rules_events(sensor->generation->rules, &wanted);
	return sensor->source->operations->want(sensor->source, &wanted, err);
}

/* Falco's sizes of a buffer: 1 is one mebibyte, each next one twice as large. */
static uint64_t ring_bytes(const struct sensor_options *options)
{
	int64_t preset =
		options->engine_kind == ENGINE_KMOD ? options->kmod_preset : options->ebpf_preset;

	return options->ring_bytes ? options->ring_bytes : UINT64_C(1) << (19 + preset);
}

static int prepare_source(struct sensor *sensor, struct error *err)
{
	const struct sensor_options *options = &sensor->start->options;
	struct kernel_source_options source_options = {
		.ring_bytes = ring_bytes(options),
		.processes_max = (uint64_t)options->processes_max,
		.host_root = options->host_root,
		.ignored_pids = sensor->ignored_pids,
		.ignored_pid_count = sensor->ignored_count,
		.attach = (enum attach_choice)options->attach,
	};
	struct event_set wanted = {};
	int r;

	if (options->engine_kind == ENGINE_NODRIVER)
		return 0;
	if (options->engine_kind == ENGINE_REPLAY)
		return prepare_replay(sensor, err);
	if (*options->record_file) {
		r = recorder_new(
			options->record_file, options->record_limit, &sensor->recorder, err);
		if (r < 0)
			return r;
	}
	generation_look_up(sensor->generation);
	prepare_runtimes(sensor);
	source_options.runtimes = sensor->runtimes;
	source_options.recorder = sensor->recorder;
	r = kernel_source_new(&source_options, &sensor->source, err);
	if (r < 0)
		return r;
	wanted_events(sensor, sensor->generation, &wanted);
	tell_base_calls(sensor->generation);
	r = sensor->source->operations->want(sensor->source, &wanted, err);
	if (r >= 0)
		filter(sensor, sensor->generation);
	return r;
}

static int prepare(struct sensor *sensor, struct error *err)
{
	int r;

	sensor->metrics = metrics_new();
	buffer_init(&sensor->text, ALERT_MAX);
	buffer_init(&sensor->json, ALERT_MAX);
	r = generation_new(sensor->start, sensor->metrics, &sensor->generation, err);
	if (r >= 0)
		r = prepare_ignored(sensor, err);
	if (r >= 0)
		r = outlets_begin(TAKE(sensor->generation->outlets), &sensor->outlets, err);
	return r;
}

static int write_pid_file(const char *path, struct error *err)
{
	_cleanup_(fclosep) FILE *file = NULL;

	if (!path || !*path)
		return 0;
	file = fopen(path, "we");
	if (!file || fprintf(file, "%d\n", (int)getpid()) < 0)
		return error_set(
			err, -errno, "--pidfile: cannot write to %s: %s", path, strerror(errno));
	return 0;
}

/* Gives what the recording's end made of `r`. */
static int done(struct sensor *sensor, int r, struct error *err)
{
	int recorded;

	reloader_free(sensor->reloader);
	reload_free(sensor->reload);
	web_free(sensor->web);
	reporter_free(sensor->reporter);
	run_all_parked(sensor);
	captures_free(sensor->captures);
	if (sensor->source)
		sensor->source->operations->free(sensor->source);
	if (sensor->recorder)
		log_info("recording %s: %" PRIu64 " records", sensor->start->options.record_file,
			recorder_records(sensor->recorder));
	recorded = recorder_close(sensor->recorder, r < 0 ? NULL : err);
	while (sensor->is_replay && !atomic_load(&sensor->signals->stop) &&
		!outlets_wait_for_room(sensor->outlets, 0, TURN_MS))
		;
	outlets_stop(sensor->outlets,
		sensor->generation ? sensor->generation->settings->options.output_timeout_ms : 0);
	generation_free(sensor->leaving);
	generation_free(sensor->generation);
	runtimes_free(sensor->runtimes);
	metrics_free(sensor->metrics);
	free(sensor->sockets);
	buffer_done(&sensor->text);
	buffer_done(&sensor->json);
	free(sensor->ignored_pids);
	return r < 0 ? r : recorded < 0 ? recorded : r;
}

static int start_reloader(struct sensor *sensor, int argc, char **argv, struct error *err)
{
	const struct reloader_options options = {
		.argc = argc,
		.argv = argv,
		.settings = sensor->start,
		.metrics = sensor->metrics,
	};

	return sensor->is_replay ? 0 : reloader_new(&options, &sensor->reloader, err);
}

/* The web server tells how we are; that it cannot is no reason not to watch. */
static int start_reporter(struct sensor *sensor, struct error *err)
{
	struct error why = {};
	int r = reporter_new(
		sensor->generation, sensor->outlets, sensor->metrics, &sensor->reporter, err);

	if (r >= 0 && !sensor->is_replay &&
		web_new(&sensor->start->options, sensor->reporter, &sensor->web, &why) < 0)
		log_error("web server: %s; the sensor works without it", why.message);
	return r;
}

static int watch_events(struct sensor *sensor, struct error *err)
{
	int r;

	sensor->captures = captures_new(&sensor->start->options, sensor->source);
	working_set_trim();
	log_info("watching with %zu rules", rules_count(sensor->generation->rules));
	ready_notify();
	r = loop(sensor, err);
	sensor->told_at_ms = 0;
	(void)look_after(sensor, clock_ms(CLOCK_MONOTONIC), NULL);
	if (sensor->start->options.is_verbose) {
		print_matches(sensor);
		print_counters(sensor);
	}
	return r;
}

int sensor_run(struct sensor_settings *settings, struct sensor_signals *signals, int argc,
	char **argv, struct error *err)
{
	const struct sensor_options *options = &settings->options;
	struct sensor sensor = { .start = settings, .signals = signals };
	int r;

	sensor_log_start(settings);
	r = options->is_dry_run ? 0 : privileges_drop(options, err);
	if (r >= 0)
		r = prepare(&sensor, err);
	if (r >= 0 && !options->is_dry_run) {
		r = prepare_source(&sensor, err);
		if (r >= 0)
			r = start_reporter(&sensor, err);
		if (r >= 0)
			r = start_reloader(&sensor, argc, argv, err);
		if (r >= 0)
			r = write_pid_file(options->pid_file, err);
		if (r >= 0)
			r = watch_events(&sensor, err);
	}
	return done(&sensor, r, err);
}
