/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tercel test: tests of rules, in YAML files beside them. An item of a file is one of
 *
 *	- rules: ../tercel_rules.yaml           what is tested, unless -r says it
 *	- rule: NAME                            events as values of fields, a line each:
 *	  fire: [EVENT…]                          on these the rule must be the one that alerts
 *	  quiet: [EVENT…]                         on these it must not match
 *	- recording: box.rec                    what tercel record kept:
 *	  fire: [NAME, {rule: NAME, times: 3}]    these rules must alert
 *	  quiet: [NAME…]                          these must not match any event
 *
 * Paths are relative to the file.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>

#include "base/memory.h"
#include "base/yaml.h"
#include "sensor/rules/given.h"
#include "tercel/command.h"
#include "tercel/outcomes.h"
#include "tercel/rules.h"

#define REPORT_MAX ((size_t)64 << 20)

/* The rules under test; loaded anew for each file that names its own. */
struct subject {
	struct additions *additions; /* of -c; for all files */
	struct rules_loader *loader;
	struct rules *rules;
	struct evaluation *evaluation;
	bool *has_fired, *has_kept_quiet; /* by rule: there is a test */
};

struct run {
	const struct text_list *given_rules; /* -r */
	struct subject subject;
	struct given *given;
	struct outcomes outcomes;
	const char *file;
	bool wants_all; /* --complete */
};

static size_t line_of(const struct yaml_node *node)
{
	return node->line + 1;
}

static void report(
	struct run *run, const struct yaml_node *node, char *name, struct buffer *message)
{
	outcomes_add(&run->outcomes, run->file, line_of(node), name,
		message->length ? text_to_string(text_trim(buffer_text(message))) : NULL);
	buffer_done(message);
}

/* What a file says wrong is a test that failed. */
static void complain(struct run *run, const struct yaml_node *node, const char *what)
{
	outcomes_add(&run->outcomes, run->file, node ? line_of(node) : 0,
		string_copy(node ? "the test is well formed" : run->file), string_copy(what));
}

/* ---- the subject ---- */

static void subject_done(struct subject *subject)
{
	evaluation_free(subject->evaluation);
	rules_free(subject->rules);
	rules_loader_free(subject->loader);
	free(subject->has_fired);
	free(subject->has_kept_quiet);
	*subject = (struct subject){ .additions = subject->additions };
}

static int subject_load(struct subject *subject, const struct text_list *paths, struct error *err)
{
	int r;

	subject_done(subject);
	r = load_rules(paths, subject->additions, &subject->loader, &subject->rules, err);
	if (r < 0)
		return r;
	subject->evaluation = evaluation_new(subject->rules);
	subject->has_fired = NEW_ARRAY(bool, rules_count(subject->rules) + 1);
	subject->has_kept_quiet = NEW_ARRAY(bool, rules_count(subject->rules) + 1);
	return 0;
}

static const struct rule *rule_named(const struct run *run, struct text name)
{
	for (size_t i = 0; i < rules_count(run->subject.rules); i++)
		if (text_is(name, rules_at(run->subject.rules, i)->name))
			return rules_at(run->subject.rules, i);
	return NULL;
}

/* The rule, or NULL after a complaint with the nearest name. */
static const struct rule *find_rule(struct run *run, const struct yaml_node *node)
{
	size_t count = rules_count(run->subject.rules);
	_cleanup_(freep) const char **names = NEW_ARRAY(const char *, count + 1);
	_cleanup_(freep) char *words = NULL;
	const struct rule *rule = rule_named(run, node->text);
	const char *nearest;

	if (rule && rule->is_enabled)
		return rule;
	for (size_t i = 0; i < count; i++)
		names[i] = rules_at(run->subject.rules, i)->name;
	nearest = text_nearest(node->text, names, count);
	words = string_printf("rule \"" TEXT_FORMAT "\" %s%s%s%s", TEXT_PRINT(node->text),
		rule ? "is disabled, so that it can never alert" : "does not exist",
		!rule && nearest ? "; did you mean \"" : "", !rule && nearest ? nearest : "",
		!rule && nearest ? "\"?" : "");
	complain(run, node, words);
	return NULL;
}

