/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the sensor only prints: help, version, references, checked rules. Each flag is a row; the
 * first one that was given is done and nothing is watched.
 */
#include <errno.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/json.h"
#include "base/memory.h"
#include "sensor/events.h"
#include "sensor/rules/analysis.h"
#include "sensor/rules/schema.h"
#include "sensor/sensor.h"
#include "sensor/versions.h"

#define OUTPUT_MAX (64 * 1024 * 1024)

#define USAGE                                                                                       \
	"tercel-sensor [FLAG]…\n\nWatches this host by rules. Needs root. Settings are those of " \
	"falco.yaml;\n`tercel settings sensor` or --config-schema lists them, `tercel doctor` "     \
	"tells what\nthis host lacks."

struct description {
	const struct sensor_settings *settings;
	const struct sensor_options *options;
	struct buffer *out;
	struct error *err;
	int status; /* of the program */
};

static int print_help(struct description *to)
{
	settings_help(sensor_settings_table(), USAGE, to->out);
	return 0;
}

/* The lines of Falco's, with our name; the kernel programs come with the sensor. */
static void print_version_text(struct buffer *out)
{
	struct utsname system;

	uname(&system);
	buffer_printf(out, "Tercel version: %s (%s)\n", TERCEL_VERSION, system.machine);
	buffer_printf(out, "Libs version:   %s\n", TERCEL_VERSION);
	buffer_printf(out, "Plugin API:     %s\n", PLUGIN_API_VERSION);
	buffer_printf(out, "Engine:         %s\n", ENGINE_VERSION);
	buffer_printf(out, "Driver:\n  API version:    %s\n  Schema version: %s\n", TERCEL_VERSION,
		TERCEL_VERSION);
	buffer_printf(out, "  Default driver: %s\n", TERCEL_VERSION);
	buffer_printf(out, "Kernel:         %s %s\n", system.release, system.machine);
}

static int print_version(struct description *to)
{
	struct json_writer json;

	if (!to->options->json_output) {
		print_version_text(to->out);
		return 0;
	}
	json_writer_init(&json, to->out);
	versions_json(&json);
	buffer_add_char(to->out, '\n');
	return 0;
}

static int print_page_size(struct description *to)
{
	buffer_printf(to->out, "Your system page size is: %ld bytes\n", sysconf(_SC_PAGESIZE));
	return 0;
}

static int print_config_schema(struct description *to)
{
	settings_json(sensor_settings_table(), to->out);
	return 0;
}

static int print_fields(struct description *to)
{
	const struct sensor_options *options = to->options;
	enum fields_format format = options->lists_names ? FIELDS_NAMES
				    : options->is_markdown || options->list_format == LIST_MARKDOWN
					    ? FIELDS_MARKDOWN
				    : options->list_format == LIST_JSON ? FIELDS_JSON
				    : options->is_verbose		? FIELDS_DETAILED_TEXT
									: FIELDS_TEXT;

	if (strcmp(options->list_source, "syscall"))
		return error_set(to->err, -ENOENT,
			"--list: no source \"%s\"; the only one is syscall", options->list_source);
	fields_print(format, to->out);
	return 0;
}

static void print_event_text(const struct event_type *type, struct buffer *out)
{
	buffer_printf(out, "< %s(", type->name);
	for (int i = 0; i < type->argument_count; i++)
		buffer_printf(out, "%s%s %s", i ? ", " : "",
			value_type_name(type->arguments[i].type), type->arguments[i].name);
	buffer_add_string(out, ")\n");
}

static void print_event_markdown(const struct event_type *type, struct buffer *out)
{
	buffer_printf(out, "| `%s` | ", type->name);
	for (int i = 0; i < type->argument_count; i++)
		buffer_printf(out, "%s%s `%s`", i ? ", " : "",
			value_type_name(type->arguments[i].type), type->arguments[i].name);
	buffer_add_string(out, " |\n");
}

static void print_event_json(const struct event_type *type, struct json_writer *json)
{
	json_begin_object(json);
	json_key(json, "name");
	json_add_string(json, type->name);
	json_key(json, "is_syscall");
	json_add_bool(json, type->is_syscall);
	json_key(json, "args");
	json_begin_array(json);
	for (int i = 0; i < type->argument_count; i++) {
		json_begin_object(json);
		json_key(json, "name");
		json_add_string(json, type->arguments[i].name);
		json_key(json, "type");
		json_add_string(json, value_type_name(type->arguments[i].type));
		json_end(json);
	}
	json_end(json);
	json_end(json);
}

