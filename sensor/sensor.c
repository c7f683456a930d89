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
#include "sensor/outputs/output.h"
#include "sensor/rules/parked.h"
#include "sensor/sensor.h"
#include "sensor/sources/recording.h"
#include "sensor/sources/source.h"
#include "sensor/state/domains.h"
#include "sensor/state/runtimes/runtimes.h"

/* How long the source may sleep before we look at the signals. */
#define TURN_MS 100
/* The same while events wait for metadata. */
#define PARKED_TURN_MS 2
/* In a replay at most so many alerts wait for an output before the next event is taken. */
#define REPLAY_ALERTS_MAX 64
/* Parts of a recording that reloads may make. */
#define RECORDINGS_MAX 1000
/* Of the memory for waiting events a single container may take this part. */
#define CONTAINERS_PART 8

struct sensor {
	struct sensor_settings *settings;
	struct sensor_signals *signals;
	struct rules *rules;
	struct evaluation *evaluation;
	struct source *source; /* NULL with engine.kind nodriver */
	struct recorder *recorder;
	bool is_replay;
	struct outlets *outlets;
	struct alert_format format;
	char *hostname;
	bool makes_json;
	struct buffer text, json;
	struct runtimes *runtimes;
	struct wanted_socket *sockets;
	size_t socket_count, socket_capacity;
	struct metrics *metrics;
	struct domains *domains;
	struct parked *parked;
	bool must_queue;
	int64_t run_parked_ms;
	int64_t without_metadata; /* as far as it was told */
	int64_t *ignored_pids;
	size_t ignored_count;
	uint64_t *matches; /* by rule */
	uint64_t dropped;  /* as far as it was told */
	int64_t told_at_ms;
};

static void alert(struct sensor *sensor, const struct event *event, const struct rule *rule)
{
	struct sensor_alert *made;

	buffer_clear(&sensor->text);
	buffer_clear(&sensor->json);
	rule_write_text(rule, event, &sensor->format, &sensor->text);
	if (sensor->makes_json)
		rule_write_json(rule, event, &sensor->format, &sensor->json);
	made = sensor_alert_new(rule->priority, text_trim(buffer_text(&sensor->text)),
		text_trim(buffer_text(&sensor->json)));
	outlets_push(sensor->outlets, made);
	sensor_alert_release(made);
	/* Who replays wants every alert; events can wait. */
	while (sensor->is_replay && !atomic_load(&sensor->signals->stop) &&
		!outlets_wait_for_room(sensor->outlets, REPLAY_ALERTS_MAX, TURN_MS))
		;
	sensor->matches[rule->index]++;
}

/*
 * Goes on with an event from a place in the rules. False when it has to wait: for what a rule
 * decides on, or for what the alert of the rule that matched prints.
 */
