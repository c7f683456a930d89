/* SPDX-License-Identifier: Apache-2.0 */
/* Reading the parts of a look from /proc. Texts are in the arena; -ESRCH when it is not there. */
#pragma once

#include "base/arena.h"
#include "sensor/sources/look.h"

/* A thread's processor time in ticks of clock(3) as /proc counts them, and when that was. */
struct processor_time {
	uint64_t user, system, at_ns; /* at_ns: CLOCK_BOOTTIME */
	uint64_t start_ns;	      /* of the thread, since boot */
};

/* `folder` is /proc/PID, opened with O_PATH. */
int read_usage(int folder, int64_t tid, struct arena *arena, struct usage *ret_usage,
	struct processor_time *ret_time);
int read_cgroups(int folder, struct arena *arena, struct text *ret_cgroups);
/* Descriptors with numbers below `limit`. */
int read_descriptors(
	int folder, int64_t limit, struct arena *arena, struct descriptors *ret_descriptors);
/* Those of `count` struct pollfd in its memory; of one that was closed only the number is known. */
int read_polled(int folder, uint64_t address, uint64_t count, struct arena *arena,
	struct descriptors *ret_descriptors);
/* When the process started, in ticks since boot; 0 when it is gone. */
uint64_t read_start_tick(int folder, struct arena *arena);
