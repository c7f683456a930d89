/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The schema is a table of shapes; one walk over it prints it, another holds a file against it.
 */
#include "base/json.h"
#include "base/memory.h"
#include "sensor/rules/schema.h"

/* What a wrong file may add to its result. */
#define WARNINGS_MAX   200
#define PATH_MAX_BYTES 1024
#define SCHEMA_MAX     (64 << 10)

enum shape_kind {
	SHAPE_TEXT,
	SHAPE_SCALAR, /* an integer or a text */
	SHAPE_BOOL,
	SHAPE_INTEGER,
	SHAPE_ANY,
	SHAPE_CHOICE,
	SHAPE_LIST,
	SHAPE_OBJECT, /* closed: no other keys */
	SHAPE_COUNT
};

struct property;

struct shape {
	enum shape_kind kind;
	const char *choices; /* blank separated */
	const struct shape *items;
	const struct property *properties;
	size_t count;
	const char *required; /* a key that must be there; NULL: none */
};

struct property {
	const char *key;
	const struct shape *shape;
};

static const struct shape text = { SHAPE_TEXT }, scalar = { SHAPE_SCALAR }, flag = { SHAPE_BOOL },
			  integer = { SHAPE_INTEGER }, any = { SHAPE_ANY },
			  texts = { SHAPE_LIST, .items = &text },
			  scalars = { SHAPE_LIST, .items = &scalar };

static const struct shape priority = { SHAPE_CHOICE,
	.choices = "EMERGENCY ALERT CRITICAL ERROR WARNING NOTICE INFO INFORMATIONAL DEBUG" };

#define OBJECT(list, ...)                                                              \
	{                                                                              \
		SHAPE_OBJECT, .properties = list, .count = COUNT_OF(list), __VA_ARGS__ \
	}

static const struct property exception_keys[] = { { "name", &text }, { "fields", &any },
	{ "comps", &any }, { "values", &any } };
static const struct shape exception = OBJECT(exception_keys, .required = "name");
static const struct shape exceptions = { SHAPE_LIST, .items = &exception };

static const struct shape change = { SHAPE_CHOICE, .choices = "append replace" };
static const struct property override_keys[] = { { "condition", &change }, { "items", &change },
	{ "desc", &change }, { "enabled", &change }, { "exceptions", &change },
	{ "output", &change }, { "priority", &change }, { "tags", &change },
	{ "warn_evttypes", &change }, { "skip-if-unknown-filter", &change }, { "capture", &change },
	{ "capture_duration", &change } };
static const struct shape override = OBJECT(override_keys);

static const struct property alternative_keys[] = { { "name", &text }, { "version", &text } };
static const struct shape alternative = OBJECT(alternative_keys, .required = "name");
static const struct shape alternatives = { SHAPE_LIST, .items = &alternative };
static const struct property plugin_keys[] = { { "name", &text }, { "version", &text },
	{ "alternatives", &alternatives } };
static const struct shape plugin = OBJECT(plugin_keys, .required = "name");
static const struct shape plugins = { SHAPE_LIST, .items = &plugin };

static const struct property item_keys[] = { { "required_engine_version", &text },
	{ "required_plugin_versions", &plugins }, { "macro", &text }, { "condition", &text },
	{ "list", &text }, { "items", &scalars }, { "rule", &text }, { "desc", &text },
	{ "enabled", &flag }, { "output", &text }, { "append", &flag }, { "priority", &priority },
	{ "source", &text }, { "exceptions", &exceptions }, { "override", &override },
	{ "tags", &texts }, { "warn_evttypes", &flag }, { "skip-if-unknown-filter", &flag },
	{ "capture", &flag }, { "capture_duration", &integer } };
static const struct shape item = OBJECT(item_keys);
static const struct shape root = { SHAPE_LIST, .items = &item };

/* ---- printing ---- */

static void print_choices(const char *choices, struct json_writer *json)
{
	struct text rest = text_of(choices), word;

	json_key(json, "enum");
	json_begin_array(json);
	while (rest.length && text_split(&rest, ' ', &word))
		json_add_text(json, word);
	json_end(json);
}

static void print_shape(const struct shape *shape, struct json_writer *json);

static void print_members(const struct shape *shape, struct json_writer *json)
{
	json_key(json, "additionalProperties");
	json_add_bool(json, false);
	json_key(json, "properties");
	json_begin_object(json);
	for (size_t i = 0; i < shape->count; i++) {
		json_key(json, shape->properties[i].key);
		print_shape(shape->properties[i].shape, json);
	}
	json_end(json);
	if (!shape->required)
		return;
	json_key(json, "required");
	json_begin_array(json);
	json_add_string(json, shape->required);
	json_end(json);
}

static void print_inside(const struct shape *shape, struct json_writer *json)
{
	static const char *const types[SHAPE_COUNT] = {
		[SHAPE_TEXT] = "\"string\"",
		[SHAPE_SCALAR] = "[\"integer\",\"string\"]",
		[SHAPE_BOOL] = "\"boolean\"",
		[SHAPE_INTEGER] = "\"integer\"",
		[SHAPE_CHOICE] = "\"string\"",
		[SHAPE_LIST] = "\"array\"",
		[SHAPE_OBJECT] = "\"object\"",
	};

	if (types[shape->kind]) {
		json_key(json, "type");
		json_add_raw(json, text_of(types[shape->kind]));
	}
	if (shape->choices)
		print_choices(shape->choices, json);
	if (shape->items) {
		json_key(json, "items");
		print_shape(shape->items, json);
	}
	if (shape->kind == SHAPE_OBJECT)
		print_members(shape, json);
}

