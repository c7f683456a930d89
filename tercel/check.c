/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tercel check FILE…: validates rules and settings files, whichever a file is. A rules file is a
 * YAML sequence; settings are a mapping, and belong to the program that knows most of its keys.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/yaml.h"
#include "forwarder/check.h"
#include "responder/check.h"
#include "responder/settings.h"
#include "sensor/config-files.h"
#include "sensor/rules/check.h"
#include "sensor/sensor.h"
#include "tercel/command.h"

#define REPORT_MAX (4 * 1024 * 1024)

/* What was found in settings files: lines for people, or the members of a JSON array. */
struct report {
	struct buffer *out;
	struct json_writer *json; /* NULL: text */
	const char *file;
	size_t errors;
	size_t warnings;
	const char *file_of_mismatch; /* another than `file`; NULL: that */
	struct additions *additions; /* what settings add to the rules that are checked with them */
};

static void say(struct report *report, bool is_error, const char *message)
{
	if (is_error)
		report->errors++;
	else
		report->warnings++;
	if (report->json) {
		json_begin_object(report->json);
		json_key(report->json, is_error ? "error" : "warning");
		json_add_string(report->json, message);
		json_end(report->json);
	} else {
		buffer_printf(report->out, "%s: %s\n", is_error ? "error" : "warning", message);
	}
}

static void say_warning(void *context, const char *message)
{
	say(context, false, message);
}

/* "schema: failed for <root>[priority]: …"; reading says the same of unknown keys, and better. */
static void say_mismatch(void *context, const char *message)
{
	const char *file = ((const struct report *)context)->file_of_mismatch;
	_cleanup_(freep) char *words = NULL;

	if (strstr(message, "'additionalProperties' constraints") ||
		strstr(message, "schema associated with property name"))
		return;
	words = string_printf("schema: %s%s%s", file ? file : "", file ? ": " : "", message);
	say(context, false, words);
}

/* The file, and those that its config_files name, as the sensor would read them. */
static void check_sensor(struct report *report)
{
	struct sensor_settings settings;
	struct error err = {};
	int r;

	sensor_settings_init(&settings);
	r = config_files_read(&settings, report->file, say_warning, report, &err);
	for (size_t i = 0; i < settings.file_count; i++) {
		report->file_of_mismatch = i ? yaml_name(settings.files[i]) : NULL;
		(void)settings_check(sensor_settings_table(), yaml_document(settings.files[i], 0),
			say_mismatch, report);
	}
	additions_free(settings.additions);
	settings.additions = report->additions;
	if (r >= 0)
		r = sensor_take_additions(&settings, &err);
	settings.additions = NULL;
	if (r < 0)
		say(report, true, err.message);
	sensor_settings_done(&settings);
}

static void check_forwarder(struct report *report, struct yaml_node *root)
{
	char *arguments[] = { "tercel-forwarder", "-c", (char *)report->file, NULL };
	_cleanup_(configuration_freep) struct configuration *configuration = NULL;
	struct error err = {};

	(void)root;
	if (configuration_load(3, arguments, say_warning, report, &configuration, &err) < 0 ||
		configuration_check(configuration, say_warning, report, &err) < 0)
		say(report, true, err.message);
}

static void check_responder(struct report *report, struct yaml_node *root)
{
	const struct settings_table *table = &responder_settings_table;
	struct responder_settings settings = {};
	struct error err = {};

	settings_defaults(table, &settings);
	(void)settings_check(table, root, say_mismatch, report);
	if (settings_from_yaml(table, &settings, report->file, root, say_warning, report, &err) < 0)
		say(report, true, err.message);
	else if (notifiers_check(report->file, settings.notifiers, &err) < 0)
		say(report, true, err.message);
	settings_done(table, &settings);
}

/* Whether the table has that key, or keys below it. */
static bool knows_key(const struct settings_table *table, struct text key)
{
	for (size_t i = 0; i < table->count; i++) {
		struct text rest = text_of(table->rows[i].key), first;

		if (text_split(&rest, '.', &first) && text_equal(first, key))
			return true;
	}
	return false;
}

static size_t known_keys(const struct settings_table *table, const struct yaml_node *root)
{
	size_t known = 0;

	for (size_t i = 0; i < root->count; i++)
		known += knows_key(table, root->keys[i]->text);
	return known;
}

