/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Watches files and directories of YAML for changes. What is watched are the folders: so a file
 * that an editor replaces is seen, one that is not there yet, and the symbolic link `..data` that
 * Kubernetes turns to a new version of a ConfigMap or Secret.
 */
#pragma once

#include <stdbool.h>

#include "base/error.h"
#include "base/settings.h"

struct watch;

/* -EMFILE and such with words for a person. */
int watch_new(struct watch **ret_watch, struct error *err);
void watch_free(struct watch *watch);
/* These paths in place of those of before; they need not exist, their folders must. */
void watch_set(struct watch *watch, const struct text_list *paths);
/* Readable when something happened. */
int watch_fd(const struct watch *watch);
/* Takes what happened, without waiting. Whether any of it changes a watched path. */
bool watch_take(struct watch *watch);
