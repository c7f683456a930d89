/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a rules file requires: a version of the engine, and plugins (spec/rule-language.md 1.3,
 * 1.4).
 */
#include <errno.h>
#include <stdlib.h>

#include "base/memory.h"
#include "sensor/rules/reader.h"
#include "sensor/versions.h"

/* What this engine speaks. */
static const struct version engine_version = { 0, 63, 0 };

/* "x.y.z", or N for 0.N.0 where `accepts_number`. */
static int parse_version(struct text text, bool accepts_number, struct version *ret_version)
{
	uint64_t *const parts[] = { &ret_version->major, &ret_version->minor, &ret_version->patch };
	struct text part, rest = text;
	uint64_t minor;

	if (accepts_number && text_to_u64(text, &minor) == 0) {
		*ret_version = (struct version){ 0, minor, 0 };
		return 0;
	}
	for (size_t i = 0; i < COUNT_OF(parts); i++)
		if (!text_split(&rest, '.', &part) || text_to_u64(part, parts[i]) < 0)
			return -EINVAL;
	return rest.data ? -EINVAL : 0;
}

static int compare_versions(const struct version *a, const struct version *b)
{
	if (a->major != b->major)
		return a->major < b->major ? -1 : 1;
	if (a->minor != b->minor)
		return a->minor < b->minor ? -1 : 1;
	return (a->patch > b->patch) - (a->patch < b->patch);
}

static bool is_compatible(const struct version *have, const struct version *required)
{
	return have->major == required->major && compare_versions(required, have) <= 0;
}

static bool has_plugin(struct text name, const struct version *required)
{
	size_t count;
	const struct builtin_plugin *plugins = builtin_plugins(&count);

	for (size_t i = 0; i < count; i++) {
		const uint64_t *parts = plugins[i].version;
		const struct version have = { parts[0], parts[1], parts[2] };

		if (text_is(name, plugins[i].name) && is_compatible(&have, required))
			return true;
	}
	return false;
}

int engine_version_read(struct reader *reader)
{
	struct version required;
	struct text text;
	int r;

	r = reader_text(reader, "required_engine_version", &text);
	if (r < 0)
		return r;
	if (parse_version(text, true, &required) < 0)
		return load_error(reader->result, LOAD_ERR_YAML_VALIDATE, reader->place, NULL,
			"Unable to parse engine version '" TEXT_FORMAT
			"' as a semver string. Expected \"x.y.z\" semver format.",
			TEXT_PRINT(text));
	if (!is_compatible(&engine_version, &required))
		return load_error(reader->result, LOAD_ERR_VALIDATE, reader->place, NULL,
			"Rules require engine version %llu.%llu.%llu, but engine version is "
			"%llu.%llu.%llu",
			(unsigned long long)required.major, (unsigned long long)required.minor,
			(unsigned long long)required.patch,
			(unsigned long long)engine_version.major,
			(unsigned long long)engine_version.minor,
			(unsigned long long)engine_version.patch);
	if (compare_versions(&required, &reader->loader->required_engine) > 0)
		reader->loader->required_engine = required;
	return 0;
}

/* Names and versions that one requirement accepts. */
struct requirement {
	struct texts names, versions;
	bool is_satisfied;
};

static void requirement_done(struct requirement *requirement)
{
	free(requirement->names.items);
	free(requirement->versions.items);
}

static int read_plugin_version(
	struct reader *reader, const struct yaml_node *item, struct requirement *requirement)
{
	struct reader inner = *reader;
	struct text name, text;
	struct version version;
	int r;

	inner.item = item;
	inner.place = place_new(reader->loader->arena, reader->place, "required plugin version",
		(struct text){ 0 }, item);
	if (item->kind != YAML_MAPPING)
		return reader_refuse(&inner, inner.place, "Plugin version must be a mapping");
	r = reader_text(&inner, "name", &name);
	if (r == 0)
		r = reader_text(&inner, "version", &text);
	if (r < 0)
		return r;
	if (parse_version(text, false, &version) < 0)
		return load_error(reader->result, LOAD_ERR_VALIDATE, inner.place, NULL,
			"Invalid required version '" TEXT_FORMAT "' for plugin '" TEXT_FORMAT "'",
			TEXT_PRINT(text), TEXT_PRINT(name));
	if (texts_have(&requirement->names, name))
		return load_error(reader->result, LOAD_ERR_VALIDATE, inner.place, NULL,
			"Defined multiple alternative version requirements for plugin '" TEXT_FORMAT
			"'",
			TEXT_PRINT(name));
	texts_add(&requirement->names, name);
	texts_add(&requirement->versions, text);
	requirement->is_satisfied |= has_plugin(name, &version);
	return 0;
}

static int read_alternatives(
	struct reader *reader, const struct yaml_node *item, struct requirement *requirement)
{
	const struct yaml_node *others = yaml_get(item, "alternatives");
	int r;

	if (!others || others->kind == YAML_NULL)
		return 0;
	if (others->kind != YAML_SEQUENCE)
		return reader_refuse(reader,
			reader_value_place(reader, TEXT("alternatives"), others),
			"Value is not a sequence");
	for (size_t i = 0; i < others->count; i++) {
		r = read_plugin_version(reader, others->items[i], requirement);
		if (r < 0)
			return r;
	}
	return 0;
}

/* Told when all of the file is read: it then stands in place of any other error (spec 1.4). */
static void note_unmet(const struct reader *reader, const struct requirement *requirement)
{
	struct rules_loader *loader = reader->loader;
	struct buffer words;

	buffer_init(&words, 4096);
	for (size_t i = 0; i < requirement->names.count; i++)
		buffer_printf(&words, "%s" TEXT_FORMAT " (>= " TEXT_FORMAT ")", i ? ", " : "",
			TEXT_PRINT(requirement->names.items[i]),
			TEXT_PRINT(requirement->versions.items[i]));
	loader->unmet_plugins = arena_copy(loader->arena, buffer_text(&words)).data;
	loader->unmet_place = reader->place;
	buffer_done(&words);
}

void plugin_versions_check(struct rules_loader *loader, struct load_result *result)
{
	if (loader->unmet_plugins)
		load_error_only(result, LOAD_ERR_VALIDATE, loader->unmet_place,
			"Plugin requirement not satisfied, must load one of: %s",
			loader->unmet_plugins);
	loader->unmet_plugins = NULL;
}

static void keep_requirement(struct rules_loader *loader, const struct requirement *requirement)
{
	for (size_t i = 0; i < requirement->names.count; i++)
		*ARRAY_ADD(loader->plugins, loader->plugin_count, loader->plugin_capacity) =
			(struct plugin_requirement){ requirement->names.items[i],
				requirement->versions.items[i], i > 0 };
}

int plugin_versions_read(struct reader *reader)
{
	const struct yaml_node *all = yaml_get(reader->item, "required_plugin_versions");
	int r;

	if (all->kind != YAML_SEQUENCE)
		return reader_refuse(reader,
			reader_value_place(reader, TEXT("required_plugin_versions"), all),
			"Value of required_plugin_versions must be a sequence");
	for (size_t i = 0; i < all->count; i++) {
		_cleanup_(requirement_done) struct requirement requirement = { 0 };

		r = read_plugin_version(reader, all->items[i], &requirement);
		if (r == 0)
			r = read_alternatives(reader, all->items[i], &requirement);
		if (r < 0)
			return r;
		if (!requirement.is_satisfied && !reader->loader->unmet_plugins)
			note_unmet(reader, &requirement);
		keep_requirement(reader->loader, &requirement);
	}
	return 0;
}
