/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Readings. Compilation makes them from operands; at run time they are read and remembered.
 */
#include <errno.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "sensor/rules/additions.h"
#include "sensor/rules/readings.h"

void readings_done(struct readings *readings)
{
	for (size_t i = 0; i < readings->count; i++) {
		struct reading *reading = &readings->items[i];

		if (reading->kind == READING_FIELD)
			field_use_done(&reading->use);
		free(reading->text);
		free(reading->constant_text);
		free(reading->argument);
		free(reading->parts);
	}
	free(readings->items);
	free(readings->index);
	*readings = (struct readings){ 0 };
}

static size_t hash_of(const char *text)
{
	size_t hash = 5381;

	for (; *text; text++)
		hash = hash * 33 + (unsigned char)*text;
	return hash ^ hash >> 17;
}

static unsigned *index_of(const struct readings *readings, const char *text)
{
	size_t at = hash_of(text) & (readings->index_size - 1);

	while (readings->index[at] && strcmp(readings->items[readings->index[at] - 1].text, text))
		at = (at + 1) & (readings->index_size - 1);
	return &readings->index[at];
}

/* Keeps the index at most half full. */
static void index_grow(struct readings *readings)
{
	if (readings->count * 2 < readings->index_size)
		return;
	free(readings->index);
	readings->index_size = MAX_OF(64, readings->index_size * 2);
	readings->index = NEW_ARRAY(unsigned, readings->index_size);
	for (size_t i = 0; i < readings->count; i++)
		*index_of(readings, readings->items[i].text) = (unsigned)i + 1;
}

/* "NAME[ARGUMENT]", as the fields know it. */
static char *field_text(const struct operand *operand)
{
	if (!operand->has_argument)
		return text_to_string(operand->text);
	return string_printf(TEXT_FORMAT "[" TEXT_FORMAT "]", TEXT_PRINT(operand->text),
		TEXT_PRINT(operand->argument));
}

/* A constant that the settings do not give is no field. */
static bool is_missing_constant(const struct readings *readings, const struct field_use *use)
{
	return !strcmp(use->field->name, "static") &&
	       !additions_have_static(readings->additions, use->key);
}

static unsigned dependence_of(const struct field_use *use)
{
	unsigned flags = use->field->flags;

	if (flags & FIELD_OF_PROCESS)
		return ON_PROCESS;
	if (flags & FIELD_OF_CALL)
		return ON_CALL;
	if (flags & FIELD_SMALL_OF_CALL)
		return ON_SMALL;
	/* An open's flags are in its shape. */
	if (!strcmp(use->field->name, "evt.arg") && text_is(use->key, "flags"))
		return ON_OPEN;
	return ON_EVENT;
}

static bool is_path_type(enum value_type type)
{
	return type == TYPE_FSPATH || type == TYPE_FSRELPATH || type == TYPE_FD;
}

/* Whether an argument so named is a path of some event, or a descriptor, which prints as one. */
static bool is_path_argument(struct text name)
{
	size_t count;
	const struct event_type *types = event_types(&count);

	for (size_t i = 0; i < count; i++)
		for (int j = 0; j < types[i].argument_count; j++)
			if (is_path_type(types[i].arguments[j].type) &&
				text_is(name, types[i].arguments[j].name))
				return true;
	return false;
}

static bool use_has_views(const struct field_use *use)
{
	if (!(use->field->flags & FIELD_PATH_VIEW))
		return false;
	return strcmp(use->field->name, "evt.arg") || use->index >= 0 || is_path_argument(use->key);
}

static int make_field(const struct readings *readings, struct reading *reading,
	const struct operand *operand, struct error *err)
{
	_cleanup_(freep) char *name = field_text(operand);
	unsigned flags;
	int r;

	r = field_resolve(text_of(name), NULL, &reading->use, err);
	if (r >= 0 && is_missing_constant(readings, &reading->use)) {
		field_use_done(&reading->use);
		r = -ENOENT;
	}
	if (r == -ENOENT)
		return error_set(
			err, -ENOENT, "filter_check called with nonexistent field %s", name);
	if (r < 0)
		return r;
	reading->kind = READING_FIELD;
	flags = reading->use.field->flags;
	reading->shape.type = reading->use.type;
	reading->shape.is_list = (flags & FIELD_LIST) && !reading->use.has_argument;
	reading->has_views = use_has_views(&reading->use);
	reading->may_wait = flags & FIELD_METADATA;
	reading->depends = dependence_of(&reading->use);
	return 0;
}

