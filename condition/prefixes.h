/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Path prefixes for `pmatch`: a tree of path components. Empty components do not count; a
 * component with any of ? * [ is a pattern for that component alone.
 */
#pragma once

#include <stdbool.h>

#include "base/text.h"

struct prefixes;

struct prefixes *prefixes_new(void);
void prefixes_free(struct prefixes *prefixes);
/* `path` must outlive the tree. What it is a prefix of is swallowed. */
void prefixes_add(struct prefixes *prefixes, struct text path);
/* Is one of the paths a prefix, by components, of this one? */
bool prefixes_match(const struct prefixes *prefixes, struct text path);
