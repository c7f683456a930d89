/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Processes: their beginning, their images, their end, and the cgroups that are made for them. */
#pragma once

#include "descriptor.bpf.h"

#define PID_PGID    2 /* enum pid_type */
#define PID_SESSION 3

static __always_inline __s32 virtual_number(struct pid *pid)
{
	__u32 level = BPF_CORE_READ(pid, level);
	struct upid upid = {};

	bpf_probe_read_kernel(&upid, bpf_core_type_size(struct upid),
		(void *)pid + bpf_core_field_offset(struct pid, numbers) +
			(level & 31) * bpf_core_type_size(struct upid));
	return upid.nr;
}

static __always_inline __u32 pid_namespace_of(struct pid *pid)
{
	__u32 level = BPF_CORE_READ(pid, level);
	struct upid upid = {};

	bpf_probe_read_kernel(&upid, bpf_core_type_size(struct upid),
		(void *)pid + bpf_core_field_offset(struct pid, numbers) +
			(level & 31) * bpf_core_type_size(struct upid));
	return BPF_CORE_READ(upid.ns, ns.inum);
}

/* The number that stat(2) gives for the terminal: 34816 for pts/0. */
static __always_inline __u32 terminal_of(struct signal_struct *signal)
{
	struct tty_struct *tty = BPF_CORE_READ(signal, tty);
	__u32 major, minor;

	if (!tty)
		return 0;
	major = BPF_CORE_READ(tty, driver, major);
	minor = BPF_CORE_READ(tty, driver, minor_start) + BPF_CORE_READ(tty, index);
	return (minor & 0xff) | (major << 8) | ((minor & ~0xff) << 12);
}

static __always_inline void fill_task(struct task_info *info, struct task_struct *task)
{
	struct task_struct *leader = BPF_CORE_READ(task, group_leader);
	struct signal_struct *signal = BPF_CORE_READ(task, signal);
	struct pid *pid = BPF_CORE_READ(leader, thread_pid);
	struct pid *group = BPF_CORE_READ(signal, pids[PID_PGID]);
	struct pid *session = BPF_CORE_READ(signal, pids[PID_SESSION]);
	const struct cred *cred = BPF_CORE_READ(task, cred);

	info->virtual_pid = virtual_number(pid);
	info->group = BPF_CORE_READ(group, numbers[0].nr);
	info->virtual_group = virtual_number(group);
	info->session = BPF_CORE_READ(session, numbers[0].nr);
	info->virtual_session = virtual_number(session);
	info->pid_namespace = pid_namespace_of(pid);
	info->mount_namespace = BPF_CORE_READ(task, nsproxy, mnt_ns, ns.inum);
	info->login_user = bpf_core_field_exists(task->loginuid) ? BPF_CORE_READ(task, loginuid.val)
								 : (__u32)-1;
	info->tty = terminal_of(signal);
	info->unused = 0;
	bpf_probe_read_kernel(&info->inheritable, 8, &cred->cap_inheritable);
	bpf_probe_read_kernel(&info->permitted, 8, &cred->cap_permitted);
	bpf_probe_read_kernel(&info->effective, 8, &cred->cap_effective);
	info->cgroup_id = bpf_get_current_cgroup_id();
}

