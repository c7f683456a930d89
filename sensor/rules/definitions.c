/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading of rules files: from YAML items to definitions (spec/rule-language.md 1.1, 1.5, 1.6).
 * Nothing is compiled here; what an item changes of an earlier one is applied at once.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/memory.h"
#include "sensor/rules/overrides.h"

struct list_definition *list_find(const struct rules_loader *loader, struct text name)
{
	for (size_t i = 0; i < loader->list_count; i++)
		if (text_equal(loader->lists[i].name, name))
			return &loader->lists[i];
	return NULL;
}

struct macro_definition *macro_find(const struct rules_loader *loader, struct text name)
{
	for (size_t i = 0; i < loader->macro_count; i++)
		if (text_equal(loader->macros[i].name, name))
			return &loader->macros[i];
	return NULL;
}

struct rule_definition *rule_find(const struct rules_loader *loader, struct text name)
{
	for (size_t i = 0; i < loader->rule_count; i++)
		if (text_equal(loader->rules[i].name, name))
			return &loader->rules[i];
	return NULL;
}

void texts_add(struct texts *texts, struct text text)
{
	*ARRAY_ADD(texts->items, texts->count, texts->capacity) = text;
}

void texts_done(struct texts *texts)
{
	free(texts->items);
	*texts = (struct texts){ 0 };
}

bool texts_have(const struct texts *texts, struct text text)
{
	for (size_t i = 0; i < texts->count; i++)
		if (text_equal(texts->items[i], text))
			return true;
	return false;
}

static const char *const list_keys[] = { "items", NULL };
static const char *const macro_keys[] = { "condition", NULL };

/*
 * How a list or macro item changes what is there: by the flag or by an override of its one key.
 */
static int read_change(const struct reader *reader, const char *const *keys, bool *ret_appends)
{
	_cleanup_(overrides_done) struct overrides overrides = { 0 };
	int r;

	r = append_read(reader, ret_appends);
	if (r == 0)
		r = overrides_read(reader, keys, keys, *ret_appends, &overrides);
	if (r > 0)
		*ret_appends = overrides.append.count > 0;
	return r < 0 ? r : 0;
}

static int read_list(struct reader *reader)
{
	struct rules_loader *loader = reader->loader;
	_cleanup_(texts_done) struct texts items = { 0 };
	struct list_definition *list;
	struct text name;
	bool appends;
	int r;

	r = reader_text(reader, "list", &name);
	if (r < 0)
		return r;
	reader->place = place_new(loader->arena, reader->place->parent, "list", name, reader->item);
	if (!lexer_is_bare(name))
		load_warning(reader->result, LOAD_INVALID_LIST_NAME, reader->place, NULL,
			"List has an invalid name. List names should match a regular expression: "
			"([^()\"'[:space:]=,]+)");
	r = reader_texts(reader, "items", false, &items);
	if (r == 0)
		r = read_change(reader, list_keys, &appends);
	if (r < 0)
		return r;

	list = list_find(loader, name);
	if (appends && !list)
		return load_error(reader->result, LOAD_ERR_VALIDATE, reader->place,
			advice_for_list(loader, name),
			"List uses 'append' or 'override.items: append' but no list by that name "
			"already exists");
	if (!list) {
		list = ARRAY_ADD(loader->lists, loader->list_count, loader->list_capacity);
		*list = (struct list_definition){ .name = name, .index = loader->next_index };
	}
	if (!appends) {
		list->items.count = 0;
		list->place = reader->place;
	}
	list->visibility = loader->next_index++;
	for (size_t i = 0; i < items.count; i++)
		texts_add(&list->items, items.items[i]);
	return 0;
}

static int read_macro(struct reader *reader)
{
	struct rules_loader *loader = reader->loader;
	struct macro_definition *macro;
	struct text name, condition;
	bool appends;
	int r;

	r = reader_text(reader, "macro", &name);
	if (r < 0)
		return r;
	reader->place =
		place_new(loader->arena, reader->place->parent, "macro", name, reader->item);
	if (!lexer_is_identifier(name))
		load_warning(reader->result, LOAD_INVALID_MACRO_NAME, reader->place, NULL,
			"Macro has an invalid name. Macro names should match a regular expression: "
			"([a-zA-Z]+[a-zA-Z0-9_]*)");
	r = reader_text(reader, "condition", &condition);
	if (r == 0)
		r = read_change(reader, macro_keys, &appends);
	if (r < 0)
		return r;

	macro = macro_find(loader, name);
	if (appends && !macro)
		return load_error(reader->result, LOAD_ERR_VALIDATE, reader->place,
			advice_for_macro(loader, name),
			"Macro uses 'append' or 'override.condition: append' but no macro by that "
			"name already exists");
	if (!macro) {
		macro = ARRAY_ADD(loader->macros, loader->macro_count, loader->macro_capacity);
		*macro = (struct macro_definition){ .name = name, .index = loader->next_index };
	}
	macro->condition =
		appends ? text_joined(loader->arena, macro->condition, condition) : condition;
	macro->place = reader->place;
	macro->condition_place = place_new(loader->arena, reader->place, "macro condition",
		(struct text){ 0 }, yaml_get(reader->item, "condition"));
	macro->visibility = loader->next_index++;
	return 0;
}

