/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A thread that carries what was written to a file to the disk, at most once an interval, so
 * that its writer never waits for the disk.
 */
#pragma once

#include <stdint.h>

struct syncer;

struct syncer *syncer_new(int64_t interval_ms);
/* Syncs what is outstanding, ends the thread. */
void syncer_free(struct syncer *syncer);
/* `path` was written to. Keeps it open until another path comes. */
void syncer_touch(struct syncer *syncer, const char *path);
