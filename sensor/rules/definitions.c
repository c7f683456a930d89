/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading of rules files: from YAML items to definitions (spec/rule-language.md 1.1 to 1.8).
 * Nothing is compiled here; what an item changes of an earlier one is applied at once.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/memory.h"
#include "sensor/rules/definitions.h"

/* What this engine speaks. */
static const struct version engine_version = { 0, 63, 0 };

/* Falco plugins whose fields are built in. */
static const struct {
	const char *name;
	struct version version;
} plugins[] = {
	{ "container", { 0, 7, 1 } },
};

/* One item while it is read. */
struct reader {
	struct rules_loader *loader;
	struct load_result *result;
	const struct yaml_node *item;
	const struct place *place;
};

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

static int invalid(const struct reader *reader, const struct place *place, const char *message)
{
	return load_error(reader->result, LOAD_ERR_YAML_VALIDATE, place, NULL, "%s", message);
}

static const struct place *value_place(
	const struct reader *reader, struct text key, const struct yaml_node *value)
{
	return place_new(reader->loader->arena, reader->place, "value for", key, value);
}

static bool has(const struct yaml_node *item, const char *key)
{
	return yaml_get(item, key) != NULL;
}

/* A scalar. 0 with the text; 1 when it is optional and absent or null. */
static int read_scalar(const struct reader *reader, const struct yaml_node *item, const char *key,
	bool is_optional, struct text *ret_text)
{
	const struct yaml_node *value = yaml_get(item, key);
	const struct place *place;

	if (is_optional && (!value || value->kind == YAML_NULL))
		return 1;
	if (!value)
		return load_error(reader->result, LOAD_ERR_YAML_VALIDATE, reader->place, NULL,
			"Item has no mapping for key '%s'", key);
	if (value->kind == YAML_NULL)
		return load_error(reader->result, LOAD_ERR_YAML_VALIDATE, reader->place, NULL,
			"Mapping for key '%s' is empty", key);
	place = value_place(reader, text_of(key), value);
	if (value->kind != YAML_SCALAR)
		return invalid(reader, place, "Value is not a scalar value");
	if (!value->text.length)
		return invalid(reader, place, "Value must be non-empty");
	*ret_text = value->text;
	return 0;
}

static int read_text(const struct reader *reader, const char *key, struct text *ret_text)
{
	return read_scalar(reader, reader->item, key, false, ret_text);
}

static int read_optional_text(const struct reader *reader, const char *key, struct text *ret_text)
{
	int r = read_scalar(reader, reader->item, key, true, ret_text);

	return r < 0 ? r : 0;
}

static int cannot_decode(const struct reader *reader, const char *key)
{
	return invalid(reader, value_place(reader, text_of(key), yaml_get(reader->item, key)),
		"Can't decode YAML scalar value");
}

/* Leaves *ret_flag alone when the key is absent. */
static int read_optional_bool(const struct reader *reader, const char *key, bool *ret_flag)
{
	struct text text;
	int r;

	r = read_scalar(reader, reader->item, key, true, &text);
	if (r)
		return r < 0 ? r : 0;
	if (yaml_bool(yaml_get(reader->item, key), ret_flag) < 0)
		return cannot_decode(reader, key);
	return 0;
}

static int read_optional_number(const struct reader *reader, const char *key, int64_t *ret_number)
{
	struct text text;
	int r;

	r = read_scalar(reader, reader->item, key, true, &text);
	if (r)
		return r < 0 ? r : 0;
	return text_to_i64(text, ret_number) < 0 ? cannot_decode(reader, key) : 0;
}

