/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbers about the sensor. Each is a row with its names, its group and its value; Prometheus' text
 * and the snapshot are made from the same rows.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stddef.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/memory.h"
#include "sensor/internal.h"
#include "sensor/report.h"
#include "sensor/resources.h"

#define HELP		"https://falco.org/docs/metrics/"
#define METRICS_MAX	(16 * 1024 * 1024)
#define SNAPSHOT_MAX	(ALERT_MAX / 64) /* fields, of rules above all */
#define INTERVAL_MIN_MS 100
#define ENGINE_NAME	"modern_bpf"

struct reporter {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	pthread_t thread;
	bool has_thread, is_ending;
	const struct generation *generation;
	struct outlets *outlets;
	struct metrics *metrics;
	struct numbers numbers;
	uint64_t start_ns, reload_ns; /* since 1970 */
	uint64_t beat_ns;
	uint64_t events_before, dropped_before, snapshot_ns;
};

/* One look at everything. */
struct look {
	struct numbers numbers;
	struct resources resources;
	uint64_t start_ns, reload_ns, beat_ns, now_ns;
};

/* ---- rows ---- */

enum group {
	GROUP_ALWAYS,
	GROUP_RESOURCES,
	GROUP_STATE,
	GROUP_KERNEL,
	GROUP_LIBBPF,
	GROUP_PLUGINS
};
enum unit { UNIT_COUNT, UNIT_REAL, UNIT_MEMORY_KB, UNIT_MEMORY_BYTES };

#define NUMBERS(member)	 offsetof(struct look, numbers.member)
#define RESOURCE(member) offsetof(struct look, resources.member)

/* A number whose name in Prometheus has no more labels than these. */
struct row {
	enum group group;
	const char *metric; /* without "falcosecurity_"; NULL: only in the snapshot */
	const char *labels; /* NULL: none */
	const char *key;    /* in the snapshot; NULL: only in Prometheus */
	enum unit unit;
	bool is_counter; /* it never falls */
	size_t at;	 /* in struct look; a uint64_t, or a double of UNIT_REAL */
};

#define DROP(name, class)                                                                    \
	{                                                                                    \
		GROUP_KERNEL, "scap_n_drops_buffer_total", "dir=\"exit\",drop=\"" name "\"", \
			"scap.n_drops_buffer_" name "_exit", UNIT_COUNT, true,               \
			NUMBERS(source.dropped_by_class[class])                              \
	}

/* Of a program at a tracepoint, while kernel.bpf_stats_enabled is set. */
#define RUNS(tracepoint, program)                                                                 \
	{ GROUP_LIBBPF, "scap_" tracepoint "_run_cnt_total", NULL, "scap." tracepoint ".run_cnt", \
		UNIT_COUNT, true, NUMBERS(source.runs[program].count) },                          \
		{ GROUP_LIBBPF, "scap_" tracepoint "_run_time_nanoseconds_total", NULL,           \
			"scap." tracepoint ".run_time_ns", UNIT_COUNT, true,                      \
			NUMBERS(source.runs[program].time_ns) },                                  \
	{                                                                                         \
		GROUP_LIBBPF, "scap_" tracepoint "_avg_time_nanoseconds", NULL,                   \
			"scap." tracepoint ".avg_time_ns", UNIT_COUNT, false,                     \
			NUMBERS(source.runs[program].average_ns)                                  \
	}

