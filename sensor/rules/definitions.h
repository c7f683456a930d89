/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files loaded so far define: lists, macros and rules, in the order of their first
 * definition. Later items change earlier ones. Names and texts live in the loader's arena.
 */
#pragma once

#include "sensor/rules/compiled.h"
#include "sensor/rules/results.h"

/* Texts that grow. */
struct texts {
	struct text *items;
	size_t count, capacity;
};

/* What a condition names, each once, in the order of its places; kept to list rules. */
struct condition_details {
	struct texts macros, lists;	/* that it names itself */
	struct texts operators, fields; /* with what its macros stand for */
	struct texts events;		/* that it can be true for */
	struct texts output_fields;
	struct text compiled, output; /* written out */
};

/*
 * `index` counts every definition and change; `visibility` is that of the last change
 * (spec/rule-language.md 1.9).
 */
struct list_definition {
	struct text name;
	struct texts items;
	const struct place *place;
	unsigned index, visibility;
	/* Of one compilation: */
	struct texts expanded; /* items with those of other lists in their place */
	bool is_used;
};

/* How large a tree is: levels from its root down, and nodes. */
struct extent {
	unsigned height;
	size_t size;
};

struct macro_definition {
	struct text name, condition;
	const struct place *place, *condition_place;
	unsigned index, visibility;
	/* Of one compilation: */
	struct text expanded; /* the condition with lists in their place */
	struct node *tree;
	struct extent extent; /* of the tree with its macros written out */
	enum { MACRO_NEW, MACRO_RESOLVING, MACRO_RESOLVED } state;
	bool is_used;
	struct condition_details details; /* with options.keeps_conditions */
};

struct exception_definition {
	struct text name;
	const struct place *place;
	bool has_fields, has_comps, has_values;
	bool is_list; /* fields is a list, and so are comps and each of the values */
	struct texts fields, comps;
	const struct yaml_node **values; /* sequences: each holds values or lists of them */
	size_t value_count, value_capacity;
};

struct rule_definition {
	struct text name, condition, output, description;
	struct text source; /* "" until one is given */
	enum priority priority;
	struct texts tags;
	struct exception_definition *exceptions;
	size_t exception_count, exception_capacity;
	bool is_enabled, warns_about_types, skips_unknown, captures;
	int64_t capture_duration_ms;
	bool has_unknown_source;
	const struct place *place, *condition_place, *output_place;
	unsigned index, visibility;
	struct condition_details details; /* with options.keeps_conditions, once compiled */
};

struct version {
	uint64_t major, minor, patch;
};

/* A plugin that a file wants; `alternative_of` is the place of another one that would do. */
struct plugin_requirement {
	struct text name, version;
	bool is_alternative; /* of the one before */
};

struct rules_loader {
	struct rules_options options; /* texts copied into the arena */
	struct arena *arena;
	struct yaml **files; /* kept for places and snippets */
	size_t file_count, file_capacity;
	unsigned next_index;
	struct list_definition *lists;
	size_t list_count, list_capacity;
	struct macro_definition *macros;
	size_t macro_count, macro_capacity;
	struct rule_definition *rules;
	size_t rule_count, rule_capacity;
	struct version required_engine; /* the greatest that was asked for */
	struct plugin_requirement *plugins;
	size_t plugin_count, plugin_capacity;
	const char *unmet_plugins; /* of the file that is read now; NULL: none */
	const struct place *unmet_place;
};

/* By exact name, or NULL. */
struct list_definition *list_find(const struct rules_loader *loader, struct text name);
struct macro_definition *macro_find(const struct rules_loader *loader, struct text name);
struct rule_definition *rule_find(const struct rules_loader *loader, struct text name);

void texts_add(struct texts *texts, struct text text);
void texts_done(struct texts *texts);
bool texts_have(const struct texts *texts, struct text text);

/* The text of "did you mean …?" in the arena, or NULL when no candidate is near. */
const char *advice_nearest(
	struct arena *arena, struct text wanted, const char *const *candidates, size_t count);
/* The same for what can stand in a condition. */
const char *advice_for_field(struct arena *arena, struct text wanted);
const char *advice_for_event_type(struct arena *arena, struct text wanted);
/* Of macros, lists and rules that are defined by now. */
const char *advice_for_macro(const struct rules_loader *loader, struct text wanted);
const char *advice_for_list(const struct rules_loader *loader, struct text wanted);
const char *advice_for_rule(const struct rules_loader *loader, struct text wanted);
const char *advice_for_operator(struct arena *arena, struct text wanted);
const char *advice_for_transformer(struct arena *arena, struct text wanted);
/* Of an array that NULL ends. */
const char *advice_for_keys(struct arena *arena, struct text wanted, const char *const *keys);
const char *advice_for_text(
	struct arena *arena, struct text wanted, const struct text *candidates, size_t count);

/* Reads the items of a file into the definitions. 0, or -EINVAL with an error in the result. */
int definitions_read(struct rules_loader *loader, struct yaml *yaml, struct load_result *result);

/* Reads a rule item's `exceptions`; `appends` says that they add to what is there. */
int exceptions_read(struct rules_loader *loader, const struct yaml_node *item,
	const struct place *place, bool appends, struct rule_definition *rule,
	struct load_result *result);
/* " and not E1 and not E2 …" for a rule, or nothing. */
int exceptions_write(
	const struct rule_definition *rule, struct buffer *out, struct load_result *result);
void exception_done(struct exception_definition *exception);

/*
 * Compiles all definitions. With `ret_rules` also makes the rules; else it only checks. 0, or
 * -EINVAL with an error in the result or in `err`.
 */
int definitions_compile(struct rules_loader *loader, struct load_result *result,
	struct rules **ret_rules, struct error *err);

/* Which rules run, and in which order: `order` gets places of loader->rules. Free it. */
int definitions_select(
	struct rules_loader *loader, size_t **ret_order, bool **ret_is_enabled, struct error *err);