/* ---- events by their fields ---- */

/* The rule that matches next, from `first` on; NULL: none does. */
static const struct rule *next_match(const struct run *run, struct event *event, unsigned first)
{
	const struct additions *additions = run->subject.additions;
	const struct rule *rule = NULL;

	event->statics = additions->statics;
	event->static_count = additions->static_count;
	return rules_match(run->subject.rules, run->subject.evaluation, event, first, &rule) ==
			       IS_TRUE
		       ? rule
		       : NULL;
}

static bool fires(
	const struct run *run, struct event *event, const struct rule *wanted, struct buffer *why)
{
	const struct rule *got = next_match(run, event, 0);

	if (got == wanted)
		return true;
	if (got)
		buffer_printf(why, "\"%s\" alerts instead", got->name);
	else
		buffer_add_string(why, "nothing alerts");
	return false;
}

static bool keeps_quiet(
	const struct run *run, struct event *event, const struct rule *wanted, struct buffer *why)
{
	const struct rule *got;

	for (unsigned first = 0; (got = next_match(run, event, first)); first = got->index + 1) {
		if (got != wanted)
			continue;
		buffer_add_string(why, "it matches");
		return false;
	}
	return true;
}

typedef bool expectation(
	const struct run *run, struct event *event, const struct rule *wanted, struct buffer *why);

static void check_event(struct run *run, const struct yaml_node *line, const struct rule *rule,
	expectation *holds, struct buffer *message)
{
	_cleanup_(buffer_done) struct buffer why;
	struct event *event = NULL;
	struct error err = {};

	buffer_init(&why, ERROR_MESSAGE_MAX);
	if (given_event(run->given, line->text, &event, &err) < 0)
		buffer_add_string(&why, err.message);
	else if (holds(run, event, rule, &why))
		return;
	buffer_printf(message, "%s:%zu: " TEXT_FORMAT ": " TEXT_FORMAT "\n", run->file,
		line_of(line), TEXT_PRINT(buffer_text(&why)), TEXT_PRINT(line->text));
}

static bool is_list(const struct yaml_node *node)
{
	return node && node->kind == YAML_SEQUENCE && node->count;
}

static void check_events(struct run *run, const struct yaml_node *list, const struct rule *rule,
	expectation *holds, const char *claim)
{
	struct buffer message;

	if (!list)
		return;
	buffer_init(&message, REPORT_MAX);
	if (!is_list(list))
		buffer_printf(&message, "%s:%zu: is no list of events\n", run->file, line_of(list));
	for (size_t i = 0; i < list->count && list->kind == YAML_SEQUENCE; i++)
		check_event(run, list->items[i], rule, holds, &message);
	report(run, list, string_printf("%s: %s", rule->name, claim), &message);
}

static void test_rule(struct run *run, const struct yaml_node *test)
{
	const struct yaml_node *fire = yaml_get(test, "fire"), *quiet = yaml_get(test, "quiet");
	const struct rule *rule = find_rule(run, yaml_get(test, "rule"));

	if (!rule)
		return;
	if (!fire && !quiet)
		complain(run, test, "there is neither `fire` nor `quiet`");
	run->subject.has_fired[rule->index] |= fire != NULL;
	run->subject.has_kept_quiet[rule->index] |= quiet != NULL;
	check_events(run, fire, rule, fires, "fires where it must");
	check_events(run, quiet, rule, keeps_quiet, "keeps quiet where it must");
}

/* ---- recordings ---- */

struct tally {
	uint64_t *alerts;  /* by rule: it was the first that matched */
	uint64_t *matches; /* by rule */
};