static int print_events(struct description *to)
{
	size_t count;
	const struct event_type *types = event_types(&count);
	bool is_markdown = to->options->is_markdown || to->options->list_format == LIST_MARKDOWN;
	struct json_writer json;

	if (to->options->list_format == LIST_JSON) {
		json_writer_init(&json, to->out);
		json_begin_array(&json);
		for (size_t i = 0; i < count; i++)
			print_event_json(&types[i], &json);
		json_end(&json);
		buffer_add_char(to->out, '\n');
		return 0;
	}
	if (is_markdown)
		buffer_add_string(to->out, "| event | arguments |\n|---|---|\n");
	for (size_t i = 0; i < count; i++)
		if (is_markdown)
			print_event_markdown(&types[i], to->out);
		else
			print_event_text(&types[i], to->out);
	return 0;
}

static int print_ignored_calls(struct description *to)
{
	size_t count;
	const char *const *names = transfer_calls(&count);

	buffer_add_string(to->out, "Ignored syscall(s):\n");
	for (size_t i = 0; i < count; i++)
		buffer_printf(to->out, "- %s\n", names[i]);
	return 0;
}

static void print_plugin(const struct builtin_plugin *plugin, struct buffer *out)
{
	char version[64];

	builtin_plugin_version(plugin, version, sizeof(version));
	buffer_printf(out, "Name: %s\nDescription: %s\nContact: built into Tercel\n", plugin->name,
		plugin->about);
	buffer_printf(out, "Version: %s\nCapabilities: \n  - Field Extraction\n  - Event Parsing\n",
		version);
}

static int print_plugins(struct description *to)
{
	size_t count;
	const struct builtin_plugin *plugins = builtin_plugins(&count);

	buffer_printf(to->out, "%zu Plugins Loaded:\n\n", count);
	for (size_t i = 0; i < count; i++) {
		print_plugin(&plugins[i], to->out);
		buffer_add_char(to->out, '\n');
	}
	return 0;
}

static int print_plugin_info(struct description *to)
{
	size_t count;
	const struct builtin_plugin *plugins = builtin_plugins(&count);

	for (size_t i = 0; i < count; i++) {
		if (strcmp(plugins[i].name, to->options->plugin_info))
			continue;
		print_plugin(&plugins[i], to->out);
		buffer_add_string(to->out,
			"\nIts init_config is plugins[].init_config in the settings: engines, and "
			"their sockets.\nNo open parameters.\n");
		return 0;
	}
	return error_set(to->err, -ENOENT,
		"--plugin-info: there is no plugin \"%s\"; --list-plugins shows those that there "
		"are",
		to->options->plugin_info);
}

static int print_rule_schema(struct description *to)
{
	rule_schema_print(to->out);
	return 0;
}

static void add_pair(struct json_writer *json, const char *key, const char *value)
{
	json_key(json, key);
	json_add_string(json, value);
}

/* What /proc knows: our own settings have eaten argv. */
static void add_command_line(struct json_writer *json)
{
	struct buffer line;

	buffer_init(&line, 1 << 20);
	(void)buffer_add_file(&line, "/proc/self/cmdline");
	for (size_t i = 0; i < line.length; i++)
		if (!line.data[i])
			line.data[i] = ' ';
	json_add_text(json, text_trim(buffer_text(&line)));
	buffer_done(&line);
}

/* As Falco: a file has variants, of which there is one. */
static int add_rules_file(struct json_writer *json, const char *path, struct error *err)
{
	struct buffer text;
	int r;

	buffer_init(&text, OUTPUT_MAX / 4);
	r = buffer_add_file(&text, path);
	if (r < 0)
		error_set(err, r, "%s: %s", path, strerror(-r));
	json_begin_object(json);
	add_pair(json, "name", path);
	json_key(json, "variants");
	json_begin_array(json);
	json_begin_object(json);
	json_key(json, "content");
	json_add_text(json, buffer_text(&text));
	json_end(json);
	json_end(json);
	json_end(json);
	buffer_done(&text);
	return r;
}

static int print_support(struct description *to)
{
	struct text_list files = {};
	struct utsname system;
	struct json_writer json;
	struct buffer settings;
	int r = sensor_rules_files(to->settings, &files, to->err);

	if (r < 0)
		return r;
	uname(&system);
	buffer_init(&settings, 1 << 20);
	settings_print(sensor_settings_table(), to->options, &settings);
	json_writer_init(&json, to->out);
	json_begin_object(&json);
	add_pair(&json, "version", TERCEL_VERSION);
	json_key(&json, "engine_info");
	versions_json(&json);
	json_key(&json, "cmdline");
	add_command_line(&json);
	json_key(&json, "system_info");
	json_begin_object(&json);
	add_pair(&json, "nodename", system.nodename);
	add_pair(&json, "sysname", system.sysname);
	add_pair(&json, "release", system.release);
	add_pair(&json, "version", system.version);
	add_pair(&json, "machine", system.machine);
	json_end(&json);
	add_pair(&json, "config_file", to->settings->main_file);
	json_key(&json, "config");
	json_add_text(&json, buffer_text(&settings));
	json_key(&json, "rules_files");
	json_begin_array(&json);
	for (size_t i = 0; i < files.count && r >= 0; i++)
		r = add_rules_file(&json, files.items[i], to->err);
	json_end(&json);
	json_end(&json);
	buffer_add_char(to->out, '\n');
	buffer_done(&settings);
	text_list_done(&files);
	return r;
}

