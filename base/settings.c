/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Settings as a table: values from a file, the environment and flags find their row and its
 * parser here. What a person reads about the table is printed by settings-reference.c.
 */
#include <assert.h>
#include <errno.h>
#include <ctype.h>
#include <inttypes.h>

#include "base/memory.h"
#include "base/settings.h"

#define VALUE_MAX (64 * 1024)

static void buffer_donep(struct buffer *buffer)
{
	buffer_done(buffer);
}

void text_list_add(struct text_list *list, struct text item)
{
	list->items = memory_resize(list->items, list->count + 1, sizeof(*list->items));
	list->items[list->count++] = text_to_string(item);
}

void text_list_done(struct text_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->items[i]);
	free(list->items);
	*list = (struct text_list){};
}

static ptrdiff_t text_map_find(const struct text_map *map, struct text key)
{
	for (size_t i = 0; i < map->count; i++)
		if (text_is(key, map->keys[i]))
			return (ptrdiff_t)i;
	return -1;
}

void text_map_set(struct text_map *map, struct text key, struct text value)
{
	ptrdiff_t at = text_map_find(map, key);

	if (at >= 0) {
		free(map->values[at]);
		map->values[at] = text_to_string(value);
		return;
	}
	map->keys = memory_resize(map->keys, map->count + 1, sizeof(*map->keys));
	map->values = memory_resize(map->values, map->count + 1, sizeof(*map->values));
	map->keys[map->count] = text_to_string(key);
	map->values[map->count++] = text_to_string(value);
}

void text_map_done(struct text_map *map)
{
	for (size_t i = 0; i < map->count; i++) {
		free(map->keys[i]);
		free(map->values[i]);
	}
	free(map->keys);
	free(map->values);
	*map = (struct text_map){};
}

const char *text_map_get(const struct text_map *map, const char *key)
{
	ptrdiff_t at = text_map_find(map, text_of(key));

	return at < 0 ? NULL : map->values[at];
}

void variables_expand(struct text text, struct buffer *out)
{
	for (size_t i = 0; i < text.length;) {
		struct text rest = text_slice(text, i, text.length);
		bool is_literal = text_starts_with(rest, TEXT("$${"));
		ptrdiff_t end = text_find(rest, TEXT("}"));

		if (end < 0 || (!is_literal && !text_starts_with(rest, TEXT("${")))) {
			buffer_add_char(out, text.data[i++]);
			continue;
		}
		if (is_literal) {
			buffer_add_text(out, text_slice(rest, 1, (size_t)end));
		} else {
			_cleanup_(freep) char *name =
				text_to_string(text_slice(rest, 2, (size_t)end - 2));
			const char *value = getenv(name);

			buffer_add_string(out, value ? value : "");
		}
		i += (size_t)end + 1;
	}
}

/* Reads digits; gives how many, 0 when there are none or they are too many. */
static size_t number_length(struct text text, uint64_t *ret_number)
{
	size_t length = 0;

	while (length < text.length && isdigit((unsigned char)text.data[length]))
		length++;
	return text_to_u64(text_slice(text, 0, length), ret_number) < 0 ? 0 : length;
}

static const struct {
	const char *name;
	int64_t ns;
} duration_units[] = {
	{ "ns", INT64_C(1) },
	{ "us", INT64_C(1000) },
	{ "ms", INT64_C(1000000) },
	{ "s", INT64_C(1000000000) },
	{ "m", 60 * INT64_C(1000000000) },
	{ "h", 3600 * INT64_C(1000000000) },
	{ "d", 86400 * INT64_C(1000000000) },
	{ "w", 7 * 86400 * INT64_C(1000000000) },
	{ "y", 365 * 86400 * INT64_C(1000000000) },
};

static int64_t duration_unit_ns(struct text name)
{
	for (size_t i = 0; i < COUNT_OF(duration_units); i++)
		if (text_equal_ignoring_case(name, text_of(duration_units[i].name)))
			return duration_units[i].ns;
	return 0;
}

