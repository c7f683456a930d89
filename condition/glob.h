/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shell patterns, as fnmatch() with no flags in the C locale: "*" and "?" match "/" and a leading
 * dot, "[…]" with ranges, classes and "!" or "^", a backslash takes the next byte as it is.
 * Ours, because fnmatch wants NUL-ended text and can be made to take time exponential in the
 * number of stars by whoever chooses the text; this one is at most pattern × text.
 */
#pragma once

#include <stdbool.h>

#include "base/text.h"

bool glob_matches(struct text pattern, struct text text, bool ignores_case);
/* Does it hold any of ? * [ ? */
bool glob_is_pattern(struct text text);
