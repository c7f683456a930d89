/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * The ring, and the slots in which a CPU builds its records. A program may be preempted by another
 * one on the same CPU (6.13 and later), so each CPU has two slots with a busy flag; a third program
 * counts its record as lost.
 */
#pragma once

#include "read.bpf.h"

#define FACTS_COPY(to, size, from) bpf_probe_read_kernel(to, size, from)
#include "facts.h"

/* Texts of a vector that are read at most. */
#define VECTOR_MAX 128

/* Two a CPU; the loader sets the count. (A per-CPU array's values are at most 32 KiB.) */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, struct slot);
} slots SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 8 << 20);
} ring SEC(".maps");

struct shared shared;

const volatile struct constants constants;

static __always_inline void count_loss(enum loss loss)
{
	__sync_fetch_and_add(&shared.lost[loss], 1);
}

static __always_inline bool slot_take(struct slot *slot)
{
#ifdef DIRECT
	return !__sync_lock_test_and_set(&slot->busy, 1);
#else
	/* Before 6.2 a program cannot be preempted by an other one between these two lines. */
	if (slot->busy)
		return false;
	slot->busy = 1;
	return true;
#endif
}

static __always_inline struct slot *slot_begin(__u32 fixed_size)
{
	__u32 first = bpf_get_smp_processor_id() * 2;

	for (int i = 0; i < 2; i++) {
		__u32 index = first + i;
		struct slot *slot = bpf_map_lookup_elem(&slots, &index);

		if (slot && slot_take(slot)) {
			slot->used = fixed_size;
			return slot;
		}
	}
	count_loss(LOSS_SLOTS);
	return NULL;
}

/* The slot in which this task builds, behind a tail call. */
static __always_inline struct slot *slot_mine(void)
{
	__u32 first = bpf_get_smp_processor_id() * 2;
	__u64 me = bpf_get_current_pid_tgid();

	for (int i = 0; i < 2; i++) {
		__u32 index = first + i;
		struct slot *slot = bpf_map_lookup_elem(&slots, &index);

		if (slot && slot->owner == me)
			return slot;
	}
	return NULL;
}

static __always_inline void slot_release(struct slot *slot)
{
	slot->owner = 0;
	slot->busy = 0;
}

/*
 * The consumer sets the flag and looks at the ring once more before it sleeps; we put the record
 * into the ring and then look at the flag. So one of us sees the other. The only way to wake
 * without a record is to discard one.
 */
static __always_inline void wake_consumer(void)
{
	void *nothing;

	if (!shared.consumer_sleeps)
		return;
	shared.consumer_sleeps = 0;
	nothing = bpf_ringbuf_reserve(&ring, 8, 0);
	if (nothing)
		bpf_ringbuf_discard(nothing, BPF_RB_FORCE_WAKEUP);
}

/* False when it was lost. */
static __always_inline bool slot_send(struct slot *slot, enum loss loss)
{
	/* verifier: the size is bounded; used never reaches RECORD_MAX */
	__u32 size = slot->used & (RECORD_MAX - 1);
	bool is_sent;

	((struct record *)slot->data)->size = size;
	is_sent = !bpf_ringbuf_output(&ring, slot->data, size, BPF_RB_NO_WAKEUP);
	if (!is_sent)
		count_loss(loss);
	slot_release(slot);
	wake_consumer();
	return is_sent;
}

static __always_inline bool ring_is_crowded(void)
{
	return bpf_ringbuf_query(&ring, BPF_RB_AVAIL_DATA) > constants.ring_limit;
}

/* Appends a NUL-ended text of the caller's memory, without the NUL. False: it cannot be read. */
static __always_inline bool append_user_text(struct slot *slot, __u64 address, __u16 *length)
{
	__u32 at = slot->used & (RECORD_MAX - 1);
	long got = bpf_probe_read_user_str(slot->data + at, TEXT_MAX, (void *)address);

	if (got <= 0)
		return false;
	*length = got - 1;
	slot->used = at + got - 1;
	return true;
}

static __always_inline void append_kernel_text(
	struct slot *slot, const void *address, __u16 *length)
{
	__u32 at = slot->used & (RECORD_MAX - 1);
	long got = bpf_probe_read_kernel_str(slot->data + at, TEXT_MAX, address);

	if (got <= 0)
		return;
	*length = got - 1;
	slot->used = at + got - 1;
}

struct vector {
	struct slot *slot;
	__u64 at;
	__u32 start, width;
};

STEP append_next_text(__u32 i, void *context)
{
	struct vector *vector = context;
	struct slot *slot = vector->slot;
	__u32 at = slot->used & (RECORD_MAX - 1), room = ARGUMENTS_MAX - (at - vector->start);
	__u32 width = vector->width == 4 ? 4 : 8;
	__u64 address = 0;
	long got;

	if (room < 2 || room > ARGUMENTS_MAX)
		return 1;
	if (bpf_probe_read_user(&address, width, (void *)vector->at) || !address)
		return 1;
	got = bpf_probe_read_user_str(slot->data + at, room, (void *)address);
	if (got <= 0)
		return 1;
	slot->used = at + got;
	vector->at += width;
	return 0;
}

/*
 * Appends the texts that a vector of the caller points to (argv, envp), each with its NUL, until
 * its NULL or until ARGUMENTS_MAX bytes. 32-bit programs have 32-bit pointers.
 */
static __always_inline void append_user_vector(
	struct slot *slot, __u64 vector, bool is_narrow, __u16 *length)
{
	struct vector from = { slot, vector, slot->used, is_narrow ? 4 : 8 };

	REPEAT(VECTOR_MAX, append_next_text, &from);
	*length = slot->used - from.start;
}

/* Appends at most `limit` (a power of two) minus one bytes of the caller's memory. */
static __always_inline void append_user_bytes(
	struct slot *slot, __u64 address, __u64 size, __u32 limit, __u16 *length)
{
	__u32 at = slot->used & (RECORD_MAX - 1), count;

	count = size < limit ? size : limit - 1;
	count &= limit - 1; /* verifier: bounded */
	if (!count || bpf_probe_read_user(slot->data + at, count, (void *)address))
		return;
	*length = count;
	slot->used = at + count;
}
