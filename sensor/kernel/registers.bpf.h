/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Where an architecture keeps a system call's number and arguments at its exit. */
#pragma once

#include "read.bpf.h"

/*
 * Built for each hook. At sys_exit the context is the registers and the result; at a call's own
 * tracepoint a word of the kernel's, the number and the result, and the registers are the task's.
 */
#ifdef SYSCALLS
#define CALL_END  "tracepoint"
#define THIS_HOOK HOOK_SYSCALLS
#else
#define CALL_END  TRACE("sys_exit")
#define THIS_HOOK HOOK_RAW
#endif

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

static __always_inline struct pt_regs *ended_registers(__u64 *ctx)
{
#ifdef SYSCALLS
	return AS(pt_regs, bpf_task_pt_regs(bpf_get_current_task_btf()));
#else
	return AS(pt_regs, ctx[0]);
#endif
}

static __always_inline __s64 ended_result(__u64 *ctx)
{
	return ctx[THIS_HOOK == HOOK_SYSCALLS ? 2 : 1];
}

#if defined(__TARGET_ARCH_x86)

#define TS_COMPAT   0x0002
#define X32_CALL    0x40000000
#define NUMBER_MASK 0x3fffffff

static __always_inline __u32 registers_abi(struct task_struct *task)
{
	if (THIS_HOOK == HOOK_SYSCALLS)
		return ABI_NATIVE;
	return READ(task, thread_info.status) & TS_COMPAT ? ABI_IA32 : ABI_NATIVE;
}

/* Whether pointers and lengths in the caller's structures have 32 bits. */
static __always_inline bool registers_are_narrow(struct pt_regs *registers, __u32 abi)
{
	return abi == ABI_IA32 || READ(registers, orig_ax) & X32_CALL;
}

/* As the caller gave it. */
static __always_inline __u32 registers_number(struct pt_regs *registers)
{
	return (__u32)READ(registers, orig_ax) & NUMBER_MASK;
}

static __always_inline __u32 registers_call(struct pt_regs *registers, __u32 abi)
{
	__u32 number = registers_number(registers);

	if (abi == ABI_NATIVE)
		return number;
	if (number == IA32_SOCKETCALL)
		return IA32_SOCKETCALLS + ((__u32)READ(registers, bx) & 31);
	if (number == IA32_IPC)
		return IA32_IPC_CALLS + ((__u32)READ(registers, bx) & 31);
	return number;
}

static __always_inline bool is_socketcall(__u32 abi, __u32 number)
{
	return abi == ABI_IA32 && number >= IA32_SOCKETCALLS && number < IA32_IPC_CALLS;
}

/*
 * socketcall(2) has its arguments in the caller's memory, and only as many as the call needs: what
 * is behind the last one may not be mapped. recvfrom and sendto without an address are recv, send.
 */
static __always_inline void socketcall_arguments(__u64 address, __u32 number, __u64 *out)
{
	__u32 place = (number - IA32_SOCKETCALLS) & 31;
	/* A digit a call, from the right: a table would be a static variable, which has no BTF. */
	__u64 counts = place < 16 ? 0x5526644433323330ull : 0x45433ull;
	__u32 count = counts >> place % 16 * 4 & 15;

	for (int i = 0; i < 6; i++) {
		__u32 value = 0;

		if (i < count)
			bpf_probe_read_user(&value, sizeof(value), (void *)(address + i * 4));
		out[i] = value;
	}
}

static __always_inline void registers_arguments(
	struct pt_regs *registers, __u32 abi, __u32 number, __u64 *out)
{
	if (is_socketcall(abi, number)) {
		socketcall_arguments((__u32)READ(registers, cx), number, out);
		return;
	}
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

#define TIF_32BIT (1 << 22)

static __always_inline __u32 registers_abi(struct task_struct *task)
{
	if (THIS_HOOK == HOOK_SYSCALLS)
		return ABI_NATIVE;
	return READ(task, thread_info.flags) & TIF_32BIT ? ABI_IA32 : ABI_NATIVE;
}

static __always_inline bool registers_are_narrow(struct pt_regs *registers, __u32 abi)
{
	return abi != ABI_NATIVE;
}

static __always_inline __u32 registers_number(struct pt_regs *registers)
{
	return READ(registers, syscallno);
}

static __always_inline __u32 registers_call(struct pt_regs *registers, __u32 abi)
{
	return registers_number(registers);
}

static __always_inline bool is_socketcall(__u32 abi, __u32 number)
{
	return false;
}

/* The result overwrote the first one. A 32-bit program's registers are the lower halves. */
static __always_inline void registers_arguments(
	struct pt_regs *registers, __u32 abi, __u32 number, __u64 *out)
{
	__u64 mask = abi == ABI_NATIVE ? ~0ULL : 0xffffffff;

	out[0] = READ(registers, orig_x0) & mask;
	out[1] = READ(registers, user_regs.regs[1]) & mask;
	out[2] = READ(registers, user_regs.regs[2]) & mask;
	out[3] = READ(registers, user_regs.regs[3]) & mask;
	out[4] = READ(registers, user_regs.regs[4]) & mask;
	out[5] = READ(registers, user_regs.regs[5]) & mask;
}

#else
#error "registers.bpf.h: add this architecture"
#endif
