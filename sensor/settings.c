/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sensor's settings: every key of falco.yaml and every flag of Falco, and ours. A key that has
 * no effect yet is known and named once in the log; one that asks for what happens anyway is not.
 */
#include <dirent.h>
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "sensor/sensor.h"

#define OWN_FILE    "/etc/tercel/sensor.yaml"
#define FALCOS_FILE "/etc/falco/falco.yaml"

#define AT(member) .at = offsetof(struct sensor_options, member)
#define IGNORED(name, value)                                             \
	{                                                                \
		.key = name, .type = SETTING_IGNORED, .fallback = value, \
		.about = "Known from falco.yaml; has no effect yet"      \
	}

static const struct setting rows[] = {
	{ .type = SETTING_BOOL,
		AT(wants_help),
		.flag = "help",
		.short_flag = 'h',
		.about = "Prints this help" },
	{ .type = SETTING_TEXT,
		AT(config_path),
		.flag = "config",
		.short_flag = 'c',
		.value = "FILE",
		.about = "Settings (default: " OWN_FILE " or " FALCOS_FILE ")" },
	{ .type = SETTING_LIST,
		AT(overrides),
		.flag = "option",
		.short_flag = 'o',
		.value = "KEY=VALUE",
		.about = "Sets a key of the settings; may be repeated" },
	{ .key = "rules_files",
		.type = SETTING_LIST,
		AT(rules_files),
		.flag = "rules",
		.short_flag = 'r',
		.value = "PATH",
		.about = "Rules files or directories, in order" },
	{ .type = SETTING_LIST,
		AT(validated),
		.flag = "validate",
		.short_flag = 'V',
		.value = "FILE",
		.about = "Checks rules files and ends; may be repeated" },
	{ .type = SETTING_BOOL,
		AT(describes_all),
		.short_flag = 'L',
		.about = "Lists all rules and ends" },
	{ .type = SETTING_TEXT,
		AT(described_rule),
		.short_flag = 'l',
		.value = "RULE",
		.about = "Describes one rule and ends" },
	{ .type = SETTING_TEXT,
		AT(list_source),
		.flag = "list",
		.value = "SOURCE",
		.implied = "syscall",
		.about = "Lists all fields and ends" },
	{ .type = SETTING_BOOL,
		AT(wants_events),
		.flag = "list-events",
		.about = "Lists all event types and ends" },
	{ .type = SETTING_CHOICE,
		AT(list_format),
		.flag = "format",
		.value = "FORMAT",
		.choices = "text markdown json",
		.fallback = "text",
		.about = "Form of the lists: text, markdown or json" },
	{ .type = SETTING_BOOL,
		AT(is_markdown),
		.flag = "markdown",
		.about = "The same as --format markdown" },
	{ .type = SETTING_BOOL, AT(lists_names), .short_flag = 'N', .about = "Lists only names" },
	{ .type = SETTING_BOOL,
		AT(wants_ignored_calls),
		.short_flag = 'i',
		.about = "Lists the calls that are never recorded and ends" },
	{ .type = SETTING_INTEGER,
		AT(seconds),
		.short_flag = 'M',
		.value = "SECONDS",
		.minimum = 0,
		.maximum = INT32_MAX,
		.about = "Stops after so many seconds" },
	{ .type = SETTING_BOOL,
		AT(is_dry_run),
		.flag = "dry-run",
		.about = "Loads everything and ends" },
	{ .type = SETTING_TEXT,
		AT(print_format),
		.flag = "print",
		.short_flag = 'p',
		.value = "FORMAT",
		.about = "Adds a text to every alert" },
	{ .type = SETTING_TEXT,
		AT(pid_file),
		.flag = "pidfile",
		.short_flag = 'P',
		.value = "FILE",
		.about = "Writes the process id there" },
	{ .type = SETTING_BOOL,
		AT(is_unbuffered),
		.flag = "unbuffered",
		.short_flag = 'U',
		.about = "Writes every alert at once, as is always done" },
	{ .type = SETTING_BOOL,
		AT(is_verbose),
		.short_flag = 'v',
		.about = "Says more: counters at the end, types in lists" },
	{ .type = SETTING_BOOL,
		AT(wants_version),
		.flag = "version",
		.about = "Prints the version" },
	{ .type = SETTING_BOOL,
		AT(wants_support),
		.flag = "support",
		.about = "Prints version, system and settings as JSON" },
	{ .type = SETTING_BOOL,
		AT(wants_config_schema),
		.flag = "config-schema",
		.about = "Prints the JSON schema of the settings" },
	{ .type = SETTING_BOOL,
		AT(wants_rule_schema),
		.flag = "rule-schema",
		.about = "Prints the JSON schema of rules files" },
	{ .type = SETTING_BOOL,
		AT(wants_page_size),
		.flag = "page-size",
		.about = "Prints the size of a memory page" },
	{ .type = SETTING_BOOL,
		AT(wants_plugins),
		.flag = "list-plugins",
		.about = "Lists the loaded plugins" },
	{ .type = SETTING_TEXT,
		AT(plugin_info),
		.flag = "plugin-info",
		.value = "NAME",
		.about = "Describes a plugin" },
	{ .type = SETTING_LIST,
		AT(disabled_sources),
		.flag = "disable-source",
		.value = "SOURCE",
		.about = "Leaves a source of events out" },
	{ .type = SETTING_LIST,
		AT(enabled_sources),
		.flag = "enable-source",
		.value = "SOURCE",
		.about = "Takes only this source of events" },

	{ .key = "config_files",
		.type = SETTING_NODE,
		AT(config_files),
		.about = "Further files and directories of settings" },
	{ .key = "rules",
		.type = SETTING_NODE,
		AT(selection),
		.about = "Rules to enable and disable, by name or tag" },
	{ .key = "append_output",
		.type = SETTING_NODE,
		AT(append_output),
		.about = "What is added to the outputs of rules" },
	{ .key = "static_fields",
		.type = SETTING_NODE,
		AT(static_fields),
		.about = "Constants that rules and outputs name as static.NAME" },
	{ .key = "time_format_iso_8601",
		.type = SETTING_BOOL,
		AT(time_format_iso_8601),
		.about = "Times of alerts in UTC as ISO 8601" },
	{ .key = "priority",
		.type = SETTING_CHOICE,
		AT(priority),
		.fallback = "debug",
		.choices = "emergency alert critical error warning notice informational debug info",
		.about = "Rules below it are not enabled" },
	{ .key = "json_output",
		.type = SETTING_BOOL,
		AT(json_output),
		.about = "Alerts as JSON in place of text" },
	{ .key = "json_include_output_property",
		.type = SETTING_BOOL,
		AT(json_include_output),
		.fallback = "true",
		.about = "JSON alerts have the text too" },
	{ .key = "json_include_message_property",
		.type = SETTING_BOOL,
		AT(json_include_message),
		.about = "JSON alerts have the text without time and priority" },
	{ .key = "json_include_output_fields_property",
		.type = SETTING_BOOL,
		AT(json_include_fields),
		.fallback = "true",
		.about = "JSON alerts have the values of the fields" },
	{ .key = "json_include_tags_property",
		.type = SETTING_BOOL,
		AT(json_include_tags),
		.fallback = "true",
		.about = "JSON alerts have the rule's tags" },
	{ .key = "buffered_outputs",
		.type = SETTING_BOOL,
		AT(buffered_outputs),
		.about = "Allows alerts to be held back; they are written at once all the same" },
	{ .key = "rule_matching",
		.type = SETTING_CHOICE,
		AT(rule_matching),
		.choices = "first all",
		.fallback = "first",
		.about = "Whether one event may match several rules" },
	{ .key = "outputs_queue.capacity",
		.type = SETTING_INTEGER,
		AT(queue_capacity),
		.minimum = 0,
		.maximum = INT32_MAX,
		.about = "Alerts that may wait for one output; 0: as many as outputs_queue.bytes" },
	{ .key = "outputs_queue.bytes",
		.type = SETTING_SIZE,
		AT(queue_bytes),
		.fallback = "64MiB",
		.about = "Memory that alerts waiting for one output may take" },
	{ .key = "output_timeout",
		.type = SETTING_INTEGER,
		AT(output_timeout_ms),
		.fallback = "2000",
		.minimum = 0,
		.maximum = 3600000,
		.about = "Milliseconds that outputs have at the end for what still waits" },
	{ .key = "stdout_output.enabled",
		.type = SETTING_BOOL,
		AT(stdout_enabled),
		.about = "Alerts on the standard output" },
	{ .key = "file_output.enabled",
		.type = SETTING_BOOL,
		AT(file_enabled),
		.about = "Alerts into a file" },
	{ .key = "file_output.keep_alive",
		.type = SETTING_BOOL,
		AT(file_keep_alive),
		.about = "Keeps the file open; SIGUSR1 reopens it" },
	{ .key = "file_output.filename",
		.type = SETTING_TEXT,
		AT(file_name),
		.fallback = "./events.txt",
		.value = "FILE",
		.about = "The file" },
	{ .key = "http_output.enabled",
		.type = SETTING_BOOL,
		AT(http_enabled),
		.about = "Alerts posted to a URL" },
	{ .key = "http_output.url",
		.type = SETTING_TEXT,
		AT(http_url),
		.fallback = "",
		.about = "The URL" },
	{ .key = "http_output.user_agent",
		.type = SETTING_TEXT,
		AT(http_user_agent),
		.fallback = "tercel/" TERCEL_VERSION,
		.about = "What we call ourselves there" },
	{ .key = "http_output.insecure",
		.type = SETTING_BOOL,
		AT(http_insecure),
		.about = "Takes any certificate" },
	{ .key = "http_output.ca_cert",
		.type = SETTING_TEXT,
		AT(http_ca_cert),
		.fallback = "",
		.value = "FILE",
		.about = "Certificate of the authority to trust" },
	{ .key = "http_output.ca_bundle",
		.type = SETTING_TEXT,
		AT(http_ca_bundle),
		.fallback = "",
		.value = "FILE",
		.about = "Several of them in one file" },
	{ .key = "http_output.ca_path",
		.type = SETTING_TEXT,
		AT(http_ca_path),
		.fallback = "/etc/ssl/certs",
		.value = "DIR",
		.about = "A directory of them" },
	{ .key = "http_output.mtls",
		.type = SETTING_BOOL,
		AT(http_mtls),
		.about = "Shows a certificate of our own" },
	{ .key = "http_output.client_cert",
		.type = SETTING_TEXT,
		AT(http_client_cert),
		.fallback = "/etc/ssl/certs/client.crt",
		.value = "FILE",
		.about = "That certificate" },
	{ .key = "http_output.client_key",
		.type = SETTING_TEXT,
		AT(http_client_key),
		.fallback = "/etc/ssl/certs/client.key",
		.value = "FILE",
		.about = "Its key" },
	{ .key = "http_output.batch",
		.type = SETTING_BOOL,
		AT(http_batch),
		.about = "Posts JSON arrays of alerts, as our forwarder takes them" },
	{ .key = "http_output.unix_socket",
		.type = SETTING_TEXT,
		AT(http_unix_socket),
		.fallback = "",
		.value = "SOCKET",
		.about = "Unix socket to reach the URL by" },
	{ .key = "http_output.token",
		.type = SETTING_SECRET,
		AT(http_token),
		.fallback = "",
		.about = "Bearer token to send" },
	{ .key = "http_output.token_file",
		.type = SETTING_TEXT,
		AT(http_token_file),
		.fallback = "",
		.value = "FILE",
		.about = "File to read it from" },
	{ .key = "log_stderr",
		.type = SETTING_BOOL,
		AT(log_stderr),
		.fallback = "true",
		.about = "Log on the standard error output" },
	{ .key = "log_level",
		.type = SETTING_TEXT,
		AT(log_level),
		.fallback = "info",
		.about = "What is logged: error, warning, info, debug" },
	{ .key = "log_format",
		.type = SETTING_CHOICE,
		AT(log_format),
		.choices = "text json",
		.fallback = "text",
		.about = "Form of the log" },
	{ .key = "engine.kind",
		.type = SETTING_CHOICE,
		AT(engine_kind),
		.choices = "modern_ebpf kmod ebpf replay nodriver",
		.fallback = "modern_ebpf",
		.about = "How events are got: eBPF, whatever of the first three it says" },
	{ .key = "engine.replay.capture_file",
		.type = SETTING_TEXT,
		AT(replay_file),
		.fallback = "",
		.about = "The recording that engine.kind replay runs the rules over" },
	{ .key = "sensor.record_file",
		.type = SETTING_TEXT,
		AT(record_file),
		.fallback = "",
		.about = "Keeps all that the sensor sees in this file, for tercel replay" },
	{ .key = "sensor.record_limit",
		.type = SETTING_SIZE,
		AT(record_limit),
		.fallback = "4GiB",
		.about = "Bytes at which a recording ends" },
	{ .key = "sensor.record_all_events",
		.type = SETTING_BOOL,
		AT(records_all_events),
		.fallback = "false",
		.about = "Records every event there is, not only those that the rules need" },
	{ .key = "sensor.ring_size",
		.type = SETTING_SIZE,
		AT(ring_bytes),
		.fallback = "8MiB",
		.about = "Memory for events on their way from the kernel" },
	{ .key = "sensor.ignore_pids",
		.type = SETTING_LIST,
		AT(ignored_pids),
		.environment = "TERCEL_IGNORE_PIDS",
		.about =
			"Processes that make no alert, nor do the programs that they start themselves" },
	{ .key = "container_engines.cri.enabled",
		.type = SETTING_BOOL,
		AT(asks_cri),
		.fallback = "true",
		.about = "Asks Kubernetes' runtimes about containers" },
	{ .key = "container_engines.cri.sockets",
		.type = SETTING_LIST,
		AT(cri_sockets),
		.about = "Their sockets; without any the usual ones are looked for" },
	{ .key = "container_engines.docker.enabled",
		.type = SETTING_BOOL,
		AT(asks_docker),
		.fallback = "true",
		.about = "Asks Docker about containers" },
	{ .key = "container_engines.docker.sockets",
		.type = SETTING_LIST,
		AT(docker_sockets),
		.about = "Their sockets; without any the usual ones are looked for" },
	{ .key = "container_engines.podman.enabled",
		.type = SETTING_BOOL,
		AT(asks_podman),
		.fallback = "true",
		.about = "Asks Podman about containers" },
	{ .key = "container_engines.podman.sockets",
		.type = SETTING_LIST,
		AT(podman_sockets),
		.about = "Their sockets; without any the usual ones are looked for" },
	{ .key = "plugins",
		.type = SETTING_NODE,
		AT(plugins),
		.about = "Of Falco's plugins container is built in: its engines and sockets are "
			 "heeded" },
	{ .key = "container_metadata.timeout",
		.type = SETTING_INTEGER,
		AT(metadata_timeout_ms),
		.fallback = "250",
		.minimum = 0,
		.maximum = 10000,
		.about = "Milliseconds that an event may wait for what a runtime knows" },
	{ .key = "container_metadata.bytes",
		.type = SETTING_SIZE,
		AT(metadata_bytes),
		.fallback = "32MiB",
		.about = "Memory that waiting events may take" },
	{ .key = "sensor.host_root",
		.type = SETTING_TEXT,
		AT(host_root),
		.fallback = "",
		.environment = "HOST_ROOT",
		.value = "DIR",
		.about = "Where the host's root directory is mounted" },
	{ .key = "sensor.hostname",
		.type = SETTING_TEXT,
		AT(hostname),
		.fallback = "",
		.environment = "FALCO_HOSTNAME",
		.about = "This host's name in alerts" },

	IGNORED("watch_config_files", "false"),
	IGNORED("engine.kmod", NULL),
	IGNORED("engine.ebpf", NULL),
	IGNORED("engine.modern_ebpf.cpus_for_each_buffer", "2"),
	IGNORED("engine.modern_ebpf.buf_size_preset", "4"),
	IGNORED("engine.modern_ebpf.drop_failed_exit", "false"),
	IGNORED("engine.modern_ebpf.disable_iterators", "false"),
	IGNORED("capture.enabled", "false"),
	IGNORED("capture.path_prefix", "/tmp/falco"),
	IGNORED("capture.mode", "rules"),
	IGNORED("capture.default_duration", "5000"),
	IGNORED("capture.max_file_size_mb", "0"),
	IGNORED("load_plugins", NULL),
	IGNORED("plugins_hostinfo", "true"),
	IGNORED("buffer_format_base64", "false"),
	IGNORED("syslog_output.enabled", "false"),
	IGNORED("http_output.echo", "false"),
	IGNORED("http_output.compress_uploads", "false"),
	IGNORED("http_output.keep_alive", "true"),
	IGNORED("http_output.max_consecutive_timeouts", "5"),
	IGNORED("program_output.enabled", "false"),
	IGNORED("program_output.keep_alive", "false"),
	IGNORED("program_output.program", NULL),
	IGNORED("webserver.enabled", "false"),
	IGNORED("webserver.threadiness", "0"),
	IGNORED("webserver.listen_port", "8765"),
	IGNORED("webserver.listen_address", "0.0.0.0"),
	IGNORED("webserver.k8s_healthz_endpoint", "/healthz"),
	IGNORED("webserver.prometheus_metrics_enabled", "false"),
	IGNORED("webserver.ssl_enabled", "false"),
	IGNORED("webserver.ssl_certificate", "/etc/falco/falco.pem"),
	IGNORED("log_syslog", "false"),
	IGNORED("libs_logger.enabled", "true"),
	IGNORED("libs_logger.severity", "info"),
	IGNORED("syscall_event_timeouts.max_consecutives", "1000"),
	IGNORED("syscall_event_drops.threshold", ".1"),
	IGNORED("syscall_event_drops.actions", NULL),
	IGNORED("syscall_event_drops.rate", ".03333"),
	IGNORED("syscall_event_drops.max_burst", "1"),
	IGNORED("syscall_event_drops.simulate_drops", "false"),
	IGNORED("metrics.enabled", "false"),
	IGNORED("metrics.interval", "1h"),
	IGNORED("metrics.output_rule", "true"),
	IGNORED("metrics.output_file", ""),
	IGNORED("metrics.rules_counters_enabled", "true"),
	IGNORED("metrics.resource_utilization_enabled", "true"),
	IGNORED("metrics.state_counters_enabled", "true"),
	IGNORED("metrics.kernel_event_counters_enabled", "true"),
	IGNORED("metrics.kernel_event_counters_per_cpu_enabled", "false"),
	IGNORED("metrics.libbpf_stats_enabled", "true"),
	IGNORED("metrics.plugins_metrics_enabled", "true"),
	IGNORED("metrics.kernel_iter_event_counters_enabled", "true"),
	IGNORED("metrics.jemalloc_stats_enabled", "false"),
	IGNORED("metrics.convert_memory_to_mb", "true"),
	IGNORED("metrics.include_empty_values", "false"),
	IGNORED("base_syscalls.custom_set", NULL),
	IGNORED("base_syscalls.repair", "false"),
	IGNORED("base_syscalls.all", "false"),
	IGNORED("falco_libs.thread_table_size", "262144"),
	IGNORED("falco_libs.thread_table_auto_purging_interval_s", "300"),
	IGNORED("falco_libs.thread_table_auto_purging_thread_timeout_s", "300"),
	IGNORED("falco_libs.snaplen", "80"),
	/* Keys that Falco itself no longer has. */
	IGNORED("grpc", NULL),
	IGNORED("grpc_output", NULL),
	IGNORED("outputs", NULL),
	IGNORED("engine.gvisor", NULL),
	IGNORED("metadata_download", NULL),
	IGNORED("rules_file", NULL),
};