int duration_parse(struct text text, int64_t *ret_ms)
{
	int64_t ns = 0;

	if (!text.length)
		return -EINVAL;
	if (text_is(text, "0")) {
		*ret_ms = 0;
		return 0;
	}
	while (text.length) {
		uint64_t number;
		int64_t part, unit_ns;
		size_t digits = number_length(text, &number), end = digits;

		if (!digits)
			return -EINVAL;
		while (end < text.length && isalpha((unsigned char)text.data[end]))
			end++;
		unit_ns = duration_unit_ns(text_slice(text, digits, end - digits));
		if (!unit_ns)
			return -EINVAL;
		if (__builtin_mul_overflow(number, unit_ns, &part) ||
			__builtin_add_overflow(ns, part, &ns))
			return -ERANGE;
		text = text_slice(text, end, text.length);
	}
	if (ns % 1000000)
		return -EINVAL;
	*ret_ms = ns / 1000000;
	return 0;
}

static const struct {
	const char *name;
	uint64_t bytes;
} size_units[] = {
	{ "", 1 },
	{ "b", 1 },
	{ "k", UINT64_C(1) << 10 },
	{ "kib", UINT64_C(1) << 10 },
	{ "kb", UINT64_C(1000) },
	{ "m", UINT64_C(1) << 20 },
	{ "mib", UINT64_C(1) << 20 },
	{ "mb", UINT64_C(1000000) },
	{ "g", UINT64_C(1) << 30 },
	{ "gib", UINT64_C(1) << 30 },
	{ "gb", UINT64_C(1000000000) },
	{ "t", UINT64_C(1) << 40 },
	{ "tib", UINT64_C(1) << 40 },
	{ "tb", UINT64_C(1000000000000) },
};

int size_parse(struct text text, uint64_t *ret_bytes)
{
	uint64_t number, bytes;
	size_t digits = number_length(text, &number);
	struct text unit = text_trim(text_slice(text, digits, text.length));

	if (!digits)
		return -EINVAL;
	for (size_t i = 0; i < COUNT_OF(size_units); i++) {
		if (!text_equal_ignoring_case(unit, text_of(size_units[i].name)))
			continue;
		if (__builtin_mul_overflow(number, size_units[i].bytes, &bytes))
			return -ERANGE;
		*ret_bytes = bytes;
		return 0;
	}
	return -EINVAL;
}

int bool_parse(struct text text, bool *ret_flag)
{
	static const char *const yes[] = { "true", "yes", "on", "y", "t", "1" };
	static const char *const no[] = { "false", "no", "off", "n", "f", "0" };

	for (size_t i = 0; i < COUNT_OF(yes); i++) {
		bool is_yes = text_equal_ignoring_case(text, text_of(yes[i]));

		if (is_yes || text_equal_ignoring_case(text, text_of(no[i]))) {
			*ret_flag = is_yes;
			return 0;
		}
	}
	return -EINVAL;
}

/* A value on its way into a member: where it came from is put before messages by the caller. */
struct assignment {
	const struct settings_table *table;
	const struct setting *row;
	void *member;
	bool appends;
	bool is_whole; /* a list's text is one item: commas do not part it */
	struct error *err;
};

static int set_bool(const struct assignment *to, struct text text)
{
	if (bool_parse(text, to->member) < 0)
		return error_set(to->err, -EINVAL, "\"" TEXT_FORMAT "\" is neither true nor false",
			TEXT_PRINT(text));
	return 0;
}

static int set_integer(const struct assignment *to, struct text text)
{
	const struct setting *row = to->row;
	int64_t number;

	if (text_to_i64(text, &number) < 0)
		return error_set(to->err, -EINVAL, "\"" TEXT_FORMAT "\" is not a whole number",
			TEXT_PRINT(text));
	if (row->maximum > row->minimum && (number < row->minimum || number > row->maximum))
		return error_set(to->err, -EINVAL,
			"%" PRId64 " is not between %" PRId64 " and %" PRId64, number, row->minimum,
			row->maximum);
	*(int64_t *)to->member = number;
	return 0;
}

static int set_size(const struct assignment *to, struct text text)
{
	if (size_parse(text, to->member) < 0)
		return error_set(to->err, -EINVAL,
			"\"" TEXT_FORMAT "\" is not a size such as 4096, 64MiB or 1GB",
			TEXT_PRINT(text));
	return 0;
}

static int set_duration(const struct assignment *to, struct text text)
{
	if (duration_parse(text, to->member) < 0)
		return error_set(to->err, -EINVAL,
			"\"" TEXT_FORMAT "\" is not a duration such as 250ms, 10s or 1h30m",
			TEXT_PRINT(text));
	return 0;
}

