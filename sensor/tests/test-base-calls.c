/* SPDX-License-Identifier: Apache-2.0 */
/* base_syscalls: which calls are collected besides those that rules name, and which are not. */
#include "sensor/base-calls.h"
#include "sensor/rules/rules.h"
#include "tests/test.h"

static struct event_set set_of(const char *names)
{
	struct event_set set = {};
	struct text rest = text_of(names), name;

	while (text_split(&rest, ' ', &name))
		event_set_add(&set, event_type_find(name)->id);
	return set;
}

static bool has(const struct event_set *set, const char *name)
{
	return event_set_has(set, event_type_find(text_of(name))->id);
}

TEST(a_custom_set_adds_and_takes_away)
{
	struct event_set set = set_of("connect sendto");
	struct text_list custom = {};

	text_list_add(&custom, TEXT("chdir"));
	text_list_add(&custom, TEXT("!connect"));
	text_list_add(&custom, TEXT("!no-such-call"));
	base_calls_apply(&custom, NULL, &set);
	CHECK(has(&set, "chdir") && has(&set, "sendto") && !has(&set, "connect"));
	text_list_done(&custom);
}

TEST(repair_keeps_what_fields_need)
{
	struct event_set set = set_of("connect sendto"), needed = set_of("sendto");
	struct text_list custom = {};

	text_list_add(&custom, TEXT("!connect"));
	text_list_add(&custom, TEXT("!sendto"));
	base_calls_apply(&custom, &needed, &set);
	CHECK(has(&set, "sendto") && !has(&set, "connect"));
	text_list_done(&custom);
}

/* The events of one rule. */
static struct event_set events_of(const char *condition, bool takes_transfers)
{
	const struct rules_options options = { .minimum_priority = PRIORITY_DEBUG,
		.takes_transfers = takes_transfers };
	struct rules_loader *loader = rules_loader_new(&options);
	char text[256];
	struct rules *rules = NULL;
	struct event_set events;

	snprintf(text, sizeof(text),
		"- {rule: R, desc: d, output: o, priority: INFO, condition: '%s'}\n", condition);
	load_result_free(rules_loader_add(loader, "r.yaml", text_of(text)));
	CHECK_NUMBER(rules_compile(loader, &rules, NULL), 0);
	rules_events(rules, &events);
	rules_free(rules);
	rules_loader_free(loader);
	return events;
}

TEST(with_all_a_rule_without_event_types_gets_reads_and_writes)
{
	struct event_set events = events_of("proc.name = x", false);

	CHECK(has(&events, "openat") && !has(&events, "read") && !has(&events, "write"));
	events = events_of("proc.name = x", true);
	CHECK(has(&events, "openat") && has(&events, "read") && has(&events, "write"));
	events = events_of("evt.type = read", false);
	CHECK(has(&events, "read") && !has(&events, "write"));
}
