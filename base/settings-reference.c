/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a person reads about settings: --help, the Markdown reference, the JSON schema and the
 * settings as they are, all from the same rows.
 */
#include <inttypes.h>

#include "base/json.h"
#include "base/memory.h"
#include "base/settings.h"

static const char *const type_names[] = {
	[SETTING_TEXT] = "text",
	[SETTING_SECRET] = "secret",
	[SETTING_BOOL] = "true or false",
	[SETTING_INTEGER] = "integer",
	[SETTING_SIZE] = "size",
	[SETTING_DURATION] = "duration",
	[SETTING_CHOICE] = "choice",
	[SETTING_LIST] = "list",
	[SETTING_MAP] = "map",
	[SETTING_NODE] = "YAML",
	[SETTING_IGNORED] = "no effect",
};

static void add_environment_name(
	const struct settings_table *table, const struct setting *row, struct buffer *out)
{
	if (row->environment) {
		buffer_add_string(out, row->environment);
		return;
	}
	if (!row->key || !table->makes_environment || row->type == SETTING_NODE)
		return;
	buffer_add_string(out, table->environment_prefix ? table->environment_prefix : "");
	for (const char *c = row->key; *c; c++)
		buffer_add_char(out, *c == '.'		      ? '_'
				     : *c >= 'a' && *c <= 'z' ? (char)(*c - 'a' + 'A')
							      : *c);
}

/* "  -c, --config FILE" padded to a column. */
static void add_flag_names(const struct setting *row, struct buffer *out)
{
	size_t start = out->length;

	buffer_add_string(out, "  ");
	if (row->short_flag)
		buffer_printf(out, "-%c%s", row->short_flag, row->flag ? ", " : "");
	else
		buffer_add_string(out, "    ");
	if (row->flag)
		buffer_printf(out, "--%s", row->flag);
	if (row->implied)
		buffer_printf(out, "[=%s]", row->value ? row->value : "VALUE");
	else if (row->type != SETTING_BOOL)
		buffer_printf(out, " %s", row->value ? row->value : "VALUE");
	if (out->length - start > 30)
		buffer_printf(out, "\n%32s", "");
	else
		buffer_printf(out, "%*s", (int)(32 - (out->length - start)), "");
}

void settings_help(const struct settings_table *table, const char *usage, struct buffer *out)
{
	buffer_printf(out, "Usage: %s\n\n", usage);
	for (size_t i = 0; i < table->count; i++) {
		const struct setting *row = &table->rows[i];

		if (!row->flag && !row->short_flag)
			continue;
		add_flag_names(row, out);
		buffer_add_string(out, row->about);
		if (row->fallback && *row->fallback && row->type != SETTING_BOOL)
			buffer_printf(out, " (default: %s)", row->fallback);
		buffer_add_char(out, '\n');
	}
}

/* "--flag" or "-f"; free() it. */
static char *flag_name(const struct setting *row)
{
	if (row->flag)
		return string_printf("--%s", row->flag);
	return row->short_flag ? string_printf("-%c", row->short_flag) : string_copy("");
}

void settings_text(const struct settings_table *table, struct buffer *out)
{
	for (size_t i = 0; i < table->count; i++) {
		const struct setting *row = &table->rows[i];
		_cleanup_(freep) char *flag = flag_name(row);
		struct buffer name;

		buffer_init(&name, 256);
		add_environment_name(table, row, &name);
		buffer_printf(out, "%s (%s", row->key ? row->key : flag,
			row->choices ? row->choices : type_names[row->type]);
		if (row->fallback && *row->fallback)
			buffer_printf(out, "; default: %s", row->fallback);
		buffer_printf(out, ")\n    %s\n", row->about ? row->about : "");
		if (name.length)
			buffer_printf(out, "    environment: %s\n", name.data);
		buffer_done(&name);
	}
}

/* A table cell: what would end it is escaped. */
static void add_cell(struct buffer *out, const char *text, const char *quote)
{
	bool is_empty = !text || !*text;

	buffer_add_string(out, is_empty ? "" : quote);
	for (; text && *text; text++)
		buffer_printf(out, *text == '|' ? "\\%c" : "%c", *text);
	buffer_printf(out, "%s | ", is_empty ? "" : quote);
}

void settings_markdown(const struct settings_table *table, struct buffer *out)
{
	buffer_add_string(out, "| key | type | default | environment | flag | meaning |\n"
			       "|---|---|---|---|---|---|\n");
	for (size_t i = 0; i < table->count; i++) {
		const struct setting *row = &table->rows[i];
		_cleanup_(freep) char *flag = flag_name(row);
		struct buffer name;

		buffer_init(&name, 256);
		add_environment_name(table, row, &name);
		buffer_add_string(out, "| ");
		add_cell(out, row->key, "`");
		add_cell(out, row->choices ? row->choices : type_names[row->type], "");
		add_cell(out, row->fallback, "`");
		add_cell(out, name.data, "`");
		add_cell(out, flag, "`");
		add_cell(out, row->about, "");
		out->length -= 1;
		buffer_add_char(out, '\n');
		buffer_done(&name);
	}
}