/* "; did you mean …?", or nothing. free() it. */
static char *choice_advice(const char *choices, struct text text)
{
	struct text rest = text_of(choices), choice;
	struct text_list words = {};
	const char *near;
	char *advice;

	while (text_split(&rest, ' ', &choice))
		text_list_add(&words, choice);
	near = text_nearest(text, (const char *const *)words.items, words.count);
	advice = near ? string_printf("; did you mean \"%s\"?", near) : string_copy("");
	text_list_done(&words);
	return advice;
}

static int set_choice(const struct assignment *to, struct text text)
{
	_cleanup_(freep) char *advice = NULL;
	struct text rest = text_of(to->row->choices), choice;

	/* Falcosidekick's example writes `sasl: ""` for the default. */
	if (!text.length && to->row->fallback)
		text = text_of(to->row->fallback);
	for (int i = 0; text_split(&rest, ' ', &choice); i++)
		if (text_equal_ignoring_case(choice, text)) {
			*(int *)to->member = i;
			return 0;
		}
	advice = choice_advice(to->row->choices, text);
	return error_set(to->err, -EINVAL, "\"" TEXT_FORMAT "\" is none of: %s%s", TEXT_PRINT(text),
		to->row->choices, advice);
}

static int set_text(const struct assignment *to, struct text text)
{
	char **member = to->member;

	free(*member);
	*member = text_to_string(text);
	return 0;
}

static int set_list(const struct assignment *to, struct text text)
{
	struct text rest = text, item;

	if (!to->appends)
		text_list_done(to->member);
	if (to->is_whole)
		text_list_add(to->member, text);
	while (!to->is_whole && text_split(&rest, ',', &item))
		if (text_trim(item).length)
			text_list_add(to->member, text_trim(item));
	return 0;
}

/* A scalar of the file with its variables expanded; valid until the buffer's next use. */
static struct text scalar_text(
	const struct settings_table *table, const struct yaml_node *node, struct buffer *buffer)
{
	if (!table->expands_variables || !text_contains(node->text, TEXT("${")))
		return node->text;
	buffer_clear(buffer);
	variables_expand(node->text, buffer);
	return buffer_text(buffer);
}

static int set_map_from_node(const struct assignment *to, const struct yaml_node *node)
{
	_cleanup_(buffer_donep) struct buffer buffer;

	buffer_init(&buffer, VALUE_MAX);
	if (!to->appends)
		text_map_done(to->member);
	for (size_t i = 0; i < node->count; i++) {
		const struct yaml_node *value = node->items[i];

		if (node->keys[i]->kind != YAML_SCALAR || value->kind > YAML_SCALAR)
			return error_set(to->err, -EINVAL, "its entries must be single values");
		text_map_set(to->member, node->keys[i]->text,
			value->kind == YAML_NULL ? TEXT("")
						 : scalar_text(to->table, value, &buffer));
	}
	return 0;
}

static int set_map_from_yaml(const struct assignment *to, struct text text)
{
	_cleanup_(yaml_unloadp) struct yaml *yaml = NULL;
	int r = yaml_parse(text, "value", &yaml, to->err);

	if (r < 0)
		return r;
	if (yaml_document(yaml, 0)->kind != YAML_MAPPING)
		return error_set(to->err, -EINVAL, "it must be a mapping");
	return set_map_from_node(to, yaml_document(yaml, 0));
}

static int set_map(const struct assignment *to, struct text text)
{
	struct text rest = text, item;

	if (text_starts_with(text_trim(text), TEXT("{")))
		return set_map_from_yaml(to, text);
	if (!to->appends)
		text_map_done(to->member);
	while (text_split(&rest, ',', &item)) {
		ptrdiff_t colon = text_find(item, TEXT(":"));

		if (!text_trim(item).length)
			continue;
		if (colon < 0)
			return error_set(to->err, -EINVAL, "\"" TEXT_FORMAT "\" has no \":\"",
				TEXT_PRINT(item));
		text_map_set(to->member, text_trim(text_slice(item, 0, (size_t)colon)),
			text_trim(text_slice(item, (size_t)colon + 1, item.length)));
	}
	return 0;
}

static int set_node(const struct assignment *to, struct text text)
{
	return error_set(to->err, -EINVAL, "it can only be set in a file");
}

static int set_nothing(const struct assignment *to, struct text text)
{
	return 0;
}