static const struct row rows[] = {
	{ GROUP_ALWAYS, "falco_outputs_queue_num_drops_total", NULL,
		"falco.outputs_queue_num_drops", UNIT_COUNT, true, NUMBERS(outputs_lost) },
	{ GROUP_ALWAYS, "falco_reload_timestamp_nanoseconds", NULL, "falco.reload_ts", UNIT_COUNT,
		false, offsetof(struct look, reload_ns) },
	{ GROUP_ALWAYS, "falco_start_timestamp_nanoseconds", NULL, "falco.start_ts", UNIT_COUNT,
		false, offsetof(struct look, start_ns) },
	{ GROUP_ALWAYS, "falco_duration_seconds_total", NULL, "falco.duration_sec", UNIT_COUNT,
		true, RESOURCE(duration_s) },
	{ GROUP_ALWAYS, "falco_host_boot_timestamp_nanoseconds", NULL, "falco.host_boot_ts",
		UNIT_COUNT, false, RESOURCE(boot_ns) },
	{ GROUP_ALWAYS, "falco_host_num_cpus_total", NULL, "falco.host_num_cpus", UNIT_COUNT, false,
		RESOURCE(cpus) },
	{ GROUP_RESOURCES, "falco_cpu_usage_ratio", NULL, NULL, UNIT_REAL, false,
		RESOURCE(cpu_ratio) },
	{ GROUP_RESOURCES, "falco_host_cpu_usage_ratio", NULL, NULL, UNIT_REAL, false,
		RESOURCE(host_cpu_ratio) },
	{ GROUP_RESOURCES, NULL, NULL, "falco.cpu_usage_perc", UNIT_REAL, false,
		RESOURCE(cpu_percent) },
	{ GROUP_RESOURCES, NULL, NULL, "falco.host_cpu_usage_perc", UNIT_REAL, false,
		RESOURCE(host_cpu_percent) },
	{ GROUP_RESOURCES, "falco_memory_rss_bytes", NULL, "falco.memory_rss", UNIT_MEMORY_KB,
		false, RESOURCE(rss_bytes) },
	{ GROUP_RESOURCES, "falco_memory_vsz_bytes", NULL, "falco.memory_vsz", UNIT_MEMORY_KB,
		false, RESOURCE(vsz_bytes) },
	{ GROUP_RESOURCES, "falco_memory_pss_bytes", NULL, "falco.memory_pss", UNIT_MEMORY_KB,
		false, RESOURCE(pss_bytes) },
	{ GROUP_RESOURCES, "falco_container_memory_used_bytes", NULL, "falco.container_memory_used",
		UNIT_MEMORY_BYTES, false, RESOURCE(container_bytes) },
	{ GROUP_RESOURCES, "falco_host_memory_used_bytes", NULL, "falco.host_memory_used",
		UNIT_MEMORY_KB, false, RESOURCE(host_bytes) },
	{ GROUP_RESOURCES, "falco_host_procs_running_total", NULL, "falco.host_procs_running",
		UNIT_COUNT, false, RESOURCE(host_running) },
	{ GROUP_RESOURCES, "falco_host_open_fds_total", NULL, "falco.host_open_fds", UNIT_COUNT,
		false, RESOURCE(host_open_fds) },
	{ GROUP_STATE, "scap_n_threads_total", NULL, "scap.n_threads", UNIT_COUNT, false,
		NUMBERS(source.processes) },
	{ GROUP_STATE, "scap_n_noncached_thread_lookups_total", NULL,
		"scap.n_noncached_thread_lookups", UNIT_COUNT, true,
		NUMBERS(source.processes_read) },
	{ GROUP_STATE, "scap_n_failed_thread_lookups_total", NULL, "scap.n_failed_thread_lookups",
		UNIT_COUNT, true, NUMBERS(source.processes_missed) },
	{ GROUP_STATE, "scap_n_drops_full_threadtable_total", NULL, "scap.n_drops_full_threadtable",
		UNIT_COUNT, true, NUMBERS(source.processes_evicted) },
	{ GROUP_KERNEL, "scap_n_evts_total", NULL, "scap.n_evts", UNIT_COUNT, true,
		NUMBERS(source.kernel_calls) },
	{ GROUP_KERNEL, "kernel_filter_rejected_total", NULL, "kernel.filter.rejected", UNIT_COUNT,
		true, NUMBERS(source.kernel_rejected) },
	{ GROUP_KERNEL, "kernel_call_tracepoints", NULL, "kernel.call_tracepoints", UNIT_COUNT,
		false, NUMBERS(source.tracepoints) },
	{ GROUP_KERNEL, "scap_n_drops_total", NULL, "scap.n_drops", UNIT_COUNT, true,
		NUMBERS(source.dropped) },
	DROP("clone_fork", DROP_CLONE_FORK),
	DROP("execve", DROP_EXECVE),
	DROP("connect", DROP_CONNECT),
	DROP("open", DROP_OPEN),
	DROP("dir_file", DROP_DIR_FILE),
	DROP("other_interest", DROP_OTHER_INTEREST),
	DROP("close", DROP_CLOSE),
	DROP("proc", DROP_PROC),
	{ GROUP_KERNEL, "scap_n_drops_scratch_map_total", NULL, "scap.n_drops_scratch_map",
		UNIT_COUNT, true, NUMBERS(source.dropped_slots) },
	{ GROUP_KERNEL, "scap_n_drops_bug_total", NULL, "scap.n_drops_bug", UNIT_COUNT, true,
		NUMBERS(source.dropped_missed) },
	RUNS("sys_exit", PROGRAM_CALLS),
	RUNS("sched_process_fork", PROGRAM_FORK),
	RUNS("sched_process_exec", PROGRAM_EXEC),
	RUNS("sched_process_exit", PROGRAM_EXIT),
	{ GROUP_PLUGINS, "plugins_container_n_containers_total", NULL, "container.n_containers",
		UNIT_COUNT, false, NUMBERS(source.containers) },
	{ GROUP_PLUGINS, "plugins_container_n_missing_container_images_total", NULL,
		"container.n_missing_container_images", UNIT_COUNT, false,
		NUMBERS(source.containers_awaited) },
};

