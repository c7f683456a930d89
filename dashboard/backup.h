/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Backups of what is kept, taken while it is written to: into a folder, or as a tar for whoever
 * downloads it. The users are not in it: a backup is nobody's key.
 *
 * The last file is backup.json: {"version", "made", "files": [{"name", "bytes"}]}. A backup without
 * it is not whole. To restore, put the other files into an empty state folder.
 */
#pragma once

#include "dashboard/download.h"

/* `folder` is made; -EEXIST when it is there with something in it. */
int backup_to_folder(const char *state, const char *folder, struct error *err);
/* Answers the request with a tar; a file at a time is copied beside the state. -EAGAIN: one runs
 * already. */
int backup_download(struct downloads *downloads, struct http_request *request, const char *state);
