/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rules files from anywhere: each loads or is refused with one error that has a place, and what
 * loads matches events and makes alerts.
 */
#include <assert.h>
#include <stdint.h>

#include "sensor/rules/given.h"
#include "sensor/rules/rules.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void print(const struct load_result *result)
{
	struct json_writer json;
	struct buffer out;

	buffer_init(&out, 1 << 20);
	load_result_print(result, &out);
	json_writer_init(&json, &out);
	load_result_json(result, &json);
	buffer_done(&out);
	for (size_t i = 0; i < result->error_count; i++)
		assert(result->errors[i].location_count && result->errors[i].message[0]);
}

static void run(const struct rules *rules)
{
	struct evaluation *evaluation = evaluation_new(rules);
	struct given *given = given_new();
	const struct rule *rule;
	struct event *event;
	struct buffer out;

	buffer_init(&out, 1 << 20);
	if (given_event(given, TEXT("evt.type=openat proc.name=cat fd.name=/etc/shadow"), &event,
		    NULL) == 0 &&
		rules_match(rules, evaluation, event, 0, &rule) == IS_TRUE)
		rule_write_text(rule, event, &(struct alert_format){ .uses_utc = true }, &out);
	buffer_done(&out);
	given_free(given);
	evaluation_free(evaluation);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rules_options options = { .minimum_priority = PRIORITY_DEBUG };
	struct rules_loader *loader = rules_loader_new(&options);
	struct load_result *result =
		rules_loader_add(loader, "fuzz.yaml", (struct text){ (const char *)data, size });
	struct rules *rules;

	print(result);
	if (!result->error_count && rules_compile(loader, &rules, NULL) == 0) {
		run(rules);
		rules_free(rules);
	}
	load_result_free(result);
	rules_loader_free(loader);
	return 0;
}
