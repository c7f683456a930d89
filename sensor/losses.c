/* SPDX-License-Identifier: Apache-2.0 */
/* Lost events by rule. The counters of a generation are the hot thread's, as those of matches. */
#include "base/memory.h"
#include "sensor/losses.h"

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
