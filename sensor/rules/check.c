/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `tercel check` for rules files. The messages of load results are Falco's, for tools that know
 * them; here those that a person would puzzle over are put in other words.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "sensor/rules/check.h"
#include "sensor/rules/rules.h"

/* Messages by how they begin; "%s" gets what follows. */
static const struct {
	const char *falco, *plain;
} words[] = {
	{ "filter_check called with nonexistent field ", "there is no field " },
	{ "unknown filter: unexpected token after '", "there is no such field behind the %" },
	{ "filter error: ", "" },
	{ "unknown event type ", "there is no event type " },
	{ "Undefined macro ", "there is no macro " },
};

static void write_message(const struct load_issue *issue, struct buffer *out)
{
	const char *message = issue->message;

	for (size_t i = 0; i < COUNT_OF(words); i++) {
		size_t length = strlen(words[i].falco);

		if (strncmp(message, words[i].falco, length) != 0)
			continue;
		buffer_add_string(out, words[i].plain);
		message += length;
		break;
	}
	buffer_add_string(out, message);
}

static void write_indented(const char *text, struct buffer *out)
{
	struct text rest = text_of(text), line;

	while (rest.length && text_split(&rest, '\n', &line))
		buffer_printf(out, "  " TEXT_FORMAT "\n", TEXT_PRINT(line));
}

/* The rule, macro or list that holds the mistake. */
static void write_owner(const struct load_issue *issue, struct buffer *out)
{
	for (size_t i = 0; i < issue->location_count; i++) {
		const struct load_location *at = &issue->locations[i];

		if (*at->item_name &&
			(!strcmp(at->item_type, "rule") || !strcmp(at->item_type, "macro") ||
				!strcmp(at->item_type, "list")))
			buffer_printf(out, "in %s \"%s\": ", at->item_type, at->item_name);
	}
}

/* The mistake may be in a file that was loaded before. */
static void write_issue(const char *kind, const struct load_issue *issue, struct buffer *out)
{
	buffer_printf(out, "%s:%zu:%zu: %s: ", issue->locations[0].file, issue->line, issue->column,
		kind);
	write_owner(issue, out);
	write_message(issue, out);
	buffer_printf(out, " [%s]\n", issue->code);
	write_indented(issue->file_snippet, out);
	if (issue->advice)
		buffer_printf(out, "  %s\n", issue->advice);
}

static void write_result(const struct load_result *result, struct buffer *out)
{
	for (size_t i = 0; i < result->error_count; i++)
		write_issue("error", &result->errors[i], out);
	for (size_t i = 0; i < result->warning_count; i++)
		write_issue("warning", &result->warnings[i], out);
	if (result->error_count)
		return;
	buffer_printf(out, "%s: ok", result->file);
	if (result->warning_count)
		buffer_printf(out, ", %zu warning%s", result->warning_count,
			result->warning_count > 1 ? "s" : "");
	buffer_add_char(out, '\n');
}

static void write_unreadable(
	const char *path, const struct error *err, struct json_writer *json, struct buffer *out)
{
	if (!json) {
		buffer_printf(out, "%s: error: %s\n", path, err->message);
		return;
	}
	json_begin_object(json);
	json_key(json, "error");
	json_add_string(json, err->message);
	json_key(json, "name");
	json_add_string(json, path);
	json_key(json, "successful");
	json_add_bool(json, false);
	json_end(json);
}

struct check {
	struct rules_loader *loader;
	const struct additions *additions;
	const char **good; /* paths that are in the loader */
	size_t good_count;
	struct json_writer *json; /* NULL: text */
	struct buffer *out;
};

static struct rules_loader *loader_new(const struct additions *additions)
{
	struct rules_options options = { .minimum_priority = PRIORITY_DEBUG,
		.additions = additions };

	return rules_loader_new(&options);
}

/* A file with an error must not be blamed on the next one: begins again without it. */
static void leave_out(struct check *check)
{
	rules_loader_free(check->loader);
	check->loader = loader_new(check->additions);
	for (size_t i = 0; i < check->good_count; i++) {
		_cleanup_(load_result_freep) struct load_result *result = NULL;

		(void)rules_loader_add_file(check->loader, check->good[i], &result, NULL);
	}
}

/* 1 when the file has an error. */
static int check_file(struct check *check, const char *path)
{
	_cleanup_(load_result_freep) struct load_result *result = NULL;
	struct error err = { 0 };

	if (rules_loader_add_file(check->loader, path, &result, &err) < 0) {
		write_unreadable(path, &err, check->json, check->out);
		return 1;
	}
	if (check->json)
		load_result_json(result, check->json);
	else
		write_result(result, check->out);
	if (result->error_count) {
		leave_out(check);
		return 1;
	}
	check->good[check->good_count++] = path;
	return 0;
}

int rules_check_files(const char *const *paths, size_t count, const struct additions *additions,
	bool as_json, struct buffer *out)
{
	struct check check = { .loader = loader_new(additions),
		.additions = additions,
		.good = NEW_ARRAY(const char *, count),
		.out = out };
	struct json_writer json;
	int status = 0;

	if (as_json) {
		json_writer_init(&json, out);
		json_begin_object(&json);
		json_key(&json, "files");
		json_begin_array(&json);
		check.json = &json;
	}
	for (size_t i = 0; i < count; i++)
		status |= check_file(&check, paths[i]);
	if (as_json) {
		json_end(&json);
		json_end(&json);
		buffer_add_char(out, '\n');
	}
	rules_loader_free(check.loader);
	free(check.good);
	return status;
}