static bool is_group_on(const struct sensor_options *options, enum group group)
{
	const bool wanted[] = {
		[GROUP_ALWAYS] = true,
		[GROUP_RESOURCES] = options->metrics_resources,
		[GROUP_STATE] = options->metrics_state,
		[GROUP_KERNEL] = options->metrics_kernel,
		[GROUP_LIBBPF] = options->metrics_libbpf,
		[GROUP_PLUGINS] = options->metrics_plugins,
	};

	return wanted[group];
}

static double value_of(const struct row *row, const struct look *look)
{
	const char *at = (const char *)look + row->at;

	return row->unit == UNIT_REAL ? *(const double *)at : (double)*(const uint64_t *)at;
}

static uint64_t count_of(const struct row *row, const struct look *look)
{
	return *(const uint64_t *)((const char *)look + row->at);
}

/* Under the lock; reading /proc for it takes a few milliseconds. */
static void take_look(struct reporter *reporter, struct look *ret_look)
{
	ret_look->numbers = reporter->numbers;
	ret_look->start_ns = reporter->start_ns;
	ret_look->reload_ns = reporter->reload_ns;
	ret_look->beat_ns = reporter->beat_ns;
	ret_look->now_ns = (uint64_t)clock_ns(CLOCK_REALTIME);
	resources_read(&ret_look->resources);
}

/* ---- Prometheus ---- */

static void add_head(struct buffer *out, const char *name, bool is_counter)
{
	buffer_printf(out, "# HELP falcosecurity_%s " HELP "\n# TYPE falcosecurity_%s %s\n", name,
		name, is_counter ? "counter" : "gauge");
}

static void add_row(const struct row *row, const struct row *before, const struct look *look,
	struct buffer *out)
{
	if (!before || !before->metric || strcmp(before->metric, row->metric))
		add_head(out, row->metric, row->is_counter);
	buffer_printf(out, "falcosecurity_%s", row->metric);
	if (row->labels)
		buffer_printf(out, "{%s}", row->labels);
	if (row->unit == UNIT_COUNT)
		buffer_printf(out, " %" PRIu64 "\n", count_of(row, look));
	else
		buffer_printf(out, " %f\n", value_of(row, look));
}

static void add_info(struct buffer *out, const char *name, const char *const *pairs)
{
	struct buffer labels;

	buffer_init(&labels, 8192);
	for (size_t i = 0; pairs[i]; i += 2)
		metrics_label(&labels, pairs[i], text_of(pairs[i + 1]));
	buffer_printf(out, "falcosecurity_%s{" TEXT_FORMAT "} 1\n", name,
		TEXT_PRINT(buffer_text(&labels)));
	buffer_done(&labels);
}

static void add_one_info(struct buffer *out, const char *name, const char *label, const char *value)
{
	add_head(out, name, false);
	add_info(out, name, (const char *const[]){ label, value, NULL });
}

