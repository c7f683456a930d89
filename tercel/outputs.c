/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tercel outputs: where the forwarder can send alerts, and the settings that each takes. Its
 * Markdown is docs/outputs.md, which a test holds against it.
 */
#include <ctype.h>

#include "base/json.h"
#include "base/memory.h"
#include "forwarder/output.h"
#include "forwarder/settings.h"
#include "tercel/command.h"
#include "tercel/print.h"

static const char intro[] =
	"# Outputs\n\n"
	"Where the forwarder can send alerts. Keys, environment names and defaults are "
	"Falcosidekick's; `tercel outputs --markdown` writes this page from the tables that the "
	"forwarder reads, so it is always true.\n\n"
	"An output is on when its first key is set. A key of the file can also be set by an "
	"environment variable: `slack.webhookurl` by `SLACK_WEBHOOKURL`. `tercel check FILE` says "
	"what is wrong before the forwarder starts.\n\n"
	"## What is retried\n\n"
	"Each output reads the journal from a place of its own, so alerts wait for a receiver that "
	"is away and cost the others nothing.\n\n"
	"| the receiver | what becomes of the alert |\n|---|---|\n"
	"| takes it (2xx, or the broker's acknowledgement) | sent |\n"
	"| will never take it (400, 413, 414, 422, 431, one of a bulk) | a dead letter with the "
	"receiver's words; those that travelled with it go again one by one |\n"
	"| does not take it now (408, 425, 429, 5xx, a timeout, a reply that breaks off) | again "
	"after a back-off (0.25 s, doubling to 60 s, or `Retry-After`); a dead letter after 20 "
	"tries or 24 hours |\n"
	"| takes nothing (nobody listens, no such host, TLS, 3xx, 401, 403, 404, 405, 407, 410, a "
	"wrong key or login) | waits in the journal until it does, and one request a back-off asks "
	"|\n\n"
	"Outputs that read more out of an answer than that say so. An alert may arrive twice, with "
	"the same `uuid`; it never gets lost between an acknowledgement and its receiver, except "
	"over UDP.\n\n";

static void write_environment(struct buffer *out, const char *prefix, const char *key)
{
	_cleanup_(freep) char *name =
		*prefix ? string_printf("%s.%s", prefix, key) : string_copy(key);

	for (char *c = name; *c; c++)
		buffer_add_char(out, *c == '.' ? '_' : (char)toupper((unsigned char)*c));
}

/* Text of a cell: no line breaks, and no | that would end it. */
static void write_cell(struct buffer *out, const char *text)
{
	for (const char *c = text ? text : ""; *c; c++) {
		if (*c == '|' || *c == '<' || *c == '>')
			buffer_add_char(out, '\\');
		buffer_add_char(out, *c == '\n' ? ' ' : *c);
	}
}

static void write_row(struct buffer *out, const char *prefix, const struct setting *row)
{
	bool has_prefix = *prefix;

	if (row->type == SETTING_IGNORED) {
		buffer_printf(out, "| `%s%s%s` | | | no effect: ", prefix, has_prefix ? "." : "",
			row->key);
		write_cell(out, row->about);
		buffer_add_string(out, " |\n");
		return;
	}
	buffer_printf(out, "| `%s%s%s` | `", prefix, has_prefix ? "." : "", row->key);
	write_environment(out, prefix, row->key);
	buffer_add_string(out, "` | ");
	if (row->fallback && *row->fallback)
		buffer_printf(out, "`%s`", row->fallback);
	buffer_add_string(out, " | ");
	write_cell(out, row->about);
	if (row->type == SETTING_CHOICE)
		buffer_printf(out, " (one of: %s)", row->choices);
	buffer_add_string(out, " |\n");
}

static void write_rows(
	struct buffer *out, const char *prefix, const struct setting *rows, size_t count)
{
	buffer_add_string(out, "| key | environment | default | |\n|---|---|---|---|\n");
	for (size_t i = 0; i < count; i++)
		write_row(out, prefix, &rows[i]);
	buffer_add_char(out, '\n');
}

