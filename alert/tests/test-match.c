/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "base/json.h"
#include "base/memory.h"
#include "alert/match.h"
#include "tests/test.h"

static const char text[] =
	"{\"rule\":\"Terminal shell\",\"priority\":\"warning\",\"source\":\"syscall\","
	"\"hostname\":\"node-1\",\"output\":\"A shell\",\"time\":\"2026-11-24T11:53:39Z\","
	"\"tags\":[\"container\",\"mitre_execution\"],\"output_fields\":{"
	"\"k8s.ns.name\":\"shop\",\"proc.name\":\"bash\",\"proc.tty\":34816,\"user.uid\":0,"
	"\"proc.aname[2]\":\"sshd\",\"is.new\":true,\"nothing\":null,\"a.list\":[1,2],"
	"\"evt.big\":18446744073709551615,\"cluster\":\"blue\"}}";

static const struct {
	const char *condition;
	bool is_true;
} cases[] = {
	{ "rule = \"Terminal shell\"", true },
	{ "rule != \"Terminal shell\"", false },
	{ "rule contains shell and source = syscall", true },
	{ "priority = Warning", true },
	{ "priority = warning", true },
	{ "priority in (critical, WARNING)", true },
	{ "priority in (critical, alert)", false },
	{ "priority <= 4", true },
	{ "priority < 4", false },
	{ "tags = container", true },
	{ "tags in (container, mitre_execution, x)", true },
	{ "tags in (container, x)", false },
	{ "tags intersects (network, mitre_execution)", true },
	{ "tags contains mitre", true },
	{ "not tags = network", true },
	{ "tags != network", true },
	{ "tags != container", false },
	{ "k8s.ns.name in (shop, cart) or proc.name = zsh", true },
	{ "k8s.ns.name startswith sh and not proc.name = bash", false },
	{ "proc.tty != 0", true },
	{ "proc.tty > 0", true },
	{ "proc.tty >= 34817", false },
	{ "user.uid = 0", true },
	{ "proc.aname[2] = sshd", true },
	{ "proc.name glob \"b?sh\"", true },
	{ "proc.name regex \"[a-z]+\"", true },
	{ "proc.name regex \"[a-y]\"", false },
	{ "toupper(proc.name) = BASH", true },
	{ "k8s.pod.name exists", false },
	{ "k8s.pod.name = x", false },
	{ "k8s.pod.name != x", false },
	{ "not k8s.pod.name = x", true },
	{ "nothing exists", false },
	{ "is.new = true", true },
	{ "a.list = 2", true },
	{ "a.list > 1", true },
	{ "evt.big = 18446744073709551615", true },
	{ "cluster = blue", true },
	{ "hostname = node-1 and output icontains SHELL", true },
	{ "proc.name = val(k8s.ns.name)", false },
};

static struct alert *read_alert(void)
{
	_cleanup_(json_putp) struct json_object *root = NULL;
	struct alert *alert = NULL;
	struct error err;

	CHECK_NUMBER(json_parse(text_of(text), &root, NULL, &err), 0);
	CHECK_NUMBER(alert_from_json(root, &alert, &err), 0);
	return alert;
}

TEST(conditions_are_asked_of_alerts)
{
	_cleanup_(alert_freep) struct alert *alert = read_alert();

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		_cleanup_(match_freep) struct match *match = NULL;
		struct error err = { 0 };

		if (match_new(text_of(cases[i].condition), &match, &err) < 0 ||
			match_takes(match, alert) != cases[i].is_true) {
			test_failures++;
			printf("# %s: not %d %s\n", cases[i].condition, cases[i].is_true,
				err.message);
		}
	}
}

static const struct {
	const char *condition, *words;
} wrong[] = {
	{ "", "1:1" },
	{ "rule = ", "1:" },
	{ "rule =\n  x and spawned_process", "2:" },
	{ "spawned_process", "1:16: " },
	{ "proc.name = a and rul = x", "1:19: no field \"rul\"; did you mean \"rule\"?" },
	{ "priority = worst", "1:1: \"worst\" is no priority" },
	{ "proc.name regex \"(\"", "1:1: " },
	{ "proc.tty > x", "1:" },
	{ "nosuch(proc.name) = x", "1:" },
};

TEST(a_wrong_condition_is_told_with_its_place)
{
	for (size_t i = 0; i < COUNT_OF(wrong); i++) {
		struct match *match = NULL;
		struct error err = { 0 };

		CHECK_NUMBER(match_new(text_of(wrong[i].condition), &match, &err), -EINVAL);
		if (strncmp(err.message, wrong[i].words, strlen(wrong[i].words))) {
			test_failures++;
			printf("# %s: %s\n", wrong[i].condition, err.message);
		}
	}
}