static const struct settings_table table = {
	.program = "tercel-sensor",
	.rows = rows,
	.count = COUNT_OF(rows),
	.expands_variables = true,
};

const struct settings_table *sensor_settings_table(void)
{
	return &table;
}

static void warn(void *context, const char *message)
{
	log_warning("%s", message);
}

static int take_file(struct sensor_settings *settings, const struct settings_table *how,
	const char *path, struct error *err)
{
	struct yaml *yaml = NULL;
	int r;

	if (settings->file_count == COUNT_OF(settings->files))
		return error_set(err, -E2BIG, "%s: more than %zu files of settings", path,
			COUNT_OF(settings->files));
	r = yaml_load(path, &yaml, err);
	if (r < 0)
		return r;
	settings->files[settings->file_count++] = yaml;
	return settings_from_yaml(
		how, &settings->options, path, yaml_document(yaml, 0), warn, NULL, err);
}

static int is_settings_file(const struct dirent *entry)
{
	struct text name = text_of(entry->d_name);

	return text_ends_with(name, TEXT(".yaml")) || text_ends_with(name, TEXT(".yml"));
}

/* A file, or the files of a directory in the order of their names; what is missing is left out. */
static int take_path(struct sensor_settings *settings, const struct settings_table *how,
	const char *path, struct error *err)
{
	struct dirent **entries = NULL;
	struct stat status;
	int count, r = 0;

	if (stat(path, &status) < 0)
		return 0;
	if (!S_ISDIR(status.st_mode))
		return take_file(settings, how, path, err);
	count = scandir(path, &entries, is_settings_file, alphasort);
	for (int i = 0; i < count; i++) {
		_cleanup_(freep) char *file = string_printf("%s/%s", path, entries[i]->d_name);

		if (r >= 0)
			r = take_file(settings, how, file, err);
		free(entries[i]);
	}
	free(entries);
	return r;
}