/* The SHA-256 of a file as hexadecimal text; false when it cannot be read. */
static bool file_digest(const char *path, char ret_digest[65])
{
	_cleanup_(fclosep) FILE *file = fopen(path, "re");
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	unsigned char bytes[8192], digest[32];
	size_t got;
	bool is_good = file && EVP_DigestInit_ex(context, EVP_sha256(), NULL);

	while (is_good && (got = fread(bytes, 1, sizeof(bytes), file)) > 0)
		is_good = EVP_DigestUpdate(context, bytes, got);
	is_good = is_good && !ferror(file) && EVP_DigestFinal_ex(context, digest, NULL);
	EVP_MD_CTX_free(context);
	for (size_t i = 0; is_good && i < sizeof(digest); i++)
		snprintf(ret_digest + 2 * i, 3, "%02x", digest[i]);
	return is_good;
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static void add_file(struct buffer *out, const char *name, const char *path)
{
	char digest[65];

	if (file_digest(path, digest))
		add_info(out, name,
			(const char *const[]){
				"file_name", base_name(path), "sha256", digest, NULL });
}

static void add_files(struct buffer *out, const struct generation *generation)
{
	const struct text_list *rules = &generation->files;

	add_head(out, "falco_sha256_rules_files_info", false);
	for (size_t i = 0; i < rules->count; i++)
		add_file(out, "falco_sha256_rules_files_info", rules->items[i]);
	if (!generation->settings->main_file)
		return;
	add_head(out, "falco_sha256_config_files_info", false);
	add_file(out, "falco_sha256_config_files_info", generation->settings->main_file);
}

static void add_matches_of(struct buffer *out, const struct rule *rule, uint64_t matches)
{
	struct buffer labels;

	buffer_init(&labels, 65536);
	metrics_label(&labels, "rule_name", text_of(rule->name));
	buffer_printf(&labels, ",priority=\"%d\"", (int)rule->priority);
	metrics_label(&labels, "source", text_of(rule->source));
	for (size_t i = 0; i < rule->tag_count; i++) {
		_cleanup_(freep) char *name = string_printf("tag_%s", rule->tags[i]);

		for (char *at = name; *at; at++)
			if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_",
				    *at))
				*at = '_';
		metrics_label(&labels, name, TEXT("true"));
	}
	buffer_printf(out, "falcosecurity_falco_rules_matches_total{" TEXT_FORMAT "} %" PRIu64 "\n",
		TEXT_PRINT(buffer_text(&labels)), matches);
	buffer_done(&labels);
}

static void add_matches(struct buffer *out, const struct generation *generation)
{
	add_head(out, "falco_rules_matches_total", true);
	for (size_t i = 0; i < rules_count(generation->rules); i++) {
		uint64_t matches = generation->matches[i];

		if (matches)
			add_matches_of(out, rules_at(generation->rules, i), matches);
	}
}

/* Only those that may have missed something. */
static void add_losses(struct buffer *out, const struct generation *generation)
{
	buffer_printf(out, "# HELP tercel_sensor_rule_lost_events_total Lost events that the rule "
			   "could have matched\n"
			   "# TYPE tercel_sensor_rule_lost_events_total counter\n");
	for (size_t i = 0; i < rules_count(generation->rules); i++) {
		uint64_t lost = generation->lost[i];
		struct buffer labels;

		if (!lost)
			continue;
		buffer_init(&labels, 65536);
		metrics_label(&labels, "rule_name", text_of(rules_at(generation->rules, i)->name));
		buffer_printf(out,
			"tercel_sensor_rule_lost_events_total{" TEXT_FORMAT "} %" PRIu64 "\n",
			TEXT_PRINT(buffer_text(&labels)), lost);
		buffer_done(&labels);
	}
}

static void add_own(struct buffer *out, const struct look *look, struct metrics *metrics)
{
	const struct {
		const char *name, *type, *about;
		uint64_t value;
	} own[] = {
		{ "events_total", "counter", "Events handed to the rules",
			look->numbers.source.events },
		{ "lost_events_total", "counter", "Events lost before they reached the rules",
			look->numbers.source.dropped },
		{ "lost_lifecycle_events_total", "counter",
			"Of them: forks, execs and ends of processes",
			look->numbers.source.dropped_lifecycle },
		{ "ring_bytes", "gauge", "Bytes of the kernel's ring that wait to be read",
			look->numbers.source.ring_bytes_used },
		{ "parked_events", "gauge", "Events that wait for metadata now",
			look->numbers.parked },
		{ "processes", "gauge", "Processes that are known",
			look->numbers.source.processes },
		{ "evicted_processes_total", "counter",
			"Processes forgotten because the table was full",
			look->numbers.source.processes_evicted },
		{ "lost_alerts_total", "counter", "Alerts that an output dropped or lost",
			look->numbers.outputs_lost },
		{ "reloads_total", "counter", "Reloads that took over", look->numbers.reloads },
		{ "failed_reloads_total", "counter", "Reloads that were refused",
			look->numbers.failed_reloads },
		{ "heartbeat_timestamp_seconds", "gauge",
			"When the thread that runs the rules was last alive",
			look->beat_ns / NS_PER_SECOND },
	};

	for (size_t i = 0; i < COUNT_OF(own); i++)
		buffer_printf(out,
			"# HELP tercel_sensor_%s %s\n# TYPE tercel_sensor_%s %s\n"
			"tercel_sensor_%s %" PRIu64 "\n",
			own[i].name, own[i].about, own[i].name, own[i].type, own[i].name,
			own[i].value);
	metrics_write(metrics, out);
}