/* A sequence of scalars; none when it is optional and absent or null. */
static int read_texts(
	const struct reader *reader, const char *key, bool is_optional, struct texts *texts)
{
	const struct yaml_node *value = yaml_get(reader->item, key);
	const struct place *place;

	if (is_optional && (!value || value->kind == YAML_NULL))
		return 0;
	if (!value)
		return load_error(reader->result, LOAD_ERR_YAML_VALIDATE, reader->place, NULL,
			"Item has no mapping for key '%s'", key);
	place = value_place(reader, text_of(key), value);
	if (value->kind != YAML_SEQUENCE)
		return invalid(reader, place, "Value is not a sequence");
	for (size_t i = 0; i < value->count; i++) {
		if (value->items[i]->kind != YAML_SCALAR && value->items[i]->kind != YAML_NULL)
			return invalid(reader, place, "sequence value is not scalar");
		texts_add(texts, value->items[i]->text);
	}
	return 0;
}

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

static int read_engine_version(struct reader *reader)
{
	struct version required;
	struct text text;
	int r;

	r = read_text(reader, "required_engine_version", &text);
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
		return invalid(&inner, inner.place, "Plugin version must be a mapping");
	r = read_text(&inner, "name", &name);
	if (r == 0)
		r = read_text(&inner, "version", &text);
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
	for (size_t i = 0; i < COUNT_OF(plugins); i++)
		requirement->is_satisfied |= text_is(name, plugins[i].name) &&
					     is_compatible(&plugins[i].version, &version);
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
		return invalid(reader, value_place(reader, TEXT("alternatives"), others),
			"Value is not a sequence");
	for (size_t i = 0; i < others->count; i++) {
		r = read_plugin_version(reader, others->items[i], requirement);
		if (r < 0)
			return r;
	}
	return 0;
}

static int refuse_requirement(const struct reader *reader, const struct requirement *requirement)
{
	struct buffer words;

	buffer_init(&words, 4096);
	for (size_t i = 0; i < requirement->names.count; i++)
		buffer_printf(&words, "%s" TEXT_FORMAT " (>= " TEXT_FORMAT ")", i ? ", " : "",
			TEXT_PRINT(requirement->names.items[i]),
			TEXT_PRINT(requirement->versions.items[i]));
	load_error(reader->result, LOAD_ERR_VALIDATE, reader->place, NULL,
		"Plugin requirement not satisfied, must load one of: %s", buffer_text(&words).data);
	buffer_done(&words);
	return -EINVAL;
}

static int read_plugin_versions(struct reader *reader)
{
	const struct yaml_node *all = yaml_get(reader->item, "required_plugin_versions");
	int r;

	if (all->kind != YAML_SEQUENCE)
		return invalid(reader, value_place(reader, TEXT("required_plugin_versions"), all),
			"Value of required_plugin_versions must be a sequence");
	for (size_t i = 0; i < all->count; i++) {
		_cleanup_(requirement_done) struct requirement requirement = { 0 };

		r = read_plugin_version(reader, all->items[i], &requirement);
		if (r == 0)
			r = read_alternatives(reader, all->items[i], &requirement);
		if (r < 0)
			return r;
		if (!requirement.is_satisfied)
			return refuse_requirement(reader, &requirement);
	}
	return 0;
}

/*
 * `override`: which keys of the item change the definition, and how. The tables say what each
 * kind allows.
 */
struct overrides {
	struct texts append, replace;
};

static void overrides_done(struct overrides *overrides)
{
	free(overrides->append.items);
	free(overrides->replace.items);
}

static bool is_among(struct text word, const char *const *words)
{
	for (; *words; words++)
		if (text_is(word, *words))
			return true;
	return false;
}

static int refuse_operation(const struct reader *reader, const struct place *place, struct text key,
	struct text operation, bool can_append, bool can_replace)
{
	return load_error(reader->result, LOAD_ERR_YAML_VALIDATE, place, NULL,
		"Invalid override operation for key '" TEXT_FORMAT "': '" TEXT_FORMAT
		"'. Allowed values are: %s%s",
		TEXT_PRINT(key), TEXT_PRINT(operation), can_append ? "append " : "",
		can_replace ? "replace " : "");
}

static int read_override(const struct reader *reader, const struct place *place, struct text key,
	struct text operation, const char *const *append_keys, const char *const *replace_keys,
	struct overrides *overrides)
{
	bool can_append = is_among(key, append_keys), can_replace = is_among(key, replace_keys);
	bool appends = text_is(operation, "append");