/* One entry of config_files: a path, or { path, strategy }. */
static int take_entry(
	struct sensor_settings *settings, const struct yaml_node *entry, struct error *err)
{
	const struct yaml_node *node = entry, *strategy = NULL;
	struct settings_table how = table;
	_cleanup_(freep) char *path = NULL;

	if (entry->kind == YAML_MAPPING) {
		node = yaml_get(entry, "path");
		strategy = yaml_get(entry, "strategy");
	}
	if (!node || node->kind != YAML_SCALAR)
		return error_at(err, settings->main_file, (int)entry->line + 1,
			"\"config_files\": each entry must be a path or have one");
	if (strategy && text_is(strategy->text, "add-only"))
		log_warning("%s:%zu: strategy add-only is taken as append", settings->main_file,
			strategy->line + 1);
	how.appends_lists = !strategy || !text_is(strategy->text, "override");
	path = text_to_string(node->text);
	return take_path(settings, &how, path, err);
}

static int take_config_files(struct sensor_settings *settings, struct error *err)
{
	const struct yaml_node *list = settings->options.config_files;
	int r = 0;

	if (!list)
		return 0;
	if (list->kind != YAML_SEQUENCE)
		return error_at(err, settings->main_file, (int)list->line + 1,
			"\"config_files\" must be a list of paths");
	for (size_t i = 0; i < list->count && r >= 0; i++)
		r = take_entry(settings, list->items[i], err);
	return r;
}

