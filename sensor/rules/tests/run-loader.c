/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs loader cases. A case is files, and what loading and then matching them must give:
 *
 *	=== a sentence
 *	--- options            (optional; keys as in falco.yaml: priority, rules, rule_matching)
 *	--- file NAME
 *	…
 *	--- want
 *	NAME: ok
 *	NAME: error CODE LINE:COLUMN ITEM: message
 *	NAME: warning CODE LINE:COLUMN ITEM: message
 *	advice: text
 *	match VALUES -> RULE, RULE      (or "none", or "waits for RULE")
 *
 * ITEM is the innermost place; its line and column are 0-based, as Falco prints them. A `match`
 * line in `want` is also the question.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "base/yaml.h"
#include "sensor/rules/given.h"
#include "sensor/rules/rules.h"

#define CASE_MAX (1 << 20)

struct run {
	struct given *given;
	int number, failed;
};

static void print_issue(
	const char *file, const char *kind, const struct load_issue *issue, struct buffer *out)
{
	const struct load_location *at = &issue->locations[issue->location_count - 1];

	buffer_printf(out, "%s: %s %s %zu:%zu %s%s%s: %s\n", file, kind, issue->code, at->line,
		at->column, at->item_type, *at->item_name ? " " : "", at->item_name,
		issue->message);
	if (issue->advice)
		buffer_printf(out, "advice: %s\n", issue->advice);
}

static bool load(
	struct rules_loader *loader, const char *file, struct text text, struct buffer *out)
{
	_cleanup_(load_result_freep) struct load_result *result =
		rules_loader_add(loader, file, text);

	for (size_t i = 0; i < result->error_count; i++)
		print_issue(file, "error", &result->errors[i], out);
	for (size_t i = 0; i < result->warning_count; i++)
		print_issue(file, "warning", &result->warnings[i], out);
	if (!result->error_count && !result->warning_count)
		buffer_printf(out, "%s: ok\n", file);
	return !result->error_count;
}

static void match(struct run *run, const struct rules *rules, bool matches_all, struct text values,
	struct buffer *out)
{
	struct evaluation *evaluation = evaluation_new(rules);
	const struct rule *rule;
	struct event *event;
	struct error err = { 0 };
	enum truth truth = IS_TRUE;
	int count = 0;

	buffer_printf(out, "match " TEXT_FORMAT " -> ", TEXT_PRINT(values));
	if (given_event(run->given, values, &event, &err) < 0)
		buffer_add_string(out, err.message);
	for (unsigned first = 0; !err.code && truth == IS_TRUE && (matches_all || !first);
		first = rule->index + 1) {
		truth = rules_match(rules, evaluation, event, first, &rule);
		if (truth == IS_FALSE)
			break;
		buffer_printf(out, "%s%s%s", count++ ? ", " : "",
			truth == IS_WAITING ? "waits for " : "", rule->name);
	}
	if (!count && !err.code)
		buffer_add_string(out, "none");
	buffer_add_char(out, '\n');
	evaluation_free(evaluation);
}

/* The line up to its end, cut off *rest. */
static bool take_line(struct text *rest, struct text *ret_line)
{
	return rest->length && text_split(rest, '\n', ret_line);
}

static struct rules_options options_of(const struct yaml *yaml)
{
	struct rules_options options = { .minimum_priority = PRIORITY_DEBUG };
	const struct yaml_node *root = yaml ? yaml_document(yaml, 0) : NULL, *node;

	node = yaml_get(root, "priority");
	if (node)
		options.minimum_priority = priority_parse(node->text);
	node = yaml_get(root, "rule_matching");
	options.matches_all = node && text_is(node->text, "all");
	options.selection = yaml_get(root, "rules");
	return options;
}

/* One case's parts. */
struct loader_case {
	struct text name, options, want;
	struct text files[8], names[8];
	size_t file_count;
};

static void run_matches(struct run *run, struct rules_loader *loader, bool matches_all,
	struct text want, struct buffer *out)
{
	_cleanup_(rules_freep) struct rules *rules = NULL;
	struct error err = { 0 };
	struct text line;

