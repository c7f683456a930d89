/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading of items.
 */
#include <errno.h>

#include "base/memory.h"
#include "sensor/rules/reader.h"

int reader_refuse(const struct reader *reader, const struct place *place, const char *message)
{
	return load_error(reader->result, LOAD_ERR_YAML_VALIDATE, place, NULL, "%s", message);
}

const struct place *reader_value_place(
	const struct reader *reader, struct text key, const struct yaml_node *value)
{
	return place_new(reader->loader->arena, reader->place, "value for", key, value);
}

bool item_has(const struct yaml_node *item, const char *key)
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
	place = reader_value_place(reader, text_of(key), value);
	if (value->kind != YAML_SCALAR)
		return reader_refuse(reader, place, "Value is not a scalar value");
	if (!value->text.length)
		return reader_refuse(reader, place, "Value must be non-empty");
	*ret_text = value->text;
	return 0;
}

int reader_text(const struct reader *reader, const char *key, struct text *ret_text)
{
	return read_scalar(reader, reader->item, key, false, ret_text);
}

int reader_optional_text(const struct reader *reader, const char *key, struct text *ret_text)
{
	int r = read_scalar(reader, reader->item, key, true, ret_text);

	return r < 0 ? r : 0;
}

static int cannot_decode(const struct reader *reader, const char *key)
{
	return reader_refuse(reader,
		reader_value_place(reader, text_of(key), yaml_get(reader->item, key)),
		"Can't decode YAML scalar value");
}

/* Leaves *ret_flag alone when the key is absent. */
int reader_optional_bool(const struct reader *reader, const char *key, bool *ret_flag)
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

int reader_optional_number(const struct reader *reader, const char *key, int64_t *ret_number)
{
	struct text text;
	int r;

	r = read_scalar(reader, reader->item, key, true, &text);
	if (r)
		return r < 0 ? r : 0;
	return text_to_i64(text, ret_number) < 0 ? cannot_decode(reader, key) : 0;
}

/* A sequence of scalars; none when it is optional and absent or null. */
int reader_texts(
	const struct reader *reader, const char *key, bool is_optional, struct texts *texts)
{
	const struct yaml_node *value = yaml_get(reader->item, key);
	const struct place *place;

	if (is_optional && (!value || value->kind == YAML_NULL))
		return 0;
	if (!value)
		return load_error(reader->result, LOAD_ERR_YAML_VALIDATE, reader->place, NULL,
			"Item has no mapping for key '%s'", key);
	place = reader_value_place(reader, text_of(key), value);
	if (value->kind != YAML_SEQUENCE)
		return reader_refuse(reader, place, "Value is not a sequence");
	for (size_t i = 0; i < value->count; i++) {
		if (value->items[i]->kind != YAML_SCALAR && value->items[i]->kind != YAML_NULL)
			return reader_refuse(reader, place, "sequence value is not scalar");
		texts_add(texts, value->items[i]->text);
	}
	return 0;
}

const struct place *reader_inner_place(
	const struct reader *reader, const char *item_type, const char *key)
{
	return place_new(reader->loader->arena, reader->place, item_type, (struct text){ 0 },
		yaml_get(reader->item, key));
}

bool text_is_among(struct text word, const char *const *words)
{
	for (; *words; words++)
		if (text_is(word, *words))
			return true;
	return false;
}

/* Two texts with a blank between them. */
struct text text_joined(struct arena *arena, struct text a, struct text b)
{
	return arena_printf(arena, TEXT_FORMAT " " TEXT_FORMAT, TEXT_PRINT(a), TEXT_PRINT(b));
}
