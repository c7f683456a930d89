/* SPDX-License-Identifier: Apache-2.0 */
/* Which rules files the sensor loads, and loading them with words for a person. */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "sensor/sensor.h"

static int is_rules_file(const struct dirent *entry)
{
	struct text name = text_of(entry->d_name);

	return text_ends_with(name, TEXT(".yaml")) || text_ends_with(name, TEXT(".yml"));
}

static void add_directory(const char *path, struct text_list *files)
{
	struct dirent **entries = NULL;
	int count = scandir(path, &entries, is_rules_file, alphasort);

	for (int i = 0; i < count; i++) {
		_cleanup_(freep) char *file = string_printf("%s/%s", path, entries[i]->d_name);

		text_list_add(files, text_of(file));
		free(entries[i]);
	}
	free(entries);
}

/* Adds what is there: a file, or a directory's files by name. */
static bool add_path(const char *path, struct text_list *files)
{
	struct stat status;

	if (stat(path, &status) < 0)
		return false;
	if (S_ISDIR(status.st_mode))
		add_directory(path, files);
	else
		text_list_add(files, text_of(path));
	return true;
}

/* A program that runs from its build tree takes the rules of its source tree. */
static bool runs_from_build_tree(void)
{
	char path[PATH_MAX];
	ssize_t length = readlink("/proc/self/exe", path, sizeof(path));

	return length > 0 &&
	       text_starts_with((struct text){ path, (size_t)length }, TEXT(TERCEL_BUILD_ROOT "/"));
}

const char *sensor_shipped_rules(void)
{
	const char *given = getenv("TERCEL_RULES");

	if (given && *given)
		return given;
	return runs_from_build_tree() ? TERCEL_SOURCE_RULES : TERCEL_RULES_FOLDER;
}

int sensor_rules_files(
	const struct sensor_settings *settings, struct text_list *ret_files, struct error *err)
{
	const struct text_list *wanted = &settings->options.rules_files;
	struct text_list files = {};

	for (size_t i = 0; i < wanted->count; i++)
		if (!add_path(wanted->items[i], &files))
			log_warning(
				"rules file %s does not exist and is left out", wanted->items[i]);
	if (!wanted->count)
		(void)add_path(sensor_shipped_rules(), &files);
	if (!files.count)
		return error_set(err, -ENOENT,
			"no rules: You must specify at least one rules file/directory via -r or a "
			"rules_files entry in falco.yaml%s%s",
			wanted->count ? "; not there: " : "",
			wanted->count ? wanted->items[0] : "");
	*ret_files = files;
	return 0;
}

void sensor_log_warnings(const struct load_result *result)
{
	for (size_t i = 0; i < result->warning_count; i++)
		log_warning("%s: %s: %s%s%s", result->file, result->warnings[i].code,
			result->warnings[i].message, result->warnings[i].advice ? "; " : "",
			result->warnings[i].advice ? result->warnings[i].advice : "");
}

static int load_file(struct rules_loader *loader, const char *path, struct error *err)
{
	_cleanup_(load_result_freep) struct load_result *result = NULL;
	struct buffer text;
	int r = rules_loader_add_file(loader, path, &result, err);

	if (r < 0)
		return r;
	if (!result->error_count) {
		sensor_log_warnings(result);
		log_info("   %s | schema validation: %s", path,
			result->schema_warning_count ? result->schema_warnings[0] : "ok");
		return 0;
	}
	buffer_init(&text, ERROR_MESSAGE_MAX);
	load_result_print(result, &text);
	error_set(err, -EINVAL, TEXT_FORMAT, TEXT_PRINT(text_trim(buffer_text(&text))));
	buffer_done(&text);
	return -EINVAL;
}

static int load(const struct sensor_settings *settings, const struct text_list *files,
	bool keeps_conditions, struct rules_loader **ret_loader, struct rules **ret_rules,
	struct error *err)
{
	const struct rules_options options = {
		.minimum_priority = sensor_minimum_priority(&settings->options),
		.matches_all = settings->options.rule_matching == MATCH_ALL,
		.additions = settings->additions,
		.keeps_conditions = keeps_conditions,
		.selection = settings->options.selection,
		.takes_transfers = settings->options.takes_transfers,
	};
	_cleanup_(rules_loader_freep) struct rules_loader *loader = rules_loader_new(&options);
	int r = 0;

	for (size_t i = 0; i < files->count && r >= 0; i++)
		r = load_file(loader, files->items[i], err);
	if (r >= 0)
		r = rules_compile(loader, ret_rules, err);
	if (r >= 0)
		*ret_loader = TAKE(loader);
	return r;
}

int sensor_load_definitions(const struct sensor_settings *settings,
	struct rules_loader **ret_loader, struct rules **ret_rules, struct error *err)
{
	struct text_list files = {};
	int r = sensor_rules_files(settings, &files, err);

	if (r >= 0)
		r = load(settings, &files, true, ret_loader, ret_rules, err);
	text_list_done(&files);
	return r;
}

int sensor_load_rules(const struct sensor_settings *settings, struct text_list *ret_files,
	struct rules **ret_rules, struct error *err)
{
	_cleanup_(rules_loader_freep) struct rules_loader *loader = NULL;
	struct text_list files = {};
	int r = sensor_rules_files(settings, &files, err);

	if (r >= 0)
		r = load(settings, &files, false, &loader, ret_rules, err);
	if (r >= 0 && ret_files)
		*ret_files = files;
	else
		text_list_done(&files);
	return r;
}
