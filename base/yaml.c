/* SPDX-License-Identifier: Apache-2.0 */
/*
 * YAML as a tree. libyaml gives events; this composes them. An anchor is known only once its node
 * is complete, so a tree has no cycles, and every node knows how many nodes it would be if all
 * aliases below it were written out: that number has a ceiling.
 */
#include <errno.h>
#include <stdint.h>
#include <yaml.h>

#include "base/memory.h"
#include "base/yaml.h"

#define FILE_MAX  (16 * 1024 * 1024)
#define DEPTH_MAX 128
/* Nodes in all with aliases written out; the largest rules files have some 10,000. */
#define WEIGHT_MAX 1000000

/* A node and what only the composer needs to know of it. */
struct composed {
	struct yaml_node node; /* first, so that a node's address is its composed one's */
	size_t weight;
};

struct anchor {
	char *name;
	struct yaml_node *node;
};

struct yaml {
	char *name;
	struct text source; /* owned */
	struct yaml_node **nodes;
	size_t node_count, node_capacity;
	struct yaml_node **documents;
	size_t document_count, document_capacity;
};

struct composer {
	yaml_parser_t parser;
	struct yaml *yaml;
	struct anchor *anchors;
	size_t anchor_count, anchor_capacity;
	size_t cursor_index, cursor_offset; /* libyaml counts characters; these two run along */
	unsigned depth;
	struct yaml_mark *ret_mark;
	struct error *err;
};

static size_t weight_of(const struct yaml_node *node)
{
	return ((const struct composed *)node)->weight;
}

/* Marks come in rising order, so the cursor passes over the text once. */
static size_t offset_of_index(struct composer *composer, size_t index)
{
	struct text source = composer->yaml->source;

	if (index < composer->cursor_index)
		composer->cursor_index = composer->cursor_offset = 0;
	while (composer->cursor_index < index && composer->cursor_offset < source.length) {
		size_t length = utf8_sequence_length(
			text_slice(source, composer->cursor_offset, source.length));

		composer->cursor_offset += MAX_OF(length, 1);
		composer->cursor_index++;
	}
	return composer->cursor_offset;
}

static int fail(struct composer *composer, yaml_mark_t mark, const char *problem)
{
	*composer->ret_mark =
		(struct yaml_mark){ mark.line, mark.column, offset_of_index(composer, mark.index) };
	return error_set(composer->err, -EINVAL, "%s", problem);
}

/* What libyaml found; reader errors have no mark, but a byte offset. */
static int fail_parser(struct composer *composer)
{
	yaml_parser_t *parser = &composer->parser;
	struct text source = composer->yaml->source;
	yaml_mark_t mark = { 0 };

	if (parser->error != YAML_READER_ERROR)
		return fail(composer, parser->problem_mark, parser->problem);

	for (size_t i = 0; i < parser->problem_offset && i < source.length; i++) {
		mark.index++;
		mark.column++;
		if (source.data[i] == '\n') {
			mark.line++;
			mark.column = 0;
		}
	}
	*composer->ret_mark = (struct yaml_mark){ mark.line, mark.column, mark.index };
	return error_set(composer->err, -EINVAL, "%s", parser->problem);
}

static struct yaml_node *node_new(
	struct composer *composer, enum yaml_kind kind, yaml_mark_t mark, const yaml_char_t *tag)
{
	struct yaml *yaml = composer->yaml;
	struct composed *composed = NEW(struct composed);

	composed->weight = 1;
	composed->node = (struct yaml_node){
		.kind = kind,
		.line = mark.line,
		.column = mark.column,
		.offset = offset_of_index(composer, mark.index),
		.tag = string_copy((const char *)tag),
	};
	*ARRAY_ADD(yaml->nodes, yaml->node_count, yaml->node_capacity) = &composed->node;
	return &composed->node;
}

static void node_free(struct yaml_node *node)
{
	free((char *)node->text.data);
	free((char *)node->tag);
	free(node->items);
	free(node->keys);
	free(node);
}

