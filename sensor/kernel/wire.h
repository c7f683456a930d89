/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * What crosses between the kernel programs and the sensor: the records in the ring, and the
 * variables by which the sensor tells the programs what it wants. Included by both sides.
 *
 * A record is a fixed part and, behind it, parts of variable length in the order of their lengths
 * in the fixed part. Times are nanoseconds of CLOCK_BOOTTIME, pids and users are the host's.
 */
#pragma once

#include <linux/types.h>

/* To be raised with every change of a record: recordings name it. */
#define WIRE_VERSION 3

/* How a call is collected at its exit; the column `how` of syscalls.def. */
enum collector {
	COLLECT_NONE,
	COLLECT_PLAIN,
	COLLECT_OPEN,
	COLLECT_FD,
	COLLECT_SOCKET,
	COLLECT_ACCEPT,
	COLLECT_MESSAGE,
	COLLECT_EXEC,
	COLLECT_RECEIVED,
	COLLECT_MESSAGES,
	COLLECTOR_COUNT,
};

/*
 * What a collector hands over to: where the filter needs to know the paths they are looked at
 * first; a filter hands over to the sender what it lets pass.
 */
enum finisher { FINISH_NAMES, FINISH_SEND, FINISHER_COUNT };

/*
 * Where the ends of calls are seen: all of them at one place, or only those that are wanted, at a
 * tracepoint each, which 32-bit and x32 calls do not pass.
 */
enum hook { HOOK_RAW, HOOK_SYSCALLS, HOOK_COUNT };

/* Stands where an argument's index may stand. */
#define CALL_RESULT	       6
#define CALL_NOTHING	       (-1)
#define CALL_WORKING_DIRECTORY (-2) /* as the base of a text */
#define CALL_PAIR	       7    /* the first descriptor of those that pipe, socketpair made */

enum call_abi { ABI_NATIVE, ABI_IA32, ABI_COUNT };
/* x32 calls have numbers up to 547. */
#define CALLS_MAX 576
/* Event types; a call has the id of its type. */
#define EVENTS_MAX 640

/*
 * Numbers that no kernel gives: the calls behind ia32's socketcall(2) and ipc(2), and a descriptor
 * that came with a message.
 */
#define IA32_SOCKETCALL	 102
#define IA32_IPC	 117
#define IA32_SOCKETCALLS 512
#define IA32_IPC_CALLS	 544
#define RECEIVED_FD_CALL 575

/* What to collect of one system call; made from its row. */
struct call {
	__u8 collector; /* enum collector; NONE: not wanted */
	__s8 fd;	/* the descriptor to describe: argument, CALL_RESULT or CALL_NOTHING */
	__u16 event;	/* id of the event type */
	__s8 texts[3];	/* arguments that are texts in the caller's memory, or CALL_NOTHING */
	__s8 bases[2];	/* what the first two are relative to: argument (an fd),
			   CALL_WORKING_DIRECTORY; without a text, the folder itself is collected */
	__s8 address;	/* argument that points to a socket address; its length is the next one */
	__s8 data;	/* argument that points to data. Where `how` is 0: to the payload; its
			   length is the next one, of what transfers it the result */
	__u8 next;	/* collector that goes on after this one, or NONE */
	__u8 connects : 1; /* its addresses are those that TCP used, whatever memory says */
	__u8 has_many : 1; /* many messages in one call: its result is their number */
	__u8 loss;	   /* enum loss: what is counted when the ring has no room */
	__u8 how;	   /* what goes into the record's `how`: as many words of 4 bytes as the low
			      four bits say, from `data`; as the high ones say, from `more` to
			      how[2]; or HOW_CAPABILITIES */
	__s8 more;
};
#define HOW_CAPABILITIES 0xff
_Static_assert(sizeof(struct call) == 16, "struct call is shared with the kernel programs");

enum record_kind {
	RECORD_CALL = 1,
	RECORD_EXEC,
	RECORD_FORK,
	RECORD_EXIT,
	RECORD_CGROUP,
	RECORD_RENAME, /* a process has another comm; the header is all */
};

#define COMM_LENGTH 16

/* Every record begins so. */
struct record {
	__u32 size; /* of the whole record */
	__u8 kind;
	__u8 abi;
	__u16 cpu;
	__u64 time_ns;
	__u32 pid, tid; /* of the process and the thread that the record is about */
	__u64 start_ns; /* of the process */
	__u64 parent_start_ns;
	__u32 parent_pid;
	__u32 user, effective_user, group, effective_group;
	char comm[COMM_LENGTH]; /* of the main thread */
	__u32 is_ignored;	/* the process is one of ours: no event, only state */
};
_Static_assert(sizeof(struct record) == 80, "struct record is shared with the kernel programs");

