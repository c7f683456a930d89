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

#include "base/memory.h"
#include "base/ready.h"
#include "sensor/outputs/output.h"
#include "sensor/sensor.h"
#include "sensor/sources/source.h"

/* How long the source may sleep before we look at the signals. */
#define TURN_MS 100
/* How long an alert may wait for a name that is being looked up (users.h). */
#define NAMES_WAIT_MS 20

struct sensor {
	struct sensor_settings *settings;
	struct sensor_signals *signals;
	struct rules *rules;
	struct evaluation *evaluation;
	struct source *source; /* NULL with engine.kind nodriver */
	struct outlets *outlets;
	struct alert_format format;
	char *hostname;
	bool makes_json;
	struct buffer text, json;
	struct field_use names[3]; /* fields of every alert that may have to be waited for */
	int64_t *ignored_pids;
	size_t ignored_count;
	uint64_t *matches; /* by rule */
	uint64_t dropped;  /* as far as it was told */
	int64_t told_at_ms;
};

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * INT64_C(1000) + now.tv_nsec / 1000000;
}

/* Ourselves and our siblings: what `tercel up` started, also what it starts again. */
static bool is_ours(const struct sensor *sensor, const struct process *process)
{
	for (size_t i = 0; process && i < sensor->ignored_count; i++)
		if (process->pid == sensor->ignored_pids[i] ||
			process->parent_pid == sensor->ignored_pids[i])
			return true;
	return false;
}

/* A container's passwd is read elsewhere: the first alert of a container waits for it a little. */
static void wait_for_names(const struct sensor *sensor, const struct event *event)
{
	static const struct timespec pause = { .tv_nsec = 1000000 };
	struct value value;

	for (size_t i = 0, waited_ms = 0; i < COUNT_OF(sensor->names); i++)
		for (; waited_ms < NAMES_WAIT_MS &&
			field_read(event, &sensor->names[i], &value) == WAITS;
			waited_ms++)
			nanosleep(&pause, NULL);
}

static void alert(struct sensor *sensor, const struct event *event, const struct rule *rule)
{
	struct sensor_alert *made;

	wait_for_names(sensor, event);
	buffer_clear(&sensor->text);
	buffer_clear(&sensor->json);
	rule_write_text(rule, event, &sensor->format, &sensor->text);
	if (sensor->makes_json)
		rule_write_json(rule, event, &sensor->format, &sensor->json);
	made = sensor_alert_new(rule->priority, text_trim(buffer_text(&sensor->text)),
		text_trim(buffer_text(&sensor->json)));
	outlets_push(sensor->outlets, made);
	sensor_alert_release(made);
	sensor->matches[rule->index]++;
}

static void take_event(struct sensor *sensor, struct event *event)
{
	bool takes_all = sensor->settings->options.rule_matching == MATCH_ALL;
	unsigned first = 0;

	if (is_ours(sensor, event->process))
		return;
	for (;;) {
		const struct rule *rule = NULL;
		enum truth truth =
			rules_match(sensor->rules, sensor->evaluation, event, first, &rule);

		if (truth == IS_FALSE)
			return;
		if (truth == IS_WAITING) {
			/* Nothing parks it yet: decide with what is known. */
			if (event->is_overdue)
				return;
			wait_for_names(sensor, event);
			event->is_overdue = true;
			first = rule->index;
			continue;
		}
		alert(sensor, event, rule);
		if (!takes_all)
			return;
		first = rule->index + 1;
	}
}

/* Once a second, when there is something to tell. */
static void tell_drops(struct sensor *sensor)
{
	struct source_counters counters = {};
	int64_t now = now_ms();

	if (!sensor->source || now - sensor->told_at_ms < 1000)
		return;
	sensor->told_at_ms = now;
	sensor->source->operations->counters(sensor->source, &counters);
	if (counters.dropped > sensor->dropped)
		log_warning("%" PRIu64 " events were lost before they reached the rules, %" PRIu64
			    " since the start",
			counters.dropped - sensor->dropped, counters.dropped);
	sensor->dropped = counters.dropped;
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
	r = sensor->source->operations->next(sensor->source, TURN_MS, &event, err);
	if (r == 1)
		take_event(sensor, event);
	return r == -EINTR ? 0 : r;
}

static int loop(struct sensor *sensor, int argc, char **argv, struct error *err)
{
	int64_t seconds = sensor->settings->options.seconds;
	int64_t until_ms = seconds ? now_ms() + seconds * 1000 : INT64_MAX;
	int r = 0;

	while (r >= 0 && !atomic_load(&sensor->signals->stop)) {
		r = turn(sensor, err);
		take_signals(sensor);
		if (r == 1 && !atomic_load(&sensor->signals->reload) && until_ms == INT64_MAX)
			continue;
		tell_drops(sensor);
		if (now_ms() >= until_ms)
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

static int prepare_source(struct sensor *sensor, struct error *err)
{
	const struct sensor_options *options = &sensor->settings->options;
	const struct kernel_source_options source_options = {
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
		return error_set(err, -ENOTSUP,
			"engine.kind: replaying a file comes later; use "
			"modern_ebpf");
	r = kernel_source_new(&source_options, &sensor->source, err);
	if (r < 0)
		return r;
	rules_events(sensor->rules, &wanted);
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

static int prepare_names(struct sensor *sensor, struct error *err)
{
	static const char *const names[] = { "user.name", "user.loginname", "group.name" };
	int r = 0;

	for (size_t i = 0; i < COUNT_OF(names) && r >= 0; i++)
		r = field_resolve(text_of(names[i]), NULL, &sensor->names[i], err);
	return r;
}

static int prepare(struct sensor *sensor, struct error *err)
{
	int r = sensor_load_rules(sensor->settings, &sensor->rules, err);

	if (r < 0)
		return r;
	sensor->evaluation = evaluation_new(sensor->rules);
	sensor->matches = NEW_ARRAY(uint64_t, rules_count(sensor->rules) + 1);
	prepare_format(sensor);
	r = prepare_names(sensor, err);
	if (r >= 0)
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

static void done(struct sensor *sensor)
{
	if (sensor->source)
		sensor->source->operations->free(sensor->source);
	outlets_stop(sensor->outlets, sensor->settings->options.output_timeout_ms);
	evaluation_free(sensor->evaluation);
	rules_free(sensor->rules);
	for (size_t i = 0; i < COUNT_OF(sensor->names); i++)
		field_use_done(&sensor->names[i]);
	buffer_done(&sensor->text);
	buffer_done(&sensor->json);
	free(sensor->hostname);
	free(sensor->ignored_pids);
	free(sensor->matches);
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
	done(&sensor);
	return r;
}