/* The forwarder has an `aws` and a `gcp` of its own: these alone tell nothing. */
static bool is_of_responder(const struct yaml_node *root)
{
	size_t known = known_keys(&responder_settings_table, root), shared = 0;

	for (size_t i = 0; i < root->count; i++)
		shared +=
			text_is(root->keys[i]->text, "aws") || text_is(root->keys[i]->text, "gcp");
	return known > shared && known * 2 >= root->count &&
	       known > known_keys(sensor_settings_table(), root);
}

/* By itself: what it builds on in other files is not known here. */
static void check_playbook(struct report *report)
{
	struct error err = {};

	if (playbooks_check(&report->file, 1, say_warning, report, &err) < 0)
		say(report, true, err.message);
}

static void check_settings(struct report *report, struct yaml_node *root)
{
	if (is_of_responder(root))
		check_responder(report, root);
	else if (known_keys(sensor_settings_table(), root) * 2 >= root->count)
		check_sensor(report);
	else
		check_forwarder(report, root);
}

/* -1 when the file is rules; else it was checked and 0 or 1 is the status. */
static int check_unless_rules(struct report *report)
{
	_cleanup_(yaml_unloadp) struct yaml *yaml = NULL;
	struct error err = {};
	struct yaml_node *root;

	if (yaml_load(report->file, &yaml, &err) < 0) {
		/* Rules have an error of their own for what is no YAML; other files do not. */
		if (err.code == -EINVAL)
			return -1;
		say(report, true, err.message);
		return 1;
	}
	root = yaml_document_count(yaml) ? yaml_document(yaml, 0) : NULL;
	if (playbooks_recognise(root)) {
		check_playbook(report);
		return report->errors > 0;
	}
	if (!root || root->kind != YAML_MAPPING)
		return -1;
	check_settings(report, root);
	return report->errors > 0;
}

static int usage(FILE *to)
{
	fputs("usage: tercel check [--json] FILE …\n\n"
	      "Validates rules and settings files. Rules files are loaded in the order given, so "
	      "that\n"
	      "a later one may build on an earlier one; static_fields and append_output of the\n"
	      "sensor's settings count for all of them. Exit status 1 when something is wrong.\n",
		to);
	return to == stdout ? 0 : 2;
}

static int check_file(const char *file, bool as_json, struct additions *additions,
	struct buffer *out, bool *ret_is_rules)
{
	struct json_writer json;
	struct report report = {
		.out = out, .json = as_json ? &json : NULL, .file = file, .additions = additions
	};
	int status;

	if (as_json) {
		json_writer_init(&json, out);
		json_begin_object(&json);
		json_key(&json, "file");
		json_add_string(&json, file);
		json_key(&json, "findings");
		json_begin_array(&json);
	}
	status = check_unless_rules(&report);
	*ret_is_rules = status < 0;
	if (as_json) {
		json_end(&json);
		json_end(&json);
		buffer_add_char(out, '\n');
	} else if (status == 0) {
		buffer_printf(out, report.warnings ? "%s: ok, with warnings\n" : "%s: ok\n", file);
	}
	return status;
}

int command_check(int argc, char **argv)
{
	bool as_json = argc > 1 && !strcmp(argv[1], "--json");
	int first = as_json ? 2 : 1, status = 0;
	_cleanup_(freep) const char **rules = NEW_ARRAY(const char *, (size_t)argc);
	_cleanup_(additions_freep) struct additions *additions = additions_new();
	size_t rule_count = 0;
	struct buffer out;

	if (argc <= first)
		return usage(stderr);
	if (argv[first][0] == '-')
		return usage(!strcmp(argv[first], "--help") || !strcmp(argv[first], "-h") ? stdout
											  : stderr);
	buffer_init(&out, REPORT_MAX);
	for (int i = first; i < argc; i++) {
		size_t before = out.length;
		bool is_rules = false;
		int r = check_file(argv[i], as_json, additions, &out, &is_rules);

		if (is_rules) {
			out.length = before;
			rules[rule_count++] = argv[i];
		}
		status |= r > 0;
	}
	if (rule_count)
		status |= rules_check_files(rules, rule_count, additions, as_json, &out);
	fwrite(out.data, 1, out.length, stdout);
	buffer_done(&out);
	return status;
}
