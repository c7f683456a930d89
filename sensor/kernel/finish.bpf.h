/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * The end of a call's record: the filter of its event type, made from the rules (sensor/filter),
 * drops it or hands it over to the sender. While there is no filter the collector sends.
 */
#pragma once

#include "call.bpf.h"

/* By event type; swapped one by one while calls go through. */
struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, EVENTS_MAX);
	__type(key, __u32);
	__type(value, __u32);
} filters SEC(".maps");

/* What follows a collector: enum finisher. */
struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, FINISHER_COUNT);
	__type(key, __u32);
	__type(value, __u32);
} finishers SEC(".maps");

/* Calls leave room for the lifecycle. */
static __always_inline void call_send(struct slot *slot)
{
	__u32 event = ((struct call_record *)slot->data)->event;

	if (ring_is_crowded()) {
		/* verifier: bounded */
		count_loss(slot->loss < LOSS_COUNT ? slot->loss : LOSS_CALL_RING);
		slot_release(slot);
		count_call(event, false);
		return;
	}
	count_call(event, slot_send(slot, LOSS_CALL_RING));
}

/* What call_begin() began. */
static __always_inline void call_complete(struct slot *slot)
{
	fill_origin((struct record *)slot->data, CURRENT());
	call_send(slot);
}

/* A tail call to a place that the verifier knows is a jump, any other one is twice as slow. */
static __always_inline void call_filter(__u64 *ctx, __u32 event)
{
	if (event == constants.common_event)
		bpf_tail_call(ctx, &filters, constants.common_event);
	bpf_tail_call(ctx, &filters, event);
}

/* Asks the filter of the event type, if there is one. */
static __always_inline int call_finish(__u64 *ctx, struct slot *slot, const struct call *call)
{
	__u32 event = call->event;

	if (event >= EVENTS_MAX || !shared.filtered[event]) {
		call_complete(slot);
		return 0;
	}
	if (call->texts[0] >= 0)
		bpf_tail_call(ctx, &finishers, FINISH_NAMES);
	call_filter(ctx, event);
	call_complete(slot);
	return 0;
}