void reporter_write_metrics(struct reporter *reporter, struct buffer *out)
{
	const struct sensor_options *options;
	struct utsname system;
	struct look look;

	uname(&system);
	pthread_mutex_lock(&reporter->lock);
	options = &reporter->generation->settings->options;
	take_look(reporter, &look);
	add_one_info(out, "falco_version_info", "version", TERCEL_VERSION);
	add_files(out, reporter->generation);
	add_one_info(out, "falco_kernel_release_info", "kernel_release", system.release);
	add_one_info(out, "evt_hostname_info", "hostname", reporter->generation->hostname);
	add_head(out, "scap_engine_name_info", false);
	add_info(out, "scap_engine_name_info",
		(const char *const[]){ "engine_name", ENGINE_NAME, "evt_source", "syscall", NULL });
	if (options->metrics_rules)
		add_matches(out, reporter->generation);
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		if (rows[i].metric && is_group_on(options, rows[i].group))
			add_row(&rows[i], i ? &rows[i - 1] : NULL, &look, out);
	add_losses(out, reporter->generation);
	add_own(out, &look, reporter->metrics);
	pthread_mutex_unlock(&reporter->lock);
}

/* ---- the snapshot ---- */

struct snapshot {
	struct internal_field *fields;
	char **names; /* that were made */
	size_t count, capacity, name_count, name_capacity;
	bool has_empty;
};

static const char *keep(struct snapshot *snapshot, char *name)
{
	return *ARRAY_ADD(snapshot->names, snapshot->name_count, snapshot->name_capacity) = name;
}

static void add_field(struct snapshot *snapshot, struct internal_field field)
{
	bool is_empty = (field.kind == FIELD_INTEGER && !field.integer) ||
			(field.kind == FIELD_REAL && field.real == 0);

	if ((is_empty && !snapshot->has_empty) || snapshot->count >= SNAPSHOT_MAX)
		return;
	*ARRAY_ADD(snapshot->fields, snapshot->count, snapshot->capacity) = field;
}

static void add_integer(struct snapshot *snapshot, const char *name, uint64_t value)
{
	add_field(snapshot,
		(struct internal_field){ .name = name, .kind = FIELD_INTEGER, .integer = value });
}

static void add_real(struct snapshot *snapshot, const char *name, double value)
{
	/* One digit, as Falco rounds. */
	add_field(snapshot, (struct internal_field){ .name = name,
				    .kind = FIELD_REAL,
				    .real = (double)(int64_t)(value * 10 + .5) / 10 });
}

static void add_words(struct snapshot *snapshot, const char *name, const char *words)
{
	add_field(snapshot,
		(struct internal_field){ .name = name, .kind = FIELD_WORDS, .words = words });
}

static void add_memory(struct snapshot *snapshot, const struct row *row, const struct look *look,
	bool in_megabytes)
{
	uint64_t bytes = count_of(row, look);
	const char *unit = in_megabytes ? "_mb" : row->unit == UNIT_MEMORY_KB ? "_kb" : "_bytes";
	const char *name = keep(snapshot, string_printf("%s%s", row->key, unit));

	if (in_megabytes)
		add_real(snapshot, name, (double)bytes / 1024 / 1024);
	else
		add_integer(snapshot, name, row->unit == UNIT_MEMORY_KB ? bytes / 1024 : bytes);
}

static void add_rows(
	struct snapshot *snapshot, const struct look *look, const struct sensor_options *options)
{
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		const struct row *row = &rows[i];

		if (!row->key || !is_group_on(options, row->group))
			continue;
		if (row->unit == UNIT_COUNT)
			add_integer(snapshot, row->key, count_of(row, look));
		else if (row->unit == UNIT_REAL)
			add_real(snapshot, row->key, value_of(row, look));
		else
			add_memory(snapshot, row, look, options->metrics_mb);
	}
}

