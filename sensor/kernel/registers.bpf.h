/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Where an architecture keeps a system call's number and arguments at its exit. */
#pragma once

#include "read.bpf.h"

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)
#if defined(__TARGET_ARCH_x86)
struct pt_regs {
	unsigned long r10, r9, r8, dx, si, di, bx, cx, bp, orig_ax;
};
#elif defined(__TARGET_ARCH_arm64)
struct user_pt_regs {
	__u64 regs[31];
};
struct pt_regs {
	struct user_pt_regs user_regs;
	__u64 orig_x0;
	__s32 syscallno;
};
#endif
#pragma clang attribute pop

#if defined(__TARGET_ARCH_x86)

#define TS_COMPAT   0x0002
#define X32_CALL    0x40000000
#define NUMBER_MASK 0x3fffffff

static __always_inline __u32 registers_abi(struct task_struct *task)
{
	return READ(task, thread_info.status) & TS_COMPAT ? ABI_IA32 : ABI_NATIVE;
}

static __always_inline __u32 registers_call(struct pt_regs *registers)
{
	return (__u32)READ(registers, orig_ax) & NUMBER_MASK;
}

static __always_inline void registers_arguments(struct pt_regs *registers, __u32 abi, __u64 *out)
{
	if (abi == ABI_IA32) {
		out[0] = (__u32)READ(registers, bx);
		out[1] = (__u32)READ(registers, cx);
		out[2] = (__u32)READ(registers, dx);
		out[3] = (__u32)READ(registers, si);
		out[4] = (__u32)READ(registers, di);
		out[5] = (__u32)READ(registers, bp);
		return;
	}
	out[0] = READ(registers, di);
	out[1] = READ(registers, si);
	out[2] = READ(registers, dx);
	out[3] = READ(registers, r10);
	out[4] = READ(registers, r8);
	out[5] = READ(registers, r9);
}

#elif defined(__TARGET_ARCH_arm64)

static __always_inline __u32 registers_abi(struct task_struct *task)
{
	return ABI_NATIVE;
}

static __always_inline __u32 registers_call(struct pt_regs *registers)
{
	return READ(registers, syscallno);
}

static __always_inline void registers_arguments(struct pt_regs *registers, __u32 abi, __u64 *out)
{
	out[0] = READ(registers, orig_x0);
	out[1] = READ(registers, user_regs.regs[1]);
	out[2] = READ(registers, user_regs.regs[2]);
	out[3] = READ(registers, user_regs.regs[3]);
	out[4] = READ(registers, user_regs.regs[4]);
	out[5] = READ(registers, user_regs.regs[5]);
}

#else
#error "registers.bpf.h: add this architecture"
#endif