typedef int setter(const struct assignment *to, struct text text);

static setter *const setters[] = {
	[SETTING_TEXT] = set_text,
	[SETTING_SECRET] = set_text,
	[SETTING_BOOL] = set_bool,
	[SETTING_INTEGER] = set_integer,
	[SETTING_SIZE] = set_size,
	[SETTING_DURATION] = set_duration,
	[SETTING_CHOICE] = set_choice,
	[SETTING_LIST] = set_list,
	[SETTING_MAP] = set_map,
	[SETTING_NODE] = set_node,
	[SETTING_IGNORED] = set_nothing,
};

static struct assignment assignment(const struct settings_table *table, const struct setting *row,
	void *target, struct error *err)
{
	return (struct assignment){
		.table = table, .row = row, .member = (char *)target + row->at, .err = err
	};
}

static int set_from_text(const struct assignment *to, struct text text)
{
	return setters[to->row->type](to, text);
}

static int set_list_from_node(const struct assignment *to, const struct yaml_node *node)
{
	_cleanup_(buffer_donep) struct buffer buffer;

	buffer_init(&buffer, VALUE_MAX);
	if (!to->appends)
		text_list_done(to->member);
	for (size_t i = 0; i < node->count; i++) {
		if (node->items[i]->kind != YAML_SCALAR)
			return error_set(
				to->err, -EINVAL, "item %zu must be a single value", i + 1);
		text_list_add(to->member, scalar_text(to->table, node->items[i], &buffer));
	}
	return 0;
}

static int set_from_node(const struct assignment *to, struct yaml_node *node)
{
	_cleanup_(buffer_donep) struct buffer buffer;

	buffer_init(&buffer, VALUE_MAX);
	if (to->row->type == SETTING_NODE)
		*(struct yaml_node **)to->member = node;
	else if (to->row->type == SETTING_LIST && node->kind == YAML_SEQUENCE)
		return set_list_from_node(to, node);
	else if (to->row->type == SETTING_MAP && node->kind == YAML_MAPPING)
		return set_map_from_node(to, node);
	else if (node->kind == YAML_SCALAR)
		return set_from_text(to, scalar_text(to->table, node, &buffer));
	else
		return error_set(to->err, -EINVAL, "it must be a single value, not a %s",
			node->kind == YAML_SEQUENCE ? "sequence" : "mapping");
	return 0;
}

static void set_fallback(
	const struct settings_table *table, const struct setting *row, void *target)
{
	static const size_t sizes[] = {
		[SETTING_TEXT] = sizeof(char *),
		[SETTING_SECRET] = sizeof(char *),
		[SETTING_BOOL] = sizeof(bool),
		[SETTING_INTEGER] = sizeof(int64_t),
		[SETTING_SIZE] = sizeof(uint64_t),
		[SETTING_DURATION] = sizeof(int64_t),
		[SETTING_CHOICE] = sizeof(int),
		[SETTING_LIST] = sizeof(struct text_list),
		[SETTING_MAP] = sizeof(struct text_map),
		[SETTING_NODE] = sizeof(struct yaml_node *),
		[SETTING_IGNORED] = 0,
	};
	struct assignment to = assignment(table, row, target, NULL);
	int r;

	if (row->type == SETTING_IGNORED)
		return;
	memset(to.member, 0, sizes[row->type]);
	if (!row->fallback)
		return;
	r = set_from_text(&to, text_of(row->fallback));
	assert(r == 0);
	(void)r;
}

void settings_defaults(const struct settings_table *table, void *target)
{
	for (size_t i = 0; i < table->count; i++)
		set_fallback(table, &table->rows[i], target);
}

static void free_member(const struct setting *row, void *target)
{
	void *member = (char *)target + row->at;

	switch (row->type) {
	case SETTING_TEXT:
	case SETTING_SECRET:
		free(*(char **)member);
		*(char **)member = NULL;
		break;
	case SETTING_LIST:
		text_list_done(member);
		break;
	case SETTING_MAP:
		text_map_done(member);
		break;
	default:
		break;
	}
}

void settings_done(const struct settings_table *table, void *target)
{
	for (size_t i = 0; i < table->count; i++)
		free_member(&table->rows[i], target);
}