static int take_main_file(struct sensor_settings *settings, const char *given, struct error *err)
{
	const char *path = given;

	if (!path)
		path = access(OWN_FILE, R_OK) == 0 ? OWN_FILE : FALCOS_FILE;
	if (access(path, F_OK) < 0) {
		if (given)
			return error_set(
				err, -ENOENT, "Could not find configuration file at %s", given);
		/* Without any file: alerts on the terminal, with what is known of containers. */
		settings->options.stdout_enabled = true;
		additions_suggest(settings->additions);
		return 0;
	}
	settings->main_file = string_copy(path);
	return take_file(settings, &table, path, err);
}

/* A value as YAML: maps and booleans as they are, everything else quoted. */
static void add_yaml_value(struct buffer *yaml, const char *value)
{
	if (*value == '{' || !strcmp(value, "true") || !strcmp(value, "false")) {
		buffer_add_string(yaml, value);
		return;
	}
	buffer_add_char(yaml, '\'');
	for (; *value; value++)
		buffer_printf(yaml, *value == '\'' ? "%c'" : "%c", *value);
	buffer_add_char(yaml, '\'');
}

/* ".disable.rule" and "X" become {disable: {rule: 'X'}}. */
static void add_yaml_path(struct buffer *yaml, struct text path, const char *value)
{
	struct text part;
	int depth = 0;

	while (path.length && text_split(&path, '.', &part)) {
		if (!part.length)
			continue;
		buffer_printf(yaml, "{" TEXT_FORMAT ": ", TEXT_PRINT(part));
		depth++;
	}
	add_yaml_value(yaml, value);
	while (depth-- > 0)
		buffer_add_char(yaml, '}');
}