static bool go_on(void *context, struct event *event, struct parked_place *place)
{
	struct sensor *sensor = context;

	for (;;) {
		if (place->matched) {
			const struct rule *rule = place->matched;

			if (sensor->must_queue || rule_waits(rule, event))
				return false;
			alert(sensor, event, rule);
			place->matched = NULL;
			place->first = rule->index + 1;
			if (sensor->settings->options.rule_matching != MATCH_ALL)
				return true;
		}
		switch (rules_match(
			sensor->rules, sensor->evaluation, event, place->first, &place->matched)) {
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

static void take_event(struct sensor *sensor, struct event *event)
{
	struct parked_place place = {};

	event->domains = sensor->domains;
	event->statics = sensor->settings->additions->statics;
	event->static_count = sensor->settings->additions->static_count;
	/* Behind events of its container that wait, an alert has to wait too. */
	sensor->must_queue = parked_has(sensor->parked, event->container);
	if (!go_on(sensor, event, &place) &&
		parked_push(sensor->parked, event, &place, clock_ms(CLOCK_MONOTONIC)) < 0) {
		sensor->must_queue = false;
		event->is_overdue = true;
		(void)go_on(sensor, event, &place);
	}
	sensor->must_queue = false;
}

/* Names and metadata come by themselves: look every few milliseconds. */
static void run_parked(struct sensor *sensor)
{
	int64_t now = clock_ms(CLOCK_MONOTONIC);

	if (!parked_count(sensor->parked) || now < sensor->run_parked_ms)
		return;
	sensor->run_parked_ms = now + PARKED_TURN_MS;
	parked_run(sensor->parked, now, go_on, sensor);
}

static void tell_overdue(struct sensor *sensor)
{
	int64_t now = (int64_t)parked_gave_up(sensor->parked);

	if (now > sensor->without_metadata)
		log_warning("%" PRId64 " events went on without all metadata of their containers "
			    "(container_metadata.timeout is %" PRId64 " ms), %" PRId64
			    " since the start",
			now - sensor->without_metadata,
			sensor->settings->options.metadata_timeout_ms, now);
	sensor->without_metadata = now;
}

/* Once a second, when there is something to tell. */
static void tell_drops(struct sensor *sensor)
{
	struct source_counters counters = {};
	int64_t now = clock_ms(CLOCK_MONOTONIC);

	if (!sensor->source || now - sensor->told_at_ms < 1000)
		return;
	sensor->told_at_ms = now;
	sensor->source->operations->counters(sensor->source, &counters);
	if (counters.dropped > sensor->dropped)
		log_warning("%" PRIu64 " events were lost before they reached the rules, %" PRIu64
			    " since the start",
			counters.dropped - sensor->dropped, counters.dropped);
	sensor->dropped = counters.dropped;
	tell_overdue(sensor);
}

/* Whether the same command line would start now, with the files as they are. */
static bool would_start(struct sensor *sensor, int argc, char **argv)
{
	struct sensor_settings settings;
	struct rules *rules = NULL;
	struct error err = {};
	int r = sensor_settings_load(&settings, argc, argv, &err);

	if (r >= 0)
		r = sensor_load_rules(&settings, &rules, &err);
	rules_free(rules);
	sensor_settings_done(&settings);
	if (r < 0)
		log_error("reload: %s; the rules of before stay", err.message);
	return r >= 0;
}

static void take_signals(struct sensor *sensor)
{
	if (atomic_exchange(&sensor->signals->reopen, false)) {
		log_info("SIGUSR1 received, reopening outputs...");
		outlets_reopen(sensor->outlets);
	}
}

/* One turn of the loop: 0, 1 when an event was taken, or why the stream ended. */
static int turn(struct sensor *sensor, struct error *err)
{
	static const struct timespec pause = { .tv_nsec = TURN_MS * 1000000L };
	struct event *event = NULL;
	int r;

	if (!sensor->source) {
		nanosleep(&pause, NULL);
		return 0;
	}
	r = sensor->source->operations->next(sensor->source,
		parked_count(sensor->parked) ? PARKED_TURN_MS : TURN_MS, &event, err);
	if (r == 1)
		take_event(sensor, event);
	run_parked(sensor);
	return r == -EINTR ? 0 : r;
}

static int loop(struct sensor *sensor, int argc, char **argv, struct error *err)
{
	int64_t seconds = sensor->settings->options.seconds;
	int64_t until_ms = seconds ? clock_ms(CLOCK_MONOTONIC) + seconds * 1000 : INT64_MAX;
	int r = 0;

	while (r >= 0 && !atomic_load(&sensor->signals->stop)) {
		r = turn(sensor, err);
		take_signals(sensor);
		tell_drops(sensor);
		if (clock_ms(CLOCK_MONOTONIC) >= until_ms)
			return 0;
		if (atomic_exchange(&sensor->signals->reload, false)) {
			log_info("SIGHUP received, checking settings and rules...");
			if (would_start(sensor, argc, argv))
				return 1;
		}
	}
	if (atomic_load(&sensor->signals->stop))
		log_info("%s received, exiting...",
			atomic_load(&sensor->signals->number) == SIGINT ? "SIGINT" : "SIGTERM");
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
	uint64_t by_priority[PRIORITY_NONE] = {}, total = 0;

	for (size_t i = 0; i < rules_count(sensor->rules); i++) {
		by_priority[rules_at(sensor->rules, i)->priority] += sensor->matches[i];
		total += sensor->matches[i];
	}
	printf("Events detected: %" PRIu64 "\nRule counts by severity:\n", total);
	for (int i = 0; i < PRIORITY_NONE; i++)
		if (by_priority[i])
			printf("   %s: %" PRIu64 "\n", severity_name(i), by_priority[i]);
	printf("Triggered rules by rule name:\n");
	for (size_t i = 0; i < rules_count(sensor->rules); i++)
		if (sensor->matches[i])
			printf("   %s: %" PRIu64 "\n", rules_at(sensor->rules, i)->name,
				sensor->matches[i]);
	fflush(stdout);
}

static void print_counters(const struct sensor *sensor)
{
	struct source_counters counters = {};

	if (sensor->source)
		sensor->source->operations->counters(sensor->source, &counters);
	fprintf(stderr,
		"Events: %" PRIu64 " taken, %" PRIu64 " lost, %" PRIu64 " of them of processes\n",
		counters.events, counters.dropped, counters.dropped_lifecycle);
}

static int prepare_ignored(struct sensor *sensor, struct error *err)
{
	const struct text_list *given = &sensor->settings->options.ignored_pids;

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
	const struct sensor_settings *settings = sensor->settings;
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

static void prepare_parked(struct sensor *sensor)
{
	const struct sensor_options *options = &sensor->settings->options;
	struct parked_options parked_options = {
		.limit_ms = options->metadata_timeout_ms,
		.bytes_max = options->metadata_bytes,
		.container_bytes_max = options->metadata_bytes / CONTAINERS_PART,
	};

	parked_options.metrics = sensor->metrics = metrics_new();
	sensor->parked = parked_new(&parked_options);
}

static void prepare_domains(struct sensor *sensor)
{
	size_t count;
	const struct text *names = rules_domain_names(sensor->rules, &count);

	sensor->domains = domains_new(names, count);
}

static int prepare_replay(struct sensor *sensor, struct error *err)
{
	const struct sensor_options *options = &sensor->settings->options;
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
	if (!*options->hostname) {
		free(sensor->hostname);
		sensor->hostname = string_copy(record_source_hostname(sensor->source));
		sensor->format.hostname = sensor->hostname;
	}
	rules_events(sensor->rules, &wanted);
	return sensor->source->operations->want(sensor->source, &wanted, err);
}

static void wanted_events(const struct sensor *sensor, struct event_set *ret_wanted)
{
	size_t count;

	rules_events(sensor->rules, ret_wanted);
	event_types(&count);
	for (unsigned i = 0;
		sensor->recorder && sensor->settings->options.records_all_events && i < count; i++)
		event_set_add(ret_wanted, i);
}

static int prepare_source(struct sensor *sensor, struct error *err)
{
	const struct sensor_options *options = &sensor->settings->options;
	struct kernel_source_options source_options = {
		.ring_bytes = options->ring_bytes,
		.host_root = options->host_root,
		.ignored_pids = sensor->ignored_pids,
		.ignored_pid_count = sensor->ignored_count,
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
	prepare_domains(sensor);
	prepare_runtimes(sensor);
	source_options.runtimes = sensor->runtimes;
	source_options.recorder = sensor->recorder;
	r = kernel_source_new(&source_options, &sensor->source, err);
	if (r < 0)
		return r;
	wanted_events(sensor, &wanted);
	return sensor->source->operations->want(sensor->source, &wanted, err);
}

static void prepare_format(struct sensor *sensor)
{
	const struct sensor_options *options = &sensor->settings->options;
	char name[256] = "";

	(void)gethostname(name, sizeof(name) - 1);
	sensor->hostname = string_copy(*options->hostname ? options->hostname : name);
	sensor->makes_json = options->json_output || options->http_batch;
	sensor->format = (struct alert_format){
		.hostname = sensor->hostname,
		.uses_iso_8601 = options->time_format_iso_8601,
		.includes_output = options->json_include_output,
		.includes_message = options->json_include_message,
		.includes_fields = options->json_include_fields,
		.includes_tags = options->json_include_tags,
	};
	buffer_init(&sensor->text, ALERT_MAX);
	buffer_init(&sensor->json, ALERT_MAX);
}

static int prepare(struct sensor *sensor, struct error *err)
{
	int r = sensor_load_rules(sensor->settings, &sensor->rules, err);

	if (r < 0)
		return r;
	sensor->evaluation = evaluation_new(sensor->rules);
	sensor->matches = NEW_ARRAY(uint64_t, rules_count(sensor->rules) + 1);
	prepare_format(sensor);
	prepare_parked(sensor);
	r = prepare_ignored(sensor, err);
	if (r >= 0)
		r = outlets_new(&sensor->settings->options, &sensor->outlets, err);
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

/* A reload begins a new recording; the one so far becomes FILE.1, FILE.2 … */
static void set_recording_aside(const char *path)
{
	for (int number = 1; number <= RECORDINGS_MAX; number++) {
		_cleanup_(freep) char *aside = string_printf("%s.%d", path, number);

		if (!access(aside, F_OK))
			continue;
		if (!rename(path, aside))
			log_info("the recording before the reload is %s", aside);
		return;
	}
}

/* Gives what the recording's end made of `r`. */
static int done(struct sensor *sensor, int r, struct error *err)
{
	int recorded;

	if (sensor->parked)
		parked_run_all(sensor->parked, go_on, sensor);
	parked_free(sensor->parked);
	if (sensor->source)
		sensor->source->operations->free(sensor->source);
	if (sensor->recorder)
		log_info("recording %s: %" PRIu64 " records", sensor->settings->options.record_file,
			recorder_records(sensor->recorder));
	recorded = recorder_close(sensor->recorder, r < 0 ? NULL : err);
	if (sensor->recorder && r == 1)
		set_recording_aside(sensor->settings->options.record_file);
	while (sensor->is_replay && !atomic_load(&sensor->signals->stop) &&
		!outlets_wait_for_room(sensor->outlets, 0, TURN_MS))
		;
	runtimes_free(sensor->runtimes);
	domains_free(sensor->domains);
	metrics_free(sensor->metrics);
	free(sensor->sockets);
	outlets_stop(sensor->outlets, sensor->settings->options.output_timeout_ms);
	evaluation_free(sensor->evaluation);
	rules_free(sensor->rules);
	buffer_done(&sensor->text);
	buffer_done(&sensor->json);
	free(sensor->hostname);
	free(sensor->ignored_pids);
	free(sensor->matches);
	return r < 0 ? r : recorded < 0 ? recorded : r;
}

int sensor_run(struct sensor_settings *settings, struct sensor_signals *signals, int argc,
	char **argv, struct error *err)
{
	const struct sensor_options *options = &settings->options;
	struct sensor sensor = { .settings = settings, .signals = signals };
	int r = prepare(&sensor, err);

	if (r >= 0 && !options->is_dry_run) {
		r = prepare_source(&sensor, err);
		if (r >= 0)
			r = write_pid_file(options->pid_file, err);
		if (r >= 0) {
			log_info("watching with %zu rules", rules_count(sensor.rules));
			ready_notify();
			r = loop(&sensor, argc, argv, err);
			tell_drops(&sensor);
			if (options->is_verbose) {
				print_matches(&sensor);
				print_counters(&sensor);
			}
		}
	}
	return done(&sensor, r, err);
}
