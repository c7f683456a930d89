/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading of items: what the readers of rules, macros, lists and requirements share. Everything
 * that is wrong becomes an error of the result at the item's place, in Falco's words
 * (spec/rule-language.md 1.2); functions then return -EINVAL.
 */
#pragma once

#include "sensor/rules/definitions.h"

/* One item while it is read. */
struct reader {
	struct rules_loader *loader;
	struct load_result *result;
	const struct yaml_node *item;
	const struct place *place;
};

/* An error at a place. */
int reader_refuse(const struct reader *reader, const struct place *place, const char *message);
/* The place of a key's value. */
const struct place *reader_value_place(
	const struct reader *reader, struct text key, const struct yaml_node *value);
/* The same as a place of its own kind: "rule condition" and such. The key must be there. */
const struct place *reader_inner_place(
	const struct reader *reader, const char *item_type, const char *key);

bool item_has(const struct yaml_node *item, const char *key);
/* A text that must be there and not be empty. */
int reader_text(const struct reader *reader, const char *key, struct text *ret_text);
/* These leave what they are to return alone when the key is absent or null. */
int reader_optional_text(const struct reader *reader, const char *key, struct text *ret_text);
int reader_optional_bool(const struct reader *reader, const char *key, bool *ret_flag);
int reader_optional_number(const struct reader *reader, const char *key, int64_t *ret_number);
/* A sequence of scalars, added to `texts`. */
int reader_texts(
	const struct reader *reader, const char *key, bool is_optional, struct texts *texts);

/* Among words that a NULL ends. */
bool text_is_among(struct text word, const char *const *words);
/* Two texts with a blank between them. */
struct text text_joined(struct arena *arena, struct text a, struct text b);

/* The readers of other items; each gets its item and the place of it. */
int engine_version_read(struct reader *reader);
int plugin_versions_read(struct reader *reader);
/* After a whole file: the first requirement that is not met is its error, whatever else is wrong.
 */
void plugin_versions_check(struct rules_loader *loader, struct load_result *result);
int rule_item_read(struct reader *reader);
