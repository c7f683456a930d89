/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the settings add to the alerts of rules: `append_output`, -p, and the constants of
 * `static_fields` (spec/rule-language.md 4.5).
 */
#pragma once

#include "base/yaml.h"
#include "sensor/event.h"

/* A field of JSON alerts alone. */
struct extra_field {
	char *key;    /* its key; without a format it is the field's name as well */
	char *format; /* its text; NULL: the field's typed value */
};

/* One entry of append_output, for the rules that it matches; NULL and 0 match all. */
struct addition {
	char *source, *rule;
	char **tags; /* the rule must have all of them */
	size_t tag_count;
	char *output; /* added behind the rule's output; NULL: nothing */
	struct extra_field *fields;
	size_t field_count;
	bool suggests; /* adds Falco's suggested fields, and the constants */
};

struct additions {
	struct addition *items;
	size_t count, capacity;
	struct static_field *statics;
	size_t static_count, static_capacity;
};

struct additions *additions_new(void);
void additions_free(struct additions *additions);
DEFINE_CLEANUP(struct additions *, additions_free)

/* Reads `append_output:` of FILE, a list of entries. -EINVAL with the line and what is wrong. */
int additions_read(struct additions *additions, const char *file, const struct yaml_node *list,
	struct error *err);
/* Reads `static_fields:`, a map of name to constant. */
int additions_read_statics(struct additions *additions, const char *file,
	const struct yaml_node *map, struct error *err);
/* Adds text behind the output of every rule. */
void additions_add_output(struct additions *additions, struct text text);
/* Adds Falco's suggested fields to every rule: its default. */
void additions_suggest(struct additions *additions);

struct rule_definition;
/* Is an entry for this rule? */
bool addition_matches(const struct addition *addition, const struct rule_definition *rule);
/* " container_id=%container.id …", and the constants. Nothing for sources other than syscall. */
void additions_write_suggested(
	const struct additions *additions, struct text source, struct buffer *out);
/* Is there a constant of this name? */
bool additions_have_static(const struct additions *additions, struct text name);
