/* SPDX-License-Identifier: Apache-2.0 */
/* Reports of tests of rules. */
#include <stdlib.h>

#include "base/json.h"
#include "base/memory.h"
#include "tercel/outcomes.h"

void outcomes_add(
	struct outcomes *outcomes, const char *file, size_t line, char *name, char *message)
{
	*ARRAY_ADD(outcomes->items, outcomes->count, outcomes->capacity) = (struct outcome){
		.file = string_copy(file), .line = line, .name = name, .message = message
	};
	outcomes->failed += message != NULL;
}

void outcomes_done(struct outcomes *outcomes)
{
	for (size_t i = 0; i < outcomes->count; i++) {
		free(outcomes->items[i].file);
		free(outcomes->items[i].name);
		free(outcomes->items[i].message);
	}
	free(outcomes->items);
}

/* Each line of a message, with something before it. */
static void write_lines(const char *message, const char *before, struct buffer *out)
{
	struct text rest = text_of(message), line;

	while (text_split(&rest, '\n', &line))
		if (line.length)
			buffer_printf(out, "%s" TEXT_FORMAT "\n", before, TEXT_PRINT(line));
}

void outcomes_write_text(const struct outcomes *outcomes, struct buffer *out)
{
	for (size_t i = 0; i < outcomes->count; i++) {
		const struct outcome *one = &outcomes->items[i];

		if (!one->message)
			continue;
		if (one->line)
			buffer_printf(out, "%s:%zu: ", one->file, one->line);
		buffer_printf(out, "%s: failed\n", one->name);
		write_lines(one->message, "  ", out);
	}
	buffer_printf(out, "%zu passed, %zu failed\n", outcomes->count - outcomes->failed,
		outcomes->failed);
}

void outcomes_write_tap(const struct outcomes *outcomes, struct buffer *out)
{
	for (size_t i = 0; i < outcomes->count; i++) {
		const struct outcome *one = &outcomes->items[i];

		if (one->message)
			write_lines(one->message, "# ", out);
		buffer_printf(out, "%sok %zu - %s\n", one->message ? "not " : "", i + 1, one->name);
	}
	buffer_printf(out, "1..%zu\n", outcomes->count);
}

static void write_json_outcome(const struct outcome *one, struct json_writer *json)
{
	json_begin_object(json);
	json_key(json, "name");
	json_add_string(json, one->name);
	json_key(json, "file");
	json_add_string(json, one->file);
	json_key(json, "line");
	json_add_u64(json, one->line);
	json_key(json, "passed");
	json_add_bool(json, !one->message);
	json_key(json, "message");
	json_add_string(json, one->message);
	json_end(json);
}

void outcomes_write_json(const struct outcomes *outcomes, struct buffer *out)
{
	struct json_writer json;

	json_writer_init(&json, out);
	json_begin_object(&json);
	json_key(&json, "tests");
	json_begin_array(&json);
	for (size_t i = 0; i < outcomes->count; i++)
		write_json_outcome(&outcomes->items[i], &json);
	json_end(&json);
	json_key(&json, "passed");
	json_add_u64(&json, outcomes->count - outcomes->failed);
	json_key(&json, "failed");
	json_add_u64(&json, outcomes->failed);
	json_end(&json);
	buffer_add_char(out, '\n');
}

/* Text in an XML attribute: what XML 1.0 cannot hold at all becomes a question mark. */
static void write_xml(struct text text, struct buffer *out)
{
	static const char *const escapes[256] = { ['<'] = "&lt;",
		['>'] = "&gt;",
		['&'] = "&amp;",
		['"'] = "&quot;",
		['\n'] = "&#10;",
		['\t'] = "&#9;" };
	struct buffer valid;

	buffer_init(&valid, SIZE_MAX / 2);
	buffer_add_utf8(&valid, text);
	for (size_t i = 0; i < valid.length; i++) {
		unsigned char c = (unsigned char)valid.data[i];

		if (escapes[c])
			buffer_add_string(out, escapes[c]);
		else
			buffer_add_char(out, c < 0x20 ? '?' : (char)c);
	}
	buffer_done(&valid);
}

static void write_attribute(const char *name, const char *value, struct buffer *out)
{
	buffer_printf(out, " %s=\"", name);
	write_xml(text_of(value), out);
	buffer_add_char(out, '"');
}

void outcomes_write_junit(const struct outcomes *outcomes, struct buffer *out)
{
	buffer_printf(out,
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n"
		"<testsuite name=\"tercel test\" tests=\"%zu\" failures=\"%zu\">\n",
		outcomes->count, outcomes->failed);
	for (size_t i = 0; i < outcomes->count; i++) {
		const struct outcome *one = &outcomes->items[i];

		buffer_add_string(out, "<testcase");
		write_attribute("classname", "rules", out);
		write_attribute("name", one->name, out);
		if (one->line) {
			write_attribute("file", one->file, out);
			buffer_printf(out, " line=\"%zu\"", one->line);
		}
		buffer_add_char(out, '>');
		if (one->message) {
			buffer_add_string(out, "<failure");
			write_attribute("message", one->message, out);
			buffer_add_string(out, "/>");
		}
		buffer_add_string(out, "</testcase>\n");
	}
	buffer_add_string(out, "</testsuite>\n</testsuites>\n");
}