/* Kinds of items, in the order in which their keys are looked for, and what else they may hold. */
static const struct item_kind {
	const char *key;
	const char *place;
	int (*read)(struct reader *reader);
	const char *const *keys;
} item_kinds[] = {
	{ "required_engine_version", "required_engine_version", engine_version_read,
		(const char *const[]){ "required_engine_version", NULL } },
	{ "required_plugin_versions", "required plugin versions", plugin_versions_read,
		(const char *const[]){ "required_plugin_versions", NULL } },
	{ "list", "list", read_list,
		(const char *const[]){ "list", "items", "append", "override", NULL } },
	{ "macro", "macro", read_macro,
		(const char *const[]){ "macro", "condition", "append", "override", NULL } },
	{ "rule", "rule", rule_item_read,
		(const char *const[]){ "rule", "condition", "output", "desc", "priority", "source",
			"enabled", "warn_evttypes", "skip-if-unknown-filter", "capture",
			"capture_duration", "tags", "exceptions", "append", "override", NULL } },
};

static void warn_unknown_keys(const struct reader *reader, const char *const *keys)
{
	for (size_t i = 0; i < reader->item->count; i++) {
		struct text key = reader->item->keys[i]->text;

		if (!text_is_among(key, keys))
			load_warning(reader->result, LOAD_UNKNOWN_KEY, reader->place,
				advice_for_keys(reader->loader->arena, key, keys),
				"Unknown key '" TEXT_FORMAT "'. The key will be ignored.",
				TEXT_PRINT(key));
	}
}

/* The kind that one of the item's keys nearly is. */
static const char *advice_for_item(const struct reader *reader)
{
	const char *kinds[COUNT_OF(item_kinds)], *advice = NULL;

	for (size_t i = 0; i < COUNT_OF(item_kinds); i++)
		kinds[i] = item_kinds[i].key;
	for (size_t i = 0; i < reader->item->count && !advice; i++)
		advice = advice_nearest(reader->loader->arena, reader->item->keys[i]->text, kinds,
			COUNT_OF(item_kinds));
	return advice;
}

static int read_item(struct reader *reader, const struct place *root)
{
	const struct yaml_node *item = reader->item;
	int r;

	reader->place = place_new(
		reader->loader->arena, root, "rules content item", (struct text){ 0 }, item);
	if (item->kind == YAML_NULL)
		return 0;
	if (item->kind != YAML_MAPPING)
		return load_error(reader->result, LOAD_ERR_YAML_VALIDATE, reader->place, NULL,
			"Unexpected element type. Each element should be a yaml associative "
			"array.");
	for (size_t i = 0; i < COUNT_OF(item_kinds); i++) {
		if (!item_has(item, item_kinds[i].key))
			continue;
		reader->place = place_new(
			reader->loader->arena, root, item_kinds[i].place, (struct text){ 0 }, item);
		r = item_kinds[i].read(reader);
		if (r == 0)
			warn_unknown_keys(reader, item_kinds[i].keys);
		return r;
	}
	load_warning(reader->result, LOAD_UNKNOWN_ITEM, reader->place, advice_for_item(reader),
		"Unknown top level item");
	return 0;
}

static int read_document(
	struct reader *reader, const struct yaml_node *document, const struct place *root)
{
	int r;

	if (document->kind == YAML_NULL)
		return 0;
	if (document->kind != YAML_SEQUENCE)
		return load_error(reader->result, LOAD_ERR_YAML_VALIDATE, root, NULL,
			"Rules content is not yaml array of objects");
	for (size_t i = 0; i < document->count; i++) {
		reader->item = document->items[i];
		r = read_item(reader, root);
		if (r < 0)
			return r;
	}
	return 0;
}

int definitions_read(struct rules_loader *loader, struct yaml *yaml, struct load_result *result)
{
	const struct place *root = place_of_file(loader->arena, yaml_name(yaml), yaml_source(yaml));
	struct reader reader = { .loader = loader, .result = result };
	int r;

	for (size_t i = 0; i < yaml_document_count(yaml); i++) {
		r = read_document(&reader, yaml_document(yaml, i), root);
		if (r < 0)
			return r;
	}
	return 0;
}