static void add_indent(struct buffer *out, size_t depth)
{
	buffer_printf(out, "%*s", (int)(depth * 2), "");
}

static bool is_plain_yaml(const struct setting *row)
{
	return row->type == SETTING_BOOL || row->type == SETTING_INTEGER;
}

static void add_value(struct buffer *out, const struct setting *row)
{
	if (row->type == SETTING_LIST || row->type == SETTING_MAP) {
		buffer_add_string(out, row->type == SETTING_LIST ? "[]" : "{}");
		if (row->fallback && *row->fallback)
			buffer_printf(out, " # default: %s", row->fallback);
	} else if (is_plain_yaml(row)) {
		buffer_add_string(out, row->fallback ? row->fallback : "0");
	} else {
		buffer_add_char(out, '"');
		json_escape(out, text_of(row->fallback));
		buffer_add_char(out, '"');
	}
}

/* Whether an earlier row below the prefix begins with the same segment. */
static bool is_repeated(const struct settings_table *table, size_t row, struct text prefix)
{
	struct text segment = setting_segment(&table->rows[row], prefix);

	for (size_t i = 0; i < row; i++)
		if (setting_is_below(&table->rows[i], prefix) &&
			text_equal(setting_segment(&table->rows[i], prefix), segment))
			return true;
	return false;
}

/* Depth is that of the rows' keys. `prefix` ends in a dot or is empty. */
static void add_values(
	struct buffer *out, const struct settings_table *table, struct text prefix, size_t depth)
{
	for (size_t i = 0; i < table->count; i++) {
		const struct setting *row = &table->rows[i];
		struct text segment, inner;

		if (!setting_is_below(row, prefix) || is_repeated(table, i, prefix) ||
			row->type == SETTING_IGNORED || row->type == SETTING_NODE)
			continue;
		segment = setting_segment(row, prefix);
		inner = text_slice(text_of(row->key), 0, prefix.length + segment.length + 1);
		add_indent(out, depth);
		if (inner.length == prefix.length + segment.length + 1) {
			buffer_printf(out, TEXT_FORMAT ":\n", TEXT_PRINT(segment));
			add_values(out, table, inner, depth + 1);
			continue;
		}
		buffer_printf(out, "# %s\n", row->about ? row->about : "");
		add_indent(out, depth);
		buffer_printf(out, TEXT_FORMAT ": ", TEXT_PRINT(segment));
		add_value(out, row);
		buffer_add_char(out, '\n');
	}
}

void settings_yaml(const struct settings_table *table, struct buffer *out)
{
	add_values(out, table, TEXT(""), 0);
}

/* A map may hold headers with tokens, so its values count as secret. */
static void print_map(const struct text_map *map, struct buffer *out)
{
	for (size_t i = 0; i < map->count; i++)
		buffer_printf(out, "%s%s:***", i ? "," : "", map->keys[i]);
}

static void print_list(const struct text_list *list, struct buffer *out)
{
	for (size_t i = 0; i < list->count; i++)
		buffer_printf(out, "%s%s", i ? "," : "", list->items[i]);
}

static void print_choice(const char *choices, int chosen, struct buffer *out)
{
	struct text rest = text_of(choices), choice;

	for (int i = 0; text_split(&rest, ' ', &choice); i++)
		if (i == chosen)
			buffer_add_text(out, choice);
}

static void print_member(const struct setting *row, const void *member, struct buffer *out)
{
	const char *text;

	switch (row->type) {
	case SETTING_TEXT:
		text = *(char *const *)member;
		buffer_add_string(out, text ? text : "");
		break;
	case SETTING_SECRET:
		text = *(char *const *)member;
		buffer_add_string(out, text && *text ? "***" : "");
		break;
	case SETTING_BOOL:
		buffer_add_string(out, *(const bool *)member ? "true" : "false");
		break;
	case SETTING_INTEGER:
		buffer_printf(out, "%" PRId64, *(const int64_t *)member);
		break;
	case SETTING_SIZE:
		buffer_printf(out, "%" PRIu64, *(const uint64_t *)member);
		break;
	case SETTING_DURATION:
		buffer_printf(out, "%" PRId64 "ms", *(const int64_t *)member);
		break;
	case SETTING_CHOICE:
		print_choice(row->choices, *(const int *)member, out);
		break;
	case SETTING_LIST:
		print_list(member, out);
		break;
	case SETTING_MAP:
		print_map(member, out);
		break;
	case SETTING_NODE:
		buffer_add_string(out, *(struct yaml_node *const *)member ? "(YAML)" : "");
		break;
	case SETTING_IGNORED:
		break;
	}
}

void settings_print(const struct settings_table *table, const void *target, struct buffer *out)
{
	for (size_t i = 0; i < table->count; i++) {
		const struct setting *row = &table->rows[i];

		if (!row->key || row->type == SETTING_IGNORED)
			continue;
		buffer_printf(out, "%s=", row->key);
		print_member(row, (const char *)target + row->at, out);
		buffer_add_char(out, '\n');
	}
}