/*
 * Options that add to a list of maps, "rules[].disable.rule=X" and "append_output[]={…}", as a file
 * of one entry; NULL for all others. free() it.
 */
static char *node_option_yaml(const char *option)
{
	static const char *const lists[] = { "rules", "append_output" };
	const char *equals = strchr(option, '=');

	for (size_t i = 0; equals && i < COUNT_OF(lists); i++) {
		size_t length = strlen(lists[i]);
		struct buffer yaml;

		if (strncmp(option, lists[i], length) || strncmp(option + length, "[]", 2))
			continue;
		buffer_init(&yaml, 65536);
		buffer_printf(&yaml, "{%s: [", lists[i]);
		length += 2;
		add_yaml_path(&yaml,
			(struct text){ option + length, (size_t)(equals - option) - length },
			equals + 1);
		buffer_add_string(&yaml, "]}");
		return buffer_take(&yaml);
	}
	return NULL;
}

/* The items of both lists in one that the settings own; its parts live as long as their files. */
static struct yaml_node *joined_nodes(
	struct sensor_settings *settings, const struct yaml_node *first, struct yaml_node *second)
{
	struct yaml_node *both;

	if (!first || first->kind != YAML_SEQUENCE ||
		settings->joined_count == COUNT_OF(settings->joined))
		return second;
	both = NEW(struct yaml_node);
	*both = *first;
	both->count = first->count + second->count;
	both->items = NEW_ARRAY(struct yaml_node *, both->count);
	memcpy(both->items, first->items, first->count * sizeof(*both->items));
	memcpy(both->items + first->count, second->items, second->count * sizeof(*both->items));
	settings->joined[settings->joined_count++] = both;
	return both;
}