static void anchor_add(struct composer *composer, const yaml_char_t *name, struct yaml_node *node)
{
	if (!name)
		return;
	*ARRAY_ADD(composer->anchors, composer->anchor_count, composer->anchor_capacity) =
		(struct anchor){ string_copy((const char *)name), node };
}

/* The latest anchor of that name counts. */
static struct yaml_node *anchor_find(struct composer *composer, const yaml_char_t *name)
{
	for (size_t i = composer->anchor_count; i-- > 0;)
		if (!strcmp(composer->anchors[i].name, (const char *)name))
			return composer->anchors[i].node;
	return NULL;
}

static void anchors_clear(struct composer *composer)
{
	while (composer->anchor_count)
		free(composer->anchors[--composer->anchor_count].name);
}

static bool is_null_text(struct text text)
{
	return !text.length || text_is(text, "~") || text_is(text, "null") ||
	       text_is(text, "Null") || text_is(text, "NULL");
}

static struct yaml_node *compose_scalar(struct composer *composer, const yaml_event_t *event)
{
	struct text text = { (const char *)event->data.scalar.value, event->data.scalar.length };
	bool is_quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
	bool is_null = !is_quoted && !event->data.scalar.tag && is_null_text(text);
	struct yaml_node *node = node_new(composer, is_null ? YAML_NULL : YAML_SCALAR,
		event->start_mark, event->data.scalar.tag);

	node->is_quoted = is_quoted;
	node->text = (struct text){ memory_copy(text.data, text.length), text.length };
	return node;
}

static int add_weight(
	struct composer *composer, struct yaml_node *node, const struct yaml_node *part)
{
	struct composed *composed = (struct composed *)node;

	composed->weight += weight_of(part);
	if (composed->weight > WEIGHT_MAX)
		return fail(
			composer, composer->parser.mark, "too many values (aliases written out)");
	return 0;
}

static int compose(
	struct composer *composer, const yaml_event_t *event, struct yaml_node **ret_node);

/* The next event and its node; 1 when `end` came instead. */
static int compose_next(
	struct composer *composer, yaml_event_type_t end, struct yaml_node **ret_node)
{
	yaml_event_t event;
	int r = 1;

	if (!yaml_parser_parse(&composer->parser, &event))
		return fail_parser(composer);
	if (event.type != end)
		r = compose(composer, &event, ret_node);
	yaml_event_delete(&event);
	return r;
}

static int compose_sequence(
	struct composer *composer, const yaml_event_t *event, struct yaml_node **ret_node)
{
	struct yaml_node *node = node_new(
		composer, YAML_SEQUENCE, event->start_mark, event->data.sequence_start.tag);
	struct yaml_node *item;
	size_t capacity = 0;
	int r;

	while ((r = compose_next(composer, YAML_SEQUENCE_END_EVENT, &item)) == 0) {
		r = add_weight(composer, node, item);
		if (r < 0)
			return r;
		*ARRAY_ADD(node->items, node->count, capacity) = item;
	}
	*ret_node = node;
	return r < 0 ? r : 0;
}

static int compose_mapping(
	struct composer *composer, const yaml_event_t *event, struct yaml_node **ret_node)
{
	struct yaml_node *node =
		node_new(composer, YAML_MAPPING, event->start_mark, event->data.mapping_start.tag);
	struct yaml_node *key, *value;
	size_t key_capacity = 0, capacity = 0;
	int r;

	while ((r = compose_next(composer, YAML_MAPPING_END_EVENT, &key)) == 0) {
		r = compose_next(composer, YAML_NO_EVENT, &value);
		if (r == 0)
			r = add_weight(composer, node, key);
		if (r == 0)
			r = add_weight(composer, node, value);
		if (r < 0)
			return r;
		memory_grow(&node->keys, node->count, &key_capacity, sizeof(*node->keys));
		memory_grow(&node->items, node->count, &capacity, sizeof(*node->items));
		node->keys[node->count] = key;
		node->items[node->count++] = value;
	}
	*ret_node = node;
	return r < 0 ? r : 0;
}