	if (!text_contains(want, TEXT("match ")) && !text_contains(want, TEXT("rules: ")))
		return;
	if (rules_compile(loader, &rules, &err) < 0) {
		buffer_printf(out, "rules: %s\n", err.message);
		return;
	}
	while (take_line(&want, &line)) {
		ptrdiff_t arrow = text_find(line, TEXT(" -> "));

		if (text_starts_with(line, TEXT("match ")) && arrow > 6)
			match(run, rules, matches_all, text_slice(line, 6, (size_t)arrow - 6), out);
	}
}

static void give_answer(struct run *run, const struct loader_case *one, struct buffer *out)
{
	_cleanup_(yaml_unloadp) struct yaml *yaml = NULL;
	_cleanup_(rules_loader_freep) struct rules_loader *loader = NULL;
	struct rules_options options;
	struct error err = { 0 };
	bool is_ok = true;

	if (yaml_parse(one->options, "options", &yaml, &err) < 0) {
		buffer_add_string(out, err.message);
		return;
	}
	options = options_of(yaml);
	loader = rules_loader_new(&options);
	for (size_t i = 0; is_ok && i < one->file_count; i++) {
		_cleanup_(freep) char *name = text_to_string(one->names[i]);

		is_ok = load(loader, name, one->files[i], out);
	}
	if (is_ok)
		run_matches(run, loader, options.matches_all, one->want, out);
}

static void print_side(const char *label, struct text text)
{
	struct text line;

	printf("#   %s\n", label);
	while (take_line(&text, &line))
		printf("#     " TEXT_FORMAT "\n", TEXT_PRINT(line));
}

static void run_case(struct run *run, const struct loader_case *one)
{
	struct buffer got;
	bool passes;

	if (!one->name.length)
		return;
	buffer_init(&got, CASE_MAX);
	give_answer(run, one, &got);
	passes = text_equal(text_trim(buffer_text(&got)), text_trim(one->want));
	if (!passes) {
		print_side("is", buffer_text(&got));
		print_side("not", one->want);
	}
	printf("%sok %d - " TEXT_FORMAT "\n", passes ? "" : "not ", ++run->number,
		TEXT_PRINT(one->name));
	run->failed += !passes;
	buffer_done(&got);
}

/* Which text the lines that follow a head belong to. */
static struct text *section_of(struct loader_case *one, struct text head)
{
	if (text_is(head, "--- options"))
		return &one->options;
	if (text_is(head, "--- want"))
		return &one->want;
	if (text_starts_with(head, TEXT("--- file ")) && one->file_count < 8) {
		one->names[one->file_count] = text_slice(head, 9, head.length);
		return &one->files[one->file_count++];
	}
	return NULL;
}

static void run_text(struct run *run, struct text rest)
{
	struct loader_case one = { 0 };
	struct text line, *section = NULL, *next;

	while (take_line(&rest, &line)) {
		next = section_of(&one, line);
		if (text_starts_with(line, TEXT("=== "))) {
			run_case(run, &one);
			one = (struct loader_case){ .name = text_slice(line, 4, line.length) };
			section = NULL;
		} else if (next) {
			section = next;
			section->data = line.data + line.length + 1;
		} else if (section) {
			section->length = (size_t)(line.data + line.length - section->data) + 1;
		}
	}
	run_case(run, &one);
}

int main(int argc, char **argv)
{
	struct run run = { .given = given_new() };

	setvbuf(stdout, NULL, _IOLBF, 0);
	for (int i = 1; i < argc; i++) {
		_cleanup_(fclosep) FILE *file = fopen(argv[i], "r");
		_cleanup_(freep) char *data = memory_new(CASE_MAX, 1);

		if (file)
			run_text(&run, (struct text){ data, fread(data, 1, CASE_MAX, file) });
		else
			printf("not ok %d - %s can be read\n", ++run.number, argv[i]);
		run.failed += !file;
	}
	printf("1..%d\n", run.number);
	given_free(run.given);
	return run.failed > 0;
}