	if (appends && !can_append)
		return load_error(reader->result, LOAD_ERR_YAML_VALIDATE, place, NULL,
			"Key '" TEXT_FORMAT "' cannot be appended to, use 'replace' instead",
			TEXT_PRINT(key));
	if (text_is(operation, "replace") && !can_replace)
		return load_error(reader->result, LOAD_ERR_YAML_VALIDATE, place, NULL,
			"Key '" TEXT_FORMAT "' cannot be replaced", TEXT_PRINT(key));
	if (!appends && !text_is(operation, "replace"))
		return refuse_operation(reader, place, key, operation, can_append, can_replace);
	if (!has(reader->item, arena_copy(reader->loader->arena, key).data))
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
		bool is_known = is_among(key, append_keys) || is_among(key, replace_keys);

		if (is_known && !texts_have(&overrides->append, key) &&
			!texts_have(&overrides->replace, key))
			return load_error(reader->result, LOAD_ERR_YAML_VALIDATE, place, NULL,
				"Unexpected key '" TEXT_FORMAT
				"': no corresponding entry under 'override' is defined.",
				TEXT_PRINT(key));
	}
	return 0;
}

/* 1 when the item has overrides, 0 when it has none. */
static int read_overrides(const struct reader *reader, const char *const *append_keys,
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
		return invalid(reader, place, "Value of override must be a mapping");
	if (!node->count)
		return 0;
	if (has_append)
		return invalid(reader, place,
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

/* `append: true`, which is deprecated. */
static int read_append(const struct reader *reader, bool *ret_appends)
{
	int r;

	*ret_appends = false;
	r = read_optional_bool(reader, "append", ret_appends);
	if (r == 0 && *ret_appends)
		load_warning(reader->result, LOAD_DEPRECATED_ITEM, reader->place, NULL,
			"'append' key is deprecated. Add an 'append' entry (e.g. 'condition: "
			"append') under 'override' instead.");
	return r;
}

static const char *const list_keys[] = { "items", NULL };
static const char *const macro_keys[] = { "condition", NULL };
static const char *const rule_append_keys[] = { "condition", "output", "desc", "tags", "exceptions",
	NULL };
static const char *const rule_replace_keys[] = { "condition", "output", "desc", "priority",
	"capture", "capture_duration", "tags", "exceptions", "enabled", "warn_evttypes",
	"skip-if-unknown-filter", NULL };

/*
 * How a list or macro item changes what is there: by the flag or by an override of its one key.
 */
static int read_change(const struct reader *reader, const char *const *keys, bool *ret_appends)
{
	_cleanup_(overrides_done) struct overrides overrides = { 0 };
	int r;

	r = read_append(reader, ret_appends);
	if (r == 0)
		r = read_overrides(reader, keys, keys, *ret_appends, &overrides);
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

	r = read_text(reader, "list", &name);
	if (r < 0)
		return r;
	reader->place = place_new(loader->arena, reader->place->parent, "list", name, reader->item);
	if (!lexer_is_bare(name))
		load_warning(reader->result, LOAD_INVALID_LIST_NAME, reader->place, NULL,
			"List has an invalid name. List names should match a regular expression: "
			"([^()\"'[:space:]=,]+)");
	r = read_texts(reader, "items", false, &items);
	if (r == 0)
		r = read_change(reader, list_keys, &appends);
	if (r < 0)
		return r;

	list = list_find(loader, name);
	if (appends && !list)
		return load_error(reader->result, LOAD_ERR_VALIDATE, reader->place, NULL,
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

/* Two texts with a blank between them. */
static struct text joined(struct arena *arena, struct text a, struct text b)
{
	return arena_printf(arena, TEXT_FORMAT " " TEXT_FORMAT, TEXT_PRINT(a), TEXT_PRINT(b));
}

static int read_macro(struct reader *reader)
{
	struct rules_loader *loader = reader->loader;
	struct macro_definition *macro;
	struct text name, condition;
	bool appends;
	int r;

	r = read_text(reader, "macro", &name);
	if (r < 0)
		return r;
	reader->place =
		place_new(loader->arena, reader->place->parent, "macro", name, reader->item);
	if (!lexer_is_identifier(name))
		load_warning(reader->result, LOAD_INVALID_MACRO_NAME, reader->place, NULL,
			"Macro has an invalid name. Macro names should match a regular expression: "
			"([a-zA-Z]+[a-zA-Z0-9_]*)");
	r = read_text(reader, "condition", &condition);
	if (r == 0)
		r = read_change(reader, macro_keys, &appends);
	if (r < 0)
		return r;

	macro = macro_find(loader, name);
	if (appends && !macro)
		return load_error(reader->result, LOAD_ERR_VALIDATE, reader->place, NULL,
			"Macro uses 'append' or 'override.condition: append' but no macro by that "
			"name already exists");
	if (!macro) {
		macro = ARRAY_ADD(loader->macros, loader->macro_count, loader->macro_capacity);
		*macro = (struct macro_definition){ .name = name, .index = loader->next_index };
	}
	macro->condition = appends ? joined(loader->arena, macro->condition, condition) : condition;
	macro->place = reader->place;
	macro->condition_place = place_new(loader->arena, reader->place, "macro condition",
		(struct text){ 0 }, yaml_get(reader->item, "condition"));
	macro->visibility = loader->next_index++;
	return 0;
}

static const struct place *inner_place(
	const struct reader *reader, const char *item_type, const char *key)
{
	return place_new(reader->loader->arena, reader->place, item_type, (struct text){ 0 },
		yaml_get(reader->item, key));
}

static int read_priority(const struct reader *reader, enum priority *ret_priority)
{
	static const char *const names[] = { "Emergency", "Alert", "Critical", "Error", "Warning",
		"Notice", "Informational", "Debug", "Info" };
	struct text text;
	int r;

	r = read_text(reader, "priority", &text);
	if (r < 0)
		return r;
	*ret_priority = priority_parse(text);
	if (*ret_priority != PRIORITY_NONE)
		return 0;
	return load_error(reader->result, LOAD_ERR_YAML_VALIDATE,
		inner_place(reader, "rule priority", "priority"),
		advice_nearest(reader->loader->arena, text, names, COUNT_OF(names)),
		"Invalid priority");
}

static int read_tags(const struct reader *reader, struct texts *tags)
{
	_cleanup_(texts_done) struct texts read = { 0 };
	int r;

	r = read_texts(reader, "tags", true, &read);
	for (size_t i = 0; r == 0 && i < read.count; i++)
		if (!texts_have(tags, read.items[i]))
			texts_add(tags, read.items[i]);
	return r;
}

static int read_condition(const struct reader *reader, struct rule_definition *rule)
{
	int r = read_text(reader, "condition", &rule->condition);

	if (r == 0)
		rule->condition_place = inner_place(reader, "rule condition", "condition");
	return r;
}

static int read_output(const struct reader *reader, struct rule_definition *rule)
{
	int r = read_text(reader, "output", &rule->output);

	if (r == 0) {
		rule->output = text_trim(rule->output);
		rule->output_place = inner_place(reader, "rule output", "output");
	}
	return r;
}

/* Everything of a rule that a bool or a number says. */
static int read_switches(const struct reader *reader, struct rule_definition *rule)
{
	int r;

	r = read_optional_bool(reader, "enabled", &rule->is_enabled);
	if (r == 0)
		r = read_optional_bool(reader, "warn_evttypes", &rule->warns_about_types);
	if (r == 0)
		r = read_optional_bool(reader, "skip-if-unknown-filter", &rule->skips_unknown);
	if (r == 0)
		r = read_optional_bool(reader, "capture", &rule->captures);
	if (r == 0)
		r = read_optional_number(reader, "capture_duration", &rule->capture_duration_ms);
	return r;
}

/* Of an item that changes a rule; here alone a source may also be empty. */
static int read_changed_source(const struct reader *reader, struct text *ret_source)
{
	const struct yaml_node *source = yaml_get(reader->item, "source");

	if (source && source->kind == YAML_SCALAR && !source->text.length)
		return 0;
	return read_optional_text(reader, "source", ret_source);
}

static int check_source(
	const struct reader *reader, const struct rule_definition *rule, struct text source)
{
	if (!rule || !source.length)
		return 0;
	if (text_equal(source, rule->source))
		return 0;
	return load_error(reader->result, LOAD_ERR_VALIDATE, reader->place, NULL,
		"Rule has been re-defined with a different source");
}

static void rule_done(struct rule_definition *rule)
{
	for (size_t i = 0; i < rule->exception_count; i++)
		exception_done(&rule->exceptions[i]);
	free(rule->exceptions);
	free(rule->tags.items);
	*rule = (struct rule_definition){ 0 };
}

static int read_definition(const struct reader *reader, struct rule_definition *rule)
{
	int r;

	r = read_condition(reader, rule);
	if (r == 0)
		r = read_output(reader, rule);
	if (r == 0)
		r = read_text(reader, "desc", &rule->description);
	if (r == 0)
		r = read_priority(reader, &rule->priority);
	if (r == 0)
		r = read_optional_text(reader, "source", &rule->source);
	if (r == 0)
		r = read_switches(reader, rule);
	if (r == 0)
		r = read_tags(reader, &rule->tags);
	if (r)
		return r;
	if (!rule->source.length)
		rule->source = TEXT("syscall");
	rule->has_unknown_source = !text_is(rule->source, "syscall");
	if (rule->has_unknown_source)
		load_warning(reader->result, LOAD_UNKNOWN_SOURCE, reader->place, NULL,
			"Unknown source " TEXT_FORMAT ", skipping", TEXT_PRINT(rule->source));
	return exceptions_read(
		reader->loader, reader->item, reader->place, false, rule, reader->result);
}

/* Form 4: a whole rule, which replaces one of its name in its place. */
static int define_rule(const struct reader *reader, struct text name)
{
	struct rules_loader *loader = reader->loader;
	_cleanup_(rule_done) struct rule_definition made = {
		.name = name,
		.place = reader->place,
		.is_enabled = true,
		.warns_about_types = true,
	};
	struct rule_definition *rule = rule_find(loader, name);
	struct text source = { 0 };
	int r;

	r = read_definition(reader, &made);
	if (r == 0 && rule) {
		source = made.source;
		r = check_source(reader, rule, source);
	}
	if (r < 0)
		return r;
	made.index = rule ? rule->index : loader->next_index;
	made.visibility = loader->next_index++;
	if (rule)
		rule_done(rule);
	else
		rule = ARRAY_ADD(loader->rules, loader->rule_count, loader->rule_capacity);
	*rule = made;
	made = (struct rule_definition){ 0 };
	return 0;
}

/* Form 3: `enabled` alone. */
static int switch_rule(const struct reader *reader, struct text name)
{
	struct rule_definition *rule = rule_find(reader->loader, name);
	struct text text, source = { 0 };
	bool is_enabled = true;
	int r;

	r = read_text(reader, "enabled", &text);
	if (r == 0)
		r = read_optional_bool(reader, "enabled", &is_enabled);
	if (r == 0)
		r = read_changed_source(reader, &source);
	if (r < 0)
		return r;
	load_warning(reader->result, LOAD_DEPRECATED_ITEM, reader->place, NULL,
		"The standalone 'enabled' key usage is deprecated. The correct approach requires "
		"also a 'replace' entry under the 'override' key (i.e. 'enabled: replace').");
	if (!rule)
		return load_error(reader->result, LOAD_ERR_VALIDATE, reader->place, NULL,
			"Rule has 'enabled' key but no rule by that name already exists");
	r = check_source(reader, rule, source);
	if (r == 0)
		rule->is_enabled = is_enabled;
	return r;
}

static void append_condition(
	const struct reader *reader, struct rule_definition *rule, struct text condition)
{
	rule->condition = joined(reader->loader->arena, rule->condition, condition);
	rule->condition_place = inner_place(reader, "rule condition", "condition");
}

/* Form 2: `append: true` adds to the condition and to the exceptions. */
static int append_to_rule(const struct reader *reader, struct text name)
{
	struct rule_definition *rule = rule_find(reader->loader, name);
	struct text condition = { 0 }, source = { 0 };
	int r;

	r = read_optional_text(reader, "condition", &condition);
	if (r == 0)
		r = read_changed_source(reader, &source);
	if (r < 0)
		return r;
	if (!condition.length && !has(reader->item, "exceptions"))
		return load_error(reader->result, LOAD_ERR_VALIDATE, reader->place, NULL,
			"Appended rule must have exceptions or condition property");
	if (!rule)
		return load_error(reader->result, LOAD_ERR_VALIDATE, reader->place, NULL,
			"Rule uses 'append' or 'override.<key>: append' but no rule by that name "
			"already exists");
	r = check_source(reader, rule, source);
	if (r == 0)
		r = exceptions_read(
			reader->loader, reader->item, reader->place, true, rule, reader->result);
	if (r < 0)
		return r;
	if (condition.length)
		append_condition(reader, rule, condition);
	rule->visibility = reader->loader->next_index++;
	return 0;
}

static int apply_appends(
	const struct reader *reader, const struct texts *keys, struct rule_definition *rule)
{
	struct arena *arena = reader->loader->arena;
	struct text text = { 0 };
	int r = 0;

	if (texts_have(keys, TEXT("condition"))) {
		r = read_text(reader, "condition", &text);
		if (r == 0)
			append_condition(reader, rule, text);
	}
	if (r == 0 && texts_have(keys, TEXT("output"))) {
		r = read_text(reader, "output", &text);
		if (r == 0) {
			rule->output = joined(arena, rule->output, text_trim(text));
			rule->output_place = inner_place(reader, "rule output", "output");
		}
	}
	if (r == 0 && texts_have(keys, TEXT("desc"))) {
		r = read_text(reader, "desc", &text);
		if (r == 0)
			rule->description = joined(arena, rule->description, text);
	}
	if (r == 0 && texts_have(keys, TEXT("tags")))
		r = read_tags(reader, &rule->tags);
	if (r == 0 && texts_have(keys, TEXT("exceptions")))
		r = exceptions_read(
			reader->loader, reader->item, reader->place, true, rule, reader->result);
	return r;
}

static int replace_exceptions(const struct reader *reader, struct rule_definition *rule)
{
	while (rule->exception_count)
		exception_done(&rule->exceptions[--rule->exception_count]);
	return exceptions_read(
		reader->loader, reader->item, reader->place, false, rule, reader->result);
}

static int apply_replaces(
	const struct reader *reader, const struct texts *keys, struct rule_definition *rule)
{
	int r = 0;

	if (texts_have(keys, TEXT("condition")))
		r = read_condition(reader, rule);
	if (r == 0 && texts_have(keys, TEXT("output")))
		r = read_output(reader, rule);
	if (r == 0 && texts_have(keys, TEXT("desc")))
		r = read_text(reader, "desc", &rule->description);
	if (r == 0 && texts_have(keys, TEXT("priority")))
		r = read_priority(reader, &rule->priority);
	if (r == 0 && texts_have(keys, TEXT("tags"))) {
		rule->tags.count = 0;
		r = read_tags(reader, &rule->tags);
	}
	if (r == 0 && texts_have(keys, TEXT("exceptions")))
		r = replace_exceptions(reader, rule);
	/* The other keys that can stand here are switches, and all that stand are to be replaced.
	 */
	return r < 0 ? r : read_switches(reader, rule);
}

/* Form 1: `override` says what each key does. */
static int override_rule(
	const struct reader *reader, struct text name, const struct overrides *overrides)
{
	struct rule_definition *rule = rule_find(reader->loader, name);
	struct text source = { 0 };
	int r;

	r = read_changed_source(reader, &source);
	if (r < 0)
		return r;
	if (!rule && overrides->append.count)
		return load_error(reader->result, LOAD_ERR_VALIDATE, reader->place, NULL,
			"Rule uses 'append' or 'override.<key>: append' but no rule by that name "
			"already exists");
	if (!rule)
		return load_error(reader->result, LOAD_ERR_VALIDATE, reader->place, NULL,
			"An 'override.<key>: replace' to a rule was requested but no rule by that "
			"name already exists");
	r = check_source(reader, rule, source);
	if (r < 0)
		return r;
	r = apply_appends(reader, &overrides->append, rule);
	if (r == 0)
		r = apply_replaces(reader, &overrides->replace, rule);
	rule->visibility = reader->loader->next_index++;
	return r;
}

static bool is_definition(const struct yaml_node *item)
{
	return has(item, "condition") || has(item, "output") || has(item, "desc") ||
	       has(item, "priority");
}

static int read_rule(struct reader *reader)
{
	_cleanup_(overrides_done) struct overrides overrides = { 0 };
	struct text name;
	bool appends;
	int r;

	r = read_text(reader, "rule", &name);
	if (r < 0)
		return r;
	reader->place =
		place_new(reader->loader->arena, reader->place->parent, "rule", name, reader->item);
	r = read_append(reader, &appends);
	if (r == 0)
		r = read_overrides(
			reader, rule_append_keys, rule_replace_keys, appends, &overrides);
	if (r < 0)
		return r;
	if (r > 0)
		return override_rule(reader, name, &overrides);
	if (appends)
		return append_to_rule(reader, name);
	if (!is_definition(reader->item))
		return switch_rule(reader, name);
	return define_rule(reader, name);
}

/* Kinds of items, in the order in which their keys are looked for, and what else they may hold. */
static const struct item_kind {
	const char *key;
	const char *place;
	int (*read)(struct reader *reader);
	const char *const *keys;
} item_kinds[] = {
	{ "required_engine_version", "required_engine_version", read_engine_version,
		(const char *const[]){ "required_engine_version", NULL } },
	{ "required_plugin_versions", "required plugin versions", read_plugin_versions,
		(const char *const[]){ "required_plugin_versions", NULL } },
	{ "list", "list", read_list,
		(const char *const[]){ "list", "items", "append", "override", NULL } },
	{ "macro", "macro", read_macro,
		(const char *const[]){ "macro", "condition", "append", "override", NULL } },
	{ "rule", "rule", read_rule,
		(const char *const[]){ "rule", "condition", "output", "desc", "priority", "source",
			"enabled", "warn_evttypes", "skip-if-unknown-filter", "capture",
			"capture_duration", "tags", "exceptions", "append", "override", NULL } },
};

static void warn_unknown_keys(const struct reader *reader, const char *const *keys)
{
	size_t count = 0;

	while (keys[count])
		count++;
	for (size_t i = 0; i < reader->item->count; i++) {
		struct text key = reader->item->keys[i]->text;

		if (!is_among(key, keys))
			load_warning(reader->result, LOAD_UNKNOWN_KEY, reader->place,
				advice_nearest(reader->loader->arena, key, keys, count),
				"Unknown key '" TEXT_FORMAT "'. The key will be ignored.",
				TEXT_PRINT(key));
	}
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
		if (!has(item, item_kinds[i].key))
			continue;
		reader->place = place_new(
			reader->loader->arena, root, item_kinds[i].place, (struct text){ 0 }, item);
		r = item_kinds[i].read(reader);
		if (r == 0)
			warn_unknown_keys(reader, item_kinds[i].keys);
		return r;
	}
	load_warning(
		reader->result, LOAD_UNKNOWN_ITEM, reader->place, NULL, "Unknown top level item");
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
