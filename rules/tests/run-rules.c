/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs the tests of rules: run-rules RULES.yaml TESTS.yaml…
 * A test names a rule, events on which it must be the one that alerts, and events on which it must
 * not match. Every rule must have both. Events are lines of values (sensor/rules/tests/given.h).
 */
#include <errno.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "base/yaml.h"
#include "sensor/rules/rules.h"
#include "sensor/rules/tests/given.h"

struct run {
	struct rules *rules;
	struct evaluation *evaluation;
	struct given *given;
	bool *has_test; /* by rule */
	int number, failed;
};

static void report(struct run *run, bool passes, const char *rule, const char *what)
{
	printf("%sok %d - %s: %s\n", passes ? "" : "not ", ++run->number, rule, what);
	run->failed += !passes;
}

static const struct rule *rule_named(const struct rules *rules, const char *name)
{
	for (size_t i = 0; i < rules_count(rules); i++)
		if (!strcmp(rules_at(rules, i)->name, name))
			return rules_at(rules, i);
	return NULL;
}

/* The rule that matches next, from `first` on; NULL: none does. */
static const struct rule *next_match(struct run *run, struct event *event, unsigned first)
{
	const struct rule *rule = NULL;

	return rules_match(run->rules, run->evaluation, event, first, &rule) == IS_TRUE ? rule
											: NULL;
}

static bool fires(struct run *run, struct event *event, const struct rule *wanted)
{
	const struct rule *got = next_match(run, event, 0);

	if (got != wanted)
		printf("#   alerts: %s\n", got ? got->name : "nothing");
	return got == wanted;
}

static bool keeps_quiet(struct run *run, struct event *event, const struct rule *wanted)
{
	const struct rule *got;

	for (unsigned first = 0; (got = next_match(run, event, first)); first = got->index + 1)
		if (got == wanted)
			return false;
	return true;
}

typedef bool expectation(struct run *run, struct event *event, const struct rule *wanted);

/* All events of one list; false when it is missing or empty. */
static bool check_events(struct run *run, const struct yaml_node *list, const struct rule *rule,
	expectation *holds, const char *word)
{
	bool all = list && list->kind == YAML_SEQUENCE && list->count;

	for (size_t i = 0; all && i < list->count; i++) {
		struct event *event = NULL;
		struct error err = {};

		if (given_event(run->given, list->items[i]->text, &event, &err) < 0) {
			printf("# line %zu: %s\n", list->items[i]->line + 1, err.message);
			all = false;
		} else if (!holds(run, event, rule)) {
			printf("# line %zu: does not %s: " TEXT_FORMAT "\n",
				list->items[i]->line + 1, word, TEXT_PRINT(list->items[i]->text));
			all = false;
		}
	}
	return all;
}

static void run_test(struct run *run, const struct yaml_node *test)
{
	const struct yaml_node *node = yaml_get(test, "rule");
	_cleanup_(freep) char *name = node ? text_to_string(node->text) : string_copy("?");
	const struct rule *rule = rule_named(run->rules, name);

	if (!rule) {
		report(run, false, name, "is a rule");
		return;
	}
	run->has_test[rule->index] = true;
	report(run, check_events(run, yaml_get(test, "fire"), rule, fires, "fire"), name,
		"fires where it must");
	report(run, check_events(run, yaml_get(test, "quiet"), rule, keeps_quiet, "keep quiet"),
		name, "keeps quiet where it must");
}

static int run_file(struct run *run, const char *path, struct error *err)
{
	_cleanup_(yaml_unloadp) struct yaml *yaml = NULL;
	const struct yaml_node *root;
	int r = yaml_load(path, &yaml, err);

	if (r < 0)
		return r;
	root = yaml_document(yaml, 0);
	for (size_t i = 0; i < root->count; i++)
		run_test(run, root->items[i]);
	return 0;
}

/* Each rule: a test, and a technique of MITRE ATT&CK among its tags. */
static void check_rules(struct run *run)
{
	for (size_t i = 0; i < rules_count(run->rules); i++) {
		const struct rule *rule = rules_at(run->rules, i);
		bool has_tactic = false, has_technique = false;

		for (size_t j = 0; j < rule->tag_count; j++) {
			struct text tag = text_of(rule->tags[j]);

			has_tactic |= text_starts_with(tag, TEXT("mitre_"));
			has_technique |= tag.length >= 5 && tag.data[0] == 'T' &&
					 tag.data[1] >= '0' && tag.data[1] <= '9';
		}
		report(run, has_tactic && has_technique, rule->name, "names tactic and technique");
		report(run, run->has_test[rule->index], rule->name, "has a test");
	}
}

static int load(struct run *run, const char *path, struct error *err)
{
	const struct rules_options options = { .minimum_priority = PRIORITY_DEBUG,
		.matches_all = true };
	_cleanup_(rules_loader_freep) struct rules_loader *loader = rules_loader_new(&options);
	_cleanup_(load_result_freep) struct load_result *result = NULL;
	int r = rules_loader_add_file(loader, path, &result, err);

	if (r < 0)
		return r;
	if (result->error_count || result->warning_count) {
		struct buffer words;

		buffer_init(&words, ERROR_MESSAGE_MAX);
		load_result_print(result, &words);
		for (size_t i = 0; i < result->warning_count; i++)
			buffer_printf(&words, "\n%s: %s", result->warnings[i].code,
				result->warnings[i].message);
		error_set(err, -EINVAL, TEXT_FORMAT, TEXT_PRINT(buffer_text(&words)));
		buffer_done(&words);
		return -EINVAL;
	}
	return rules_compile(loader, &run->rules, err);
}

int main(int argc, char **argv)
{
	struct run run = {};
	struct error err = {};

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc < 3 || load(&run, argv[1], &err) < 0) {
		printf("not ok 1 - the rules load without a warning\n# %s\n1..1\n", err.message);
		return 1;
	}
	run.given = given_new();
	run.evaluation = evaluation_new(run.rules);
	run.has_test = NEW_ARRAY(bool, rules_count(run.rules) + 1);
	for (int i = 2; i < argc; i++)
		if (run_file(&run, argv[i], &err) < 0)
			report(&run, false, argv[i], err.message);
	check_rules(&run);
	printf("1..%d\n", run.number);
	evaluation_free(run.evaluation);
	rules_free(run.rules);
	given_free(run.given);
	free(run.has_test);
	return run.failed > 0;
}
