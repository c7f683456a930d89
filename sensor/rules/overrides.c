/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Overrides: which keys of an item change the definition, and how.
 */
#include <errno.h>
#include <stdlib.h>

#include "sensor/rules/overrides.h"

void overrides_done(struct overrides *overrides)
{
	free(overrides->append.items);
	free(overrides->replace.items);
}

static int refuse_operation(const struct reader *reader, const struct place *place, struct text key,
	struct text operation, bool can_append, bool can_replace)
{
	return load_error(reader->result, LOAD_ERR_YAML_VALIDATE, place,
		advice_for_keys(reader->loader->arena, operation,
			(const char *const[]){ "append", "replace", NULL }),
		"Invalid override operation for key '" TEXT_FORMAT "': '" TEXT_FORMAT
		"'. Allowed values are: %s%s",
		TEXT_PRINT(key), TEXT_PRINT(operation), can_append ? "append " : "",
		can_replace ? "replace " : "");
}

static int read_override(const struct reader *reader, const struct place *place, struct text key,
	struct text operation, const char *const *append_keys, const char *const *replace_keys,
	struct overrides *overrides)
{
	bool can_append = text_is_among(key, append_keys),
	     can_replace = text_is_among(key, replace_keys);
	bool appends = text_is(operation, "append");

	if (appends && !can_append)
		return load_error(reader->result, LOAD_ERR_YAML_VALIDATE, place,
			advice_for_keys(reader->loader->arena, key, append_keys),
			"Key '" TEXT_FORMAT "' cannot be appended to, use 'replace' instead",
			TEXT_PRINT(key));
	if (text_is(operation, "replace") && !can_replace)
		return load_error(reader->result, LOAD_ERR_YAML_VALIDATE, place,
			advice_for_keys(reader->loader->arena, key, replace_keys),
			"Key '" TEXT_FORMAT "' cannot be replaced", TEXT_PRINT(key));
	if (!appends && !text_is(operation, "replace"))
		return refuse_operation(reader, place, key, operation, can_append, can_replace);
	if (!item_has(reader->item, arena_copy(reader->loader->arena, key).data))
		return load_error(reader->result, LOAD_ERR_YAML_VALIDATE, place, NULL,
			"An %s override for '" TEXT_FORMAT "' was specified but '" TEXT_FORMAT
			"' is not defined",
			appends ? "append" : "replace", TEXT_PRINT(key), TEXT_PRINT(key));
	texts_add(appends ? &overrides->append : &overrides->replace, key);
	return 0;
}

/* A key that could be overridden but is not named. */
static int check_all_named(const struct reader *reader, const struct place *place,
	const char *const *append_keys, const char *const *replace_keys,
	const struct overrides *overrides)
{
	for (size_t i = 0; i < reader->item->count; i++) {
		struct text key = reader->item->keys[i]->text;
		bool is_known = text_is_among(key, append_keys) || text_is_among(key, replace_keys);

		if (is_known && !texts_have(&overrides->append, key) &&
			!texts_have(&overrides->replace, key))
			return load_error(reader->result, LOAD_ERR_YAML_VALIDATE, place, NULL,
				"Unexpected key '" TEXT_FORMAT
				"': no corresponding entry under 'override' is defined.",
				TEXT_PRINT(key));
	}
	return 0;
}

int overrides_read(const struct reader *reader, const char *const *append_keys,
	const char *const *replace_keys, bool has_append, struct overrides *overrides)
{
	const struct yaml_node *node = yaml_get(reader->item, "override");
	const struct place *place;
	int r;

	if (!node || node->kind == YAML_NULL)
		return 0;
	place = place_new(
		reader->loader->arena, reader->place, "overrides", (struct text){ 0 }, node);
	if (node->kind != YAML_MAPPING)
		return reader_refuse(reader, place, "Value of override must be a mapping");
	if (!node->count)
		return 0;
	if (has_append)
		return reader_refuse(reader, place,
			"Keys 'override' and 'append: true' cannot be used together. Add an "
			"'append' entry (e.g. 'condition: append') under 'override' instead.");
	for (size_t i = 0; i < node->count; i++) {
		r = read_override(reader, place, node->keys[i]->text, node->items[i]->text,
			append_keys, replace_keys, overrides);
		if (r < 0)
			return r;
	}
	r = check_all_named(reader, place, append_keys, replace_keys, overrides);
	return r < 0 ? r : 1;
}

int append_read(const struct reader *reader, bool *ret_appends)
{
	int r;

	*ret_appends = false;
	r = reader_optional_bool(reader, "append", ret_appends);
	if (r == 0 && *ret_appends)
		load_warning(reader->result, LOAD_DEPRECATED_ITEM, reader->place, NULL,
			"'append' key is deprecated. Add an 'append' entry (e.g. 'condition: "
			"append') under 'override' instead.");
	return r;
}
