/* SPDX-License-Identifier: Apache-2.0 */
/* The reference of all fields, printed from their rows. */
#include "base/json.h"
#include "base/memory.h"
#include "sensor/fields/field.h"

static const char *const argument_forms[] = {
	[ARGUMENT_NONE] = "",
	[ARGUMENT_INDEX] = "[N]",
	[ARGUMENT_INDEX_OPTIONAL] = "[N] or alone",
	[ARGUMENT_KEY] = "[KEY]",
	[ARGUMENT_KEY_OPTIONAL] = "[KEY] or alone",
	[ARGUMENT_SUFFIX] = ".NAME",
	[ARGUMENT_NAME_OR_INDEX] = ".NAME or [N]",
};

static const struct {
	enum field_flags flag;
	const char *name;
} notes[] = {
	{ FIELD_LIST, "list" },
	{ FIELD_FILTER_ONLY, "conditions only" },
	{ FIELD_PRINT_ONLY, "outputs only" },
	{ FIELD_NO_VALUE, "no val()" },
	{ FIELD_NO_TRANSFORMER, "no transformer" },
	{ FIELD_DEPRECATED, "deprecated" },
};

static void add_notes(const struct field *field, struct buffer *out)
{
	const char *separator = "";

	for (size_t i = 0; i < COUNT_OF(notes); i++) {
		if (!(field->flags & notes[i].flag))
			continue;
		buffer_printf(out, "%s%s", separator, notes[i].name);
		separator = ", ";
	}
	if (!field->read)
		buffer_printf(out, "%sno values yet", separator);
}

static void print_detail(const struct field *field, struct buffer *out)
{
	struct buffer text;

	buffer_init(&text, 1024);
	add_notes(field, &text);
	buffer_printf(out, "%-32s %s\n", "", field->about);
	buffer_printf(out, "%-32s type %s", "", value_type_name(field->type));
	if (*argument_forms[field->argument])
		buffer_printf(out, ", written %s%s", field->name, argument_forms[field->argument]);
	if (text.length)
		buffer_printf(out, " (" TEXT_FORMAT ")", TEXT_PRINT(buffer_text(&text)));
	buffer_add_char(out, '\n');
	buffer_done(&text);
}

static void print_field(enum fields_format format, const struct field *field, struct buffer *out)
{
	switch (format) {
	case FIELDS_NAMES:
		buffer_printf(out, "%s\n", field->name);
		break;
	case FIELDS_TEXT:
		buffer_printf(out, "%-32s %s\n", field->name, field->about);
		break;
	case FIELDS_DETAILED_TEXT:
		buffer_printf(out, "%s\n", field->name);
		print_detail(field, out);
		break;
	default:
		buffer_printf(out, "| `%s` | %s | %s | %s | ", field->name,
			value_type_name(field->type), argument_forms[field->argument],
			field->about);
		add_notes(field, out);
		buffer_add_string(out, " |\n");
	}
}

static void print_heading(
	enum fields_format format, const struct field_family *family, struct buffer *out)
{
	if (format == FIELDS_MARKDOWN)
		buffer_printf(out,
			"\n## %s\n\n%s.\n\n| field | type | argument | meaning | notes |\n"
			"|---|---|---|---|---|\n",
			family->name, family->about);
	else if (format != FIELDS_NAMES)
		buffer_printf(out,
			"-------------------------------\n"
			"Field Class:                  %s\n"
			"Description:                  %s\n"
			"Event Sources:                syscall\n\n",
			family->name, family->about);
}

static void print_json_field(const struct field *field, struct json_writer *json)
{
	json_begin_object(json);
	json_key(json, "name");
	json_add_string(json, field->name);
	json_key(json, "type");
	json_add_string(json, value_type_name(field->type));
	json_key(json, "argument");
	json_add_string(json, argument_forms[field->argument]);
	json_key(json, "description");
	json_add_string(json, field->about);
	json_key(json, "notes");
	json_begin_array(json);
	for (size_t i = 0; i < COUNT_OF(notes); i++)
		if (field->flags & notes[i].flag)
			json_add_string(json, notes[i].name);
	json_end(json);
	json_key(json, "has_values");
	json_add_bool(json, field->read != NULL);
	json_end(json);
}

static void print_json(struct buffer *out)
{
	struct json_writer json;
	size_t count;
	const struct field_family *const *families = field_families(&count);

	json_writer_init(&json, out);
	json_begin_array(&json);
	for (size_t i = 0; i < count; i++)
		for (size_t j = 0; j < families[i]->count; j++)
			if (!(families[i]->fields[j].flags & FIELD_HIDDEN))
				print_json_field(&families[i]->fields[j], &json);
	json_end(&json);
	buffer_add_char(out, '\n');
}

void fields_print(enum fields_format format, struct buffer *out)
{
	size_t count;
	const struct field_family *const *families = field_families(&count);

	if (format == FIELDS_JSON) {
		print_json(out);
		return;
	}
	if (format == FIELDS_MARKDOWN)
		buffer_add_string(out, "# Fields\n");
	for (size_t i = 0; i < count; i++) {
		print_heading(format, families[i], out);
		for (size_t j = 0; j < families[i]->count; j++)
			if (!(families[i]->fields[j].flags & FIELD_HIDDEN))
				print_field(format, &families[i]->fields[j], out);
		if (format == FIELDS_TEXT || format == FIELDS_DETAILED_TEXT)
			buffer_add_char(out, '\n');
	}
}
