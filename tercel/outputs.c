/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tercel outputs: where the forwarder can send alerts, and the settings that each takes.
 */
#include "base/json.h"
#include "forwarder/output.h"
#include "tercel/command.h"
#include "tercel/print.h"

static void write_text(struct buffer *out)
{
	for (size_t i = 0; i < output_count; i++) {
		buffer_printf(out, "%s\n    %s\n", outputs[i]->name, outputs[i]->about);
		for (size_t row = 0; row < outputs[i]->row_count; row++)
			buffer_printf(out, "    %s.%s: %s\n", outputs[i]->name,
				outputs[i]->rows[row].key, outputs[i]->rows[row].about);
	}
}

static void write_markdown(struct buffer *out)
{
	buffer_add_string(out, "| output | what it does | settings |\n|---|---|---|\n");
	for (size_t i = 0; i < output_count; i++) {
		buffer_printf(out, "| `%s` | %s | ", outputs[i]->name, outputs[i]->about);
		for (size_t row = 0; row < outputs[i]->row_count; row++)
			buffer_printf(out, "%s`%s`", row ? " " : "", outputs[i]->rows[row].key);
		buffer_add_string(out, " |\n");
	}
}

static void write_json(struct buffer *out)
{
	struct json_writer json;

	json_writer_init(&json, out);
	json_begin_array(&json);
	for (size_t i = 0; i < output_count; i++) {
		json_begin_object(&json);
		json_key(&json, "name");
		json_add_string(&json, outputs[i]->name);
		json_key(&json, "about");
		json_add_string(&json, outputs[i]->about);
		json_key(&json, "settings");
		json_begin_array(&json);
		for (size_t row = 0; row < outputs[i]->row_count; row++)
			json_add_string(&json, outputs[i]->rows[row].key);
		json_end(&json);
		json_end(&json);
	}
	json_end(&json);
	buffer_add_char(out, '\n');
}

static void write_outputs(enum print_form form, struct buffer *out)
{
	static void (*const writers[])(struct buffer *) = {
		[PRINT_TEXT] = write_text,
		[PRINT_MARKDOWN] = write_markdown,
		[PRINT_JSON] = write_json,
	};

	writers[form](out);
}

int command_outputs(int argc, char **argv)
{
	return print_reference(argc, argv, "tercel outputs [--json | --markdown]", write_outputs);
}
