/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Additions: the entries of append_output as structs. Whether their fields exist is known when a
 * rule is compiled that they match; here only their shape is checked.
 */
#include <ctype.h>
#include <errno.h>

#include "base/memory.h"
#include "sensor/rules/additions.h"
#include "sensor/rules/definitions.h"

struct additions *additions_new(void)
{
	return NEW(struct additions);
}

static void addition_done(struct addition *addition)
{
	for (size_t i = 0; i < addition->tag_count; i++)
		free(addition->tags[i]);
	for (size_t i = 0; i < addition->field_count; i++) {
		free(addition->fields[i].key);
		free(addition->fields[i].format);
	}
	free(addition->tags);
	free(addition->fields);
	free(addition->source);
	free(addition->rule);
	free(addition->output);
}

void additions_free(struct additions *additions)
{
	if (!additions)
		return;
	for (size_t i = 0; i < additions->count; i++)
		addition_done(&additions->items[i]);
	for (size_t i = 0; i < additions->static_count; i++) {
		free((char *)additions->statics[i].name.data);
		free((char *)additions->statics[i].value.data);
	}
	free(additions->items);
	free(additions->statics);
	free(additions);
}

/* An entry as it is being read. */
struct reading_entry {
	const char *file;
	struct addition *addition;
	struct error *err;
};

static int wrong(const struct reading_entry *entry, const struct yaml_node *node, const char *what)
{
	return error_at(
		entry->err, entry->file, (int)node->line + 1, "\"append_output\": %s", what);
}

static int take_text(const struct reading_entry *entry, const struct yaml_node *node, char **text)
{
	if (node->kind != YAML_SCALAR)
		return wrong(entry, node, "source, rule and extra_output must be texts");
	free(*text);
	*text = text_to_string(node->text);
	return 0;
}

static int take_source(const struct reading_entry *entry, const struct yaml_node *node)
{
	return take_text(entry, node, &entry->addition->source);
}

static int take_rule(const struct reading_entry *entry, const struct yaml_node *node)
{
	return take_text(entry, node, &entry->addition->rule);
}

static int take_tags(const struct reading_entry *entry, const struct yaml_node *node)
{
	struct addition *addition = entry->addition;

	if (node->kind != YAML_SEQUENCE || addition->tags)
		return wrong(entry, node, "match.tags must be a list of tags");
	addition->tags = NEW_ARRAY(char *, node->count + 1);
	for (size_t i = 0; i < node->count; i++) {
		if (node->items[i]->kind != YAML_SCALAR)
			return wrong(entry, node->items[i], "match.tags must be a list of tags");
		addition->tags[addition->tag_count++] = text_to_string(node->items[i]->text);
	}
	return 0;
}

static int take_output(const struct reading_entry *entry, const struct yaml_node *node)
{
	return take_text(entry, node, &entry->addition->output);
}

/* "field.name", or a map of one key with its format. */
static int take_field(const struct reading_entry *entry, const struct yaml_node *node)
{
	struct addition *addition = entry->addition;
	struct extra_field *field = &addition->fields[addition->field_count];

	if (node->kind == YAML_SCALAR && node->text.length) {
		field->key = text_to_string(node->text);
		addition->field_count++;
		return 0;
	}
	if (node->kind != YAML_MAPPING || node->count != 1 || node->items[0]->kind != YAML_SCALAR ||
		node->keys[0]->kind != YAML_SCALAR)
		return wrong(
			entry, node, "each of extra_fields must be a field or KEY: \"FORMAT\"");
	field->key = text_to_string(node->keys[0]->text);
	field->format = text_to_string(node->items[0]->text);
	addition->field_count++;
	return 0;
}

static int take_fields(const struct reading_entry *entry, const struct yaml_node *node)
{
	int r = 0;

	if (node->kind != YAML_SEQUENCE || entry->addition->fields)
		return wrong(entry, node, "extra_fields must be a list");
	entry->addition->fields = NEW_ARRAY(struct extra_field, node->count + 1);
	for (size_t i = 0; i < node->count && r == 0; i++)
		r = take_field(entry, node->items[i]);
	return r;
}

static int take_suggested(const struct reading_entry *entry, const struct yaml_node *node)
{
	if (yaml_bool(node, &entry->addition->suggests) < 0)
		return wrong(entry, node, "suggested_output must be true or false");
	return 0;
}

struct entry_key {
	const char *name;
	int (*take)(const struct reading_entry *entry, const struct yaml_node *node);
};

static int take_keys(const struct reading_entry *entry, const struct yaml_node *node,
	const struct entry_key *keys, size_t count, const char *known)
{
	int r = 0;

	if (node->kind != YAML_MAPPING)
		return wrong(entry, node, known);
	for (size_t i = 0; i < node->count && r == 0; i++) {
		size_t at = 0;

		while (at < count && !text_is(node->keys[i]->text, keys[at].name))
			at++;
		r = at == count ? wrong(entry, node->keys[i], known)
				: keys[at].take(entry, node->items[i]);
	}
	return r;
}

