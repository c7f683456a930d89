/* SPDX-License-Identifier: Apache-2.0 */
/*
 * "Did you mean …?": the nearest name of the kind that was wanted.
 */
#include <stdlib.h>

#include "base/memory.h"
#include "sensor/rules/definitions.h"

const char *advice_nearest(
	struct arena *arena, struct text wanted, const char *const *candidates, size_t count)
{
	const char *near = text_nearest(wanted, candidates, count);

	return near ? arena_printf(arena, "did you mean %s?", near).data : NULL;
}

const char *advice_for_field(struct arena *arena, struct text wanted)
{
	_cleanup_(freep) const char **names = NULL;
	size_t family_count, count = 0, capacity = 0;
	const struct field_family *const *families = field_families(&family_count);
	const char *bracket = memchr(wanted.data ? wanted.data : "", '[', wanted.length);

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
	_cleanup_(freep) const char **names = NEW_ARRAY(const char *, loader->macro_count);

	if (macro_find(loader, wanted))
		return arena_printf(loader->arena,
			"a macro sees only macros that are defined above it; move " TEXT_FORMAT
			" up",
			TEXT_PRINT(wanted))
			.data;
	for (size_t i = 0; i < loader->macro_count; i++)
		names[i] = arena_copy(loader->arena, loader->macros[i].name).data;
	return advice_nearest(loader->arena, wanted, names, loader->macro_count);
}
