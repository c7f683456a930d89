/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The text of a rule. The files are read when somebody asks: they are small, and change.
 */
#include <dirent.h>
#include <errno.h>
#include <sys/stat.h>

#include "base/memory.h"
#include "base/yaml.h"
#include "dashboard/rule-text.h"

#define TEXT_MAX (256 * 1024) /* of one item */

struct search {
	struct text rule;
	struct json_writer *json;
	struct error *err;
	int r;
};

static size_t line_start(struct text source, size_t line)
{
	size_t at = 0;

	for (; line && at < source.length; at++)
		line -= source.data[at] == '\n';
	return at;
}

/* Blank lines and comments at the margin belong to what comes next. */
static struct text without_tail(struct text text)
{
	while (text.length) {
		size_t start = text.length - 1;

		while (start && text.data[start - 1] != '\n')
			start--;
		if (text.data[start] != '#' &&
			text_trim(text_slice(text, start, text.length)).length)
			break;
		text.length = start;
	}
	return text;
}

static void write_item(const struct search *search, const char *path, const struct yaml *yaml,
	const struct yaml_node *item, const struct yaml_node *next)
{
	struct text source = yaml_source(yaml);
	size_t from = line_start(source, item->line);
	size_t to = next ? line_start(source, next->line) : source.length;
	struct text text = without_tail(text_slice(source, from, to - from));
	const char *name = strrchr(path, '/');
	struct json_writer *json = search->json;

	json_begin_object(json);
	json_key(json, "file");
	json_add_string(json, name ? name + 1 : path);
	json_key(json, "line");
	json_add_u64(json, item->line + 1);
	json_key(json, "text");
	json_add_text(json, text_slice(text, 0, TEXT_MAX));
	json_end(json);
}

static void search_file(struct search *search, const char *path)
{
	struct yaml *yaml = NULL;
	int r = yaml_load(path, &yaml, search->err);

	if (r < 0)
		search->r = r;
	for (size_t d = 0; !r && d < yaml_document_count(yaml); d++) {
		const struct yaml_node *root = yaml_document(yaml, d);

		for (size_t i = 0; root->kind == YAML_SEQUENCE && i < root->count; i++) {
			const struct yaml_node *rule = yaml_get(root->items[i], "rule");
			bool is_last = i + 1 == root->count;

			if (rule && rule->kind == YAML_SCALAR &&
				text_equal(rule->text, search->rule))
				write_item(search, path, yaml, root->items[i],
					is_last ? NULL : root->items[i + 1]);
		}
	}
	yaml_unload(yaml);
}

static int is_rules_file(const struct dirent *entry)
{
	struct text name = text_of(entry->d_name);

	return entry->d_name[0] != '.' &&
	       (text_ends_with(name, TEXT(".yaml")) || text_ends_with(name, TEXT(".yml")));
}

static void search_folder(struct search *search, const char *path)
{
	struct dirent **entries = NULL;
	int count = scandir(path, &entries, is_rules_file, alphasort);

	if (count < 0)
		search->r = error_set(search->err, -errno, "%s: %s", path, strerror(errno));
	for (int i = 0; i < count; i++) {
		_cleanup_(freep) char *file = string_printf("%s/%s", path, entries[i]->d_name);

		search_file(search, file);
		free(entries[i]);
	}
	free(entries);
}

int rule_text_write(const struct text_list *paths, struct text rule, struct json_writer *json,
	struct error *err)
{
	struct search search = { .rule = rule, .json = json, .err = err };
	struct stat status;

	json_begin_array(json);
	for (size_t i = 0; i < paths->count; i++) {
		if (stat(paths->items[i], &status) == 0 && S_ISDIR(status.st_mode))
			search_folder(&search, paths->items[i]);
		else
			search_file(&search, paths->items[i]);
	}
	json_end(json);
	return search.r;
}
