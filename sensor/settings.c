/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading the sensor's settings: fallbacks, the file and those that it names, -o, flags, and what
 * of them is not just a value.
 */
#include <errno.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/memory.h"
#include "sensor/config-files.h"
#include "sensor/sensor.h"
#include "sensor/settings.h"

static void warn(void *context, const char *message)
{
	log_warning("%s", message);
}

int sensor_rename_old_keys(const char *file, struct yaml_node *root, settings_warning *say,
	void *context, struct error *err)
{
	_cleanup_(freep) char *words = NULL;

	if (!yaml_get(root, "rules_file"))
		return 0;
	if (yaml_get(root, "rules_files"))
		return error_set(err, -EINVAL,
			"%s: both \"rules_files\" and its old name \"rules_file\" are set", file);
	words = string_printf("%s:%zu: \"rules_file\" is the old name of \"rules_files\"", file,
		yaml_get(root, "rules_file")->line + 1);
	(void)yaml_rename(root, "rules_file", "rules_files");
	say(context, words);
	return 0;
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
	return config_files_read(settings, path, warn, NULL, err);
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
	r = settings_from_yaml(
		sensor_settings_table(), options, option, yaml_document(yaml, 0), warn, NULL, err);
	if (r >= 0 && options->selection != selection)
		options->selection = config_nodes_join(settings, selection, options->selection);
	if (r >= 0 && options->append_output != appended)
		options->append_output =
			config_nodes_join(settings, appended, options->append_output);
	return r;
}

/* Of what has no effect the reason is said, as of a file's keys. */
static void tell_refusal(const char *option)
{
	struct text value = text_of(option), key;
	const char *why;

	if (!text_split(&value, '=', &key))
		return;
	why = settings_refusal(sensor_settings_table(), text_trim(key), value);
	if (why)
		log_warning(
			"-o \"" TEXT_FORMAT "\" is refused: %s", TEXT_PRINT(text_trim(key)), why);
}

static int take_option(struct sensor_settings *settings, const char *option, struct error *err)
{
	_cleanup_(freep) char *yaml = node_option_yaml(option);
	int r;

	tell_refusal(option);
	if (yaml)
		return take_node_option(settings, option, yaml, err);
	r = settings_from_option(sensor_settings_table(), &settings->options, option, err);
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
	r = settings_from_arguments(sensor_settings_table(), options, argc, copy, &rest, err);
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

int sensor_take_additions(struct sensor_settings *settings, struct error *err)
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
			log_warning(
				"plugins: \"" TEXT_FORMAT
				"\" is refused: no plugins can be loaded; container is built in",
				TEXT_PRINT(name->text));
	}
}

/* Only what is built in can be named. */
static void take_load_plugins(const struct sensor_options *options)
{
	for (size_t i = 0; i < options->load_plugins.count; i++)
		if (strcmp(options->load_plugins.items[i], "container") != 0)
			log_warning("load_plugins: \"%s\" is refused: no plugins can be loaded; "
				    "container is built in",
				options->load_plugins.items[i]);
}

static int check_log_level(const struct sensor_options *options, struct error *err)
{
	enum log_level level;

	if (log_level_parse(options->log_level, &level) < 0)
		return error_set(err, -EINVAL,
			"\"log_level\": \"%s\" is none of: error warning info debug",
			options->log_level);
	return 0;
}

void sensor_open_log(const struct sensor_options *options)
{
	enum log_level level = LOG_LEVEL_INFO;

	(void)log_level_parse(options->log_level, &level);
	log_to_syslog(options->log_syslog);
	log_open("tercel-sensor",
		options->log_stderr || options->log_syslog ? level : LOG_LEVEL_ERROR,
		options->log_format == 1);
	log_to_stderr(options->log_stderr || !options->log_syslog);
}

void sensor_log_start(const struct sensor_settings *settings)
{
	const struct text_list *states = &settings->schema_states;
	struct utsname system;

	uname(&system);
	log_info("Tercel version: %s (%s)", TERCEL_VERSION, system.machine);
	if (states->count)
		log_info("Tercel initialized with configuration files:");
	for (size_t i = 0; i < states->count; i++)
		log_info("   %s", states->items[i]);
	log_info("System info: %s %s", system.sysname, system.release);
}

static void add_node_path(struct text_list *paths, const struct yaml_node *entry)
{
	const struct yaml_node *path =
		entry->kind == YAML_MAPPING ? yaml_get(entry, "path") : entry;

	if (path && path->kind == YAML_SCALAR)
		text_list_add(paths, path->text);
}

void sensor_watched_paths(const struct sensor_settings *settings, struct text_list *ret_paths)
{
	const struct yaml_node *more = settings->options.config_files;
	const struct text_list *rules = &settings->options.rules_files;

	if (settings->main_file)
		text_list_add(ret_paths, text_of(settings->main_file));
	for (size_t i = 0; more && i < more->count; i++)
		add_node_path(ret_paths, more->items[i]);
	for (size_t i = 0; i < rules->count; i++)
		text_list_add(ret_paths, text_of(rules->items[i]));
	if (!rules->count)
		text_list_add(ret_paths, text_of(sensor_shipped_rules()));
}

static int load(struct sensor_settings *settings, const struct sensor_options *flags, int argc,
	char **argv, struct error *err)
{
	int r = take_main_file(settings, flags->config_path, err);

	if (r >= 0)
		r = settings_from_environment(sensor_settings_table(), &settings->options, err);
	for (size_t i = 0; i < flags->overrides.count && r >= 0; i++)
		r = take_option(settings, flags->overrides.items[i], err);
	if (r >= 0)
		r = take_flags(&settings->options, argc, argv, err);
	if (r >= 0)
		r = check_log_level(&settings->options, err);
	if (r >= 0)
		r = sensor_take_additions(settings, err);
	if (r < 0)
		return r;
	take_plugins(settings);
	take_load_plugins(&settings->options);
	return 0;
}

void sensor_settings_init(struct sensor_settings *settings)
{
	*settings = (struct sensor_settings){ .additions = additions_new() };
	settings_defaults(sensor_settings_table(), &settings->options);
}

int sensor_settings_read(struct sensor_settings *settings, int argc, char **argv, struct error *err)
{
	struct sensor_options flags;
	int r;

	sensor_settings_init(settings);
	settings_defaults(sensor_settings_table(), &flags);
	r = take_flags(&flags, argc, argv, err);
	if (r >= 0)
		r = load(settings, &flags, argc, argv, err);
	settings_done(sensor_settings_table(), &flags);
	return r;
}

int sensor_settings_load(struct sensor_settings *settings, int argc, char **argv, struct error *err)
{
	int r = sensor_settings_read(settings, argc, argv, err);

	if (r >= 0)
		sensor_open_log(&settings->options);
	return r;
}

void sensor_settings_done(struct sensor_settings *settings)
{
	settings_done(sensor_settings_table(), &settings->options);
	for (size_t i = 0; i < settings->file_count; i++)
		yaml_unload(settings->files[i]);
	for (size_t i = 0; i < settings->joined_count; i++) {
		free(settings->joined[i]->items);
		free(settings->joined[i]);
	}
	free(settings->main_file);
	additions_free(settings->additions);
	text_list_done(&settings->schema_states);
	text_list_done(&settings->keys);
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
