/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Processes: who each one is, and who its ancestors are.
 *
 * A process (by tgid and start time) has an immutable snapshot of what it runs; an exec makes a
 * new snapshot and never edits one, so that a parked event may keep the old. The table belongs to
 * the hot thread. It has a ceiling; what is evicted is counted.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"

struct container;
struct processes;

enum exe_flags {
	EXE_WRITABLE = 1 << 0,    /* writable by the process' user */
	EXE_UPPER_LAYER = 1 << 1, /* on an overlayfs' upper layer */
	EXE_FROM_MEMFD = 1 << 2,
	EXE_LOWER_LAYER = 1 << 3,
};

/* Numbers that a process may not have are -1. All ids are the host's unless said. */
struct process {
	uint32_t references;
	int64_t pid;          /* tgid */
	uint64_t start_ns;    /* since boot; 0: from /proc, not yet seen by the kernel programs */
	int64_t parent_pid;
	uint64_t parent_start_ns;
	int64_t vpid;         /* in its own pid namespace */
	int64_t session_id, virtual_session_id;
	int64_t group_id, virtual_group_id;
	int64_t user_id, group_gid, effective_user_id, effective_group_id;
	int64_t login_uid;    /* -1: unset */
	uint32_t tty;         /* device number as Falco prints it (34816 = pts/0); 0: none */
	uint32_t exe_flags;
	uint64_t exe_inode, exe_device, exe_inode_ctime_ns, exe_inode_mtime_ns;
	uint64_t capabilities_inheritable, capabilities_permitted, capabilities_effective;
	uint64_t clone_time_ns; /* since 1970; 0: before our start */
	uint64_t pid_namespace;
	uint64_t cgroup_id;
	uint64_t exec_count;  /* execs seen; 0: as found at start, or a clone that has not yet exec'd */
	struct text comm;     /* proc.name; at most 15 bytes */
	struct text exe;      /* argv[0] untouched */
	struct text exe_path; /* resolved path of the image; empty when unknown */
	struct text arguments;    /* argv[1…] each ended by NUL, at most 4096 bytes in all */
	struct text environment;  /* NAME=VALUE each ended by NUL, at most 4096 bytes */
	struct text working_directory;
	struct text cgroup;   /* path of the deciding cgroup */
	struct text root;     /* "/" or the container's root as the host sees it, if known */
	const struct container *container; /* never NULL */
};

/* A snapshot stays valid while it is held. */
const struct process *process_hold(const struct process *process);
void process_release(const struct process *process);

/*
 * The `level`-th ancestor: 0 is the process itself, 1 its parent. NULL past the first one that is
 * not known. Bounded to 100 steps; cycles end the walk.
 */
const struct process *process_ancestor(const struct process *process, unsigned level);