static void make_constant(struct reading *reading, const struct operand *operand)
{
	reading->kind = READING_CONSTANT;
	reading->shape = (struct value_shape){ TYPE_CHARBUF, false };
	reading->constant_text = text_to_string(operand->text);
	reading->constant =
		value_text((struct text){ reading->constant_text, operand->text.length });
}

static int make_parts(struct readings *readings, struct reading *reading,
	const struct operand *operand, struct error *err)
{
	unsigned part;
	int r;

	reading->parts = NEW_ARRAY(unsigned, operand->count);
	for (; reading->count < operand->count; reading->count++) {
		r = readings_add(readings, operand->parts[reading->count], &part, err);
		if (r < 0)
			return r;
		reading->parts[reading->count] = part;
		reading->has_views |= readings->items[part].has_views;
		reading->may_wait |= readings->items[part].may_wait;
		reading->depends |= readings->items[part].depends;
	}
	return 0;
}

static int make_list(struct readings *readings, struct reading *reading,
	const struct operand *operand, struct error *err)
{
	int r;

	reading->kind = READING_LIST;
	reading->shape = (struct value_shape){ TYPE_CHARBUF, true };
	r = make_parts(readings, reading, operand, err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < reading->count; i++) {
		const struct reading *part = &readings->items[reading->parts[i]];

		if (value_type_kind(part->shape.type) != VALUE_TEXT || part->shape.is_list)
			return error_set(err, -EINVAL,
				"filter error: '%s' is no text, and cannot be an item of a "
				"transformer's list",
				part->text);
	}
	return 0;
}

static int refuse_transformed_fields(const struct readings *readings, const struct reading *reading,
	const char *transformer, struct error *err)
{
	for (size_t i = 0; i < reading->count; i++) {
		const struct reading *part = &readings->items[reading->parts[i]];

		if (part->kind == READING_FIELD && (part->use.field->flags & FIELD_NO_TRANSFORMER))
			return error_set(err, -EINVAL,
				"field '%s' doesn't support the field transformer '%s'", part->text,
				transformer);
	}
	return 0;
}

static int make_transformer(struct readings *readings, struct reading *reading,
	const struct operand *operand, struct error *err)
{
	const struct transformer *transformer = transformer_find(operand->text);
	_cleanup_(freep) struct value_shape *shapes = NEW_ARRAY(struct value_shape, operand->count);
	int r;

	reading->kind = READING_TRANSFORMER;
	reading->transformer = transformer;
	if (operand->has_argument && !transformer->takes_argument)
		return error_set(err, -EINVAL,
			"filter error: transformer '%s' does not support field arguments",
			transformer->name);
	r = make_parts(readings, reading, operand, err);
	if (r == 0)
		r = refuse_transformed_fields(readings, reading, transformer->name, err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < reading->count; i++)
		shapes[i] = readings->items[reading->parts[i]].shape;
	r = transformer->check(transformer, shapes, reading->count,
		readings->items[reading->parts[0]].text, &reading->shape, err);
	if (r == 0 && operand->has_argument) {
		reading->argument = text_to_string(operand->argument);
		reading->shape.is_list = false;
	}
	return r;
}

static int make(struct readings *readings, struct reading *reading, const struct operand *operand,
	struct error *err)
{
	switch (operand->kind) {
	case OPERAND_FIELD:
		return make_field(readings, reading, operand, err);
	case OPERAND_VALUE:
		make_constant(reading, operand);
		return 0;
	case OPERAND_LIST:
		return make_list(readings, reading, operand, err);
	case OPERAND_TRANSFORMER:
		return make_transformer(readings, reading, operand, err);
	}
	return -EINVAL;
}

/*
 * As it prints inside a transformer, so that a value, which is quoted there, and a field never look
 * alike.
 */
static char *text_for(const struct operand *operand)
{
	struct operand *part = (struct operand *)operand;
	struct operand wrapper = { .kind = OPERAND_TRANSFORMER, .parts = &part, .count = 1 };
	struct buffer text;
	char *inner;

	buffer_init(&text, SIZE_MAX / 2);
	operand_print(&wrapper, &text);
	inner = text_to_string(text_slice(buffer_text(&text), 1, text.length - 2));
	buffer_done(&text);
	return inner;
}

