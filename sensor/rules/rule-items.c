/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rule items in their four forms (spec/rule-language.md 1.7): a whole definition, a change by
 * `override`, one by `append: true`, and a switch by `enabled` alone.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/memory.h"
#include "sensor/rules/overrides.h"

static const char *const rule_append_keys[] = { "condition", "output", "desc", "tags", "exceptions",
	NULL };
static const char *const rule_replace_keys[] = { "condition", "output", "desc", "priority",
	"capture", "capture_duration", "tags", "exceptions", "enabled", "warn_evttypes",
	"skip-if-unknown-filter", NULL };

static int read_priority(const struct reader *reader, enum priority *ret_priority)
{
	static const char *const names[] = { "Emergency", "Alert", "Critical", "Error", "Warning",
		"Notice", "Informational", "Debug", "Info" };
	struct text text;
	int r;

	r = reader_text(reader, "priority", &text);
	if (r < 0)
		return r;
	*ret_priority = priority_parse(text);
	if (*ret_priority != PRIORITY_NONE)
		return 0;
	return load_error(reader->result, LOAD_ERR_YAML_VALIDATE,
		reader_inner_place(reader, "rule priority", "priority"),
		advice_nearest(reader->loader->arena, text, names, COUNT_OF(names)),
		"Invalid priority");
}

static int read_tags(const struct reader *reader, struct texts *tags)
{
	_cleanup_(texts_done) struct texts read = { 0 };
	int r;

	r = reader_texts(reader, "tags", true, &read);
	for (size_t i = 0; r == 0 && i < read.count; i++)
		if (!texts_have(tags, read.items[i]))
			texts_add(tags, read.items[i]);
	return r;
}

static int read_condition(const struct reader *reader, struct rule_definition *rule)
{
	int r = reader_text(reader, "condition", &rule->condition);

	if (r == 0)
		rule->condition_place = reader_inner_place(reader, "rule condition", "condition");
	return r;
}

static int read_output(const struct reader *reader, struct rule_definition *rule)
{
	int r = reader_text(reader, "output", &rule->output);

	if (r == 0) {
		rule->output = text_trim(rule->output);
		rule->output_place = reader_inner_place(reader, "rule output", "output");
	}
	return r;
}

/* Everything of a rule that a bool or a number says. */
static int read_switches(const struct reader *reader, struct rule_definition *rule)
{
	int r;

	r = reader_optional_bool(reader, "enabled", &rule->is_enabled);
	if (r == 0)
		r = reader_optional_bool(reader, "warn_evttypes", &rule->warns_about_types);
	if (r == 0)
		r = reader_optional_bool(reader, "skip-if-unknown-filter", &rule->skips_unknown);
	if (r == 0)
		r = reader_optional_bool(reader, "capture", &rule->captures);
	if (r == 0)
		r = reader_optional_number(reader, "capture_duration", &rule->capture_duration_ms);
	return r;
}

/* Of an item that changes a rule; here alone a source may also be empty. */
static int read_changed_source(const struct reader *reader, struct text *ret_source)
{
	const struct yaml_node *source = yaml_get(reader->item, "source");

	if (source && source->kind == YAML_SCALAR && !source->text.length)
		return 0;
	return reader_optional_text(reader, "source", ret_source);
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
		r = reader_text(reader, "desc", &rule->description);
	if (r == 0)
		r = read_priority(reader, &rule->priority);
	if (r == 0)
		r = reader_optional_text(reader, "source", &rule->source);
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
		load_warning(reader->result, LOAD_UNKNOWN_SOURCE, reader->place,
			advice_for_keys(reader->loader->arena, rule->source,
				(const char *const[]){ "syscall", NULL }),
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

	r = reader_text(reader, "enabled", &text);
	if (r == 0)
		r = reader_optional_bool(reader, "enabled", &is_enabled);
	if (r == 0)
		r = read_changed_source(reader, &source);
	if (r < 0)
		return r;
	load_warning(reader->result, LOAD_DEPRECATED_ITEM, reader->place, NULL,
		"The standalone 'enabled' key usage is deprecated. The correct approach requires "
		"also a 'replace' entry under the 'override' key (i.e. 'enabled: replace').");
	if (!rule)
		return load_error(reader->result, LOAD_ERR_VALIDATE, reader->place,
			advice_for_rule(reader->loader, name),
			"Rule has 'enabled' key but no rule by that name already exists");
	r = check_source(reader, rule, source);
	if (r == 0)
		rule->is_enabled = is_enabled;
	return r;
}

static void append_condition(
	const struct reader *reader, struct rule_definition *rule, struct text condition)
{
	rule->condition = text_joined(reader->loader->arena, rule->condition, condition);
	rule->condition_place = reader_inner_place(reader, "rule condition", "condition");
}

/* Form 2: `append: true` adds to the condition and to the exceptions. */
static int append_to_rule(const struct reader *reader, struct text name)
{
	struct rule_definition *rule = rule_find(reader->loader, name);
	struct text condition = { 0 }, source = { 0 };
	int r;

	r = reader_optional_text(reader, "condition", &condition);
	if (r == 0)
		r = read_changed_source(reader, &source);
	if (r < 0)
		return r;
	if (!condition.length && !item_has(reader->item, "exceptions"))
		return load_error(reader->result, LOAD_ERR_VALIDATE, reader->place, NULL,
			"Appended rule must have exceptions or condition property");
	if (!rule)
		return load_error(reader->result, LOAD_ERR_VALIDATE, reader->place,
			advice_for_rule(reader->loader, name),
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
		r = reader_text(reader, "condition", &text);
		if (r == 0)
			append_condition(reader, rule, text);
	}
	if (r == 0 && texts_have(keys, TEXT("output"))) {
		r = reader_text(reader, "output", &text);
		if (r == 0) {
			rule->output = text_joined(arena, rule->output, text_trim(text));
			rule->output_place = reader_inner_place(reader, "rule output", "output");
		}
	}
	if (r == 0 && texts_have(keys, TEXT("desc"))) {
		r = reader_text(reader, "desc", &text);
		if (r == 0)
			rule->description = text_joined(arena, rule->description, text);
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
		r = reader_text(reader, "desc", &rule->description);
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
		return load_error(reader->result, LOAD_ERR_VALIDATE, reader->place,
			advice_for_rule(reader->loader, name),
			"Rule uses 'append' or 'override.<key>: append' but no rule by that name "
			"already exists");
	if (!rule)
		return load_error(reader->result, LOAD_ERR_VALIDATE, reader->place,
			advice_for_rule(reader->loader, name),
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
	return item_has(item, "condition") || item_has(item, "output") || item_has(item, "desc") ||
	       item_has(item, "priority");
}

int rule_item_read(struct reader *reader)
{
	_cleanup_(overrides_done) struct overrides overrides = { 0 };
	struct text name;
	bool appends;
	int r;

	r = reader_text(reader, "rule", &name);
	if (r < 0)
		return r;
	reader->place =
		place_new(reader->loader->arena, reader->place->parent, "rule", name, reader->item);
	r = append_read(reader, &appends);
	if (r == 0)
		r = overrides_read(
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