static int take_node_option(
	struct sensor_settings *settings, const char *option, const char *text, struct error *err)
{
	struct sensor_options *options = &settings->options;
	struct yaml_node *selection = options->selection, *appended = options->append_output;
	struct yaml *yaml = NULL;
	int r = yaml_parse(text_of(text), option, &yaml, err);

	if (r < 0)
		return r;
	if (settings->file_count == COUNT_OF(settings->files)) {
		yaml_unload(yaml);
		return error_set(err, -E2BIG, "option \"%s\": too many of this kind", option);
	}
	settings->files[settings->file_count++] = yaml;
	r = settings_from_yaml(&table, options, option, yaml_document(yaml, 0), warn, NULL, err);
	if (r >= 0 && options->selection != selection)
		options->selection = joined_nodes(settings, selection, options->selection);
	if (r >= 0 && options->append_output != appended)
		options->append_output = joined_nodes(settings, appended, options->append_output);
	return r;
}

static int take_option(struct sensor_settings *settings, const char *option, struct error *err)
{
	_cleanup_(freep) char *yaml = node_option_yaml(option);
	int r;

	if (yaml)
		return take_node_option(settings, option, yaml, err);
	r = settings_from_option(&table, &settings->options, option, err);
	if (r < 0)
		error_prefix(err, "-o %s", option);
	return r;
}