static bool is_described_at_all(const struct sensor_options *options)
{
	return options->describes_all || options->described_rule;
}

/* All files go into one loader: a later one may change what an earlier one defined. */
static int load_all(
	struct description *to, struct rules_loader *loader, struct load_result **ret_results)
{
	const struct text_list *files = &to->options->validated;

	log_info("Validating rules file(s):");
	for (size_t i = 0; i < files->count; i++) {
		struct error err = {};

		log_info("   %s", files->items[i]);
		if (rules_loader_add_file(loader, files->items[i], &ret_results[i], &err) < 0)
			return error_set(to->err, -ENOENT, "Could not open file %s for reading: %s",
				files->items[i], err.message);
	}
	return 0;
}

/* With -L or -l what was validated is described as well, when all of it is right. */
static int add_descriptions(
	struct description *to, struct rules_loader *loader, struct json_writer *json)
{
	const struct sensor_options *options = to->options;
	_cleanup_(rules_freep) struct rules *rules = NULL;
	int r;

	if (to->status || !is_described_at_all(options))
		return 0;
	r = rules_compile(loader, &rules, to->err);
	if (r < 0)
		return r;
	json_key(json, "falco_describe_results");
	json_begin_object(json);
	r = rules_loader_describe(
		loader, rules, options->describes_all ? NULL : options->described_rule, json);
	json_end(json);
	return r < 0 ? error_set(to->err, r, "no rule \"%s\"", options->described_rule) : 0;
}

static int print_results_json(struct description *to, struct rules_loader *loader,
	struct load_result *const *results, size_t count)
{
	struct buffer *out = to->out;
	int r;

	struct json_writer json;

	json_writer_init(&json, out);
	json_begin_object(&json);
	r = add_descriptions(to, loader, &json);
	json_key(&json, "falco_load_results");
	json_begin_array(&json);
	for (size_t i = 0; i < count; i++)
		load_result_json(results[i], &json);
	json_end(&json);
	json_end(&json);
	buffer_add_char(out, '\n');
	return r;
}

static void print_results_text(struct load_result *const *results, size_t count, struct buffer *out)
{
	for (size_t i = 0; i < count; i++) {
		if (!results[i]->error_count) {
			load_result_print_state(results[i], out);
			continue;
		}
		load_result_print(results[i], out);
		if (out->data[out->length - 1] != '\n')
			buffer_add_char(out, '\n');
	}
}

/* Warnings of a file that is right go to the log; those of a wrong one stand in its result. */
static void note_result(struct description *to, const struct load_result *result)
{
	if (result->error_count)
		to->status = 1;
	else
		sensor_log_warnings(result);
}

/* -V: the results on stdout; when one is invalid its words on stderr too, and status 1. */
static int validate(struct description *to)
{
	const struct rules_options options = { .minimum_priority = PRIORITY_DEBUG,
		.additions = to->settings->additions,
		.keeps_conditions = is_described_at_all(to->options) };
	_cleanup_(rules_loader_freep) struct rules_loader *loader = rules_loader_new(&options);
	size_t count = to->options->validated.count;
	struct load_result **results = NEW_ARRAY(struct load_result *, count);
	int r = load_all(to, loader, results);

	for (size_t i = 0; i < count && r >= 0; i++)
		note_result(to, results[i]);
	if (r >= 0 && to->options->json_output)
		r = print_results_json(to, loader, results, count);
	else if (r >= 0)
		print_results_text(results, count, to->out);
	if (r >= 0 && to->status) {
		struct buffer words;

		buffer_init(&words, OUTPUT_MAX);
		print_results_text(results, count, &words);
		fprintf(stderr, "Error: " TEXT_FORMAT, TEXT_PRINT(buffer_text(&words)));
		buffer_done(&words);
	}
	for (size_t i = 0; i < count; i++)
		load_result_free(results[i]);
	free(results);
	return r;
}

static bool is_described(const struct description *to, const struct rule *rule)
{
	return to->options->describes_all || !strcmp(rule->name, to->options->described_rule);
}

