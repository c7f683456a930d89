/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tercel events: what evt.type can be, with each event's arguments, printed from the table.
 */
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "sensor/events.h"
#include "tercel/command.h"
#include "tercel/print.h"

static void add_arguments(const struct event_type *type, const char *between, struct buffer *out)
{
	for (unsigned i = 0; i < type->argument_count; i++)
		buffer_printf(out, "%s%s %s", i ? between : "",
			value_type_name(type->arguments[i].type), type->arguments[i].name);
}

static void write_text(const struct event_type *types, size_t count, struct buffer *out)
{
	for (size_t i = 0; i < count; i++) {
		buffer_printf(out, "%s(", types[i].name);
		add_arguments(&types[i], ", ", out);
		buffer_add_string(out, types[i].is_generic ? ")  generic\n" : ")\n");
	}
}

static void write_markdown(const struct event_type *types, size_t count, struct buffer *out)
{
	buffer_add_string(out, "| event | arguments |\n|---|---|\n");
	for (size_t i = 0; i < count; i++) {
		buffer_printf(out, "| `%s` | ", types[i].name);
		if (types[i].is_generic)
			buffer_add_string(out, "generic: no arguments, no result");
		add_arguments(&types[i], ", ", out);
		buffer_add_string(out, " |\n");
	}
}

static void write_json(const struct event_type *types, size_t count, struct buffer *out)
{
	struct json_writer json;

	json_writer_init(&json, out);
	json_begin_array(&json);
	for (size_t i = 0; i < count; i++) {
		json_begin_object(&json);
		json_key(&json, "name");
		json_add_string(&json, types[i].name);
		json_key(&json, "generic");
		json_add_bool(&json, types[i].is_generic);
		json_key(&json, "arguments");
		json_begin_array(&json);
		for (unsigned a = 0; a < types[i].argument_count; a++) {
			json_begin_object(&json);
			json_key(&json, "name");
			json_add_string(&json, types[i].arguments[a].name);
			json_key(&json, "type");
			json_add_string(&json, value_type_name(types[i].arguments[a].type));
			json_end(&json);
		}
		json_end(&json);
		json_end(&json);
	}
	json_end(&json);
	buffer_add_char(out, '\n');
}

static void write_events(enum print_form form, struct buffer *out)
{
	static void (*const writers[])(const struct event_type *, size_t, struct buffer *) = {
		[PRINT_TEXT] = write_text,
		[PRINT_MARKDOWN] = write_markdown,
		[PRINT_JSON] = write_json,
	};
	size_t count;
	const struct event_type *types = event_types(&count);

	writers[form](types, count, out);
}

int command_events(int argc, char **argv)
{
	return print_reference(argc, argv, "tercel events [--json | --markdown]", write_events);
}
