/* SPDX-License-Identifier: Apache-2.0 */
/*
 * "Did you mean …?": the nearest name of the kind that was wanted.
 */
#include <stdlib.h>

#include "base/memory.h"
#include "condition/operators.h"
#include "condition/transformers.h"
#include "sensor/rules/definitions.h"

const char *advice_nearest(
	struct arena *arena, struct text wanted, const char *const *candidates, size_t count)
{
	const char *near = text_nearest(wanted, candidates, count);

	return near ? arena_printf(arena, "did you mean %s?", near).data : NULL;
}

const char *advice_for_text(
	struct arena *arena, struct text wanted, const struct text *candidates, size_t count)
{
	_cleanup_(freep) const char **names = NEW_ARRAY(const char *, count + 1);

	for (size_t i = 0; i < count; i++)
		names[i] = arena_copy(arena, candidates[i]).data;
	return advice_nearest(arena, wanted, names, count);
}

const char *advice_for_keys(struct arena *arena, struct text wanted, const char *const *keys)
{
	size_t count = 0;

	while (keys[count])
		count++;
	return advice_nearest(arena, wanted, keys, count);
}

const char *advice_for_operator(struct arena *arena, struct text wanted)
{
	const char *names[OPERATOR_COUNT];

	for (size_t i = 0; i < OPERATOR_COUNT; i++)
		names[i] = operator_at(i)->name;
	return advice_nearest(arena, wanted, names, OPERATOR_COUNT);
}

const char *advice_for_transformer(struct arena *arena, struct text wanted)
{
	const char *names[TRANSFORMER_COUNT];

	for (size_t i = 0; i < TRANSFORMER_COUNT; i++)
		names[i] = transformer_at(i)->name;
	return advice_nearest(arena, wanted, names, TRANSFORMER_COUNT);
}

const char *advice_for_field(struct arena *arena, struct text wanted)
{
	_cleanup_(freep) const char **names = NULL;
	size_t family_count, count = 0, capacity = 0;
	const struct field_family *const *families = field_families(&family_count);
	const char *bracket = memchr(wanted.data ? wanted.data : "", '[', wanted.length);

	if (text_starts_with(wanted, TEXT("static.")))
		return "constants come from static_fields in the settings: name that file, too";
	for (size_t i = 0; i < family_count; i++)
		for (size_t j = 0; j < families[i]->count; j++)
			if (!(families[i]->fields[j].flags & FIELD_HIDDEN))
				*ARRAY_ADD(names, count, capacity) = families[i]->fields[j].name;
	if (bracket)
		wanted.length = (size_t)(bracket - wanted.data);
	return advice_nearest(arena, wanted, names, count);
}

const char *advice_for_event_type(struct arena *arena, struct text wanted)
{
	size_t count;
	const struct event_type *types = event_types(&count);
	_cleanup_(freep) const char **names = NEW_ARRAY(const char *, count);

	for (size_t i = 0; i < count; i++)
		names[i] = types[i].name;
	return advice_nearest(arena, wanted, names, count);
}

const char *advice_for_macro(const struct rules_loader *loader, struct text wanted)
{
	_cleanup_(freep) struct text *names = NEW_ARRAY(struct text, loader->macro_count + 1);

	if (macro_find(loader, wanted))
		return arena_printf(loader->arena,
			"a macro sees only macros that are defined above it; move " TEXT_FORMAT
			" up",
			TEXT_PRINT(wanted))
			.data;
	for (size_t i = 0; i < loader->macro_count; i++)
		names[i] = loader->macros[i].name;
	return advice_for_text(loader->arena, wanted, names, loader->macro_count);
}

const char *advice_for_list(const struct rules_loader *loader, struct text wanted)
{
	_cleanup_(freep) struct text *names = NEW_ARRAY(struct text, loader->list_count + 1);

	for (size_t i = 0; i < loader->list_count; i++)
		names[i] = loader->lists[i].name;
	return advice_for_text(loader->arena, wanted, names, loader->list_count);
}

const char *advice_for_rule(const struct rules_loader *loader, struct text wanted)
{
	_cleanup_(freep) struct text *names = NEW_ARRAY(struct text, loader->rule_count + 1);

	for (size_t i = 0; i < loader->rule_count; i++)
		names[i] = loader->rules[i].name;
	return advice_for_text(loader->arena, wanted, names, loader->rule_count);
}