static void describe_json(
	const struct description *to, const struct rules_loader *loader, const struct rules *rules)
{
	struct json_writer json;

	json_writer_init(&json, to->out);
	json_begin_object(&json);
	(void)rules_loader_describe(loader, rules,
		to->options->describes_all ? NULL : to->options->described_rule, &json);
	json_end(&json);
	buffer_add_char(to->out, '\n');
}

static void describe_line(const struct rule *rule, struct buffer *out)
{
	struct text description = text_trim(text_of(rule->description));

	buffer_printf(out, "%-50s " TEXT_FORMAT "\n", rule->name, TEXT_PRINT(description));
}

static void describe_text(const struct description *to, const struct rules *rules)
{
	buffer_printf(
		to->out, "%-50s %s\n%-50s %s\n", "Rule", "Description", "----", "-----------");
	for (size_t i = 0; i < rules_count(rules); i++)
		if (is_described(to, rules_at(rules, i)))
			describe_line(rules_at(rules, i), to->out);
}

static const char *nearest_rule(const struct rules *rules, const char *name)
{
	_cleanup_(freep) const char **names = NEW_ARRAY(const char *, rules_count(rules) + 1);

	for (size_t i = 0; i < rules_count(rules); i++)
		names[i] = rules_at(rules, i)->name;
	return text_nearest(text_of(name), names, rules_count(rules));
}

static int check_rule_name(const struct description *to, const struct rules *rules)
{
	const char *name = to->options->described_rule, *near;

	for (size_t i = 0; name && i < rules_count(rules); i++)
		if (!strcmp(rules_at(rules, i)->name, name))
			return 0;
	if (!name)
		return 0;
	near = nearest_rule(rules, name);
	return error_set(to->err, -ENOENT, "no rule \"%s\"%s%s%s", name,
		near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
}

/* -L and -l */
static int describe_rules(struct description *to)
{
	_cleanup_(rules_loader_freep) struct rules_loader *loader = NULL;
	_cleanup_(rules_freep) struct rules *rules = NULL;
	int r = sensor_load_definitions(to->settings, &loader, &rules, to->err);

	if (r >= 0)
		r = check_rule_name(to, rules);
	if (r < 0)
		return r;
	if (to->options->json_output)
		describe_json(to, loader, rules);
	else
		describe_text(to, rules);
	return 0;
}

/* Only one source is there yet; it must stay. */
static int check_sources(struct description *to)
{
	const struct sensor_options *options = to->options;
	const struct text_list *lists[] = { &options->disabled_sources, &options->enabled_sources };

	if (options->disabled_sources.count && options->enabled_sources.count)
		return error_set(to->err, -EINVAL,
			"--disable-source and --enable-source cannot be given together");
	for (size_t i = 0; i < COUNT_OF(lists); i++)
		for (size_t j = 0; j < lists[i]->count; j++)
			if (strcmp(lists[i]->items[j], "syscall"))
				return error_set(to->err, -ENOENT,
					"no source \"%s\"; the only one is syscall",
					lists[i]->items[j]);
	if (options->disabled_sources.count)
		return error_set(to->err, -EINVAL, "at least one source must stay enabled");
	return 0;
}

int sensor_describe(const struct sensor_settings *settings, int *ret_status, struct error *err)
{
	const struct sensor_options *options = &settings->options;
	struct buffer out;
	struct description to = { settings, options, &out, err, 0 };
	const struct {
		bool is_wanted;
		int (*print)(struct description *to);
		bool loads; /* the log begins as that of a run */
	} rows[] = {
		{ options->wants_help, print_help },
		{ options->wants_version, print_version },
		{ options->wants_page_size, print_page_size },
		{ options->wants_config_schema, print_config_schema },
		{ options->wants_rule_schema, print_rule_schema },
		{ options->wants_ignored_calls, print_ignored_calls },
		{ options->wants_events, print_events },
		{ options->wants_plugins, print_plugins },
		{ options->plugin_info != NULL, print_plugin_info },
		{ options->list_source != NULL, print_fields },
		{ options->validated.count > 0, validate, true },
		{ is_described_at_all(options), describe_rules, true },
		{ options->wants_support, print_support, true },
	};
	int r = check_sources(&to);

	for (size_t i = 0; i < COUNT_OF(rows) && r == 0; i++) {
		if (!rows[i].is_wanted)
			continue;
		if (rows[i].loads)
			sensor_log_start(settings);
		buffer_init(&out, OUTPUT_MAX);
		r = rows[i].print(&to);
		if (r == 0) {
			fwrite(out.data ? out.data : "", 1, out.length, stdout);
			fflush(stdout);
			r = 1;
		}
		buffer_done(&out);
	}
	*ret_status = to.status;
	return r;
}
