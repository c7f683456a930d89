/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Results of loading, and how they print.
 */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>

#include "base/memory.h"
#include "sensor/rules/results.h"

/* Bytes of a line that a snippet shows around the caret. */
#define SNIPPET_WIDTH 160
/* What a long message may grow to: names and words of an operator's list. */
#define MESSAGE_MAX (64 * 1024)

struct code_row {
	const char *name, *text, *about;
};

static const struct code_row codes[LOAD_CODE_COUNT] = {
	[LOAD_ERR_FILE_READ] = { "LOAD_ERR_FILE_READ", "File read error" },
	[LOAD_ERR_YAML_PARSE] = { "LOAD_ERR_YAML_PARSE", "YAML parse error" },
	[LOAD_ERR_YAML_VALIDATE] = { "LOAD_ERR_YAML_VALIDATE",
		"Error validating internal structure of YAML file" },
	[LOAD_ERR_COMPILE_CONDITION] = { "LOAD_ERR_COMPILE_CONDITION",
		"Error compiling condition" },
	[LOAD_ERR_COMPILE_OUTPUT] = { "LOAD_ERR_COMPILE_OUTPUT", "Error compiling output" },
	[LOAD_ERR_VALIDATE] = { "LOAD_ERR_VALIDATE",
		"Error validating rule/macro/list/exception objects" },
	[LOAD_UNKNOWN_SOURCE] = { "LOAD_UNKNOWN_SOURCE", "Unknown event source",
		"The rule names an event source that is not loaded, so it can never match." },
	[LOAD_UNSAFE_NA_CHECK] = { "LOAD_UNSAFE_NA_CHECK", "Unsafe <NA> comparison in condition",
		"The field has no value where the condition expects the text <NA>." },
	[LOAD_NO_EVTTYPE] = { "LOAD_NO_EVTTYPE", "Condition has no event-type restriction",
		"The rule is tried on nearly every event, which costs time." },
	[LOAD_UNKNOWN_FILTER] = { "LOAD_UNKNOWN_FILTER",
		"Unknown field or event-type in condition or output",
		"The rule names what this version does not know, and asked to be skipped then." },
	[LOAD_UNUSED_MACRO] = { "LOAD_UNUSED_MACRO", "Unused macro",
		"No rule and no macro uses this macro." },
	[LOAD_UNUSED_LIST] = { "LOAD_UNUSED_LIST", "Unused list",
		"No rule, macro or list uses this list." },
	[LOAD_UNKNOWN_ITEM] = { "LOAD_UNKNOWN_ITEM", "Unknown rules file item",
		"An item of the file is neither rule, macro, list nor a required version." },
	[LOAD_DEPRECATED_ITEM] = { "LOAD_DEPRECATED_ITEM", "Used deprecated item",
		"A deprecated item is used by a list, macro or rule." },
	[LOAD_APPEND_NO_VALUES] = { "LOAD_APPEND_NO_VALUES", "Overriding/appending with no values",
		"The item adds to another one, but holds nothing that could be added." },
	[LOAD_EXCEPTION_NAME_NOT_UNIQUE] = { "LOAD_EXCEPTION_NAME_NOT_UNIQUE",
		"Multiple exceptions defined with the same name",
		"Two exceptions of one rule have the same name." },
	[LOAD_INVALID_MACRO_NAME] = { "LOAD_INVALID_MACRO_NAME", "Invalid macro name",
		"Conditions cannot refer to a macro of this name." },
	[LOAD_INVALID_LIST_NAME] = { "LOAD_INVALID_LIST_NAME", "Invalid list name",
		"Conditions cannot refer to a list of this name." },
	[LOAD_COMPILE_CONDITION] = { "LOAD_COMPILE_CONDITION", "Warning in rule condition",
		"The condition may not mean what it seems to." },
	[LOAD_UNKNOWN_KEY] = { "LOAD_UNKNOWN_KEY", "Unknown key in item definition",
		"The item holds a key that its kind does not have; it is ignored." },
};

static const struct code_row *code_find(const char *name)
{
	for (size_t i = 0; i < COUNT_OF(codes); i++)
		if (!strcmp(codes[i].name, name))
			return &codes[i];
	return NULL;
}

const char *load_code_text(const char *code)
{
	const struct code_row *row = code_find(code);

	return row ? row->text : "";
}

const struct place *place_of_file(struct arena *arena, const char *file, struct text source)
{
	struct place *place = ARENA_NEW(arena, struct place, 1);

	*place = (struct place){ .item_type = "rules content",
		.file = arena_copy(arena, text_of(file)),
		.source = source,
		.file_source = source };
	return place;
}

