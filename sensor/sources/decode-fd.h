/* SPDX-License-Identifier: Apache-2.0 */
/* The descriptor of an event, from what the kernel programs saw of its file or socket. */
#pragma once

#include "sensor/event.h"
#include "sensor/kernel/wire.h"

/* A checked record of a call, with slices of its parts. */
struct call_view {
	const struct call_record *record;
	struct text parts[CALL_PART_COUNT];
};

/* A walk (names from the leaf to the root, each ended by '/') turned round. "" for nothing. */
struct text path_of_walk(struct arena *arena, struct text walk, bool is_detached);
/* The device as stat(2) gives it. */
uint64_t device_of_kernel(uint32_t device);
/* Fills event->fd, and nothing when the call has none. `call` says which descriptor it is. */
void describe_fd(struct event *event, const struct call_view *view, const struct call *call);
/*
 * "ADDRESS:PORT" or the path of the other end: as the socket has it, else of the address that the
 * caller gave; NULL data when unknown.
 */
struct text address_text(struct arena *arena, const struct event *event, struct text given);