void settings_reset(const struct settings_table *table, void *target, struct text key)
{
	for (size_t i = 0; i < table->count; i++) {
		const struct setting *row = &table->rows[i];
		struct text name = text_of(row->key);

		if (!row->key || !text_starts_with(name, key) ||
			(name.length > key.length && name.data[key.length] != '.'))
			continue;
		free_member(row, target);
		set_fallback(table, row, target);
	}
}

static void copy_member(const struct setting *row, void *to, const void *from)
{
	const struct text_list *list = from;
	const struct text_map *map = from;

	switch (row->type) {
	case SETTING_TEXT:
	case SETTING_SECRET:
		*(char **)to = string_copy(*(char *const *)from);
		break;
	case SETTING_LIST:
		*(struct text_list *)to = (struct text_list){ 0 };
		for (size_t i = 0; i < list->count; i++)
			text_list_add(to, text_of(list->items[i]));
		break;
	case SETTING_MAP:
		*(struct text_map *)to = (struct text_map){ 0 };
		for (size_t i = 0; i < map->count; i++)
			text_map_set(to, text_of(map->keys[i]), text_of(map->values[i]));
		break;
	default:
		break;
	}
}

void settings_copy(
	const struct settings_table *table, void *target, const void *source, size_t size)
{
	memcpy(target, source, size);
	for (size_t i = 0; i < table->count; i++)
		copy_member(&table->rows[i], (char *)target + table->rows[i].at,
			(const char *)source + table->rows[i].at);
}

/* One reading of a file. */
struct reading {
	const struct settings_table *table;
	void *target;
	const char *file;
	settings_warning *warn;
	void *context;
	struct error *err;
};

static bool key_equal(const struct settings_table *table, struct text a, struct text b)
{
	return table->ignores_key_case ? text_equal_ignoring_case(a, b) : text_equal(a, b);
}

static const struct setting *row_of_key(const struct settings_table *table, struct text key)
{
	for (size_t i = 0; i < table->count; i++)
		if (table->rows[i].key && key_equal(table, key, text_of(table->rows[i].key)))
			return &table->rows[i];
	return NULL;
}

/* Whether some row's key begins with `key` and a dot. */
static bool is_section(const struct settings_table *table, struct text key)
{
	for (size_t i = 0; i < table->count; i++) {
		struct text row = text_of(table->rows[i].key);

		if (row.length > key.length && row.data[key.length] == '.' &&
			key_equal(table, key, text_slice(row, 0, key.length)))
			return true;
	}
	return false;
}

static size_t dots_in(struct text text)
{
	size_t dots = 0;

	for (size_t i = 0; i < text.length; i++)
		dots += text.data[i] == '.';
	return dots;
}

/* The first segments of a dotted key: one more than `dots`. */
static struct text key_head(const char *key, size_t dots)
{
	size_t length = 0;

	for (; key[length] && (key[length] != '.' || dots); length++)
		dots -= key[length] == '.';
	return (struct text){ key, length };
}

/* " ; did you mean …?", or nothing. Sections are compared with sections. free() it. */
static char *key_advice(const struct settings_table *table, struct text key)
{
	struct text_list heads = {};
	const char *near;
	char *advice;

	for (size_t i = 0; i < table->count; i++)
		if (table->rows[i].key)
			text_list_add(&heads, key_head(table->rows[i].key, dots_in(key)));
	near = text_nearest(key, (const char *const *)heads.items, heads.count);
	advice = near ? string_printf("; did you mean \"%s\"?", near) : string_copy("");
	text_list_done(&heads);
	return advice;
}

static void warn_unknown(struct reading *reading, struct text key, const struct yaml_node *at)
{
	_cleanup_(freep) char *advice = key_advice(reading->table, key);
	_cleanup_(freep) char *message = string_printf("%s:%zu: unknown key \"" TEXT_FORMAT "\"%s",
		reading->file, at->line + 1, TEXT_PRINT(key), advice);

	if (reading->warn)
		reading->warn(reading->context, message);
}

static bool is_empty(const struct yaml_node *node)
{
	return node->kind == YAML_NULL || (node->kind != YAML_SCALAR && !node->count);
}

const char *settings_refusal(const struct settings_table *table, struct text key, struct text value)
{
	static const struct text prefix = { "No effect: ", 11 };
	const struct setting *row = row_of_key(table, key);
	struct text why;

	if (!row || row->type != SETTING_IGNORED ||
		(row->fallback && text_is(value, row->fallback)))
		return NULL;
	why = text_of(row->about);
	return text_starts_with(why, prefix) ? row->about + prefix.length : row->about;
}

