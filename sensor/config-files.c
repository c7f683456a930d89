/* SPDX-License-Identifier: Apache-2.0 */
/* Reading settings files one after another; each is told by itself, so that errors name its lines.
 */
#include <dirent.h>
#include <errno.h>
#include <sys/stat.h>

#include "base/memory.h"
#include "sensor/config-files.h"

enum strategy { STRATEGY_APPEND, STRATEGY_OVERRIDE, STRATEGY_ADD_ONLY, STRATEGY_COUNT };
static const char *const strategies[] = { "append", "override", "add-only" };

/* Who reads. */
struct reading {
	struct sensor_settings *settings;
	settings_warning *say;
	void *context;
};

static void note_failure(void *context, const char *message)
{
	char **first = context;

	if (!*first)
		*first = string_copy(message);
}

/* Of another shape than the schema's it counts all the same: the log says so. */
static void check_schema(
	struct sensor_settings *settings, const char *path, const struct yaml_node *root)
{
	_cleanup_(freep) char *failure = NULL, *state = NULL;

	(void)settings_check(sensor_settings_table(), root, note_failure, &failure);
	state = string_printf("%s | schema validation: %s", path, failure ? failure : "ok");
	text_list_add(&settings->schema_states, text_of(state));
}

struct yaml_node *config_nodes_join(
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

/* ---- what was said before ---- */

static bool was_said(const struct sensor_settings *settings, struct text key)
{
	for (size_t i = 0; i < settings->keys.count; i++)
		if (text_is(key, settings->keys.items[i]))
			return true;
	return false;
}

/* Lists of these are nodes of the files; a struct for each that may be added to. */
#define NODE_LISTS 3
struct node_lists {
	struct yaml_node **members[NODE_LISTS], *before[NODE_LISTS];
};

static struct node_lists node_lists_of(struct sensor_options *options)
{
	struct node_lists lists = { .members = { &options->selection, &options->append_output,
					    &options->plugins } };

	for (size_t i = 0; i < NODE_LISTS; i++)
		lists.before[i] = *lists.members[i];
	return lists;
}

static void join_lists(struct sensor_settings *settings, const struct node_lists *lists)
{
	for (size_t i = 0; i < NODE_LISTS; i++)
		if (*lists->members[i] != lists->before[i])
			*lists->members[i] =
				config_nodes_join(settings, lists->before[i], *lists->members[i]);
}

/* Makes room for a file's keys, or takes them out of the file; from there on all of them are said.
 */
static void merge_keys(
	struct sensor_settings *settings, enum strategy strategy, struct yaml_node *root)
{
	const struct settings_table *table = sensor_settings_table();

	for (size_t i = 0; root && root->kind == YAML_MAPPING && i < root->count; i++) {
		struct text key = root->keys[i]->text;
		bool is_said = was_said(settings, key);
		bool adds = is_said && strategy == STRATEGY_APPEND &&
			    root->items[i]->kind == YAML_SEQUENCE;

		if (is_said && strategy == STRATEGY_ADD_ONLY) {
			yaml_remove(root, i--);
			continue;
		}
		/* A list's fallback, too, is not added to. */
		if (!adds)
			settings_reset(table, &settings->options, key);
		if (!is_said)
			text_list_add(&settings->keys, key);
	}
}

/* ---- files ---- */

static int take_file(
	const struct reading *reading, const char *path, enum strategy strategy, struct error *err)
{
	struct sensor_settings *settings = reading->settings;
	struct settings_table how = *sensor_settings_table();
	struct node_lists lists;
	struct yaml_node *root;
	struct yaml *yaml = NULL;
	int r;

	if (settings->file_count == COUNT_OF(settings->files))
		return error_set(err, -E2BIG, "%s: more than %zu files of settings", path,
			COUNT_OF(settings->files));
	r = yaml_load(path, &yaml, err);
	if (r < 0)
		return r;
	settings->files[settings->file_count++] = yaml;
	root = yaml_document(yaml, 0);
	if (settings->file_count > 1 && yaml_get(root, "config_files"))
		return error_at(err, path, (int)yaml_get(root, "config_files")->line + 1,
			"\"config_files\" can stand in the main file alone, %s",
			settings->main_file);
	check_schema(settings, path, root);
	r = sensor_rename_old_keys(path, root, reading->say, reading->context, err);
	if (r < 0)
		return r;
	merge_keys(settings, strategy, root);
	lists = node_lists_of(&settings->options);
	how.appends_top_lists = true;
	r = settings_from_yaml(
		&how, &settings->options, path, root, reading->say, reading->context, err);
	if (r >= 0)
		join_lists(settings, &lists);
	return r;
}

static int is_settings_file(const struct dirent *entry)
{
	struct text name = text_of(entry->d_name);

	return text_ends_with(name, TEXT(".yaml")) || text_ends_with(name, TEXT(".yml"));
}

static int take_folder(
	const struct reading *reading, const char *path, enum strategy strategy, struct error *err)
{
	struct dirent **entries = NULL;
	int count = scandir(path, &entries, is_settings_file, alphasort), r = 0;

	for (int i = 0; i < count; i++) {
		_cleanup_(freep) char *file = string_printf("%s/%s", path, entries[i]->d_name);

		if (r >= 0)
			r = take_file(reading, file, strategy, err);
		free(entries[i]);
	}
	free(entries);
	return r;
}

static bool is_main_file(const struct sensor_settings *settings, const struct stat *status)
{
	struct stat main;

	return !stat(settings->main_file, &main) && main.st_dev == status->st_dev &&
	       main.st_ino == status->st_ino;
}

static int strategy_of(const struct sensor_settings *settings, const struct yaml_node *entry,
	enum strategy *ret_strategy, struct error *err)
{
	const struct yaml_node *node = yaml_get(entry, "strategy");

	*ret_strategy = STRATEGY_APPEND;
	if (!node)
		return 0;
	for (int i = 0; i < STRATEGY_COUNT; i++)
		if (text_is(node->text, strategies[i])) {
			*ret_strategy = (enum strategy)i;
			return 0;
		}
	return error_at(err, settings->main_file, (int)node->line + 1,
		"\"config_files\": the strategy \"" TEXT_FORMAT
		"\" is none of: append override add-only",
		TEXT_PRINT(node->text));
}

/* One entry of config_files: a path, or { path, strategy }. */
static int take_entry(
	const struct reading *reading, const struct yaml_node *entry, struct error *err)
{
	const struct sensor_settings *settings = reading->settings;
	const struct yaml_node *node =
		entry->kind == YAML_MAPPING ? yaml_get(entry, "path") : entry;
	_cleanup_(freep) char *path = NULL;
	enum strategy strategy;
	struct stat status;

	if (!node || node->kind != YAML_SCALAR)
		return error_at(err, settings->main_file, (int)entry->line + 1,
			"\"config_files\": each entry must be a path or have one");
	if (strategy_of(settings, entry, &strategy, err) < 0)
		return -EINVAL;
	path = text_to_string(node->text);
	if (stat(path, &status) < 0)
		return 0;
	if (S_ISDIR(status.st_mode))
		return take_folder(reading, path, strategy, err);
	if (is_main_file(settings, &status))
		return error_at(err, settings->main_file, (int)node->line + 1,
			"\"config_files\": the file names itself");
	return take_file(reading, path, strategy, err);
}

int config_files_read(struct sensor_settings *settings, const char *path, settings_warning *say,
	void *context, struct error *err)
{
	const struct reading reading = { settings, say, context };
	const struct yaml_node *list;
	int r;

	settings->main_file = string_copy(path);
	r = take_file(&reading, path, STRATEGY_APPEND, err);
	list = settings->options.config_files;
	if (r < 0 || !list)
		return r;
	if (list->kind != YAML_SEQUENCE)
		return error_at(
			err, path, (int)list->line + 1, "\"config_files\" must be a list of paths");
	for (size_t i = 0; i < list->count && r >= 0; i++)
		r = take_entry(&reading, list->items[i], err);
	return r;
}