const struct place *place_new(struct arena *arena, const struct place *parent,
	const char *item_type, struct text item_name, const struct yaml_node *node)
{
	struct place *place = ARENA_NEW(arena, struct place, 1);

	*place = (struct place){ .parent = parent,
		.item_type = item_type,
		.item_name = item_name,
		.file = parent->file,
		.line = node->line,
		.column = node->column,
		.offset = node->offset,
		.source = parent->source,
		.caret = node->offset,
		.file_source = parent->source,
		.file_caret = node->offset };
	return place;
}

/* The word, or the one byte, at an offset. */
static struct text token_at(struct text text, size_t offset)
{
	size_t length = 0;

	text = text_slice(text, offset, text.length);
	while (length < text.length &&
		(isalnum((unsigned char)text.data[length]) || strchr("._[]", text.data[length])))
		length++;
	return text_slice(text, 0, MAX_OF(length, 1));
}

/*
 * The text of a value as the file has it: from where it begins up to a line that is indented no
 * deeper than the item's keys.
 */
static struct text value_in_file(const struct place *value)
{
	struct text rest =
		text_slice(value->file_source, value->file_caret, value->file_source.length);
	size_t keys = value->parent ? value->parent->column : 0, at = 0;

	while (at < rest.length) {
		const char *end = memchr(rest.data + at, '\n', rest.length - at);
		size_t next = end ? (size_t)(end - rest.data) + 1 : rest.length, indent = 0;

		while (next + indent < rest.length && rest.data[next + indent] == ' ')
			indent++;
		at = next;
		if (next + indent < rest.length && rest.data[next + indent] != '\n' &&
			indent <= keys)
			break;
	}
	return text_slice(rest, 0, at);
}

/*
 * Where in the file a position of a condition is. The condition may have its lists written out
 * and its lines folded, so the word at the position is looked for: the n-th of its kind there is
 * the n-th in the file. When the file has not as many, the value's own place must do.
 */
static size_t caret_in_file(const struct place *value, struct text condition, size_t offset)
{
	struct text token = token_at(condition, offset), rest = value_in_file(value);
	size_t wanted = 0, skipped = 0, from = 0;
	ptrdiff_t found;

	if (!token.length)
		return value->file_caret + text_trim(rest).length;
	while ((found = text_find(text_slice(condition, from, condition.length), token)) >= 0 &&
		from + (size_t)found < offset) {
		wanted++;
		from += (size_t)found + 1;
	}
	for (from = 0; skipped <= wanted; skipped++) {
		found = text_find(text_slice(rest, from, rest.length), token);
		if (found < 0)
			return value->file_caret;
		from += (size_t)found + 1;
	}
	return value->file_caret + from - 1;
}

const struct place *place_in_condition(struct arena *arena, const struct place *parent,
	const struct place *base, struct text condition, const struct position *at)
{
	struct place *place = ARENA_NEW(arena, struct place, 1);
	bool is_long = condition.length > 20;

	*place = (struct place){ .parent = parent,
		.item_type = "condition expression",
		.file = arena_printf(arena, "\"" TEXT_FORMAT "%s\"",
			TEXT_PRINT(text_slice(condition, 0, is_long ? 17 : 20)),
			is_long ? "..." : ""),
		.line = base->line + at->line,
		.column = base->column + at->column,
		.offset = base->offset + at->offset,
		.source = condition,
		.caret = at->offset,
		.file_source = parent->file_source,
		.file_caret = caret_in_file(parent, condition, at->offset) };
	return place;
}

/* Start and end of the line that holds `caret`. */
static struct text line_at(struct text source, size_t caret, size_t *ret_start)
{
	size_t start = MIN_OF(caret, source.length), end = start;

	/* A position behind the last line, as of a value that is missing, belongs to that line. */
	while (start && start == source.length && source.data[start - 1] == '\n')
		start--;
	end = start;
	while (start && source.data[start - 1] != '\n')
		start--;
	while (end < source.length && source.data[end] != '\n' && source.data[end] != '\r')
		end++;
	*ret_start = start;
	return text_slice(source, start, end > start ? end - start : 0);
}

/* The line, cut to what is around the caret, and a line with the caret below it. */
static char *snippet_of(struct text source, size_t offset)
{
	size_t start, from = 0, caret;
	struct text line = line_at(source, offset, &start);
	struct buffer out;

	caret = MIN_OF(offset - MIN_OF(start, offset), line.length);
	buffer_init(&out, 4 * SNIPPET_WIDTH + 64);
	if (line.length > SNIPPET_WIDTH) {
		from = caret > SNIPPET_WIDTH / 2 ? caret - SNIPPET_WIDTH / 2 : 0;
		from = MIN_OF(from, line.length - SNIPPET_WIDTH);
	}
	if (from)
		buffer_add_string(&out, "...");
	buffer_add_utf8(&out, text_slice(line, from, SNIPPET_WIDTH));
	if (from + SNIPPET_WIDTH < line.length)
		buffer_add_string(&out, "...");
	buffer_add_char(&out, '\n');
	if (from)
		buffer_add_string(&out, "   ");
	for (size_t i = from; i < caret; i++)
		/* One column a character: the bytes that continue one do not count. */
		if (((unsigned char)line.data[i] & 0xc0) != 0x80)
			buffer_add_char(&out, line.data[i] == '\t' ? '\t' : ' ');
	buffer_add_string(&out, "^\n");
	return buffer_take(&out);
}