/* "falco.rules.Terminal_shell_in_container" */
static void add_rules(struct snapshot *snapshot, const struct generation *generation)
{
	uint64_t total = 0;

	for (size_t i = 0; i < rules_count(generation->rules); i++) {
		char *name = string_printf("falco.rules.%s", rules_at(generation->rules, i)->name);

		for (char *at = name + strlen("falco.rules."); *at; at++)
			if (*at == ' ')
				*at = '_';
		total += generation->matches[i];
		add_integer(snapshot, keep(snapshot, name), generation->matches[i]);
	}
	add_integer(snapshot, "falco.rules.matches_total", total);
}

static void add_digests(struct snapshot *snapshot, const struct generation *generation)
{
	for (size_t i = 0; i < generation->files.count; i++) {
		const char *path = generation->files.items[i];
		struct text name = text_of(base_name(path));
		char digest[65];

		if (!file_digest(path, digest))
			continue;
		if (text_ends_with(name, TEXT(".yaml")))
			name.length -= strlen(".yaml");
		add_words(snapshot,
			keep(snapshot, string_printf("falco.sha256_rules_file." TEXT_FORMAT,
					       TEXT_PRINT(name))),
			keep(snapshot, string_copy(digest)));
	}
}

static void add_rates(struct reporter *reporter, struct snapshot *snapshot, const struct look *look)
{
	const struct source_counters *source = &look->numbers.source;
	double seconds = (double)(look->now_ns - reporter->snapshot_ns) / (double)NS_PER_SECOND;
	uint64_t calls = source->kernel_calls, before = reporter->events_before;
	uint64_t dropped_before = reporter->dropped_before;

	add_integer(snapshot, "falco.num_evts", source->events);
	add_integer(snapshot, "falco.num_evts_prev",
		before > dropped_before ? before - dropped_before : 0);
	add_integer(snapshot, "scap.n_evts_prev", before);
	add_integer(snapshot, "scap.n_drops_prev", dropped_before);
	if (seconds <= 0)
		return;
	add_real(snapshot, "falco.evts_rate_sec", (double)(calls - before) / seconds);
	add_real(snapshot, "scap.evts_rate_sec", (double)(calls - before) / seconds);
	add_real(snapshot, "scap.evts_drop_rate_sec",
		(double)(source->dropped - dropped_before) / seconds);
	if (calls > before)
		add_real(snapshot, "scap.n_drops_perc",
			100.0 * (double)(source->dropped - dropped_before) /
				(double)(calls - before));
}

static void fill(struct reporter *reporter, struct snapshot *snapshot, const struct look *look,
	const char *release)
{
	const struct sensor_options *options = &reporter->generation->settings->options;

	add_integer(snapshot, "evt.time", look->now_ns);
	add_words(snapshot, "evt.hostname", reporter->generation->hostname);
	add_words(snapshot, "evt.source", "syscall");
	add_words(snapshot, "falco.version", TERCEL_VERSION);
	add_words(snapshot, "falco.kernel_release", release);
	add_words(snapshot, "scap.engine_name", ENGINE_NAME);
	add_rows(snapshot, look, options);
	add_digests(snapshot, reporter->generation);
	if (options->metrics_kernel)
		add_rates(reporter, snapshot, look);
	if (options->metrics_rules)
		add_rules(snapshot, reporter->generation);
	reporter->events_before = look->numbers.source.kernel_calls;
	reporter->dropped_before = look->numbers.source.dropped;
	reporter->snapshot_ns = look->now_ns;
}

/* {"output_fields":{…},"rule":"Falco internal: metrics snapshot","sample":N …}: a line. */
static void append_file(const char *path, const struct internal_message *message)
{
	_cleanup_(fclosep) FILE *file = fopen(path, "ae");
	struct json_writer json;
	struct buffer line;

	buffer_init(&line, ALERT_MAX);
	json_writer_init(&json, &line);
	json_begin_object(&json);
	json_key(&json, "output_fields");
	internal_write_fields(message, &json);
	json_key(&json, "rule");
	json_add_string(&json, message->rule);
	json_end(&json);
	buffer_add_char(&line, '\n');
	if (!file || fwrite(line.data, 1, line.length, file) != line.length)
		log_warning("metrics.output_file: cannot write to %s: %s", path, strerror(errno));
	buffer_done(&line);
}