static void print_shape(const struct shape *shape, struct json_writer *json)
{
	json_begin_object(json);
	print_inside(shape, json);
	json_end(json);
}

void rule_schema_print(struct buffer *out)
{
	struct json_writer json;

	json_writer_init(&json, out);
	json_begin_object(&json);
	json_key(&json, "$schema");
	json_add_string(&json, "http://json-schema.org/draft-06/schema#");
	print_inside(&root, &json);
	json_end(&json);
	buffer_add_char(out, '\n');
}

/* ---- checking ---- */

struct schema_check {
	struct load_result *result;
	struct buffer path; /* of the value that is looked at */
};

__attribute__((format(printf, 2, 3))) static bool failed(
	struct schema_check *check, const char *format, ...)
{
	struct load_result *result = check->result;
	struct buffer message;
	va_list arguments;

	if (result->schema_warning_count == WARNINGS_MAX)
		return false;
	buffer_init(&message, 4096);
	buffer_printf(&message, "failed for <root>" TEXT_FORMAT ": ",
		TEXT_PRINT(buffer_text(&check->path)));
	va_start(arguments, format);
	buffer_vprintf(&message, format, arguments);
	va_end(arguments);
	result->schema_warnings = memory_resize(result->schema_warnings,
		result->schema_warning_count + 1, sizeof(*result->schema_warnings));
	result->schema_warnings[result->schema_warning_count++] = buffer_take(&message);
	return false;
}

static bool is_choice(struct text value, const char *choices)
{
	struct text rest = text_of(choices), word;

	while (rest.length && text_split(&rest, ' ', &word))
		if (text_equal(word, value))
			return true;
	return false;
}

/* Texts that read as a number or a boolean are one: types are weak in YAML. */
static bool has_type(const struct shape *shape, const struct yaml_node *node)
{
	int64_t number;
	bool value;

	switch (shape->kind) {
	case SHAPE_LIST:
		return node->kind == YAML_SEQUENCE;
	case SHAPE_OBJECT:
		return node->kind == YAML_MAPPING;
	case SHAPE_BOOL:
		return node->kind == YAML_SCALAR && yaml_bool(node, &value) >= 0;
	case SHAPE_INTEGER:
		return node->kind == YAML_SCALAR && text_to_i64(node->text, &number) >= 0;
	case SHAPE_ANY:
		return true;
	default:
		return node->kind == YAML_SCALAR;
	}
}

static bool check_shape(
	struct schema_check *check, const struct shape *shape, const struct yaml_node *node);

/* The value below "[NAME]" of the path. */
static bool check_below(struct schema_check *check, struct text name, const struct shape *shape,
	const struct yaml_node *node)
{
	size_t length = check->path.length;
	bool is_right;

	buffer_printf(&check->path, "[" TEXT_FORMAT "]", TEXT_PRINT(name));
	is_right = check_shape(check, shape, node);
	check->path.length = MIN_OF(length, check->path.length);
	return is_right;
}

static bool check_items(
	struct schema_check *check, const struct shape *shape, const struct yaml_node *node)
{
	bool is_right = true;
	char number[24];

	for (size_t i = 0; i < node->count; i++) {
		snprintf(number, sizeof(number), "%zu", i);
		if (!check_below(check, text_of(number), shape->items, node->items[i]))
			is_right = failed(check, "Failed to validate item #%zu in array.", i);
	}
	return is_right;
}

static const struct shape *shape_of(const struct shape *shape, struct text key)
{
	for (size_t i = 0; i < shape->count; i++)
		if (text_is(key, shape->properties[i].key))
			return shape->properties[i].shape;
	return NULL;
}

static bool check_keys(
	struct schema_check *check, const struct shape *shape, const struct yaml_node *node)
{
	bool is_right = true;

	for (size_t i = 0; i < node->count; i++) {
		struct text key = node->keys[i]->text;
		const struct shape *value = shape_of(shape, key);

		if (!value)
			is_right = failed(check,
				"Object contains a property that could not be validated using "
				"'properties' or 'additionalProperties' constraints: '" TEXT_FORMAT
				"'.",
				TEXT_PRINT(key));
		else if (!check_below(check, key, value, node->items[i]))
			is_right = failed(check,
				"Failed to validate against schema associated with property name "
				"'" TEXT_FORMAT "'.",
				TEXT_PRINT(key));
	}
	if (shape->required && !yaml_get(node, shape->required))
		is_right = failed(check, "Missing required property '%s'.", shape->required);
	return is_right;
}

static bool check_shape(
	struct schema_check *check, const struct shape *shape, const struct yaml_node *node)
{
	if (node->kind == YAML_NULL)
		return true;
	if (!has_type(shape, node))
		return failed(check, "Value type not permitted by 'type' constraint.");
	if (shape->choices && !is_choice(node->text, shape->choices))
		return failed(check, "Failed to match against any enum values.");
	if (shape->kind == SHAPE_LIST)
		return check_items(check, shape, node);
	return shape->kind == SHAPE_OBJECT ? check_keys(check, shape, node) : true;
}

void rule_schema_check(const struct yaml *yaml, struct load_result *result)
{
	struct schema_check check = { .result = result };

	result->has_schema = true;
	buffer_init(&check.path, PATH_MAX_BYTES);
	for (size_t i = 0; i < yaml_document_count(yaml); i++)
		(void)check_shape(&check, &root, yaml_document(yaml, i));
	buffer_done(&check.path);
}
