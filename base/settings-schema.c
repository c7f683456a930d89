/* SPDX-License-Identifier: Apache-2.0 */
/* The shape of a program's file of settings, made from the rows of its table. */
#include "base/arena.h"
#include "base/memory.h"
#include "base/schema.h"
#include "base/settings.h"

#define SHAPES_MAX ((size_t)4 << 20)

static const struct shape list = { SHAPE_LIST }, text = { SHAPE_TEXT }, scalar = { SHAPE_SCALAR };

static const struct shape type_shapes[] = {
	[SETTING_TEXT] = { SHAPE_TEXT },
	[SETTING_SECRET] = { SHAPE_TEXT },
	[SETTING_BOOL] = { SHAPE_BOOL },
	[SETTING_INTEGER] = { SHAPE_INTEGER },
	[SETTING_SIZE] = { SHAPE_SCALAR },
	[SETTING_DURATION] = { SHAPE_TEXT },
	[SETTING_CHOICE] = { SHAPE_CHOICE, .ignores_case = true },
	[SETTING_LIST] = { SHAPE_LIST, .items = &scalar, .or = &text },
	[SETTING_MAP] = { SHAPE_OBJECT, .is_open = true, .items = &scalar, .or = &text },
	[SETTING_NODE] = { SHAPE_ANY },
	[SETTING_IGNORED] = { SHAPE_ANY },
};

/* What of a table is looked at: rows whose key begins with the prefix. */
struct section {
	struct arena *arena;
	const struct settings_table *table;
	struct text prefix; /* ends in a dot, or is empty */
};

bool setting_is_below(const struct setting *row, struct text prefix)
{
	return row->key && text_starts_with(text_of(row->key), prefix);
}

struct text setting_segment(const struct setting *row, struct text prefix)
{
	struct text rest = text_slice(text_of(row->key), prefix.length, SIZE_MAX), segment = {};

	text_split(&rest, '.', &segment);
	return segment;
}

static const struct shape *row_shape(struct arena *arena, const struct setting *row)
{
	struct shape *shape = ARENA_NEW(arena, struct shape, 1);
	int64_t number;

	*shape = row->shape ? *row->shape : type_shapes[row->type];
	shape->about = row->about;
	shape->fallback = row->fallback && *row->fallback ? row->fallback : NULL;
	shape->choices = row->type == SETTING_CHOICE ? row->choices : shape->choices;
	if (row->type == SETTING_INTEGER && row->maximum > row->minimum) {
		shape->has_range = true;
		shape->minimum = row->minimum;
		shape->maximum = row->maximum;
	}
	if (row->type != SETTING_IGNORED || !shape->fallback)
		return shape;
	if (!strcmp(row->fallback, "true") || !strcmp(row->fallback, "false"))
		shape->kind = SHAPE_BOOL;
	else if (text_to_i64(text_of(row->fallback), &number) == 0)
		shape->kind = SHAPE_INTEGER;
	return shape;
}

/* What a section's name may stand for besides: what the row says, or else a list. */
static const struct shape *node_shape(const struct settings_table *table, struct text name)
{
	for (size_t i = 0; i < table->count; i++)
		if (table->rows[i].type == SETTING_NODE && table->rows[i].key &&
			text_is(name, table->rows[i].key))
			return table->rows[i].shape ? table->rows[i].shape : &list;
	return NULL;
}

static bool is_known(const struct shape_member *properties, size_t count, struct text segment)
{
	for (size_t i = 0; i < count; i++)
		if (text_is(segment, properties[i].key))
			return true;
	return false;
}

/* Depth is that of the rows' keys. */
static struct shape *section_shape(const struct section *section)
{
	const struct settings_table *table = section->table;
	struct shape_member *properties =
		ARENA_NEW(section->arena, struct shape_member, table->count + 1);
	struct shape *shape = ARENA_NEW(section->arena, struct shape, 1);
	size_t count = 0;

	for (size_t i = 0; i < table->count; i++) {
		const struct setting *row = &table->rows[i];
		struct section inner = *section;
		struct text segment;
		struct shape_member *property;

		if (row->is_gone || !setting_is_below(row, section->prefix))
			continue;
		segment = setting_segment(row, section->prefix);
		if (is_known(properties, count, segment))
			continue;
		property = &properties[count++];
		property->key = arena_copy(section->arena, segment).data;
		inner.prefix = arena_printf(section->arena, TEXT_FORMAT TEXT_FORMAT ".",
			TEXT_PRINT(section->prefix), TEXT_PRINT(segment));
		property->shape = text_starts_with(text_of(row->key), inner.prefix)
					  ? section_shape(&inner)
					  : row_shape(section->arena, row);
	}
	*shape = (struct shape){ SHAPE_OBJECT, .properties = properties, .count = count };
	if (section->prefix.length)
		shape->or = node_shape(table,
				  text_slice(section->prefix, 0, section->prefix.length - 1));
	return shape;
}

static struct shape *table_shape(struct arena *arena, const struct settings_table *table)
{
	const struct section root = { arena, table, TEXT("") };
	struct shape *shape = section_shape(&root);

	shape->has_variables = table->expands_variables;
	return shape;
}

void settings_json(const struct settings_table *table, struct buffer *out)
{
	struct arena *arena = arena_new(SHAPES_MAX);

	schema_print(table_shape(arena, table), table->program, out);
	arena_free(arena);
}

bool settings_check(const struct settings_table *table, const struct yaml_node *root,
	void (*fail)(void *context, const char *message), void *context)
{
	struct arena *arena = arena_new(SHAPES_MAX);
	bool is_right = schema_check(table_shape(arena, table), root, fail, context);

	arena_free(arena);
	return is_right;
}
