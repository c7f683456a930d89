/* SPDX-License-Identifier: Apache-2.0 */
/*
 * io_uring: its requests are events like the calls that they stand for. Where the kernel tells of
 * them differs between versions; before 5.15 it does not tell enough.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/cleanup.h"
#include "sensor/events.h"
#include "sensor/kernel/wire.h"

struct bpf_object;
struct uring;

/*
 * Before the load: only the programs that this kernel has a tracepoint for. Older kernels have not
 * even the types that the others read.
 */
void uring_choose(struct bpf_object *object);
struct uring *uring_new(struct bpf_object *object, struct shared *shared);
void uring_free(struct uring *uring);
DEFINE_CLEANUP(struct uring *, uring_free)
/*
 * Only requests that stand for calls of the set are told of from now on. -ENOTSUP when there are
 * such and this kernel cannot tell of them.
 */
int uring_want(struct uring *uring, const struct event_set *set);
/*
 * A record that has waited for its end for over a second, as if the request had worked (a connect:
 * is under way); valid until the next call. Returns its size, 0 when there is none (any more).
 */
size_t uring_overdue(struct uring *uring, const void **ret_record);
