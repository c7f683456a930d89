/* SPDX-License-Identifier: Apache-2.0 */
/* Lost events by rule. The counters of a generation are the hot thread's, as those of matches. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "sensor/internal.h"
#include "sensor/losses.h"

/* Rules that the alert names. */
#define RULES_TOLD_MAX 64

static void add(struct event_set *set, const char *name)
{
	const struct event_type *type = event_type_find(text_of(name));

	if (type)
		event_set_add(set, type->id);
}

/* Events that come from records of processes. */
static void lifecycle_events(struct event_set *ret_set)
{
	static const char *const names[] = { "execve", "execveat", "clone", "clone3", "fork",
		"vfork", "procexit" };

	*ret_set = (struct event_set){};
	for (size_t i = 0; i < COUNT_OF(names); i++)
		add(ret_set, names[i]);
}

static bool meets(const struct event_set *one, const struct event_set *other)
{
	for (size_t i = 0; i < COUNT_OF(one->words); i++)
		if (one->words[i] & other->words[i])
			return true;
	return false;
}

/* `set`: whose rules are told; NULL: all of them. */
static void blame(
	const struct rules *rules, const struct event_set *set, uint64_t lost, uint64_t *ret_lost)
{
	for (size_t i = 0; lost && i < rules_count(rules); i++) {
		const struct rule *rule = rules_at(rules, i);

		if (rule->is_enabled && (!set || meets(&rule->events, set)))
			ret_lost[i] += lost;
	}
}

/* Returns how many were lost of one type. */
static uint64_t look_at(struct losses *losses, struct source *source, unsigned event,
	const struct rules *rules, uint64_t *ret_lost)
{
	struct event_set one = {};
	struct call_numbers now;
	uint64_t lost;

	source->operations->calls(source, event, &now);
	lost = now.lost - losses->by_event[event];
	losses->by_event[event] = now.lost;
	event_set_add(&one, event);
	blame(rules, &one, lost, ret_lost);
	return lost;
}

void losses_look(struct losses *losses, struct source *source,
	const struct source_counters *counters, const struct generation *generation,
	uint64_t *ret_lost)
{
	uint64_t dropped = counters->dropped - losses->dropped, typed = 0;
	uint64_t lifecycle = counters->dropped_lifecycle - losses->lifecycle;
	struct event_set processes;
	size_t count;

	memset(ret_lost, 0, rules_count(generation->rules) * sizeof(*ret_lost));
	losses->dropped = counters->dropped;
	losses->lifecycle = counters->dropped_lifecycle;
	if (!dropped || !source->operations->calls)
		return;
	event_types(&count);
	for (unsigned event = 0; event < count; event++)
		typed += look_at(losses, source, event, generation->rules, ret_lost);
	lifecycle_events(&processes);
	blame(generation->rules, &processes, lifecycle, ret_lost);
	if (dropped > typed + lifecycle)
		blame(generation->rules, NULL, dropped - typed - lifecycle, ret_lost);
	for (size_t i = 0; i < rules_count(generation->rules); i++)
		atomic_fetch_add_explicit(&generation->lost[i], ret_lost[i], memory_order_relaxed);
}

/* "rules.NAME" of those that could have matched what was lost, in their order. */
static size_t rule_fields(const struct rules *rules, const uint64_t *by_rule,
	struct internal_field *fields, char *names[RULES_TOLD_MAX], char values[RULES_TOLD_MAX][24])
{
	size_t count = 0;

	for (size_t i = 0; i < rules_count(rules) && count < RULES_TOLD_MAX; i++) {
		if (!by_rule[i])
			continue;
		names[count] = string_printf("rules.%s", rules_at(rules, i)->name);
		snprintf(values[count], sizeof(values[count]), "%" PRIu64, by_rule[i]);
		fields[count] =
			(struct internal_field){ .name = names[count], .words = values[count] };
		count++;
	}
	return count;
}

void losses_tell(const struct source_counters *lost, const uint64_t *by_rule,
	const struct generation *generation, struct outlets *outlets)
{
	static const char *const class_names[] = { "clone_fork", "execve", "connect", "open",
		"dir_file", "other_interest", "close", "proc" };
	char names[DROP_CLASS_COUNT][48], values[DROP_CLASS_COUNT + 6][24];
	struct internal_field fields[DROP_CLASS_COUNT + 7 + RULES_TOLD_MAX];
	char *rule_names[RULES_TOLD_MAX], rule_values[RULES_TOLD_MAX][24];
	size_t rules_told;
	struct internal_message message = {
		.rule = "Falco internal: syscall event drop",
		.priority = PRIORITY_DEBUG,
		.fields = fields,
	};
	uint64_t in_ring = 0;
	_cleanup_(freep) char *output =
		string_printf("%s. %" PRIu64 " system calls dropped in last second.", message.rule,
			lost->dropped);

	for (size_t i = 0; i < DROP_CLASS_COUNT; i++) {
		snprintf(names[i], sizeof(names[i]), "n_drops_buffer_%s_exit", class_names[i]);
		snprintf(values[i], sizeof(values[i]), "%" PRIu64, lost->dropped_by_class[i]);
		in_ring += lost->dropped_by_class[i];
		fields[i] = (struct internal_field){ .name = names[i], .words = values[i] };
	}
	const struct {
		const char *name;
		uint64_t value;
	} others[] = {
		{ "n_evts", lost->events },
		{ "n_drops", lost->dropped },
		{ "n_drops_buffer_total", in_ring },
		{ "n_drops_scratch_map", lost->dropped_slots },
		{ "n_drops_bug", lost->dropped_missed },
		{ "ebpf_enabled", 1 },
	};
	for (size_t i = 0; i < COUNT_OF(others); i++) {
		char *value = values[DROP_CLASS_COUNT + i];

		snprintf(value, sizeof(values[0]), "%" PRIu64, others[i].value);
		fields[DROP_CLASS_COUNT + i] =
			(struct internal_field){ .name = others[i].name, .words = value };
	}
	/* The kernel programs report what they could not read; they drop nothing for it. */
	fields[DROP_CLASS_COUNT + COUNT_OF(others)] =
		(struct internal_field){ .name = "n_drops_page_faults", .words = "0" };
	rules_told = rule_fields(generation->rules, by_rule,
		fields + DROP_CLASS_COUNT + COUNT_OF(others) + 1, rule_names, rule_values);
	message.count = DROP_CLASS_COUNT + COUNT_OF(others) + 1 + rules_told;
	message.output = output;
	internal_push(&message, generation, outlets);
	for (size_t i = 0; i < rules_told; i++)
		free(rule_names[i]);
}