/* A file or an other thing behind a descriptor. */
struct file_info {
	__u64 inode;
	__u32 device;	 /* as the kernel has it: major << 20 | minor */
	__u32 magic;	 /* of its file system */
	__u16 mode;	 /* inode->i_mode */
	__u8 layer;	 /* enum overlay_layer */
	__u8 is_created; /* this open made it */
	__u32 unused;
};
_Static_assert(sizeof(struct file_info) == 24, "struct file_info is shared");

enum overlay_layer { LAYER_NONE, LAYER_UPPER, LAYER_LOWER };

enum socket_flags_ {
	SOCKET_KNOWN = 1 << 0,
	SOCKET_SERVER = 1 << 1,	      /* came from accept */
	SOCKET_CLIENT = 1 << 2,	      /* connected by its owner */
	SOCKET_NAME_CHANGED = 1 << 3, /* an unconnected one: not the last send's destination */
};

struct socket_info {
	__u16 family;
	__u8 protocol;
	__u8 type;
	__u8 state; /* TCP_ESTABLISHED = 1 … for all protocols; of a unix socket: sock->state */
	__u8 flags;
	__u16 local_port, remote_port; /* host order */
	__u16 unused[3];
	__u8 local[16], remote[16];  /* network order; IPv4 in the first four bytes */
	__u64 address, peer_address; /* of the kernel's objects: names of unix sockets */
	__u32 queue_length, queue_max;
};
_Static_assert(sizeof(struct socket_info) == 72, "struct socket_info is shared");

/* Parts of a call's record. */
enum call_part {
	CALL_TEXT_0, /* without the NUL */
	CALL_TEXT_1,
	CALL_TEXT_2,
	CALL_BASE_0, /* a walk: names from the leaf to the root, each ended by '/' */
	CALL_BASE_1,
	CALL_REAL_PATH, /* a walk of the file behind `fd` */
	CALL_ADDRESS,	/* struct sockaddr as the caller gave it */
	CALL_DATA,	/* at most DATA_MAX bytes of the payload */
	CALL_CONTROL,	/* of a message: what came beside the data */
	CALL_ARGUMENTS, /* of an exec that failed: each ended by NUL */
	CALL_ENVIRONMENT,
	CALL_UNIX_PATH, /* of the socket or of its peer */
	CALL_PART_COUNT,
};

#define TEXT_MAX    4096
#define WALK_MAX    4096
#define ADDRESS_MAX 128
#define DATA_MAX    80 /* Falco's snaplen */
#define CONTROL_MAX 256

enum record_flags {
	CALL_TEXT_0_FAILED = 1 << 0, /* the page was not there */
	CALL_TEXT_1_FAILED = 1 << 1,
	CALL_BASE_0_CUT = 1 << 2, /* deeper or longer than a walk goes */
	CALL_BASE_1_CUT = 1 << 3,
	CALL_REAL_PATH_CUT = 1 << 4,
	CALL_REAL_PATH_DETACHED = 1 << 5, /* a memfd, an anonymous inode, a file without a name */
	CALL_HAS_FILE = 1 << 6,
	CALL_HAS_HOW = 1 << 7, /* `how` was read */
	CALL_TEXT_2_FAILED = 1 << 8,
	CALL_IN_MEMORY = 1 << 9,  /* socketcall(2): the arguments lay in the caller's memory */
	CALL_IS_URING = 1 << 10,  /* a request of io_uring: the texts are the kernel's copies */
	CALL_HAS_TUPLE = 1 << 11, /* connect: the addresses are those that TCP used */
	CALL_HAS_MORE = 1 << 12,  /* how[2] and how[3] were read from `more` */
};

struct call_record {
	struct record header;
	__s64 result;
	__u64 arguments[6];
	__u16 event;
	__u16 flags;
	__u16 lengths[CALL_PART_COUNT];
	__u32 unused;
	__u64 how[4]; /* what the call has in structures: openat2's flags, mode, resolve; clone3's
			 flags; two descriptors; limits … sendmsg, recvmsg: [0] is the whole size */
	struct file_info file;
	struct socket_info socket;
};
_Static_assert(sizeof(struct call_record) == 80 + 56 + 32 + 32 + 24 + 72, "shared");

/* Who a process is; read at fork and exec. */
struct task_info {
	__s32 virtual_pid, group, virtual_group, session, virtual_session;
	__u32 login_user;
	__u32 tty; /* device number as stat(2) encodes it */
	__u32 pid_namespace, mount_namespace;
	__u32 unused;
	__u64 inheritable, permitted, effective;
	__u64 cgroup_id; /* in the default hierarchy */
};
_Static_assert(sizeof(struct task_info) == 72, "struct task_info is shared");

