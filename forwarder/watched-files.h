/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files whose change means something. They are looked at by name, so that the links which
 * Kubernetes turns to a new folder, and editors that rename, count as well; inotify would need a
 * watch on each folder on the way.
 */
#pragma once

#include <stdbool.h>

struct watched_files;

struct watched_files *watched_files_new(void);
void watched_files_free(struct watched_files *files);
/* Remembers a file as it is now; one that is not there, too. */
void watched_files_add(struct watched_files *files, const char *path);
/*
 * Whether any has changed since it was remembered and none has since the last call: who writes
 * several files, or one slowly, is let finish. The change is then forgotten.
 */
bool watched_files_have_changed(struct watched_files *files);