static int count_recording(
	const struct run *run, const char *path, struct tally *tally, struct error *err)
{
	struct source *source = NULL;
	struct event *event;
	int r = open_recording(path, run->subject.rules, &source, err);

	while (r >= 0) {
		const struct rule *got;
		bool is_first = true;

		r = source->operations->next(source, 0, &event, err);
		if (r != 1)
			continue;
		for (unsigned first = 0; (got = next_match(run, event, first));
			first = got->index + 1) {
			tally->alerts[got->index] += is_first;
			tally->matches[got->index]++;
			is_first = false;
		}
	}
	if (source)
		source->operations->free(source);
	return r == -ECANCELED ? 0 : r;
}

static void check_alerts(struct run *run, const struct yaml_node *item, const struct tally *tally)
{
	const struct yaml_node *name = item->kind == YAML_MAPPING ? yaml_get(item, "rule") : item;
	const struct yaml_node *times = yaml_get(item, "times");
	const struct rule *rule = name ? find_rule(run, name) : NULL;
	struct buffer message;
	uint64_t wanted = 0, got;

	if (!name)
		complain(run, item, "no `rule`: write its name, or {rule: NAME, times: NUMBER}");
	if (!rule)
		return;
	if (times && text_to_u64(times->text, &wanted) < 0) {
		complain(run, times, "`times` is no number");
		return;
	}
	got = tally->alerts[rule->index];
	buffer_init(&message, ERROR_MESSAGE_MAX);
	if (times ? got != wanted : !got)
		buffer_printf(&message,
			"it alerts %llu times, not %s" TEXT_FORMAT "; it matches %llu events\n",
			(unsigned long long)got, times ? "" : "at least once",
			TEXT_PRINT(times ? times->text : TEXT("")),
			(unsigned long long)tally->matches[rule->index]);
	report(run, item, string_printf("%s: fires in the recording", rule->name), &message);
}

static void check_silence(struct run *run, const struct yaml_node *item, const struct tally *tally)
{
	const struct rule *rule = find_rule(run, item);
	struct buffer message;

	if (!rule)
		return;
	buffer_init(&message, ERROR_MESSAGE_MAX);
	if (tally->matches[rule->index])
		buffer_printf(&message, "it matches %llu events\n",
			(unsigned long long)tally->matches[rule->index]);
	report(run, item, string_printf("%s: keeps quiet in the recording", rule->name), &message);
}

/* A path as the file means it. */
static char *beside(const struct run *run, struct text path)
{
	const char *slash = strrchr(run->file, '/');

	if (!slash || text_starts_with(path, TEXT("/")))
		return text_to_string(path);
	return string_printf(
		"%.*s/" TEXT_FORMAT, (int)(slash - run->file), run->file, TEXT_PRINT(path));
}

static void test_recording(struct run *run, const struct yaml_node *test)
{
	const struct yaml_node *fire = yaml_get(test, "fire"), *quiet = yaml_get(test, "quiet");
	_cleanup_(freep) char *path = beside(run, yaml_get(test, "recording")->text);
	size_t count = rules_count(run->subject.rules) + 1;
	_cleanup_(freep) uint64_t *alerts = NEW_ARRAY(uint64_t, count),
				  *matches = NEW_ARRAY(uint64_t, count);
	struct tally tally = { alerts, matches };
	struct error err = {};

	if (!is_list(fire) && !is_list(quiet)) {
		complain(run, test, "there is neither `fire` nor `quiet` with names of rules");
		return;
	}
	if (count_recording(run, path, &tally, &err) < 0) {
		complain(run, test, err.message);
		return;
	}
	for (size_t i = 0; is_list(fire) && i < fire->count; i++)
		check_alerts(run, fire->items[i], &tally);
	for (size_t i = 0; is_list(quiet) && i < quiet->count; i++)
		check_silence(run, quiet->items[i], &tally);
}

/* ---- files ---- */

static const struct {
	const char *key;
	void (*test)(struct run *run, const struct yaml_node *item);
} forms[] = {
	{ "rule", test_rule }, { "recording", test_recording },
	{ "rules", NULL }, /* was taken first */
};

static const char *const keys[] = { "rule", "recording", "rules", "fire", "quiet", "about" };

