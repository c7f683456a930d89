/* SPDX-License-Identifier: Apache-2.0 */
/* -L and -l in JSON: what the files define, as they were written and as they were compiled. */
#include <errno.h>

#include "base/memory.h"
#include "sensor/rules/details.h"

static void add_string(struct json_writer *json, const char *key, const char *string)
{
	json_key(json, key);
	json_add_string(json, string);
}

static void add_text(struct json_writer *json, const char *key, struct text text)
{
	json_key(json, key);
	json_add_text(json, text.data ? text : TEXT(""));
}

static void add_flag(struct json_writer *json, const char *key, bool flag)
{
	json_key(json, key);
	json_add_bool(json, flag);
}

static void add_texts(struct json_writer *json, const char *key, const struct texts *texts)
{
	json_key(json, key);
	json_begin_array(json);
	for (size_t i = 0; i < texts->count; i++)
		json_add_text(json, texts->items[i]);
	json_end(json);
}

static void begin(struct json_writer *json, const char *key)
{
	json_key(json, key);
	json_begin_object(json);
}

/* Is the rule enabled, by its own words and by those of the settings? */
static bool is_enabled(const struct rules *rules, const struct rule_definition *definition)
{
	for (size_t i = 0; i < rules_count(rules); i++)
		if (text_is(definition->name, rules_at(rules, i)->name))
			return rules_at(rules, i)->is_enabled;
	return false;
}

static void add_rule_info(
	struct json_writer *json, const struct rules *rules, const struct rule_definition *rule)
{
	begin(json, "info");
	add_flag(json, "capture", rule->captures);
	json_key(json, "capture_duration");
	json_add_i64(json, rule->capture_duration_ms);
	add_text(json, "condition", rule->condition);
	add_text(json, "description", rule->description);
	add_flag(json, "enabled", is_enabled(rules, rule));
	add_text(json, "name", rule->name);
	add_text(json, "output", rule->output);
	add_string(json, "priority", priority_name(rule->priority));
	add_text(json, "source", rule->source);
	add_texts(json, "tags", &rule->tags);
	json_end(json);
}

/* What all exceptions name: their names, or their fields, or their operators. */
static void add_exceptions(struct json_writer *json, const struct rule_definition *rule)
{
	struct texts names = { 0 }, fields = { 0 }, operators = { 0 };

	for (size_t i = 0; i < rule->exception_count; i++) {
		const struct exception_definition *one = &rule->exceptions[i];

		texts_add(&names, one->name);
		for (size_t j = 0; j < one->fields.count; j++) {
			if (!texts_have(&fields, one->fields.items[j]))
				texts_add(&fields, one->fields.items[j]);
		}
		for (size_t j = 0; j < one->comps.count; j++) {
			if (!texts_have(&operators, one->comps.items[j]))
				texts_add(&operators, one->comps.items[j]);
		}
	}
	add_texts(json, "exception_fields", &fields);
	add_texts(json, "exception_names", &names);
	add_texts(json, "exception_operators", &operators);
	free(names.items);
	free(fields.items);
	free(operators.items);
}

static void add_condition_details(struct json_writer *json, const struct condition_details *details)
{
	add_text(json, "condition_compiled", details->compiled);
	add_texts(json, "condition_fields", &details->fields);
	add_texts(json, "condition_operators", &details->operators);
	add_texts(json, "events", &details->events);
	add_texts(json, "lists", &details->lists);
	add_texts(json, "macros", &details->macros);
	details_plugins(details, json);
}

static void add_rule(
	struct json_writer *json, const struct rules *rules, const struct rule_definition *rule)
{
	json_begin_object(json);
	begin(json, "details");
	add_condition_details(json, &rule->details);
	add_exceptions(json, rule);
	add_text(json, "output_compiled", rule->details.output);
	add_texts(json, "output_fields", &rule->details.output_fields);
	json_end(json);
	add_rule_info(json, rules, rule);
	json_end(json);
}

static void add_macro(struct json_writer *json, const struct macro_definition *macro)
{
	json_begin_object(json);
	begin(json, "details");
	add_condition_details(json, &macro->details);
	add_flag(json, "used", macro->is_used);
	json_end(json);
	begin(json, "info");
	add_text(json, "condition", macro->condition);
	add_text(json, "name", macro->name);
	json_end(json);
	json_end(json);
}

/* Items that are lists, or those that are not. */
static void add_items(struct json_writer *json, const char *key, const struct rules_loader *loader,
	const struct list_definition *list, bool are_lists)
{
	json_key(json, key);
	json_begin_array(json);
	for (size_t i = 0; i < list->items.count; i++)
		if ((list_find(loader, list->items.items[i]) != NULL) == are_lists)
			json_add_text(json, list->items.items[i]);
	json_end(json);
}

static void add_list(struct json_writer *json, const struct rules_loader *loader,
	const struct list_definition *list)
{
	json_begin_object(json);
	begin(json, "details");
	add_texts(json, "items_compiled", &list->expanded);
	add_items(json, "lists", loader, list, true);
	json_key(json, "plugins");
	json_begin_array(json);
	json_end(json);
	add_flag(json, "used", list->is_used);
	json_end(json);
	begin(json, "info");
	add_items(json, "items", loader, list, false);
	add_text(json, "name", list->name);
	json_end(json);
	json_end(json);
}

static void add_version(struct json_writer *json, const struct plugin_requirement *plugin)
{
	add_text(json, "name", plugin->name);
	add_text(json, "version", plugin->version);
}

static void add_plugins(struct json_writer *json, const struct rules_loader *loader)
{
	json_key(json, "required_plugin_versions");
	json_begin_array(json);
	for (size_t i = 0; i < loader->plugin_count;) {
		json_begin_array(json);
		do {
			json_begin_object(json);
			add_version(json, &loader->plugins[i]);
			json_end(json);
		} while (++i < loader->plugin_count && loader->plugins[i].is_alternative);
		json_end(json);
	}
	json_end(json);
}

static void describe_all(
	const struct rules_loader *loader, const struct rules *rules, struct json_writer *json)
{
	char version[80];

	json_key(json, "lists");
	json_begin_array(json);
	for (size_t i = 0; i < loader->list_count; i++)
		add_list(json, loader, &loader->lists[i]);
	json_end(json);
	json_key(json, "macros");
	json_begin_array(json);
	for (size_t i = 0; i < loader->macro_count; i++)
		add_macro(json, &loader->macros[i]);
	json_end(json);
	snprintf(version, sizeof(version), "%llu.%llu.%llu",
		(unsigned long long)loader->required_engine.major,
		(unsigned long long)loader->required_engine.minor,
		(unsigned long long)loader->required_engine.patch);
	add_string(json, "required_engine_version", version);
	add_plugins(json, loader);
}

int rules_loader_describe(const struct rules_loader *loader, const struct rules *rules,
	const char *rule, struct json_writer *json)
{
	if (rule && !rule_find(loader, text_of(rule)))
		return -ENOENT;
	if (!rule)
		describe_all(loader, rules, json);
	json_key(json, "rules");
	json_begin_array(json);
	for (size_t i = 0; i < loader->rule_count; i++)
		if (!rule || text_is(loader->rules[i].name, rule))
			add_rule(json, rules, &loader->rules[i]);
	json_end(json);
	return 0;
}
