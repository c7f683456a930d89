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

#include "base/cleanup.h"
#include "base/error.h"
#include "base/text.h"

struct container;
struct containers;
struct processes;

enum exe_flags {
	EXE_WRITABLE = 1 << 0,	  /* writable by the process' user */
	EXE_UPPER_LAYER = 1 << 1, /* on an overlayfs' upper layer */
	EXE_FROM_MEMFD = 1 << 2,
	EXE_LOWER_LAYER = 1 << 3,
};

/* Numbers that a process may not have are -1. All ids are the host's unless said. */
struct process {
	uint32_t references;
	uint64_t serial;   /* of this snapshot: no other one of the program has it; 0: none */
	int64_t pid;	   /* tgid */
	uint64_t start_ns; /* since boot; 0: from /proc, not yet seen by the kernel programs */
	int64_t parent_pid;
	uint64_t parent_start_ns;
	int64_t vpid; /* in its own pid namespace */
	int64_t session_id, virtual_session_id;
	int64_t group_id, virtual_group_id;
	int64_t user_id, group_gid, effective_user_id, effective_group_id;
	int64_t login_uid; /* -1: unset */
	uint32_t tty;	   /* device number as Falco prints it (34816 = pts/0); 0: none */
	uint32_t exe_flags;
	uint64_t exe_inode, exe_device, exe_inode_ctime_ns, exe_inode_mtime_ns;
	uint64_t capabilities_inheritable, capabilities_permitted, capabilities_effective;
	uint64_t clone_time_ns;			 /* since 1970; 0: before our start */
	uint64_t pid_namespace, mount_namespace; /* their inode numbers; 0: unknown */
	uint64_t namespace_start_ns; /* since 1970: when the first process of its pid namespace
					began; 0: unknown, processes_… find it where they can */
	uint64_t cgroup_id;
	uint64_t exec_count; /* execs seen; 0: as found at start, or a clone that has not yet exec'd
			      */
	uint64_t fd_limit;   /* soft RLIMIT_NOFILE; 0: unknown */
	struct text comm;    /* proc.name; at most 15 bytes */
	struct text exe;     /* argv[0] untouched */
	struct text exe_path;	 /* resolved path of the image; empty when unknown */
	struct text arguments;	 /* argv[1…] each ended by NUL, at most 4096 bytes in all */
	struct text environment; /* NAME=VALUE each ended by NUL, at most 4096 bytes */
	struct text working_directory;
	struct text cgroup; /* path of the deciding cgroup */
	struct text root;   /* "/" or the container's root as the host sees it, if known */
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

/*
 * A number that is another one as soon as the process has other ancestors, or one of them runs
 * something else. 0: it cannot be told, for a copy, or a process that has ended.
 */
uint64_t process_lineage(const struct process *process);

/*
 * A copy whose ancestors, too, stay what they are now: what a process runs is immutable, but who
 * its parent is and what that runs is not. It has the serial of what it is a copy of. The caller
 * releases it. `ret_bytes`: what it takes.
 */
const struct process *process_freeze(const struct process *process, size_t *ret_bytes);

#define PROCESSES_MAX 262144

struct processes_counters {
	uint64_t processes; /* in the table now */
	uint64_t evicted;   /* thrown out because the table was full */
	uint64_t read;	    /* read from /proc because no record had told of them */
	uint64_t missed;    /* … and were not there any more */
};

/* `host_root`: where the host's / is mounted, NULL or "" for /. Both are kept by reference. */
struct processes *processes_new(struct containers *containers, const char *host_root);
void processes_free(struct processes *processes);
/* Another ceiling than PROCESSES_MAX; at least 2. */
void processes_set_limit(struct processes *processes, uint64_t limit);
DEFINE_CLEANUP(struct processes *, processes_free)
void processes_counters(const struct processes *processes, struct processes_counters *ret);

/*
 * Reads every process from the host's /proc: those that are new come in, those that are gone go.
 * At start, and again whenever records of the lifecycle were lost. -ENOENT … when there is no
 * /proc to read; -EXDEV when it is that of another pid namespace, which then is never asked.
 */
int processes_scan(struct processes *processes, struct error *err);

/* What processes_scan() does, where somebody else knows which processes there are. */
void processes_scan_pids(struct processes *processes, const int64_t *pids, size_t count);

/*
 * Who tells of a process that no record told of; as process_read(), which does it unless another is
 * set (NULL unsets it). A recorder stands before it and keeps what it said; a replay has what the
 * recorder kept, and never looks at this host's /proc.
 */
struct arena;
typedef int process_reader(void *context, int64_t pid, struct arena *arena,
	struct process *ret_facts, uint64_t *ret_start_tick);
void processes_set_reader(struct processes *processes, process_reader *read, void *context);
/* The inode number of the host's mount namespace, by which isolated processes are known. */
uint64_t processes_host_namespace(const struct processes *processes);
void processes_set_host_namespace(struct processes *processes, uint64_t mount_namespace);

/* Calls `visit` for every process. It must not change the table. */
void processes_visit(const struct processes *processes,
	void (*visit)(void *context, const struct process *process), void *context);

/* When it started, in ticks of 10 ms since boot as /proc has it; 0 when it is not known. */
uint64_t processes_start_tick(const struct processes *processes, int64_t pid);

/* The current snapshot, borrowed until the next change of the table; NULL when unknown. */
const struct process *processes_find(const struct processes *processes, int64_t pid);

/*
 * A process with a new image (or one found by a scan): everything in `facts` but `references` and
 * `container` is copied. A process of that pid with another start time is replaced.
 */
const struct process *processes_exec(struct processes *processes, const struct process *facts);
/* A child that has the forker's image; the numbers and the cgroup come from `facts`. */
const struct process *processes_fork(
	struct processes *processes, int64_t forker_pid, const struct process *facts);
/* What every record says about the process that it comes from. */
struct process_sight {
	int64_t pid, parent_pid;
	uint64_t start_ns, parent_start_ns;
	int64_t user_id, group_gid, effective_user_id, effective_group_id;
	struct text comm;
};
/* Brings the process up to date, reading it from /proc when it is not known. Never NULL. */
const struct process *processes_see(struct processes *processes, const struct process_sight *sight);
/* chdir: the working directory of a process. */
void processes_move(struct processes *processes, int64_t pid, struct text working_directory);
/*
 * The end of a process; its children get the reaper as their parent, as the kernel does it.
 * Snapshots that are held, and through them the ancestors, stay.
 */
void processes_exit(
	struct processes *processes, int64_t pid, uint64_t start_ns, int64_t reaper_pid);

/*
 * Reads one process from the host's /proc; its texts are in the arena, its container is not set.
 * The start is in ticks of 10 ms since boot. -ESRCH when it is gone or a zombie.
 */
int process_read(const char *host_root, int64_t pid, struct arena *arena, struct process *ret_facts,
	uint64_t *ret_start_tick);
/* The inode number of a namespace link such as "/proc/1/ns/mnt"; 0 when it cannot be read. */
uint64_t namespace_read(const char *host_root, int64_t pid, const char *name);

/*
 * Whether a process may write to its own image: by owner, group, or capability. (Falco's
 * EXE_WRITABLE; it too looks at neither read-only mounts nor supplementary groups.)
 */
struct exe_access {
	uint32_t mode, owner, group; /* of the file */
	uint32_t user, user_group;   /* fsuid and fsgid */
	uint64_t capabilities;	     /* effective */
};
bool exe_is_writable(const struct exe_access *access);
