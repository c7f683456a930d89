/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Playbooks: reading, merging, matching.
 */
#include <fcntl.h>
#include <unistd.h>

#include "base/memory.h"
#include "responder/matching.h"
#include "tests/test.h"

static char *write_file(const char *text)
{
	char *path = string_copy("/tmp/tercel-playbook-XXXXXX");
	int fd = mkstemp(path);
	size_t length = strlen(text);

	if (fd < 0 || write(fd, text, length) != (ssize_t)length)
		abort();
	close(fd);
	return path;
}

static int load(const char *const *texts, struct playbooks **ret_playbooks, struct error *err)
{
	struct text_list files = { 0 };
	int r;

	for (; *texts; texts++) {
		_cleanup_(freep) char *path = write_file(*texts);

		text_list_add(&files, text_of(path));
	}
	r = playbooks_load(&files, NULL, NULL, ret_playbooks, err);
	for (size_t i = 0; i < files.count; i++)
		unlink(files.items[i]);
	text_list_done(&files);
	return r;
}

static struct playbooks *load_well(const char *text)
{
	struct playbooks *playbooks = NULL;
	struct error err = { 0 };

	CHECK_NUMBER(load((const char *const[]){ text, NULL }, &playbooks, &err), 0);
	CHECK_TEXT(err.message, "");
	return playbooks;
}

static struct alert *read_alert(const char *json)
{
	_cleanup_(json_putp) struct json_object *object = NULL;
	struct alert *alert = NULL;

	CHECK_NUMBER(json_parse(text_of(json), &object, NULL, NULL), 0);
	CHECK_NUMBER(alert_from_json(object, &alert, NULL), 0);
	return alert;
}

#define ALERT                                                                                   \
	"{\"rule\":\"Shell\",\"priority\":\"Warning\",\"source\":\"syscall\",\"output\":\"x\"," \
	"\"tags\":[\"network\",\"mitre\"],\"output_fields\":{\"k8s.ns.name\":\"web\","          \
	"\"proc.name\":\"bash\",\"fd.lport\":80}}"
#define ACTIONS                                                                          \
	"\n  actions:\n  - action: a\n    actionner: kubernetes:label\n    parameters: " \
	"{labels: {a: b}}\n"

/* Whether a rule with this in it takes ALERT. */
static bool takes(const char *what)
{
	_cleanup_(freep) char *text = string_printf("- rule: r\n%s" ACTIONS, what);
	_cleanup_(playbooks_freep) struct playbooks *playbooks = load_well(text);
	_cleanup_(alert_freep) struct alert *alert = read_alert(ALERT);

	return playbooks && rule_takes(playbooks, playbooks_at(playbooks, 0), alert);
}

TEST(each_group_of_a_match_must_hold)
{
	static const struct {
		const char *match;
		bool takes;
	} cases[] = {
		{ "", true },
		{ "  match: {rules: [Shell, Other]}", true },
		{ "  match: {rules: [Other]}", false },
		{ "  match: {priority: Warning}", true },
		{ "  match: {priority: '>=warning'}", true },
		{ "  match: {priority: '>Warning'}", false },
		{ "  match: {priority: '<Critical'}", true },
		{ "  match: {source: k8s_audit}", false },
		{ "  match: {tags: ['network, mitre']}", true },
		{ "  match: {tags: ['network, other']}", false },
		{ "  match: {tags: [other, mitre]}", true },
		{ "  match: {output_fields: ['k8s.ns.name!=kube-system, k8s.ns.name!=falco']}",
			true },
		{ "  match: {output_fields: [k8s.ns.name=web]}", true },
		{ "  match: {output_fields: [k8s.ns.name!=web]}", false },
		{ "  match: {output_fields: [no.field!=web]}", true },
		{ "  match: {output_fields: [no.field=web]}", false },
		{ "  match: {output_fields: [fd.lport=80]}", true },
		{ "  condition: proc.name in (bash, sh) and priority <= 4", true },
		{ "  condition: k8s.ns.name startswith kube-", false },
	};

	for (size_t i = 0; i < COUNT_OF(cases); i++)
		if (takes(cases[i].match) != cases[i].takes) {
			printf("# %s\n", cases[i].match);
			CHECK_NUMBER(!cases[i].takes, cases[i].takes);
		}
}