/* Under the lock. */
static void tell(struct reporter *reporter)
{
	const struct sensor_options *options = &reporter->generation->settings->options;
	struct snapshot snapshot = { .has_empty = options->metrics_empty };
	struct internal_message message = {
		.rule = "Falco internal: metrics snapshot",
		.output = "Falco metrics snapshot",
		.priority = PRIORITY_INFORMATIONAL,
	};
	struct utsname system;
	struct look look;

	uname(&system);
	take_look(reporter, &look);
	fill(reporter, &snapshot, &look, system.release);
	message.fields = snapshot.fields;
	message.count = snapshot.count;
	message.time_ns = look.now_ns;
	if (options->metrics_output_rule)
		internal_push(&message, reporter->generation, reporter->outlets);
	if (*options->metrics_output_file)
		append_file(options->metrics_output_file, &message);
	for (size_t i = 0; i < snapshot.name_count; i++)
		free(snapshot.names[i]);
	free(snapshot.names);
	free(snapshot.fields);
}

/* Milliseconds; a reload may change it or switch it off. */
static int64_t interval_of(const struct reporter *reporter)
{
	const struct sensor_options *options = &reporter->generation->settings->options;
	bool is_wanted = options->metrics_enabled &&
			 (options->metrics_output_rule || *options->metrics_output_file);

	return is_wanted ? MAX_OF(options->metrics_interval_ms, INTERVAL_MIN_MS) : INT32_MAX;
}

static void *run(void *argument)
{
	struct reporter *reporter = argument;
	int64_t told_ms = clock_ms(CLOCK_MONOTONIC);

	pthread_mutex_lock(&reporter->lock);
	while (!reporter->is_ending) {
		struct timespec until = clock_timespec(told_ms + interval_of(reporter));

		(void)pthread_cond_timedwait(&reporter->changed, &reporter->lock, &until);
		if (reporter->is_ending ||
			clock_ms(CLOCK_MONOTONIC) < told_ms + interval_of(reporter))
			continue;
		told_ms = clock_ms(CLOCK_MONOTONIC);
		tell(reporter);
	}
	pthread_mutex_unlock(&reporter->lock);
	return NULL;
}

int reporter_new(const struct generation *generation, struct outlets *outlets,
	struct metrics *metrics, struct reporter **ret_reporter, struct error *err)
{
	struct reporter *reporter = NEW(struct reporter);
	pthread_condattr_t attributes;
	int r;

	reporter->generation = generation;
	reporter->outlets = outlets;
	reporter->metrics = metrics;
	reporter->start_ns = reporter->reload_ns = reporter->snapshot_ns =
		(uint64_t)clock_ns(CLOCK_REALTIME);
	pthread_mutex_init(&reporter->lock, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&reporter->changed, &attributes);
	pthread_condattr_destroy(&attributes);
	r = -pthread_create(&reporter->thread, NULL, run, reporter);
	reporter->has_thread = r >= 0;
	if (r < 0) {
		reporter_free(reporter);
		return error_set(err, r, "no thread for metrics: %s", strerror(-r));
	}
	*ret_reporter = reporter;
	return 0;
}

void reporter_free(struct reporter *reporter)
{
	if (!reporter)
		return;
	pthread_mutex_lock(&reporter->lock);
	reporter->is_ending = true;
	pthread_cond_broadcast(&reporter->changed);
	pthread_mutex_unlock(&reporter->lock);
	if (reporter->has_thread)
		pthread_join(reporter->thread, NULL);
	pthread_cond_destroy(&reporter->changed);
	pthread_mutex_destroy(&reporter->lock);
	free(reporter);
}

void reporter_publish(struct reporter *reporter, const struct numbers *numbers)
{
	/* Who reads keeps the lock for some milliseconds; then the next second will do. */
	if (pthread_mutex_trylock(&reporter->lock))
		return;
	reporter->numbers = *numbers;
	reporter->beat_ns = (uint64_t)clock_ns(CLOCK_REALTIME);
	pthread_mutex_unlock(&reporter->lock);
}

void reporter_change(struct reporter *reporter, const struct generation *generation)
{
	pthread_mutex_lock(&reporter->lock);
	reporter->generation = generation;
	reporter->reload_ns = (uint64_t)clock_ns(CLOCK_REALTIME);
	pthread_cond_broadcast(&reporter->changed);
	pthread_mutex_unlock(&reporter->lock);
}
