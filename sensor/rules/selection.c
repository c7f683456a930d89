/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which rules run, and in which order: their own `enabled`, the minimum priority, and the `rules:`
 * list of the settings (spec/rule-language.md 1.14).
 */
#include <errno.h>
#include <stdlib.h>

#include "base/memory.h"
#include "sensor/rules/definitions.h"

struct selection {
	const struct rules_loader *loader;
	size_t *places; /* by rule: smaller runs earlier */
	bool *is_enabled;
	size_t next_place;
	struct error *err;
};

/* "*" stands for anything, nothing else is special. */
static bool matches_wildcard(struct text pattern, struct text name)
{
	struct text part, rest = pattern;
	bool is_first = true;
	ptrdiff_t at;

	if (!text_contains(pattern, TEXT("*")))
		return text_equal(pattern, name);
	while (text_split(&rest, '*', &part)) {
		bool is_last = !rest.data;

		if (is_first ? !text_starts_with(name, part)
			     : is_last && !text_ends_with(name, part))
			return false;
		at = is_first || is_last ? 0 : text_find(name, part);
		if (at < 0)
			return false;
		name = text_slice(name, (size_t)at + part.length, name.length);
		is_first = false;
	}
	return true;
}

static void set_rule(struct selection *selection, size_t rule, bool is_enabled)
{
	const struct rule_definition *definition = &selection->loader->rules[rule];

	if (definition->priority > selection->loader->options.minimum_priority)
		return;
	/* One that was off and comes back goes to the end. */
	if (is_enabled && !selection->is_enabled[rule])
		selection->places[rule] = selection->next_place++;
	selection->is_enabled[rule] = is_enabled;
}

static int refuse(const struct selection *selection, const struct yaml_node *node)
{
	return error_set(selection->err, -EINVAL,
		"rules, line %zu: each entry is `enable` or `disable`, and below it `rule: NAME` "
		"(with * for anything) or `tag: TAG`",
		node->line + 1);
}

static int apply_one(struct selection *selection, const struct yaml_node *what, bool is_enabled)
{
	const struct yaml_node *rule = yaml_get(what, "rule"), *tag = yaml_get(what, "tag");

	if ((!rule && !tag) || (rule && rule->kind != YAML_SCALAR) ||
		(tag && tag->kind != YAML_SCALAR))
		return refuse(selection, what);
	for (size_t i = 0; rule && i < selection->loader->rule_count; i++)
		if (matches_wildcard(rule->text, selection->loader->rules[i].name))
			set_rule(selection, i, is_enabled);
	for (size_t i = 0; tag && i < selection->loader->rule_count; i++)
		if (texts_have(&selection->loader->rules[i].tags, tag->text))
			set_rule(selection, i, is_enabled);
	return 0;
}

static int apply(struct selection *selection, const struct yaml_node *entries)
{
	int r;

	if (!entries || entries->kind == YAML_NULL)
		return 0;
	if (entries->kind != YAML_SEQUENCE)
		return refuse(selection, entries);
	for (size_t i = 0; i < entries->count; i++) {
		const struct yaml_node *entry = entries->items[i];
		const struct yaml_node *enable = yaml_get(entry, "enable");
		const struct yaml_node *disable = yaml_get(entry, "disable");

		if (!enable == !disable)
			return refuse(selection, entry);
		r = apply_one(selection, enable ? enable : disable, enable);
		if (r < 0)
			return r;
	}
	return 0;
}

/* By place; nearly sorted already, for most rules keep theirs. */
static void sort(size_t *order, const size_t *places, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		size_t at = i;

		for (; at && places[order[at - 1]] > places[i]; at--)
			order[at] = order[at - 1];
		order[at] = i;
	}
}

int definitions_select(
	struct rules_loader *loader, size_t **ret_order, bool **ret_is_enabled, struct error *err)
{
	size_t count = loader->rule_count;
	_cleanup_(freep) size_t *places = NEW_ARRAY(size_t, count);
	_cleanup_(freep) size_t *order = NEW_ARRAY(size_t, count);
	_cleanup_(freep) bool *is_enabled = NEW_ARRAY(bool, count);
	struct selection selection = { loader, places, is_enabled, count, err };
	int r;

	for (size_t i = 0; i < count; i++) {
		places[i] = i;
		is_enabled[i] = loader->rules[i].is_enabled &&
				loader->rules[i].priority <= loader->options.minimum_priority;
	}
	r = apply(&selection, loader->options.selection);
	if (r < 0)
		return r;
	sort(order, places, count);
	*ret_order = TAKE(order);
	*ret_is_enabled = TAKE(is_enabled);
	return 0;
}