enum exec_part {
	EXEC_ARGUMENTS, /* each ended by NUL */
	EXEC_ENVIRONMENT,
	EXEC_FILE_NAME, /* as the kernel copied it from the caller; of a script, its own */
	EXEC_EXE_PATH,	/* a walk */
	EXEC_WORKING_DIRECTORY,
	EXEC_CGROUP,	/* a walk; of the default hierarchy */
	EXEC_CGROUP_V1, /* a walk; the first controller's that is not at the root */
	EXEC_PART_COUNT,
};

#define ARGUMENTS_MAX 4096

struct exec_record {
	struct record header;
	struct task_info task;
	struct file_info exe;
	__u32 exe_user, exe_group;
	__u64 exe_ctime_ns, exe_mtime_ns;
	__u64 fd_limit, major_faults, minor_faults, vm_size_kb, vm_rss_kb, vm_swap_kb;
	__u32 file_user, file_group; /* fsuid and fsgid, which decide about EXE_WRITABLE */
	__u32 flags;		     /* CALL_REAL_PATH_CUT, CALL_REAL_PATH_DETACHED: of the exe */
	__u16 is_execveat;
	__u16 lengths[EXEC_PART_COUNT];
};
_Static_assert(sizeof(struct exec_record) == 80 + 72 + 24 + 8 + 16 + 48 + 12 + 16 + 4, "shared");

enum fork_part { FORK_CGROUP, FORK_CGROUP_V1, FORK_PART_COUNT };

/* The header is the child's. */
struct fork_record {
	struct record header;
	struct task_info task;
	__u64 forker_start_ns;
	__u32 forker_pid; /* whose memory it has; its parent may be another (CLONE_PARENT) */
	__u16 lengths[FORK_PART_COUNT];
};
_Static_assert(sizeof(struct fork_record) == 80 + 72 + 16, "shared");

struct exit_record {
	struct record header;
	__u32 status; /* as wait(2) gives it */
	__u32 reaper_pid;
};
_Static_assert(sizeof(struct exit_record) == 88, "shared");

/* A cgroup was made; the header is its maker's. Its path, below its hierarchy's root, follows. */
struct cgroup_record {
	struct record header;
	__u16 length;
	__u16 unused[3];
};
_Static_assert(sizeof(struct cgroup_record) == 88, "shared");

/* Records are built in a slot of this size; a ring is never smaller than four of them. */
#define RECORD_MAX 32768

/* What was lost, by class. */
enum loss {
	LOSS_CALL_RING,	     /* the ring was more than 7/8 full */
	LOSS_LIFECYCLE_RING, /* it was full */
	LOSS_SLOTS,	     /* both of a CPU's slots were being used */
	/* As LOSS_CALL_RING, of the calls that Falco counts by themselves. */
	LOSS_EXECVE,
	LOSS_CONNECT,
	LOSS_OPEN,
	LOSS_DIR_FILE,
	LOSS_CLOSE,
	LOSS_COUNT,
};

/*
 * What became of the calls of one event type, by CPU. Those that are neither were rejected by the
 * filter.
 */
struct call_counts {
	__u64 seen; /* wanted calls of processes that are not ignored */
	__u64 sent; /* records in the ring */
	__u64 lost;
};

#define IGNORED_MAX 16

/* Kinds of requests of io_uring, IORING_OP_LAST rounded up. */
#define URING_REQUESTS_MAX 64
/*
 * Requests that wait for their end, and what of a record is kept of each meanwhile. What is longer,
 * or finds no place, is told of at once, as if it had worked.
 */
#define URING_PENDING_MAX  128
#define URING_PENDING_SIZE 12288

/*
 * Processes whose calls are not reported: ourselves and our siblings. Only who was named at the
 * start passes it on, and only to a child and the one program that this child becomes: a shell
 * that an exploited forwarder starts, or turns into, is seen.
 */
enum ignored_state { IGNORED_STARTER, IGNORED_CHILD, IGNORED_PROGRAM };

struct ignored {
	__u32 pid; /* 0: free */
	__u32 state;
};

/* What the loader says, once. */
struct constants {
	__u64 ring_limit;   /* records of calls are refused beyond this many bytes in the ring */
	__u32 common_event; /* the event type that there is most of */
	__u32 unused;
};

/* Variables that both sides see; the sensor maps the memory. */
struct shared {
	struct call calls[ABI_COUNT][CALLS_MAX];
	__u8 numbers[CALLS_MAX]; /* whether the call of that number is wanted of any ABI */
	struct call requests[URING_REQUESTS_MAX]; /* by IORING_OP_… */
	__u8 filtered[EVENTS_MAX];		  /* by event type: there is a filter */
	struct ignored ignored[IGNORED_MAX];
	__u32 ignored_count;   /* how many places were ever used */
	__u32 requests_end;    /* this kernel tells of a request's end, and of which one */
	__u32 hook;	       /* enum hook: the one whose programs report calls */
	__u32 consumer_sleeps; /* set by the consumer before it sleeps, taken by whom wakes it */
	__u64 lost[LOSS_COUNT];
};