static bool has_known_keys(struct run *run, const struct yaml_node *item)
{
	for (size_t i = 0; i < item->count; i++) {
		struct text key = item->keys[i]->text;
		_cleanup_(freep) char *words = NULL;
		const char *nearest;
		bool is_known = false;

		for (size_t j = 0; j < COUNT_OF(keys); j++)
			is_known |= text_is(key, keys[j]);
		if (is_known)
			continue;
		nearest = text_nearest(key, keys, COUNT_OF(keys));
		words = string_printf("unknown key \"" TEXT_FORMAT "\"%s%s%s", TEXT_PRINT(key),
			nearest ? "; did you mean \"" : "", nearest ? nearest : "",
			nearest ? "\"?" : "");
		complain(run, item->keys[i], words);
		return false;
	}
	return true;
}

static void run_item(struct run *run, const struct yaml_node *item)
{
	if (item->kind != YAML_MAPPING || !has_known_keys(run, item)) {
		if (item->kind != YAML_MAPPING)
			complain(run, item,
				"a test is a mapping that begins with `rule` or `recording`");
		return;
	}
	for (size_t i = 0; i < COUNT_OF(forms); i++) {
		if (!yaml_get(item, forms[i].key))
			continue;
		if (forms[i].test)
			forms[i].test(run, item);
		return;
	}
	complain(run, item, "it names neither a `rule` nor a `recording`");
}

/* -r, else what the file says, else what we ship. */
static int load_subject(struct run *run, const struct yaml_node *root, struct error *err)
{
	struct text_list own = {};
	int r;

	if (run->given_rules->count)
		return run->subject.rules ? 0 : subject_load(&run->subject, run->given_rules, err);
	for (size_t i = 0; i < root->count; i++) {
		const struct yaml_node *rules = yaml_get(root->items[i], "rules");
		size_t count = !rules ? 0 : rules->kind == YAML_SEQUENCE ? rules->count : 1;

		for (size_t j = 0; j < count; j++) {
			const struct yaml_node *one =
				rules->kind == YAML_SEQUENCE ? rules->items[j] : rules;
			_cleanup_(freep) char *path = beside(run, one->text);

			text_list_add(&own, text_of(path));
		}
	}
	r = subject_load(&run->subject, &own, err);
	text_list_done(&own);
	return r;
}

/* For those who ship rules: each has both kinds of tests, and says which technique it is about. */
static void check_completeness(struct run *run)
{
	for (size_t i = 0; i < rules_count(run->subject.rules); i++) {
		const struct rule *rule = rules_at(run->subject.rules, i);
		bool has_tactic = false, has_technique = false;

		for (size_t j = 0; j < rule->tag_count; j++) {
			struct text tag = text_of(rule->tags[j]);

			has_tactic |= text_starts_with(tag, TEXT("mitre_"));
			has_technique |= tag.length >= 5 && tag.data[0] == 'T' &&
					 tag.data[1] >= '0' && tag.data[1] <= '9';
		}
		outcomes_add(&run->outcomes, "", 0,
			string_printf("%s: names tactic and technique", rule->name),
			has_tactic && has_technique
				? NULL
				: string_copy("tags lack mitre_TACTIC or a technique (T1059)"));
		outcomes_add(&run->outcomes, "", 0, string_printf("%s: has tests", rule->name),
			run->subject.has_fired[i] && run->subject.has_kept_quiet[i]
				? NULL
				: string_copy("it needs events under `fire` and under `quiet`"));
	}
}

static void run_file(struct run *run, const char *file)
{
	_cleanup_(yaml_unloadp) struct yaml *yaml = NULL;
	const struct yaml_node *root;
	struct error err = {};

	run->file = file;
	if (yaml_load(file, &yaml, &err) < 0) {
		complain(run, NULL, err.message);
		return;
	}
	root = yaml_document(yaml, 0);
	if (!root || root->kind != YAML_SEQUENCE) {
		complain(run, NULL, "a file of tests is a list of them");
		return;
	}
	if (load_subject(run, root, &err) < 0) {
		complain(run, NULL, err.message);
		return;
	}
	for (size_t i = 0; i < root->count; i++)
		run_item(run, root->items[i]);
	if (run->wants_all)
		check_completeness(run);
}