/* Flags are read twice: first for -c and -o, in the end because they win over both. */
static int take_flags(struct sensor_options *options, int argc, char **argv, struct error *err)
{
	_cleanup_(freep) char **copy = NEW_ARRAY(char *, (size_t)argc + 1);
	int rest = 0, r;

	memcpy(copy, argv, (size_t)argc * sizeof(*copy));
	r = settings_from_arguments(&table, options, argc, copy, &rest, err);
	if (r >= 0 && rest)
		return error_set(err, -EINVAL, "unexpected argument \"%s\"; --help shows the flags",
			copy[1]);
	return r;
}

/* -pc, -pk and their like are accepted and do nothing, as in Falco. */
static void take_print_format(struct sensor_settings *settings)
{
	static const char *const known[] = { "c", "container", "k", "kubernetes", "cg",
		"container-gvisor", "kg", "kubernetes-gvisor" };
	const char *format = settings->options.print_format;

	if (!format || !*format)
		return;
	for (size_t i = 0; i < COUNT_OF(known); i++)
		if (!strcmp(format, known[i]))
			return;
	additions_add_output(settings->additions, text_of(format));
}

static int take_additions(struct sensor_settings *settings, struct error *err)
{
	const char *file = settings->main_file ? settings->main_file : "settings";
	int r = additions_read_statics(
		settings->additions, file, settings->options.static_fields, err);

	if (r >= 0)
		r = additions_read(settings->additions, file, settings->options.append_output, err);
	if (r >= 0)
		take_print_format(settings);
	return r;
}

static bool is_engine_on(const struct yaml_node *engines, const char *name)
{
	const struct yaml_node *enabled = yaml_get(yaml_get(engines, name), "enabled");
	bool is_on = true;

	if (enabled && yaml_bool(enabled, &is_on) < 0)
		log_warning("plugins: engine %s: enabled must be true or false", name);
	return is_on;
}

