/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How an item changes what is there already: `override`, and the older `append: true`
 * (spec/rule-language.md 1.8).
 */
#pragma once

#include "sensor/rules/reader.h"

/*
 * `override`: which keys of the item change the definition, and how. The tables say what each
 * kind allows.
 */
struct overrides {
	struct texts append, replace;
};

void overrides_done(struct overrides *overrides);
/*
 * 1 when the item has overrides, 0 when it has none. The keys say what can be appended and
 * replaced; `has_append`: the item says `append: true`, which excludes them.
 */
int overrides_read(const struct reader *reader, const char *const *append_keys,
	const char *const *replace_keys, bool has_append, struct overrides *overrides);
/* `append: true`, which is deprecated and warned about. */
int append_read(const struct reader *reader, bool *ret_appends);