/* ---- the command ---- */

static int usage(FILE *to)
{
	fputs("usage: tercel test [-r RULES]… [-c FILE] [--json|--tap] [--junit FILE] [--complete] FILE…\n\n"
	      "Runs tests of rules. Exit status 1 when one fails.\n\n"
	      "  -r, --rules PATH  the rules; default: those that the file names, else the shipped "
	      "ones\n"
	      "  -c, --config FILE the sensor's settings: their static_fields and append_output count\n"
	      "  --json, --tap     the report in that form\n"
	      "  --junit FILE      writes it as JUnit's XML, too\n"
	      "  --complete        every rule must have tests and name a MITRE technique\n\n"
	      "A file is a list of such items; an event is a line of values of fields:\n\n"
	      "  - rules: ../my_rules.yaml\n"
	      "  - rule: Terminal shell in container\n"
	      "    fire: [evt.type=execve evt.res=SUCCESS container.id=6c9b72f1c563 proc.name=sh "
	      "proc.tty=1]\n"
	      "    quiet: [evt.type=execve container.id=host proc.name=sh proc.tty=1]\n"
	      "  - recording: box.rec\n"
	      "    fire: [Terminal shell in container, {rule: Other, times: 2}]\n"
	      "    quiet: [Third]\n",
		to);
	return to == stdout ? 0 : 2;
}

static int write_junit(const struct outcomes *outcomes, const char *path)
{
	_cleanup_(buffer_done) struct buffer out;
	_cleanup_(fclosep) FILE *file = fopen(path, "we");

	buffer_init(&out, REPORT_MAX);
	outcomes_write_junit(outcomes, &out);
	if (file && fwrite(out.data, 1, out.length, file) == out.length && !fflush(file))
		return 0;
	fprintf(stderr, "tercel: %s cannot be written: %s\n", path, strerror(errno));
	return 2;
}

int command_test(int argc, char **argv)
{
	static const struct option flags[] = {
		{ "rules", required_argument, NULL, 'r' },
		{ "config", required_argument, NULL, 'c' },
		{ "json", no_argument, NULL, 'j' },
		{ "tap", no_argument, NULL, 't' },
		{ "junit", required_argument, NULL, 'x' },
		{ "complete", no_argument, NULL, 'a' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	void (*write)(const struct outcomes *outcomes, struct buffer *out) = outcomes_write_text;
	struct text_list rules = {};
	struct run run = { .given_rules = &rules };
	const char *junit = NULL, *config = NULL;
	struct error err = {};
	struct buffer out;
	int flag, status;

	while ((flag = getopt_long(argc, argv, "r:c:h", flags, NULL)) != -1) {
		switch (flag) {
		case 'r':
			text_list_add(&rules, text_of(optarg));
			break;
		case 'c':
			config = optarg;
			break;
		case 'j':
			write = outcomes_write_json;
			break;
		case 't':
			write = outcomes_write_tap;
			break;
		case 'x':
			junit = optarg;
			break;
		case 'a':
			run.wants_all = true;
			break;
		default:
			return usage(flag == 'h' ? stdout : stderr);
		}
	}
	if (optind == argc)
		return usage(stderr);
	if (load_additions(config, &run.subject.additions, &err) < 0) {
		fprintf(stderr, "tercel: %s\n", err.message);
		return 2;
	}
	run.given = given_new();
	for (int i = optind; i < argc; i++)
		run_file(&run, argv[i]);
	buffer_init(&out, REPORT_MAX);
	write(&run.outcomes, &out);
	fwrite(out.data, 1, out.length, stdout);
	status = run.outcomes.failed > 0;
	if (junit)
		status |= write_junit(&run.outcomes, junit);
	buffer_done(&out);
	subject_done(&run.subject);
	additions_free(run.subject.additions);
	given_free(run.given);
	outcomes_done(&run.outcomes);
	text_list_done(&rules);
	return status;
}
