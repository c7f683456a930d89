/* SPDX-License-Identifier: Apache-2.0 */
/* Names of calls into a set of events, and out of it. */
#include "base/log.h"
#include "base/memory.h"
#include "sensor/base-calls.h"

struct chosen {
	const struct event_type *type; /* NULL: no system call has that name */
	struct text name;
	bool is_negative;
};

static struct chosen chosen_at(const struct text_list *custom, size_t i)
{
	struct chosen chosen = { .name = text_trim(text_of(custom->items[i])) };

	chosen.is_negative = text_starts_with(chosen.name, TEXT("!"));
	if (chosen.is_negative)
		chosen.name = text_slice(chosen.name, 1, SIZE_MAX);
	chosen.type = event_type_find(chosen.name);
	if (chosen.type && !chosen.type->is_syscall)
		chosen.type = NULL;
	return chosen;
}

static void remove_event(struct event_set *set, unsigned id)
{
	set->words[id / 64] &= ~(UINT64_C(1) << (id % 64));
}

static bool is_kept(const struct event_set *kept, const struct event_type *type)
{
	return kept && event_set_has(kept, type->id);
}

void base_calls_apply(
	const struct text_list *custom, const struct event_set *kept, struct event_set *set)
{
	for (size_t i = 0; i < custom->count; i++) {
		struct chosen chosen = chosen_at(custom, i);

		if (chosen.type && !chosen.is_negative)
			event_set_add(set, chosen.type->id);
		else if (chosen.type && !is_kept(kept, chosen.type))
			remove_event(set, chosen.type->id);
	}
}

void base_calls_tell(const struct text_list *custom, const struct event_set *kept,
	const struct event_set *wanted)
{
	for (size_t i = 0; i < custom->count; i++) {
		struct chosen chosen = chosen_at(custom, i);

		if (!chosen.type)
			log_warning(
				"Invalid (%s) syscall names: warning (base_syscalls override): " TEXT_FORMAT,
				chosen.is_negative ? "negative" : "positive",
				TEXT_PRINT(chosen.name));
		else if (chosen.is_negative && is_kept(kept, chosen.type))
			log_warning(
				"base_syscalls.custom_set: \"!" TEXT_FORMAT
				"\" is refused: a field needs that call, and base_syscalls.repair "
				"is set",
				TEXT_PRINT(chosen.name));
		else if (chosen.is_negative && event_set_has(wanted, chosen.type->id))
			log_warning(
				"Loaded rules match syscalls that are not activated (e.g. were "
				"removed via configuration settings such as base_syscalls.custom_set): "
				"warning (unsupported-evttype): " TEXT_FORMAT,
				TEXT_PRINT(chosen.name));
	}
}
