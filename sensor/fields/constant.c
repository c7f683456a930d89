/* SPDX-License-Identifier: Apache-2.0 */
/* Fields that do not depend on the event: constants of the settings, and an old counter. */
#include "base/memory.h"
#include "sensor/fields/families.h"
#include "sensor/fields/reader.h"

static enum presence read_constant(
	const struct event *event, const struct field_use *use, struct value *ret_value)
{
	for (size_t i = 0; i < event->static_count; i++)
		if (text_equal(event->statics[i].name, use->key))
			return give_text(ret_value, event->statics[i].value);
	return ABSENT;
}

static const struct field constant_fields[] = {
	{ "static", TYPE_CHARBUF, ARGUMENT_SUFFIX, 0,
		"The constant that static_fields gives the name behind the dot", read_constant },
};

static const struct field util_fields[] = {
	{ "util.cnt", TYPE_UINT64, ARGUMENT_NONE, FIELD_HIDDEN,
		"A counter that goes up whenever it is read" },
};

const struct field_family family_constant = { "static", "Constants of the settings",
	constant_fields, COUNT_OF(constant_fields) };
const struct field_family family_util = { "util", "Odds and ends", util_fields,
	COUNT_OF(util_fields) };