#define CONTROLLER(name)                                                             \
	(bpf_core_enum_value_exists(enum cgroup_subsys_id, name##_cgrp_id)           \
			? bpf_core_enum_value(enum cgroup_subsys_id, name##_cgrp_id) \
			: 15)

static __always_inline void append_v1(
	struct slot *slot, struct css_set *set, __u32 controller, __u16 *length)
{
	struct cgroup_subsys_state *state = NULL;

	if (*length || controller >= 15)
		return;
	bpf_probe_read_kernel(&state, sizeof(state),
		(void *)set + bpf_core_field_offset(struct css_set, subsys) + controller * 8);
	if (state)
		append_cgroup(slot, BPF_CORE_READ(state, cgroup), length);
}

/*
 * In the default hierarchy, and of version 1 the first controller that is not at its root. Memory
 * is not asked: hosts put their own processes into groups of it.
 */
static __always_inline void append_cgroups(
	struct slot *slot, struct task_struct *task, __u16 *length, __u16 *length_v1)
{
	struct css_set *set = BPF_CORE_READ(task, cgroups);

	append_cgroup(slot, BPF_CORE_READ(set, dfl_cgrp), length);
	append_v1(slot, set, CONTROLLER(pids), length_v1);
	append_v1(slot, set, CONTROLLER(devices), length_v1);
	append_v1(slot, set, CONTROLLER(freezer), length_v1);
}

/* Since 6.13 the highest bit says that somebody asked for the time. */
#define NSEC_MASK 0x7fffffff

static __always_inline void fill_inode_times(struct exec_record *record, struct inode *inode)
{
	struct inode___6_6 *inode_6_6 = (void *)inode;
	struct inode___old *old = (void *)inode;

	if (bpf_core_field_exists(inode->i_ctime_sec)) {
		record->exe_ctime_ns = BPF_CORE_READ(inode, i_ctime_sec) * 1000000000ULL +
				       (BPF_CORE_READ(inode, i_ctime_nsec) & NSEC_MASK);
		record->exe_mtime_ns = BPF_CORE_READ(inode, i_mtime_sec) * 1000000000ULL +
				       BPF_CORE_READ(inode, i_mtime_nsec);
	} else if (bpf_core_field_exists(inode_6_6->__i_ctime)) {
		record->exe_ctime_ns = BPF_CORE_READ(inode_6_6, __i_ctime.tv_sec) * 1000000000ULL +
				       BPF_CORE_READ(inode_6_6, __i_ctime.tv_nsec);
		record->exe_mtime_ns = BPF_CORE_READ(inode_6_6, __i_mtime.tv_sec) * 1000000000ULL +
				       BPF_CORE_READ(inode_6_6, __i_mtime.tv_nsec);
	} else {
		record->exe_ctime_ns = BPF_CORE_READ(old, i_ctime.tv_sec) * 1000000000ULL +
				       BPF_CORE_READ(old, i_ctime.tv_nsec);
		record->exe_mtime_ns = BPF_CORE_READ(old, i_mtime.tv_sec) * 1000000000ULL +
				       BPF_CORE_READ(old, i_mtime.tv_nsec);
	}
}

/* enum of include/linux/mm_types_task.h; the same since 4.5 */
enum { MM_FILEPAGES, MM_ANONPAGES, MM_SWAPENTS, MM_SHMEMPAGES };
#define PAGE_KB 4

/* Since 6.2 what each CPU has counted beside the sum is not in it: up to a few hundred KiB. */
static __always_inline __u64 pages_of(struct mm_struct *mm, int kind)
{
	struct mm_struct___old *old = (void *)mm;
	__s64 pages = 0;

	if (bpf_core_field_exists(mm->rss_stat))
		bpf_probe_read_kernel(&pages, sizeof(pages),
			(void *)mm + bpf_core_field_offset(struct mm_struct, rss_stat) +
				kind * bpf_core_type_size(struct percpu_counter) +
				bpf_core_field_offset(struct percpu_counter, count));
	else
		bpf_probe_read_kernel(&pages, sizeof(pages),
			(void *)old + bpf_core_field_offset(struct mm_struct___old, rss_stat) +
				kind * sizeof(pages));
	return pages > 0 ? pages : 0;
}

static __always_inline void fill_image(struct exec_record *record, struct task_struct *task)
{
	struct mm_struct *mm = BPF_CORE_READ(task, mm);
	struct file *exe = BPF_CORE_READ(mm, exe_file);
	struct inode *inode = BPF_CORE_READ(exe, f_inode);
	const struct cred *cred = BPF_CORE_READ(task, cred);

	fill_file(&record->exe, AS(file, exe));
	record->exe_user = BPF_CORE_READ(inode, i_uid.val);
	record->exe_group = BPF_CORE_READ(inode, i_gid.val);
	fill_inode_times(record, inode);
	record->fd_limit = BPF_CORE_READ(task, signal, rlim[7].rlim_cur);
	record->major_faults = BPF_CORE_READ(task, maj_flt);
	record->minor_faults = BPF_CORE_READ(task, min_flt);
	record->vm_size_kb = BPF_CORE_READ(mm, total_vm) * PAGE_KB;
	record->vm_rss_kb = (pages_of(mm, MM_FILEPAGES) + pages_of(mm, MM_ANONPAGES) +
				    pages_of(mm, MM_SHMEMPAGES)) *
			    PAGE_KB;
	record->vm_swap_kb = pages_of(mm, MM_SWAPENTS) * PAGE_KB;
	record->file_user = BPF_CORE_READ(cred, fsuid.val);
	record->file_group = BPF_CORE_READ(cred, fsgid.val);
}

static __always_inline void append_image(struct slot *slot, struct exec_record *record,
	struct task_struct *task, const char *file_name)
{
	struct mm_struct *mm = READ(task, mm);
	struct fs_struct *fs = READ(task, fs);
	struct file *exe = READ(mm, exe_file);
	__u64 arguments = READ(mm, arg_start), environment = READ(mm, env_start);
	__u32 cut = 0;

	append_user_bytes(slot, arguments, READ(mm, arg_end) - arguments, ARGUMENTS_MAX,
		&record->lengths[EXEC_ARGUMENTS]);
	append_user_bytes(slot, environment, READ(mm, env_end) - environment, ARGUMENTS_MAX,
		&record->lengths[EXEC_ENVIRONMENT]);
	append_kernel_text(slot, file_name, &record->lengths[EXEC_FILE_NAME]);
	append_path(slot, READ(exe, f_path.dentry), READ(exe, f_path.mnt), fs,
		&record->lengths[EXEC_EXE_PATH], &record->flags, CALL_REAL_PATH_CUT,
		CALL_REAL_PATH_DETACHED);
	append_path(slot, READ(fs, pwd.dentry), READ(fs, pwd.mnt), fs,
		&record->lengths[EXEC_WORKING_DIRECTORY], &cut, 0, 0);
}

SEC(TRACE("sched_process_exec"))
int process_exec(__u64 *ctx)
{
	struct linux_binprm *program = AS(linux_binprm, ctx[2]);
	struct task_struct *task = CURRENT();
	struct slot *slot = slot_begin(sizeof(struct exec_record));
	struct exec_record *record;

	if (!slot)
		return 0;
	record = (struct exec_record *)slot->data;
	fill_header(&record->header, RECORD_EXEC, task);
	record->header.is_ignored = is_ignored_after_exec(record->header.pid);
	fill_task(&record->task, task);
	fill_image(record, task);
	record->flags = 0;
	record->is_execveat =
		bpf_core_field_exists(program->fdpath) && BPF_CORE_READ(program, fdpath);
	__builtin_memset(record->lengths, 0, sizeof(record->lengths));
	append_image(slot, record, task, READ(program, filename));
	append_cgroups(slot, task, &record->lengths[EXEC_CGROUP], &record->lengths[EXEC_CGROUP_V1]);
	slot_send(slot, LOSS_LIFECYCLE_RING);
	return 0;
}

SEC(TRACE("sched_process_fork"))
int process_fork(__u64 *ctx)
{
	struct task_struct *forker = AS(task_struct, ctx[0]);
	struct task_struct *child = AS(task_struct, ctx[1]);
	struct fork_record *record;
	struct ignored *ignored;
	struct slot *slot;

	if (READ(child, pid) != READ(child, tgid))
		return 0; /* a thread */
	ignored = ignored_of(READ(forker, tgid));
	if (ignored && ignored->state == IGNORED_STARTER)
		ignore_child(READ(child, tgid));
	slot = slot_begin(sizeof(*record));
	if (!slot)
		return 0;
	record = (struct fork_record *)slot->data;
	fill_header(&record->header, RECORD_FORK, child);
	fill_task(&record->task, child);
	record->forker_pid = READ(forker, tgid);
	record->forker_start_ns = start_time(READ(forker, group_leader));
	__builtin_memset(record->lengths, 0, sizeof(record->lengths));
	append_cgroups(
		slot, child, &record->lengths[FORK_CGROUP], &record->lengths[FORK_CGROUP_V1]);
	slot_send(slot, LOSS_LIFECYCLE_RING);
	return 0;
}

/*
 * Who inherits the children: as the kernel's find_new_reaper(), the nearest ancestor that asked to
 * (PR_SET_CHILD_SUBREAPER), else the init of the pid namespace.
 */
static __always_inline __u32 reaper_of(struct task_struct *task)
{
	struct signal_struct *signal = BPF_CORE_READ(task, signal);
	struct task_struct *ancestor = BPF_CORE_READ(task, real_parent), *init;
	struct pid *pid = BPF_CORE_READ(task, group_leader, thread_pid);
	__u32 level = BPF_CORE_READ(pid, level);
	struct upid upid = {};

	if (BPF_CORE_READ_BITFIELD_PROBED(signal, has_child_subreaper)) {
		for (int i = 0; i < 32; i++) {
			struct signal_struct *its = BPF_CORE_READ(ancestor, signal);

			if (BPF_CORE_READ_BITFIELD_PROBED(its, is_child_subreaper))
				return BPF_CORE_READ(ancestor, tgid);
			ancestor = BPF_CORE_READ(ancestor, real_parent);
		}
	}
	bpf_probe_read_kernel(&upid, bpf_core_type_size(struct upid),
		(void *)pid + bpf_core_field_offset(struct pid, numbers) +
			(level & 31) * bpf_core_type_size(struct upid));
	init = BPF_CORE_READ(upid.ns, child_reaper);
	return BPF_CORE_READ(init, tgid);
}

SEC(TRACE("sched_process_exit"))
int process_exit(__u64 *ctx)
{
	struct task_struct *task = AS(task_struct, ctx[0]);
	struct signal_struct *signal = READ(task, signal);
	struct exit_record *record;
	struct ignored *ignored;
	struct slot *slot;

	if (READ(signal, live.counter))
		return 0; /* other threads go on */
	slot = slot_begin(sizeof(*record));
	if (!slot)
		return 0;
	record = (struct exit_record *)slot->data;
	fill_header(&record->header, RECORD_EXIT, task);
	record->status = READ(task, exit_code);
	record->reaper_pid = reaper_of(task);
	ignored = ignored_of(record->header.pid);
	if (ignored)
		ignored->pid = 0;
	slot_send(slot, LOSS_LIFECYCLE_RING);
	return 0;
}

/*
 * A process that goes by another name. Its calls would tell too, but the filter may drop them, and
 * its children's rules ask for it. An exec says so itself.
 */
SEC(TRACE("task_rename"))
int process_rename(__u64 *ctx)
{
	struct task_struct *task = AS(task_struct, ctx[0]);
	struct record *record;
	struct slot *slot;

	if (READ(task, pid) != READ(task, tgid) || BPF_CORE_READ_BITFIELD_PROBED(task, in_execve))
		return 0;
	if (ring_is_crowded()) {
		count_loss(LOSS_CALL_RING);
		return 0;
	}
	slot = slot_begin(sizeof(*record));
	if (!slot)
		return 0;
	record = (struct record *)slot->data;
	fill_header(record, RECORD_RENAME, task);
	__builtin_memset(record->comm, 0, COMM_LENGTH);
	bpf_probe_read_kernel_str(record->comm, COMM_LENGTH, (const void *)ctx[1]);
	slot_send(slot, LOSS_CALL_RING);
	return 0;
}

/* Runtimes make a container's cgroup well before its first exec: time to ask them about it. */
SEC(TRACE("cgroup_mkdir"))
int cgroup_made(__u64 *ctx)
{
	struct slot *slot = slot_begin(sizeof(struct cgroup_record));
	struct cgroup_record *record;

	if (!slot)
		return 0;
	record = (struct cgroup_record *)slot->data;
	fill_header(&record->header, RECORD_CGROUP, CURRENT());
	record->length = 0;
	__builtin_memset(record->unused, 0, sizeof(record->unused));
	append_kernel_text(slot, (const void *)ctx[1], &record->length);
	slot_send(slot, LOSS_LIFECYCLE_RING);
	return 0;
}