static int compose_alias(
	struct composer *composer, const yaml_event_t *event, struct yaml_node **ret_node)
{
	*ret_node = anchor_find(composer, event->data.alias.anchor);
	return *ret_node ? 0 : fail(composer, event->start_mark, "found undefined alias");
}

/* The one forward declaration of this file: a tree is composed by recursion. */
static int compose(
	struct composer *composer, const yaml_event_t *event, struct yaml_node **ret_node)
{
	int r = 0;

	if (composer->depth >= DEPTH_MAX)
		return fail(composer, event->start_mark, "nested too deeply");
	composer->depth++;
	switch (event->type) {
	case YAML_SCALAR_EVENT:
		*ret_node = compose_scalar(composer, event);
		anchor_add(composer, event->data.scalar.anchor, *ret_node);
		break;
	case YAML_SEQUENCE_START_EVENT:
		r = compose_sequence(composer, event, ret_node);
		if (r == 0)
			anchor_add(composer, event->data.sequence_start.anchor, *ret_node);
		break;
	case YAML_MAPPING_START_EVENT:
		r = compose_mapping(composer, event, ret_node);
		if (r == 0)
			anchor_add(composer, event->data.mapping_start.anchor, *ret_node);
		break;
	case YAML_ALIAS_EVENT:
		r = compose_alias(composer, event, ret_node);
		break;
	default:
		r = fail(composer, event->start_mark, "unexpected event");
	}
	composer->depth--;
	return r;
}

static int compose_document(struct composer *composer)
{
	struct yaml *yaml = composer->yaml;
	struct yaml_node *root, *ignored;
	int r;

	anchors_clear(composer);
	r = compose_next(composer, YAML_DOCUMENT_END_EVENT, &root);
	if (r < 0)
		return r;
	*ARRAY_ADD(yaml->documents, yaml->document_count, yaml->document_capacity) = root;
	r = compose_next(composer, YAML_DOCUMENT_END_EVENT, &ignored);
	return r < 0 ? r : 0;
}

static int compose_stream(struct composer *composer)
{
	yaml_event_type_t type;
	yaml_event_t event;
	int r;

	for (;;) {
		if (!yaml_parser_parse(&composer->parser, &event))
			return fail_parser(composer);
		type = event.type;
		yaml_event_delete(&event);
		if (type == YAML_STREAM_END_EVENT || type == YAML_NO_EVENT)
			return 0;
		r = type == YAML_DOCUMENT_START_EVENT ? compose_document(composer) : 0;
		if (r < 0)
			return r;
	}
}

int yaml_parse_marked(struct text text, const char *name, struct yaml **ret_yaml,
	struct yaml_mark *ret_mark, struct error *err)
{
	_cleanup_(yaml_unloadp) struct yaml *yaml = NEW(struct yaml);
	struct composer composer = { .yaml = yaml, .ret_mark = ret_mark, .err = err };
	int r;