static void add_engine_sockets(
	const struct yaml_node *engines, const char *name, struct text_list *list)
{
	const struct yaml_node *sockets = yaml_get(yaml_get(engines, name), "sockets");

	if (!is_engine_on(engines, name) || !sockets || sockets->kind != YAML_SEQUENCE)
		return;
	for (size_t i = 0; i < sockets->count; i++)
		if (sockets->items[i]->kind == YAML_SCALAR)
			text_list_add(list, sockets->items[i]->text);
}

/* The engines of Falco's container plugin; two of them are CRI to us. */
static void take_container_plugin(struct sensor_settings *settings, const struct yaml_node *engines)
{
	struct sensor_options *options = &settings->options;

	options->asks_docker &= is_engine_on(engines, "docker");
	options->asks_podman &= is_engine_on(engines, "podman");
	options->asks_cri &= is_engine_on(engines, "cri") || is_engine_on(engines, "containerd");
	add_engine_sockets(engines, "docker", &settings->more_docker_sockets);
	add_engine_sockets(engines, "podman", &settings->more_podman_sockets);
	add_engine_sockets(engines, "cri", &settings->more_cri_sockets);
	add_engine_sockets(engines, "containerd", &settings->more_cri_sockets);
}

static void take_plugins(struct sensor_settings *settings)
{
	const struct yaml_node *list = settings->options.plugins;

	for (size_t i = 0; list && list->kind == YAML_SEQUENCE && i < list->count; i++) {
		const struct yaml_node *name = yaml_get(list->items[i], "name");

		if (name && text_is(name->text, "container"))
			take_container_plugin(settings,
				yaml_get(yaml_get(list->items[i], "init_config"), "engines"));
		else if (name)
			log_warning("plugins: \"" TEXT_FORMAT "\" has no effect yet",
				TEXT_PRINT(name->text));
	}
}

static int take_log_settings(const struct sensor_options *options, struct error *err)
{
	enum log_level level;

	if (log_level_parse(options->log_level, &level) < 0)
		return error_set(err, -EINVAL,
			"\"log_level\": \"%s\" is none of: error warning info debug",
			options->log_level);
	log_open("tercel-sensor", options->log_stderr ? level : LOG_LEVEL_ERROR,
		options->log_format == 1);
	return 0;
}

static int load(struct sensor_settings *settings, const struct sensor_options *flags, int argc,
	char **argv, struct error *err)
{
	int r = take_main_file(settings, flags->config_path, err);

	if (r >= 0)
		r = take_config_files(settings, err);
	if (r >= 0)
		r = settings_from_environment(&table, &settings->options, err);
	for (size_t i = 0; i < flags->overrides.count && r >= 0; i++)
		r = take_option(settings, flags->overrides.items[i], err);
	if (r >= 0)
		r = take_flags(&settings->options, argc, argv, err);
	if (r >= 0)
		r = take_log_settings(&settings->options, err);
	if (r >= 0)
		r = take_additions(settings, err);
	if (r >= 0)
		take_plugins(settings);
	return r;
}

int sensor_settings_load(struct sensor_settings *settings, int argc, char **argv, struct error *err)
{
	struct sensor_options flags;
	int r;

	*settings = (struct sensor_settings){ .additions = additions_new() };
	settings_defaults(&table, &flags);
	settings_defaults(&table, &settings->options);
	r = take_flags(&flags, argc, argv, err);
	if (r >= 0)
		r = load(settings, &flags, argc, argv, err);
	settings_done(&table, &flags);
	return r;
}

void sensor_settings_done(struct sensor_settings *settings)
{
	settings_done(&table, &settings->options);
	for (size_t i = 0; i < settings->file_count; i++)
		yaml_unload(settings->files[i]);
	for (size_t i = 0; i < settings->joined_count; i++) {
		free(settings->joined[i]->items);
		free(settings->joined[i]);
	}
	free(settings->main_file);
	additions_free(settings->additions);
	text_list_done(&settings->more_cri_sockets);
	text_list_done(&settings->more_docker_sockets);
	text_list_done(&settings->more_podman_sockets);
	*settings = (struct sensor_settings){};
}

enum priority sensor_minimum_priority(const struct sensor_options *options)
{
	return options->priority > PRIORITY_DEBUG ? PRIORITY_INFORMATIONAL
						  : (enum priority)options->priority;
}
