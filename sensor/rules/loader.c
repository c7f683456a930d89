/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The loader: files come in one after another, and after each everything so far is compiled, so
 * that what is wrong is told with the file that made it so.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/memory.h"
#include "sensor/rules/details.h"
#include "sensor/rules/reader.h"
#include "sensor/rules/schema.h"

#define FILE_MAX (16 * 1024 * 1024)

struct rules_loader *rules_loader_new(const struct rules_options *options)
{
	struct rules_loader *loader = NEW(struct rules_loader);

	loader->arena = arena_new(SIZE_MAX / 2);
	loader->options = *options;
	return loader;
}

void rules_loader_free(struct rules_loader *loader)
{
	if (!loader)
		return;
	for (size_t i = 0; i < loader->list_count; i++) {
		free(loader->lists[i].items.items);
		free(loader->lists[i].expanded.items);
	}
	for (size_t i = 0; i < loader->rule_count; i++) {
		for (size_t j = 0; j < loader->rules[i].exception_count; j++)
			exception_done(&loader->rules[i].exceptions[j]);
		free(loader->rules[i].exceptions);
		details_done(&loader->rules[i].details);
		free(loader->rules[i].tags.items);
	}
	for (size_t i = 0; i < loader->macro_count; i++)
		details_done(&loader->macros[i].details);
	free(loader->plugins);
	for (size_t i = 0; i < loader->file_count; i++)
		yaml_unload(loader->files[i]);
	free(loader->lists);
	free(loader->macros);
	free(loader->rules);
	free(loader->files);
	arena_free(loader->arena);
	free(loader);
}

static void fail_yaml(struct rules_loader *loader, const char *name, struct text text,
	const struct yaml_mark *mark, const struct error *err, struct load_result *result)
{
	struct text source = arena_copy(loader->arena, text);
	const struct place *root = place_of_file(loader->arena, name, source);
	const struct yaml_node at = {
		.line = mark->line, .column = mark->column, .offset = mark->offset
	};

	load_error(result, LOAD_ERR_YAML_PARSE,
		place_new(loader->arena, root, "value for", (struct text){ 0 }, &at), NULL,
		"YAML error at line %zu, column %zu: %s", mark->line + 1, mark->column + 1,
		err->message);
}

static void add(
	struct rules_loader *loader, const char *name, struct text text, struct load_result *result)
{
	struct yaml_mark mark = { 0 };
	struct error err = { 0 };
	struct yaml *yaml;

	if (yaml_parse_marked(text, name, &yaml, &mark, &err) < 0) {
		fail_yaml(loader, name, text, &mark, &err, result);
		return;
	}
	*ARRAY_ADD(loader->files, loader->file_count, loader->file_capacity) = yaml;
	rule_schema_check(yaml, result);
	if (definitions_read(loader, yaml, result) == 0)
		(void)definitions_compile(loader, result, NULL, NULL);
	plugin_versions_check(loader, result);
}

struct load_result *rules_loader_add(
	struct rules_loader *loader, const char *name, struct text text)
{
	struct load_result *result = load_result_new(name);

	add(loader, name, text, result);
	return result;
}

int rules_loader_add_file(struct rules_loader *loader, const char *path,
	struct load_result **ret_result, struct error *err)
{
	_cleanup_(buffer_done) struct buffer text;
	int r;

	buffer_init(&text, FILE_MAX);
	r = buffer_add_file(&text, path);
	if (r < 0)
		return error_set(
			err, r, "Could not open file %s for reading: %s", path, strerror(-r));
	*ret_result = rules_loader_add(loader, path, buffer_text(&text));
	return 0;
}

int rules_compile(struct rules_loader *loader, struct rules **ret_rules, struct error *err)
{
	_cleanup_(load_result_freep) struct load_result *result = load_result_new("rules");
	int r;

	r = definitions_compile(loader, result, ret_rules, err);
	if (r < 0 && result->error_count)
		return error_set(err, r, "%s", result->errors[0].message);
	return r;
}
