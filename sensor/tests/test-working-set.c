/* SPDX-License-Identifier: Apache-2.0 */
/* What is let go comes back when it is asked for, and what was written to stays. */
#include <stdio.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "sensor/rules/rules.h"
#include "sensor/working-set.h"
#include "tests/test.h"

/* kB of files that are resident. */
static unsigned long resident_kb(void)
{
	_cleanup_(fclosep) FILE *file = fopen("/proc/self/status", "re");
	unsigned long size = 0;
	char line[256];

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "RssFile: %lu kB", &size) == 1)
			break;
	return size;
}

/* Through libyaml, RE2 and the tables of fields. */
static size_t load_rules(void)
{
	static const struct rules_options options = { .minimum_priority = PRIORITY_DEBUG };
	_cleanup_(rules_loader_freep) struct rules_loader *loader = rules_loader_new(&options);
	_cleanup_(load_result_freep) struct load_result *result = rules_loader_add(loader, "made",
		TEXT("- {rule: R, desc: d, condition: evt.type=open and proc.name regex a.*, "
		     "output: '%proc.name', priority: INFO}\n"));
	_cleanup_(rules_freep) struct rules *rules = NULL;
	struct error err = { 0 };

	CHECK_NUMBER(result->error_count, 0);
	CHECK_NUMBER(rules_compile(loader, &rules, &err), 0);
	return rules_count(rules);
}

TEST(what_is_let_go_is_there_again_when_it_is_needed)
{
	unsigned long before;

	CHECK_NUMBER(load_rules(), 1);
	before = resident_kb();
	working_set_trim();
	CHECK(resident_kb() < before);
	CHECK_NUMBER(load_rules(), 1);
}