/* It stands in the file and will not be done: that is said, with the reason. */
static void refuse(
	struct reading *reading, const struct setting *row, const struct yaml_node *value)
{
	const char *why = settings_refusal(reading->table, text_of(row->key), value->text);
	_cleanup_(freep) char *message = NULL;

	if (!why || is_empty(value) || !reading->warn)
		return;
	message = string_printf(
		"%s:%zu: \"%s\" is refused: %s", reading->file, value->line + 1, row->key, why);
	reading->warn(reading->context, message);
}

static int read_value(struct reading *reading, const struct setting *row, struct yaml_node *value)
{
	struct assignment to = assignment(reading->table, row, reading->target, reading->err);

	if (row->type == SETTING_IGNORED) {
		refuse(reading, row, value);
		return 0;
	}
	to.appends = reading->table->appends_lists ||
		     (reading->table->appends_top_lists && row->type == SETTING_LIST &&
			     !strchr(row->key, '.'));
	if (value->kind == YAML_NULL)
		return 0;
	if (set_from_node(&to, value) < 0)
		return error_prefix(
			reading->err, "%s:%zu: \"%s\"", reading->file, value->line + 1, row->key);
	return 0;
}

/* Nesting is bounded by the depth of the rows' keys. */
static int read_mapping(struct reading *reading, struct text prefix, const struct yaml_node *node)
{
	int r = 0;

	for (size_t i = 0; i < node->count && r >= 0; i++) {
		struct yaml_node *value = node->items[i];
		_cleanup_(freep) char *path =
			string_printf(TEXT_FORMAT "%s" TEXT_FORMAT, TEXT_PRINT(prefix),
				prefix.length ? "." : "", TEXT_PRINT(node->keys[i]->text));
		struct text key = text_of(path);
		const struct setting *row = row_of_key(reading->table, key);

		if (row && !(row->type == SETTING_NODE && value->kind == YAML_MAPPING &&
				   is_section(reading->table, key)))
			r = read_value(reading, row, value);
		else if (!is_section(reading->table, key))
			warn_unknown(reading, key, node->keys[i]);
		else if (value->kind == YAML_MAPPING)
			r = read_mapping(reading, key, value);
		else if (value->kind != YAML_NULL)
			r = error_at(reading->err, reading->file, (int)value->line + 1,
				"\"%s\" must be a mapping", path);
	}
	return r;
}

int settings_from_yaml(const struct settings_table *table, void *target, const char *file,
	const struct yaml_node *root, settings_warning *warn, void *context, struct error *err)
{
	struct reading reading = { .table = table,
		.target = target,
		.file = file,
		.warn = warn,
		.context = context,
		.err = err };
	struct error unused;

	if (!root || root->kind == YAML_NULL)
		return 0;
	if (root->kind != YAML_MAPPING)
		return error_at(err, file, (int)root->line + 1,
			"settings must be a mapping of keys to values");
	if (!err)
		reading.err = &unused;
	return read_mapping(&reading, TEXT(""), root);
}

static char *environment_name(const struct settings_table *table, const struct setting *row)
{
	char *name;

	if (row->environment || !row->key || !table->makes_environment)
		return string_copy(row->environment);
	name = string_printf(
		"%s%s", table->environment_prefix ? table->environment_prefix : "", row->key);
	for (char *c = name; *c; c++)
		*c = *c == '.' ? '_' : (char)toupper((unsigned char)*c);
	return name;
}

int settings_from_environment(const struct settings_table *table, void *target, struct error *err)
{
	for (size_t i = 0; i < table->count; i++) {
		const struct setting *row = &table->rows[i];
		struct assignment to = assignment(table, row, target, err);
		_cleanup_(freep) char *name = environment_name(table, row);
		const char *value = name ? getenv(name) : NULL;

		if (!value || !*value)
			continue;
		if (set_from_text(&to, text_of(value)) < 0)
			return error_prefix(err, "environment variable %s", name);
	}
	return 0;
}

/* An -o key taken apart: the plain dotted name, and what stood in brackets behind it. */
struct option_key {
	struct buffer name;
	bool has_index, appends;
	uint64_t index;
};