static void set_locations(struct load_issue *issue, const struct place *place)
{
	size_t count = 0, at;

	for (const struct place *one = place; one; one = one->parent)
		count++;
	issue->locations = NEW_ARRAY(struct load_location, count);
	issue->location_count = at = count;
	for (const struct place *one = place; one; one = one->parent)
		issue->locations[--at] = (struct load_location){
			.item_type = one->item_type,
			.item_name = text_to_string(one->item_name),
			.file = text_to_string(one->file),
			.line = one->line,
			.column = one->column,
			.offset = one->offset,
		};
}

/* Line and column of the mistake, the column in characters. */
static void set_position(struct load_issue *issue, const struct place *place)
{
	struct text before = text_slice(place->file_source, 0, place->file_caret);

	issue->line = issue->column = 1;
	for (size_t i = 0; i < before.length; i++) {
		issue->column += ((unsigned char)before.data[i] & 0xc0) != 0x80;
		if (before.data[i] == '\n') {
			issue->line++;
			issue->column = 1;
		}
	}
}

static struct load_issue *issue_add(struct load_issue **issues, size_t *count, enum load_code code,
	const struct place *place, const char *advice, const char *format, va_list arguments)
{
	struct load_issue *issue;
	struct buffer message;

	*issues = memory_resize(*issues, *count + 1, sizeof(**issues));
	issue = &(*issues)[(*count)++];
	buffer_init(&message, MESSAGE_MAX);
	buffer_vprintf(&message, format, arguments);
	*issue = (struct load_issue){
		.code = codes[code].name,
		.message = buffer_take(&message),
		.advice = string_copy(advice),
		.snippet = snippet_of(place->source, place->caret),
		.file_snippet = snippet_of(place->file_source, place->file_caret),
	};
	set_locations(issue, place);
	set_position(issue, place);
	return issue;
}

const struct place *place_in_output(
	struct arena *arena, const struct place *output, struct text text, size_t offset)
{
	struct place *place = ARENA_NEW(arena, struct place, 1);

	*place = *output;
	place->file_caret = caret_in_file(output, text, offset);
	return place;
}

struct load_result *load_result_new(const char *file)
{
	struct load_result *result = NEW(struct load_result);

	result->file = string_copy(file);
	return result;
}

int load_error(struct load_result *result, enum load_code code, const struct place *place,
	const char *advice, const char *format, ...)
{
	va_list arguments;

	if (result->error_count)
		return -EINVAL;
	va_start(arguments, format);
	issue_add(&result->errors, &result->error_count, code, place, advice, format, arguments);
	va_end(arguments);
	return -EINVAL;
}

static void issues_free(struct load_issue *issues, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		for (size_t j = 0; j < issues[i].location_count; j++) {
			free(issues[i].locations[j].item_name);
			free(issues[i].locations[j].file);
		}
		free(issues[i].locations);
		free(issues[i].message);
		free(issues[i].advice);
		free(issues[i].snippet);
		free(issues[i].file_snippet);
	}
	free(issues);
}

int load_error_only(struct load_result *result, enum load_code code, const struct place *place,
	const char *format, ...)
{
	va_list arguments;

	issues_free(result->errors, result->error_count);
	result->errors = NULL;
	result->error_count = 0;
	va_start(arguments, format);
	issue_add(&result->errors, &result->error_count, code, place, NULL, format, arguments);
	va_end(arguments);
	return -EINVAL;
}

struct load_issue *load_warning(struct load_result *result, enum load_code code,
	const struct place *place, const char *advice, const char *format, ...)
{
	struct load_issue *issue;
	va_list arguments;

	va_start(arguments, format);
	issue = issue_add(
		&result->warnings, &result->warning_count, code, place, advice, format, arguments);
	va_end(arguments);
	return issue;
}

void load_result_free(struct load_result *result)
{
	if (!result)
		return;
	issues_free(result->errors, result->error_count);
	issues_free(result->warnings, result->warning_count);
	for (size_t i = 0; i < result->schema_warning_count; i++)
		free(result->schema_warnings[i]);
	free(result->schema_warnings);
	free(result->file);
	free(result);
}