int readings_add(struct readings *readings, const struct operand *operand, unsigned *ret_reading,
	struct error *err)
{
	_cleanup_(freep) char *text = text_for(operand);
	struct readings failed = { 0 };
	struct reading reading = { 0 };
	unsigned *place;
	int r;

	index_grow(readings);
	place = index_of(readings, text);
	if (*place) {
		*ret_reading = *place - 1;
		return 0;
	}
	r = make(readings, &reading, operand, err);
	reading.text = TAKE(text);
	if (r < 0) {
		/* A field that was not found owns nothing yet. */
		if (reading.kind == READING_FIELD && !reading.use.field)
			reading.kind = READING_CONSTANT;
		*ARRAY_ADD(failed.items, failed.count, failed.capacity) = reading;
		readings_done(&failed);
		return r;
	}
	*ret_reading = (unsigned)readings->count;
	*ARRAY_ADD(readings->items, readings->count, readings->capacity) = reading;
	index_grow(readings);
	*index_of(readings, reading.text) = *ret_reading + 1;
	return 0;
}

void readings_visit_fields(const struct readings *readings, unsigned reading,
	void (*visit)(void *context, const struct field_use *use), void *context)
{
	const struct reading *item = &readings->items[reading];

	if (item->kind == READING_FIELD)
		visit(context, &item->use);
	for (size_t i = 0; i < item->count; i++)
		readings_visit_fields(readings, item->parts[i], visit, context);
}

/* Reads the parts; the worst of their answers. */
static enum presence read_parts(const struct readings *readings, const struct reading *reading,
	const struct event *event, struct reading_slot *slots, uint32_t generation,
	struct value *values)
{
	enum presence worst = PRESENT, one;

	for (size_t i = 0; i < reading->count; i++) {
		one = readings_read(
			readings, reading->parts[i], event, slots, generation, &values[i]);
		if (one == ABSENT)
			return ABSENT;
		if (one == WAITS)
			worst = WAITS;
	}
	return worst;
}

static enum presence read_composed(const struct readings *readings, const struct reading *reading,
	const struct event *event, struct reading_slot *slots, uint32_t generation,
	struct value *ret_value)
{
	struct value *values = ARENA_NEW(event->arena, struct value, MAX_OF(reading->count, 1));
	enum presence presence = read_parts(readings, reading, event, slots, generation, values);

	if (presence != PRESENT)
		return presence;
	if (reading->kind == READING_LIST) {
		*ret_value =
			(struct value){ .kind = VALUE_LIST, .list = { values, reading->count } };
		return PRESENT;
	}
	return reading->transformer->apply(
		values, reading->count, text_of(reading->argument), event->arena, ret_value);
}

/* A native argument's sign is the event table's; the condition was compiled for one of them. */
static void fit_number(enum value_kind wanted, struct value *value)
{
	bool is_number = value->kind == VALUE_SIGNED || value->kind == VALUE_UNSIGNED;

	if (is_number && (wanted == VALUE_SIGNED || wanted == VALUE_UNSIGNED))
		value->kind = wanted;
}

static enum presence read_now(const struct readings *readings, const struct reading *reading,
	const struct event *event, struct reading_slot *slots, uint32_t generation,
	struct value *ret_value)
{
	enum value_kind wanted = value_type_kind(reading->shape.type);
	enum presence presence;

	if (reading->kind == READING_CONSTANT) {
		*ret_value = reading->constant;
		return PRESENT;
	}
	if (reading->kind != READING_FIELD)
		return read_composed(readings, reading, event, slots, generation, ret_value);

	presence = field_read(event, &reading->use, ret_value);
	if (presence != PRESENT)
		return presence;
	fit_number(wanted, ret_value);
	/* Another kind than was compiled for cannot be compared: as good as no value. */
	return ret_value->kind == wanted || ret_value->kind == VALUE_LIST ? PRESENT : ABSENT;
}

enum presence readings_read(const struct readings *readings, unsigned reading,
	const struct event *event, struct reading_slot *slots, uint32_t generation,
	struct value *ret_value)
{
	const struct reading *item = &readings->items[reading];
	struct reading_slot *slot;

	if (!slots)
		return read_now(readings, item, event, NULL, 0, ret_value);
	slot = &slots[reading * 2 + (item->has_views && event->view == VIEW_REAL)];
	if (slot->generation != generation) {
		slot->presence = read_now(readings, item, event, slots, generation, &slot->value);
		slot->generation = generation;
	}
	*ret_value = slot->value;
	return slot->presence;
}