/* How it travels, in the words of output.h. */
static void write_way(struct buffer *out, const struct output *output)
{
	if (output->tell)
		buffer_add_string(out, "Sends counters of the forwarder every `interval`, not "
				       "alerts.");
	else if (output->open)
		buffer_add_string(out, "Keeps a connection.");
	else
		buffer_add_string(out, "A request over HTTP.");
	if (output->batch)
		buffer_add_string(out, " Alerts that wait travel together.");
	if (output->prepare && output->group)
		buffer_add_string(out, " Fetches its identity, and again before it ends.");
	else if (output->prepare)
		buffer_add_string(out, " Asks or makes first what it needs there.");
	if (output->takes)
		buffer_add_string(out, " Takes alerts about system calls"
				       " (and `k8saudit`'s, for PolicyReport) alone.");
	if (output->verdict && !output->tell)
		buffer_add_string(out, " Reads more out of an answer than its status.");
}

static void write_output(struct buffer *out, const struct output *output)
{
	buffer_printf(out, "## %s\n\n%s. ", output->title, output->about);
	write_way(out, output);
	buffer_printf(out, " In metrics and `/api/outputs` its name is `%s`.\n\n", output->name);
	if (output->group)
		buffer_printf(out, "It also takes [the settings below `%s`](#below-%s).\n\n",
			output->group->name, output->group->name);
	write_rows(out, output_key(output), output->rows, output->row_count);
}

static bool is_first_of_group(size_t i)
{
	for (size_t before = 0; before < i; before++)
		if (outputs[before]->group == outputs[i]->group)
			return false;
	return outputs[i]->group != NULL;
}

static void write_groups(struct buffer *out)
{
	for (size_t i = 0; i < output_count; i++) {
		const struct output_group *group = outputs[i]->group;

		if (!is_first_of_group(i))
			continue;
		buffer_printf(out, "## Below %s\n\nWhat the outputs below `%s` share.\n\n",
			group->name, group->name);
		write_rows(out, group->name, group->rows, group->row_count);
	}
}

static void write_common(struct buffer *out)
{
	size_t count;
	const struct setting *rows = configuration_common_rows(&count);

	buffer_add_string(out, "## What every output takes\n\n"
			       "Behind its own key, as `slack.match`.\n\n");
	write_rows(out, "", rows, count);
}

static void write_absent(void *context, const char *name, const char *answer)
{
	struct buffer *out = context;

	buffer_printf(out, "| `%s` | ", name);
	write_cell(out, answer);
	buffer_add_string(out, " |\n");
}

static void write_text(struct buffer *out)
{
	for (size_t i = 0; i < output_count; i++) {
		buffer_printf(out, "%s\n    %s\n", outputs[i]->name, outputs[i]->about);
		for (size_t row = 0; row < outputs[i]->row_count; row++)
			buffer_printf(out, "    %s.%s: %s\n", output_key(outputs[i]),
				outputs[i]->rows[row].key, outputs[i]->rows[row].about);
	}
}

static void write_markdown(struct buffer *out)
{
	buffer_add_string(out, intro);
	buffer_add_string(out, "## All of them\n\n| output | |\n|---|---|\n");
	for (size_t i = 0; i < output_count; i++)
		buffer_printf(out, "| `%s` | %s |\n", output_key(outputs[i]), outputs[i]->about);
	buffer_add_string(out, "\n## Not here\n\nRecognised, and answered by `tercel check` and at "
			       "the start:\n\n| output | use instead |\n|---|---|\n");
	configuration_absent(write_absent, out);
	buffer_add_char(out, '\n');
	write_common(out);
	write_groups(out);
	for (size_t i = 0; i < output_count; i++)
		write_output(out, outputs[i]);
	out->length--; /* the last empty line */
	out->data[out->length] = '\0';
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
		json_key(&json, "key");
		json_add_string(&json, output_key(outputs[i]));
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
