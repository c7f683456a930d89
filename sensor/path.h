/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Paths as text: nothing here looks at a file system. The rules see a path as its caller wrote it,
 * made absolute and lexically normalised (spec/rule-language.md 3.8).
 */
#pragma once

#include "base/arena.h"

/* What is longer than this, base and path together, is named PATH_TOO_LONG, as Falco does. */
#define PATH_BYTES_MAX 1024
#define PATH_TOO_LONG  "/DIR_TOO_LONG/FILENAME_TOO_LONG"

/*
 * `path` below `base` (ignored when the path is absolute) without ".", ".." and empty parts.
 * ".." at the root stays there. The result is in the arena or is `path` itself.
 */
struct text path_absolute(struct arena *arena, struct text base, struct text path);
/* With runs of slashes made one and nothing else changed. In the arena or `path` itself. */
struct text path_collapsed(struct arena *arena, struct text path);
/* "/a" of "/a/b", "/" of "/a"; a slice, or "/" where there is no slash. */
struct text path_directory(struct text path);
/* What is behind the last slash; a slice. */
struct text path_file(struct text path);