	yaml->name = string_copy(name);
	yaml->source = (struct text){ memory_copy(text.data, text.length), text.length };
	if (!yaml_parser_initialize(&composer.parser))
		return error_set(err, -ENOMEM, "no memory for the YAML parser");
	yaml_parser_set_encoding(&composer.parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(
		&composer.parser, (const unsigned char *)yaml->source.data, yaml->source.length);

	r = compose_stream(&composer);
	yaml_parser_delete(&composer.parser);
	anchors_clear(&composer);
	free(composer.anchors);
	if (r < 0)
		return r;
	*ret_yaml = TAKE(yaml);
	return 0;
}

int yaml_parse(struct text text, const char *name, struct yaml **ret_yaml, struct error *err)
{
	struct yaml_mark mark = { 0 };
	int r;

	r = yaml_parse_marked(text, name, ret_yaml, &mark, err);
	return r < 0 ? error_prefix(err, "%s:%zu", name, mark.line + 1), r : 0;
}

int yaml_load(const char *path, struct yaml **ret_yaml, struct error *err)
{
	_cleanup_(fclosep) FILE *file = fopen(path, "re");
	_cleanup_(freep) char *data = NULL;
	size_t length;

	if (!file)
		return error_set(err, -errno, "%s: %s", path, strerror(errno));
	data = memory_new(FILE_MAX + 1, 1);
	length = fread(data, 1, FILE_MAX + 1, file);
	if (ferror(file))
		return error_set(err, -errno, "%s: %s", path, strerror(errno));
	if (length > FILE_MAX)
		return error_set(err, -EFBIG, "%s: larger than %d MiB", path, FILE_MAX >> 20);
	return yaml_parse((struct text){ data, length }, path, ret_yaml, err);
}

void yaml_unload(struct yaml *yaml)
{
	if (!yaml)
		return;
	for (size_t i = 0; i < yaml->node_count; i++)
		node_free(yaml->nodes[i]);
	free(yaml->nodes);
	free(yaml->documents);
	free((char *)yaml->source.data);
	free(yaml->name);
	free(yaml);
}

size_t yaml_document_count(const struct yaml *yaml)
{
	return yaml->document_count;
}

struct yaml_node *yaml_document(const struct yaml *yaml, size_t index)
{
	return index < yaml->document_count ? yaml->documents[index] : NULL;
}

const char *yaml_name(const struct yaml *yaml)
{
	return yaml->name;
}

struct text yaml_source(const struct yaml *yaml)
{
	return yaml->source;
}

struct yaml_node *yaml_get(const struct yaml_node *mapping, const char *key)
{
	if (!mapping || mapping->kind != YAML_MAPPING)
		return NULL;
	for (size_t i = mapping->count; i-- > 0;)
		if (mapping->keys[i]->kind == YAML_SCALAR && text_is(mapping->keys[i]->text, key))
			return mapping->items[i];
	return NULL;
}

/* "word", "Word" or "WORD". */
static bool is_word(struct text text, const char *word)
{
	bool is_upper = true, is_lower = true;

	if (!text_equal_ignoring_case(text, text_of(word)))
		return false;
	for (size_t i = 1; i < text.length; i++) {
		is_upper &= text.data[i] != word[i];
		is_lower &= text.data[i] == word[i];
	}
	return is_lower || (is_upper && text.data[0] != word[0]);
}

bool yaml_rename(struct yaml_node *mapping, const char *from, const char *to)
{
	bool is_there = false;

	for (size_t i = 0; mapping && mapping->kind == YAML_MAPPING && i < mapping->count; i++) {
		struct yaml_node *key = mapping->keys[i];

		if (!text_is(key->text, from))
			continue;
		free((char *)key->text.data);
		key->text = text_of(string_copy(to));
		is_there = true;
	}
	return is_there;
}

void yaml_remove(struct yaml_node *mapping, size_t at)
{
	size_t behind = --mapping->count - at;

	memmove(&mapping->keys[at], &mapping->keys[at + 1], behind * sizeof(*mapping->keys));
	memmove(&mapping->items[at], &mapping->items[at + 1], behind * sizeof(*mapping->items));
}

int yaml_bool(const struct yaml_node *node, bool *ret_flag)
{
	static const char *const words[][2] = {
		{ "false", "true" },
		{ "no", "yes" },
		{ "off", "on" },
		{ "n", "y" },
	};

	if (!node || node->kind != YAML_SCALAR)
		return -EINVAL;
	for (size_t i = 0; i < COUNT_OF(words); i++)
		for (int flag = 0; flag < 2; flag++)
			if (is_word(node->text, words[i][flag])) {
				*ret_flag = flag;
				return 0;
			}
	return -EINVAL;
}
