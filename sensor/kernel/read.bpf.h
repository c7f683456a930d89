/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Reading kernel memory in the two ways that kernels allow. The same source is built twice:
 * with DIRECT for kernels that let a program follow typed pointers (6.2 and later, fast), without
 * it for all others, where each step is a call of bpf_probe_read_kernel.
 */
#pragma once

#include "types.bpf.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "wire.h"

#ifdef DIRECT

extern void *bpf_rdonly_cast(void *object, __u32 btf_id) __ksym;

#define TRACE(name)	     "tp_btf/" name
#define READ(object, member) ((object)->member)
/* Gives an address the type that makes READ possible. */
#define AS(type, address) \
	((struct type *)bpf_rdonly_cast((void *)(address), bpf_core_type_id_kernel(struct type)))

/*
 * Runs a step, `long step(__u32 i, void *context)`, until it gives 1. As a callback it is verified
 * once, not once a turn, which is nearly all of the time that loading takes.
 */
#define STEP			     static long
#define REPEAT(times, step, context) (void)bpf_loop(times, step, context, 0)

#else

#define STEP static __always_inline long
#define REPEAT(times, step, context)             \
	for (__u32 i_ = 0; i_ < (times); i_++) { \
		if (step(i_, context))           \
			break;                   \
	}

#define TRACE(name)	     "raw_tp/" name
#define READ(object, member) BPF_CORE_READ(object, member)
#define AS(type, address)    ((struct type *)(address))

#endif

/*
 * Not bpf_get_current_task_btf(): for each member of a trusted pointer that is read the verifier
 * looks through all types of the kernel by name, and loading takes four times as long.
 */
#define CURRENT() AS(task_struct, bpf_get_current_task())

/*
 * Calls of helpers are what the programs spend their time with: where returns are guarded each is
 * about ten nanoseconds. So what is read with every call is read through typed pointers, and a task
 * is asked for once.
 */
static __always_inline unsigned long read_word(const void *address)
{
#ifdef DIRECT
	return (unsigned long)AS(hlist_head, address)->first;
#else
	unsigned long word = 0;

	bpf_probe_read_kernel(&word, sizeof(word), address);
	return word;
#endif
}
