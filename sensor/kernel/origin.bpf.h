/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Whose record it is: the process that every record names at its beginning, and who is ignored. */
#pragma once

#include "walk.bpf.h"

static __always_inline __u64 start_time(struct task_struct *task)
{
	struct task_struct___5_4 *old = (void *)task;

	if (bpf_core_field_exists(task->start_boottime))
		return READ(task, start_boottime);
	return BPF_CORE_READ(old, real_start_time);
}

static __always_inline struct ignored *ignored_of(__u32 pid)
{
	for (int i = 0; i < IGNORED_MAX; i++) {
		if (i >= shared.ignored_count)
			break;
		if (shared.ignored[i].pid == pid)
			return &shared.ignored[i];
	}
	return NULL;
}

/* Two CPUs may choose one place; then one of two siblings is seen, which costs but harms nothing.
 */
static __always_inline void ignore_child(__u32 pid)
{
	for (int i = 0; i < IGNORED_MAX; i++) {
		if (i >= shared.ignored_count)
			shared.ignored_count = i + 1;
		if (shared.ignored[i].pid)
			continue;
		shared.ignored[i].state = IGNORED_CHILD;
		shared.ignored[i].pid = pid;
		return;
	}
}

/* What an exec leaves of it: a child becomes its program, a program that becomes another is seen.
 */
static __always_inline bool is_ignored_after_exec(__u32 pid)
{
	struct ignored *ignored = ignored_of(pid);

	if (!ignored)
		return false;
	if (ignored->state == IGNORED_PROGRAM)
		ignored->pid = 0;
	else if (ignored->state == IGNORED_CHILD)
		ignored->state = IGNORED_PROGRAM;
	return ignored->pid;
}

/* Who acts: all that a filter may ask of a header. */
static __always_inline void fill_actor(
	struct record *record, enum record_kind kind, struct task_struct *task)
{
	struct task_struct *leader = READ(task, group_leader);
	const struct cred *cred = READ(task, cred);

	record->kind = kind;
	record->abi = ABI_NATIVE;
	record->pid = READ(task, tgid);
	record->effective_user = READ(cred, euid.val);
	/* The filter compares all of it. These kernels fill what is behind the name's end. */
#ifdef DIRECT
	*(__u64 *)record->comm = *(__u64 *)&leader->comm[0];
	*(__u64 *)(record->comm + 8) = *(__u64 *)&leader->comm[8];
#else
	__builtin_memset(record->comm, 0, COMM_LENGTH);
	bpf_probe_read_kernel_str(record->comm, COMM_LENGTH, &leader->comm);
#endif
}

/* The rest, which a record that is dropped does not need. */
static __always_inline void fill_origin(struct record *record, struct task_struct *task)
{
	struct task_struct *leader = READ(task, group_leader);
	struct task_struct *parent = READ(leader, real_parent);
	const struct cred *cred = READ(task, cred);

	record->cpu = bpf_get_smp_processor_id();
	record->time_ns = bpf_ktime_get_boot_ns();
	record->tid = READ(task, pid);
	record->start_ns = start_time(leader);
	record->parent_pid = READ(parent, tgid);
	record->parent_start_ns = start_time(READ(parent, group_leader));
	record->user = READ(cred, uid.val);
	record->group = READ(cred, gid.val);
	record->effective_group = READ(cred, egid.val);
	record->is_ignored = ignored_of(record->pid) != NULL;
}

static __always_inline void fill_header(
	struct record *record, enum record_kind kind, struct task_struct *task)
{
	fill_actor(record, kind, task);
	fill_origin(record, task);
}