static int take_match(const struct reading_entry *entry, const struct yaml_node *node)
{
	static const struct entry_key keys[] = {
		{ "source", take_source },
		{ "rule", take_rule },
		{ "tags", take_tags },
	};

	return node->kind == YAML_NULL ? 0
				       : take_keys(entry, node, keys, COUNT_OF(keys),
						 "match has the keys source, rule and tags");
}

static const struct entry_key entry_keys[] = {
	{ "match", take_match },
	{ "extra_output", take_output },
	{ "extra_fields", take_fields },
	{ "suggested_output", take_suggested },
};

static struct addition *add(struct additions *additions)
{
	struct addition *addition =
		ARRAY_ADD(additions->items, additions->count, additions->capacity);

	*addition = (struct addition){ 0 };
	return addition;
}

int additions_read(struct additions *additions, const char *file, const struct yaml_node *list,
	struct error *err)
{
	struct reading_entry entry = { file, NULL, err };
	int r = 0;

	if (!list || list->kind == YAML_NULL)
		return 0;
	if (list->kind != YAML_SEQUENCE)
		return wrong(&entry, list, "must be a list of entries");
	for (size_t i = 0; i < list->count && r == 0; i++) {
		entry.addition = add(additions);
		r = take_keys(&entry, list->items[i], entry_keys, COUNT_OF(entry_keys),
			"an entry has the keys match, extra_output, extra_fields and "
			"suggested_output");
	}
	return r;
}

static bool is_name(struct text name)
{
	for (size_t i = 0; i < name.length; i++)
		if (!isalnum((unsigned char)name.data[i]) && name.data[i] != '_')
			return false;
	return name.length > 0;
}

int additions_read_statics(struct additions *additions, const char *file,
	const struct yaml_node *map, struct error *err)
{
	if (!map || map->kind == YAML_NULL)
		return 0;
	if (map->kind != YAML_MAPPING)
		return error_at(err, file, (int)map->line + 1,
			"\"static_fields\" must be a map of names to constants");
	for (size_t i = 0; i < map->count; i++) {
		const struct yaml_node *name = map->keys[i], *value = map->items[i];

		if (name->kind != YAML_SCALAR || !is_name(name->text))
			return error_at(err, file, (int)name->line + 1,
				"\"static_fields\": a name is made of letters, digits and _");
		if (value->kind != YAML_SCALAR)
			return error_at(err, file, (int)value->line + 1,
				"\"static_fields\": \"" TEXT_FORMAT "\" must be a text or a number",
				TEXT_PRINT(name->text));
		*ARRAY_ADD(
			additions->statics, additions->static_count, additions->static_capacity) =
			(struct static_field){ { text_to_string(name->text), name->text.length },
				{ text_to_string(value->text), value->text.length } };
	}
	return 0;
}

void additions_add_output(struct additions *additions, struct text text)
{
	add(additions)->output = text_to_string(text);
}

void additions_suggest(struct additions *additions)
{
	add(additions)->suggests = true;
}

bool addition_matches(const struct addition *addition, const struct rule_definition *rule)
{
	if (addition->source && !text_is(rule->source, addition->source))
		return false;
	if (addition->rule && !text_is(rule->name, addition->rule))
		return false;
	for (size_t i = 0; i < addition->tag_count; i++)
		if (!texts_have(&rule->tags, text_of(addition->tags[i])))
			return false;
	return true;
}

/* In Falco's order. */
static const char *const suggested[] = { "container.id", "container.name",
	"container.image.repository", "container.image.tag", "k8s.pod.name", "k8s.ns.name" };

void additions_write_suggested(
	const struct additions *additions, struct text source, struct buffer *out)
{
	for (size_t i = 0; i < COUNT_OF(suggested) && text_is(source, "syscall"); i++) {
		buffer_add_char(out, ' ');
		for (const char *c = suggested[i]; *c; c++)
			buffer_add_char(out, *c == '.' ? '_' : *c);
		buffer_printf(out, "=%%%s", suggested[i]);
	}
	for (size_t i = 0; i < additions->static_count; i++)
		buffer_printf(out, " static_" TEXT_FORMAT "=%%static." TEXT_FORMAT,
			TEXT_PRINT(additions->statics[i].name),
			TEXT_PRINT(additions->statics[i].name));
}

bool additions_have_static(const struct additions *additions, struct text name)
{
	for (size_t i = 0; additions && i < additions->static_count; i++)
		if (text_equal(additions->statics[i].name, name))
			return true;
	return false;
}
