/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What time it is, in the units that the program counts in. A clock is named at each call, for
 * which one is meant is half of the meaning: CLOCK_REALTIME for what people read, CLOCK_MONOTONIC
 * for deadlines, CLOCK_BOOTTIME for what must not stand still while the machine sleeps
 * (clock_gettime(2)).
 */
#pragma once

#include <stdint.h>
#include <time.h>

#define NS_PER_MS     INT64_C(1000000)
#define NS_PER_SECOND INT64_C(1000000000)

/* Nanoseconds since the clock's beginning. */
static inline int64_t clock_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return now.tv_sec * NS_PER_SECOND + now.tv_nsec;
}

/* Whole milliseconds since the clock's beginning. */
static inline int64_t clock_ms(clockid_t clock)
{
	return clock_ns(clock) / NS_PER_MS;
}

/* A clock's reading of so many milliseconds as what pthread_cond_timedwait() takes. */
static inline struct timespec clock_timespec(int64_t ms)
{
	return (struct timespec){ .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * NS_PER_MS };
}

/* The moment that is @timeout_ms after now, which must not be negative. */
static inline struct timespec clock_after(clockid_t clock, int64_t timeout_ms)
{
	int64_t ns = clock_ns(clock) + timeout_ms * NS_PER_MS;

	return (struct timespec){ .tv_sec = ns / NS_PER_SECOND, .tv_nsec = ns % NS_PER_SECOND };
}
