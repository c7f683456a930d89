/* SPDX-License-Identifier: Apache-2.0 */
/* Files of a folder /proc/PID, opened with O_PATH. What is in them is the attacker's. */
#pragma once

#include "base/arena.h"
#include "base/text.h"

/* At most `limit` bytes of a file; an empty slice when it cannot be read. */
struct text process_file(struct arena *arena, int folder, const char *name, size_t limit);