static int option_index(struct text inside, struct option_key *key)
{
	key->has_index = true;
	key->appends = !inside.length;
	return inside.length ? text_to_u64(inside, &key->index) : 0;
}

static int option_key_parse(struct text text, struct option_key *ret_key)
{
	for (size_t i = 0; i < text.length; i++) {
		char c = text.data[i];

		if (c == '\\' && i + 1 < text.length && strchr(".[]\\", text.data[i + 1])) {
			buffer_add_char(&ret_key->name, text.data[++i]);
		} else if (c == '[') {
			if (text.data[text.length - 1] != ']')
				return -EINVAL;
			return option_index(text_slice(text, i + 1, text.length - i - 2), ret_key);
		} else {
			buffer_add_char(&ret_key->name, c);
		}
	}
	return 0;
}

static int set_list_item(
	const struct assignment *to, const struct option_key *key, struct text value)
{
	struct text_list *list = to->member;

	if (to->row->type != SETTING_LIST)
		return error_set(to->err, -EINVAL, "it is not a list");
	if (key->appends || key->index == list->count) {
		text_list_add(list, value);
		return 0;
	}
	if (key->index > list->count)
		return error_set(to->err, -EINVAL, "it has only %zu items", list->count);
	free(list->items[key->index]);
	list->items[key->index] = text_to_string(value);
	return 0;
}

/* "map.name": the row of the map, and the name. */
static const struct setting *row_of_entry(
	const struct settings_table *table, struct text key, struct text *ret_name)
{
	for (size_t dot = key.length; dot-- > 0;) {
		const struct setting *row;

		if (key.data[dot] != '.')
			continue;
		row = row_of_key(table, text_slice(key, 0, dot));
		if (row && row->type == SETTING_MAP) {
			*ret_name = text_slice(key, dot + 1, key.length);
			return row;
		}
	}
	return NULL;
}

static int option_set(const struct settings_table *table, void *target,
	const struct option_key *key, struct text value, struct error *err)
{
	struct text name = buffer_text(&key->name), entry = {};
	const struct setting *row = row_of_key(table, name);
	struct assignment to;

	if (!row)
		row = row_of_entry(table, name, &entry);
	if (!row) {
		_cleanup_(freep) char *advice = key_advice(table, name);

		return error_set(err, -ENOENT, "unknown key \"" TEXT_FORMAT "\"%s",
			TEXT_PRINT(name), advice);
	}
	to = assignment(table, row, target, err);
	if (entry.data) {
		text_map_set(to.member, entry, value);
		return 0;
	}
	if (key->has_index ? set_list_item(&to, key, value) < 0 : set_from_text(&to, value) < 0)
		return error_prefix(err, "\"%s\"", row->key);
	return 0;
}

int settings_from_option(
	const struct settings_table *table, void *target, const char *option, struct error *err)
{
	struct text text = text_of(option);
	ptrdiff_t equals = text_find(text, TEXT("="));
	struct option_key key = {};
	struct error unused;
	int r;

	if (!err)
		err = &unused;
	if (equals <= 0)
		return error_set(err, -EINVAL, "option \"%s\" must be KEY=VALUE", option);
	buffer_init(&key.name, VALUE_MAX);
	if (option_key_parse(text_trim(text_slice(text, 0, (size_t)equals)), &key) < 0)
		r = error_set(err, -EINVAL, "option \"%s\": what is in brackets must be a number",
			option);
	else
		r = option_set(table, target, &key,
			text_slice(text, (size_t)equals + 1, text.length), err);
	buffer_done(&key.name);
	return r;
}

/* One reading of argv. */
struct arguments {
	const struct settings_table *table;
	void *target;
	int count, at;
	char **values;
	bool *seen; /* per row: a list's flag was given before */
	struct error *err;
};

static const struct setting *row_of_flag(const struct settings_table *table, struct text flag)
{
	for (size_t i = 0; i < table->count; i++)
		if (table->rows[i].flag && text_is(flag, table->rows[i].flag))
			return &table->rows[i];
	return NULL;
}

static const struct setting *row_of_short(const struct settings_table *table, char flag)
{
	for (size_t i = 0; i < table->count; i++)
		if (table->rows[i].short_flag == flag)
			return &table->rows[i];
	return NULL;
}