static void print_issue(const struct load_issue *issue, struct buffer *out)
{
	for (size_t i = 0; i < issue->location_count; i++) {
		const struct load_location *at = &issue->locations[i];

		buffer_printf(out, "%s%s%s%s%s: (%s:%zu:%zu)\n", i ? "    " : "In ", at->item_type,
			*at->item_name ? " '" : "", at->item_name, *at->item_name ? "'" : "",
			at->file, at->line, at->column);
	}
	buffer_printf(out, "------\n%s------\n%s (%s", issue->snippet, issue->code,
		load_code_text(issue->code));
	if (issue->deprecated_field)
		buffer_printf(out, ": field '%s'", issue->deprecated_field);
	buffer_printf(out, "): %s\n", issue->message);
	if (issue->advice)
		buffer_printf(out, "%s\n", issue->advice);
}

static void print_issues(
	const struct load_issue *issues, size_t count, const char *what, struct buffer *out)
{
	if (!count)
		return;
	buffer_printf(out, "%zu %s:\n", count, what);
	for (size_t i = 0; i < count; i++)
		print_issue(&issues[i], out);
}

void load_result_print_state(const struct load_result *result, struct buffer *out)
{
	const char *state = result->error_count	    ? "Invalid"
			    : result->warning_count ? "Ok, with warnings"
						    : "Ok";

	buffer_printf(out, "%s: %s\n", result->file, state);
	if (!result->schema_warning_count)
		return;
	buffer_printf(out, "%zu Schema warnings:\n", result->schema_warning_count);
	for (size_t i = 0; i < result->schema_warning_count; i++)
		buffer_printf(out, "------\n%s\n", result->schema_warnings[i]);
	buffer_add_string(out, "------\n");
}

void load_result_print(const struct load_result *result, struct buffer *out)
{
	load_result_print_state(result, out);
	if (result->schema_warning_count && (result->error_count || result->warning_count))
		buffer_add_char(out, '\n');
	print_issues(result->errors, result->error_count, "Errors", out);
	if (result->error_count && result->warning_count)
		buffer_add_char(out, '\n');
	print_issues(result->warnings, result->warning_count, "Warnings", out);
}

static void locations_json(const struct load_issue *issue, struct json_writer *json)
{
	json_begin_array(json);
	for (size_t i = 0; i < issue->location_count; i++) {
		const struct load_location *at = &issue->locations[i];

		json_begin_object(json);
		json_key(json, "item_name");
		json_add_string(json, at->item_name);
		json_key(json, "item_type");
		json_add_string(json, at->item_type);
		json_key(json, "position");
		json_begin_object(json);
		json_key(json, "column");
		json_add_u64(json, at->column);
		json_key(json, "line");
		json_add_u64(json, at->line);
		json_key(json, "name");
		json_add_string(json, at->file);
		json_key(json, "offset");
		json_add_u64(json, at->offset);
		json_end(json);
		json_end(json);
	}
	json_end(json);
}

static void issue_json(const struct load_issue *issue, struct json_writer *json)
{
	const struct code_row *row = code_find(issue->code);

	json_begin_object(json);
	if (issue->advice) {
		json_key(json, "advice");
		json_add_string(json, issue->advice);
	}
	json_key(json, "code");
	json_add_string(json, issue->code);
	json_key(json, "codedesc");
	json_add_string(json, row->about ? row->about : row->text);
	json_key(json, "column");
	json_add_u64(json, issue->column);
	json_key(json, "context");
	json_begin_object(json);
	json_key(json, "locations");
	locations_json(issue, json);
	json_key(json, "snippet");
	json_add_string(json, issue->snippet);
	json_end(json);
	if (issue->deprecated_field) {
		json_key(json, "deprecated_field");
		json_add_string(json, issue->deprecated_field);
	}
	json_key(json, "line");
	json_add_u64(json, issue->line);
	json_key(json, "message");
	json_add_string(json, issue->message);
	json_end(json);
}

static void issues_json(const struct load_issue *issues, size_t count, struct json_writer *json)
{
	json_begin_array(json);
	for (size_t i = 0; i < count; i++)
		issue_json(&issues[i], json);
	json_end(json);
}

void load_result_json(const struct load_result *result, struct json_writer *json)
{
	json_begin_object(json);
	json_key(json, "errors");
	issues_json(result->errors, result->error_count, json);
	json_key(json, "name");
	json_add_string(json, result->file);
	if (result->has_schema) {
		json_key(json, "schema_valid");
		json_add_bool(json, !result->schema_warning_count);
		json_key(json, "schema_warnings");
		json_begin_array(json);
		for (size_t i = 0; i < result->schema_warning_count; i++)
			json_add_string(json, result->schema_warnings[i]);
		json_end(json);
	}
	json_key(json, "successful");
	json_add_bool(json, !result->error_count);
	json_key(json, "warnings");
	issues_json(result->warnings, result->warning_count, json);
	json_end(json);
}