TEST(items_of_one_name_are_merged_over_files)
{
	static const char *const files[] = {
		"- action: Label\n  actionner: kubernetes:label\n  parameters: {labels: {a: '1', b: '1'}}\n"
		"- rule: r\n  match: {rules: [A]}\n  actions: [{action: Label}]\n",
		"- rule: r\n  match: {rules: [B], priority: Warning}\n  dry_run: 'true'\n"
		"  actions: [{action: Label, parameters: {labels: {b: '2'}}, continue: 'false'}]\n",
		NULL
	};
	_cleanup_(playbooks_freep) struct playbooks *playbooks = NULL;
	struct error err = { 0 };
	const struct rule *rule;
	char text[64];

	CHECK_NUMBER(load(files, &playbooks, &err), 0);
	CHECK_TEXT(err.message, "");
	if (!playbooks)
		return;
	CHECK_NUMBER(playbooks_count(playbooks), 1);
	rule = playbooks_find(playbooks, "r");
	CHECK_NUMBER(rule->rules.count, 2);
	CHECK_TEXT(rule->priority, "Warning");
	CHECK_NUMBER(rule->dry_run, CHOICE_TRUE);
	CHECK_NUMBER(rule->step_count, 2);
	CHECK(step_continues(&rule->steps[0]));
	CHECK(!step_continues(&rule->steps[1]));
	snprintf(text, sizeof(text), "%s", rule->steps[1].kind->name);
	CHECK_TEXT(text, "kubernetes:label");
}

TEST(mistakes_are_named_with_their_place)
{
	static const struct {
		const char *text, *message;
	} cases[] = {
		{ "- rule: r\n  actions: [{action: a, actionner: kubernetes:labl}]\n",
			"no actionner \"kubernetes:labl\"; did you mean \"kubernetes:label\"?" },
		{ "- rule: r\n", "rule \"r\": it has no actions" },
		{ "- rule: r\n  continue: 'maybe'" ACTIONS, "continue must be true or false" },
		{ "- rule: r\n  match: {priority: Warn}" ACTIONS,
			"match.priority must be such as" },
		{ "- rule: r\n  condition: proc.name ==" ACTIONS, "condition" },
		{ "- rule: r\n  limit: many" ACTIONS, "limit must be COUNT/TIME" },
		{ "- rule: r\n  schedule: [Moonday]" ACTIONS, "a schedule is such as" },
		{ "- rule: r\n  notifiers: [pigeon]" ACTIONS, "there is no notifier \"pigeon\"" },
		{ "- rule: r\n  actions: [{action: a, actionner: kubernetes:label}]\n",
			"the parameter labels is missing" },
		{ "rule: r\n", "a playbook is a list" },
		{ "- name: r\n", "an item is a rule" },
	};

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		_cleanup_(playbooks_freep) struct playbooks *playbooks = NULL;
		struct error err = { 0 };

		CHECK_NUMBER(load((const char *const[]){ cases[i].text, NULL }, &playbooks, &err),
			-EINVAL);
		if (!strstr(err.message, cases[i].message))
			CHECK_TEXT(err.message, cases[i].message);
	}
}

TEST(a_schedule_may_go_over_midnight)
{
	struct schedule night;
	struct rule rule = { .schedules = &night, .schedule_count = 1 };
	struct tm friday = {
		.tm_year = 126, .tm_mon = 10, .tm_mday = 27, .tm_hour = 23, .tm_isdst = -1
	};
	struct tm saturday = friday, noon = friday, monday = friday;

	CHECK_NUMBER(schedule_parse(TEXT("Fri 22:00-06:00"), &night), 0);
	saturday.tm_mday = 28;
	saturday.tm_hour = 5;
	noon.tm_hour = 12;
	monday.tm_mday = 30;
	CHECK(rule_is_on_duty(&rule, mktime(&friday)));
	CHECK(rule_is_on_duty(&rule, mktime(&saturday)));
	CHECK(!rule_is_on_duty(&rule, mktime(&noon)));
	CHECK(!rule_is_on_duty(&rule, mktime(&monday)));
}