static int flag_unknown(struct arguments *arguments, struct text flag)
{
	_cleanup_(freep) const char **flags = NEW_ARRAY(const char *, arguments->table->count + 1);
	const char *near;
	size_t count = 0;

	for (size_t i = 0; i < arguments->table->count; i++)
		if (arguments->table->rows[i].flag)
			flags[count++] = arguments->table->rows[i].flag;
	near = text_nearest(flag, flags, count);
	return error_set(arguments->err, -EINVAL, "unknown flag %s" TEXT_FORMAT "%s%s%s",
		flag.length == 1 ? "-" : "--", TEXT_PRINT(flag), near ? "; did you mean --" : "",
		near ? near : "", near ? "?" : "");
}

static int flag_set(struct arguments *arguments, const struct setting *row, struct text value)
{
	struct assignment to = assignment(arguments->table, row, arguments->target, arguments->err);
	bool *seen = &arguments->seen[row - arguments->table->rows];

	to.appends = *seen;
	to.is_whole = true;
	*seen = true;
	if (set_from_text(&to, value) >= 0)
		return 0;
	if (row->flag)
		return error_prefix(arguments->err, "--%s", row->flag);
	return error_prefix(arguments->err, "-%c", row->short_flag);
}

/* A flag's value is the next argument. */
static int flag_set_next(struct arguments *arguments, const struct setting *row)
{
	if (row->type == SETTING_BOOL)
		return flag_set(arguments, row, TEXT("true"));
	if (row->implied)
		return flag_set(arguments, row, text_of(row->implied));
	if (arguments->at + 1 >= arguments->count)
		return error_set(arguments->err, -EINVAL, "%s needs a value%s%s",
			arguments->values[arguments->at], row->value ? ": " : "",
			row->value ? row->value : "");
	return flag_set(arguments, row, text_of(arguments->values[++arguments->at]));
}

static int read_long_flag(struct arguments *arguments, struct text flag)
{
	ptrdiff_t equals = text_find(flag, TEXT("="));
	struct text name = equals < 0 ? flag : text_slice(flag, 0, (size_t)equals);
	const struct setting *row = row_of_flag(arguments->table, name);

	if (row && equals >= 0)
		return flag_set(arguments, row, text_slice(flag, (size_t)equals + 1, flag.length));
	if (row)
		return flag_set_next(arguments, row);
	if (text_starts_with(name, TEXT("no-"))) {
		row = row_of_flag(arguments->table, text_slice(name, 3, name.length));
		if (row && row->type == SETTING_BOOL && equals < 0)
			return flag_set(arguments, row, TEXT("false"));
	}
	return flag_unknown(arguments, name);
}

/* "-vU", "-fFILE", "-f FILE". */
static int read_short_flags(struct arguments *arguments, struct text flags)
{
	for (size_t i = 0; i < flags.length; i++) {
		const struct setting *row = row_of_short(arguments->table, flags.data[i]);
		int r;

		if (!row)
			return flag_unknown(arguments, text_slice(flags, i, 1));
		if (row->type != SETTING_BOOL && i + 1 < flags.length)
			return flag_set(arguments, row, text_slice(flags, i + 1, flags.length));
		r = flag_set_next(arguments, row);
		if (r < 0)
			return r;
	}
	return 0;
}

static int read_arguments(struct arguments *arguments, int *ret_rest)
{
	bool are_flags_over = false;
	int rest = 0;

	for (arguments->at = 1; arguments->at < arguments->count; arguments->at++) {
		struct text argument = text_of(arguments->values[arguments->at]);
		int r = 0;

		if (are_flags_over || argument.length < 2 || argument.data[0] != '-')
			arguments->values[++rest] = arguments->values[arguments->at];
		else if (text_is(argument, "--"))
			are_flags_over = true;
		else if (argument.data[1] == '-')
			r = read_long_flag(arguments, text_slice(argument, 2, argument.length));
		else
			r = read_short_flags(arguments, text_slice(argument, 1, argument.length));
		if (r < 0)
			return r;
	}
	*ret_rest = rest;
	return 0;
}

int settings_from_arguments(const struct settings_table *table, void *target, int argc, char **argv,
	int *ret_rest, struct error *err)
{
	_cleanup_(freep) bool *seen = NEW_ARRAY(bool, table->count + 1);
	struct arguments arguments = { .table = table,
		.target = target,
		.count = argc,
		.values = argv,
		.seen = seen,
		.err = err };

	return read_arguments(&arguments, ret_rest);
}
