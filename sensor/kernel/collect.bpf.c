/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * The kernel programs. Calls are seen at their exit: one dispatcher asks the table of wanted calls
 * and hands over to the collector of the call's kind by a tail call. Between them a filter made
 * from the rules may stand (`filters`); while there is none, the tail call fails and everything
 * wanted is collected. Processes are followed at sched_process_fork, _exec and _exit.
 */
#include "walk.bpf.h"
#include "registers.bpf.h"

#define AT_FDCWD      (-100)
#define S_IFMT	      0170000
#define S_IFSOCK      0140000
#define AF_UNIX	      1
#define AF_INET	      2
#define AF_INET6      10
#define OVERLAY_MAGIC 0x794c7630
#define FMODE_CREATED 0x100000
#define PID_PGID      2 /* enum pid_type */
#define PID_SESSION   3

char LICENSE[] SEC("license") = "Dual BSD/GPL";

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, COLLECTOR_COUNT);
	__type(key, __u32);
	__type(value, __u32);
} collectors SEC(".maps"), filters SEC(".maps");

/* A socket address as sendto takes it; 28 bytes are the longest, an IPv6 one. */
struct destination {
	__u64 words[4];
};

/* The address that an unconnected socket last sent to, by the socket's inode. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, __u64);
	__type(value, struct destination);
} destinations SEC(".maps");

/* SOCKET_SERVER or SOCKET_CLIENT, as accept and connect told, by the socket's inode. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, __u64);
	__type(value, __u32);
} roles SEC(".maps");

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

static __always_inline void fill_header(
	struct record *record, enum record_kind kind, struct task_struct *task)
{
	struct task_struct *leader = READ(task, group_leader);
	struct task_struct *parent = READ(leader, real_parent);
	const struct cred *cred = READ(task, cred);

	record->kind = kind;
	record->abi = ABI_NATIVE;
	record->cpu = bpf_get_smp_processor_id();
	record->time_ns = bpf_ktime_get_boot_ns();
	record->pid = READ(task, tgid);
	record->tid = READ(task, pid);
	record->start_ns = start_time(leader);
	record->parent_pid = READ(parent, tgid);
	record->parent_start_ns = start_time(READ(parent, group_leader));
	record->user = READ(cred, uid.val);
	record->effective_user = READ(cred, euid.val);
	record->group = READ(cred, gid.val);
	record->effective_group = READ(cred, egid.val);
	record->is_ignored = ignored_of(record->pid) != NULL;
	bpf_probe_read_kernel(record->comm, COMM_LENGTH, &leader->comm);
}

/* ---- what a descriptor is ---- */

static __always_inline struct file *file_of(struct task_struct *task, __s32 fd)
{
	struct files_struct *files = READ(task, files);
	struct fdtable *table = READ(files, fdt);
	struct file **slots_of_task = READ(table, fd);
	unsigned long file = 0;

	if (fd < 0 || fd >= READ(table, max_fds))
		return NULL;
	bpf_probe_read_kernel(&file, sizeof(file), &slots_of_task[fd]);
	return file ? AS(file, file) : NULL;
}

/* On overlayfs the inode is followed by a pointer to what it is in the upper layer. */
static __always_inline __u8 overlay_layer(struct inode *inode)
{
	unsigned long upper = 0, target = 0;

	bpf_probe_read_kernel(
		&upper, sizeof(upper), (void *)inode + bpf_core_type_size(struct inode));
	if (upper)
		target = (unsigned long)BPF_CORE_READ((struct dentry *)upper, d_inode);
	return target ? LAYER_UPPER : LAYER_LOWER;
}

static __always_inline void fill_file(struct file_info *info, struct file *file)
{
	struct inode *inode = READ(file, f_inode);
	struct super_block *super = READ(inode, i_sb);

	info->inode = READ(inode, i_ino);
	info->device = READ(super, s_dev);
	info->magic = READ(super, s_magic);
	info->mode = READ(inode, i_mode);
	info->is_created = !!(READ(file, f_mode) & FMODE_CREATED);
	info->layer = info->magic == OVERLAY_MAGIC ? overlay_layer(inode) : LAYER_NONE;
	info->unused = 0;
}

static __always_inline void fill_unix(
	struct slot *slot, struct socket_info *info, struct sock *sock, __u16 *length)
{
	struct unix_sock *unix_sock = AS(unix_sock, sock), *peer;
	struct unix_address *name = READ(unix_sock, addr);
	__u32 at = slot->used & (RECORD_MAX - 1), count;

	info->address = (__u64)sock;
	info->peer_address = (__u64)READ(unix_sock, peer);
	if (!name && info->peer_address) {
		peer = AS(unix_sock, info->peer_address);
		name = READ(peer, addr);
	}
	if (!name)
		return;
	count = READ(name, len) - 2; /* without the family */
	if (count > 108)
		return;
	if (!bpf_probe_read_kernel(slot->data + at, count & 127, &name->name[0].sun_path)) {
		*length = count;
		slot->used = at + count;
	}
}

static __always_inline void fill_inet(struct socket_info *info, struct sock *sock)
{
	info->local_port = READ(sock, __sk_common.skc_num);
	info->remote_port = __builtin_bswap16(READ(sock, __sk_common.skc_dport));
	if (info->family == AF_INET) {
		*(__u32 *)info->local = READ(sock, __sk_common.skc_rcv_saddr);
		*(__u32 *)info->remote = READ(sock, __sk_common.skc_daddr);
		return;
	}
	bpf_probe_read_kernel(info->local, 16, &sock->__sk_common.skc_v6_rcv_saddr);
	bpf_probe_read_kernel(info->remote, 16, &sock->__sk_common.skc_v6_daddr);
}

static __always_inline void fill_socket(
	struct slot *slot, struct socket_info *info, struct file *file, __u64 inode, __u16 *length)
{
	struct socket *socket = AS(socket, READ(file, private_data));
	struct sock *sock = READ(socket, sk);
	__u32 *role;

	if (!sock)
		return;
	info->flags |= SOCKET_KNOWN;
	info->family = READ(sock, __sk_common.skc_family);
	info->state = READ(sock, __sk_common.skc_state);
	info->type = BPF_CORE_READ_BITFIELD_PROBED(sock, sk_type);
	info->protocol = BPF_CORE_READ_BITFIELD_PROBED(sock, sk_protocol);
	if (info->family == AF_UNIX)
		fill_unix(slot, info, sock, length);
	else if (info->family == AF_INET || info->family == AF_INET6)
		fill_inet(info, sock);
	role = bpf_map_lookup_elem(&roles, &inode);
	if (role)
		info->flags |= *role & (SOCKET_SERVER | SOCKET_CLIENT);
}

/* The file behind the descriptor that the event is about; a path when it is not a socket. */
static __always_inline struct file *append_file(
	struct slot *slot, struct call_record *record, struct task_struct *task, __s32 fd)
{
	struct file *file = file_of(task, fd);
	__u32 flags = 0;

	if (!file)
		return NULL;
	fill_file(&record->file, file);
	record->flags |= CALL_HAS_FILE;
	if ((record->file.mode & S_IFMT) == S_IFSOCK)
		return file;
	append_path(slot, READ(file, f_path.dentry), READ(file, f_path.mnt), READ(task, fs),
		&record->lengths[CALL_REAL_PATH], &flags, CALL_REAL_PATH_CUT,
		CALL_REAL_PATH_DETACHED);
	record->flags |= flags;
	return NULL;
}

static __always_inline void append_fd(
	struct slot *slot, struct call_record *record, struct task_struct *task, __s32 fd)
{
	struct file *socket = append_file(slot, record, task, fd);

	if (socket)
		fill_socket(slot, &record->socket, socket, record->file.inode,
			&record->lengths[CALL_UNIX_PATH]);
}

/* ---- a call's record ---- */

static __always_inline __u64 argument(const struct call_record *record, __s32 index)
{
	/* A chain instead of an index: registers hold it, and the verifier sees the bounds. */
	switch (index) {
	case 0:
		return record->arguments[0];
	case 1:
		return record->arguments[1];
	case 2:
		return record->arguments[2];
	case 3:
		return record->arguments[3];
	case 4:
		return record->arguments[4];
	case 5:
		return record->arguments[5];
	case CALL_RESULT:
		return record->result;
	default:
		return 0;
	}
}

static __always_inline struct call *wanted_call(__u32 abi, __u32 number)
{
	if (abi >= ABI_COUNT || number >= CALLS_MAX)
		return NULL;
	return &shared.calls[abi][number];
}

/* A slot with the fixed part filled, or NULL when this call is not to be reported. */
static __always_inline struct slot *call_begin(__u64 *ctx, struct call **ret_call)
{
	struct pt_regs *registers = AS(pt_regs, ctx[0]);
	struct task_struct *task = CURRENT();
	__u32 abi = registers_abi(task);
	struct call *call = wanted_call(abi, registers_call(registers));
	struct call_record *record;
	struct slot *slot;

	if (!call || ignored_of(bpf_get_current_pid_tgid() >> 32))
		return NULL;
	if (ring_is_crowded()) {
		count_loss(LOSS_CALL_RING);
		return NULL;
	}
	slot = slot_begin(sizeof(*record));
	if (!slot)
		return NULL;
	record = (struct call_record *)slot->data;
	fill_header(&record->header, RECORD_CALL, task);
	record->header.abi = abi;
	record->result = ctx[1];
	registers_arguments(registers, abi, record->arguments);
	record->event = call->event;
	record->flags = 0;
	__builtin_memset(record->lengths, 0, sizeof(record->lengths));
	record->unused = 0;
	__builtin_memset(record->how, 0, sizeof(record->how));
	__builtin_memset(&record->file, 0, sizeof(record->file));
	__builtin_memset(&record->socket, 0, sizeof(record->socket));
	*ret_call = call;
	return slot;
}

static __always_inline void append_base(struct slot *slot, struct call_record *record,
	struct task_struct *task, __s32 base, int index)
{
	struct fs_struct *fs = READ(task, fs);
	struct dentry *dentry;
	struct vfsmount *mount;
	__u32 flags = 0;
	__s32 fd = base < 0 ? AT_FDCWD : (__s32)argument(record, base);

	if (fd == AT_FDCWD) {
		dentry = READ(fs, pwd.dentry);
		mount = READ(fs, pwd.mnt);
	} else {
		struct file *file = file_of(task, fd);

		if (!file)
			return;
		dentry = READ(file, f_path.dentry);
		mount = READ(file, f_path.mnt);
	}
	append_path(slot, dentry, mount, fs, &record->lengths[CALL_BASE_0 + index], &flags,
		index ? CALL_BASE_1_CUT : CALL_BASE_0_CUT, 0);
	record->flags |= flags;
}

static __always_inline bool is_relative(const struct slot *slot, __u32 at)
{
	return slot->data[at & (RECORD_MAX - 1)] != '/';
}

static __always_inline void append_texts(
	struct slot *slot, struct call_record *record, const struct call *call)
{
	bool needs_base[2] = { false, false };
	struct task_struct *task = CURRENT();

	for (int i = 0; i < 2; i++) {
		__u32 at = slot->used;

		if (call->texts[i] < 0) {
			needs_base[i] = call->bases[i] == CALL_WORKING_DIRECTORY; /* chdir */
			continue;
		}
		if (append_user_text(slot, argument(record, call->texts[i]), &record->lengths[i]))
			needs_base[i] = call->bases[i] != CALL_NOTHING &&
					(!record->lengths[i] || is_relative(slot, at));
		else
			record->flags |= i ? CALL_TEXT_1_FAILED : CALL_TEXT_0_FAILED;
	}
	if (needs_base[0])
		append_base(slot, record, task, call->bases[0], 0);
	if (needs_base[1])
		append_base(slot, record, task, call->bases[1], 1);
}

static __always_inline void append_address(
	struct slot *slot, struct call_record *record, __u64 address, __u32 size)
{
	if (address)
		append_user_bytes(slot, address, size, ADDRESS_MAX, &record->lengths[CALL_ADDRESS]);
}

static __always_inline void append_data(
	struct slot *slot, struct call_record *record, __u64 address, __u64 size)
{
	if (size > DATA_MAX)
		size = DATA_MAX;
	if (address)
		append_user_bytes(slot, address, size, 128, &record->lengths[CALL_DATA]);
}

/* An unconnected socket's name is where it last sent to; tells when that changes. */
static __always_inline void note_destination(
	struct slot *slot, struct call_record *record, __u32 at)
{
	struct destination now = {}, *before;
	__u64 inode = record->file.inode;
	__u32 length = record->lengths[CALL_ADDRESS];

	if (!length || record->result < 0)
		return;
	bpf_probe_read_kernel(&now, length < sizeof(now) ? length : sizeof(now),
		slot->data + (at & (RECORD_MAX - 1)));
	before = bpf_map_lookup_elem(&destinations, &inode);
	if (before && before->words[0] == now.words[0] && before->words[1] == now.words[1] &&
		before->words[2] == now.words[2] && before->words[3] == now.words[3])
		return;
	bpf_map_update_elem(&destinations, &inode, &now, BPF_ANY);
	record->socket.flags |= SOCKET_NAME_CHANGED;
}

static __always_inline void note_role(struct call_record *record, __u32 role)
{
	__u64 inode = record->file.inode;

	if (!(record->socket.flags & SOCKET_KNOWN))
		return;
	record->socket.flags &= ~(SOCKET_SERVER | SOCKET_CLIENT);
	record->socket.flags |= role;
	bpf_map_update_elem(&roles, &inode, &role, BPF_ANY);
}

/* ---- the collectors ---- */

SEC(TRACE("sys_exit"))
int collect_plain(__u64 *ctx)
{
	struct call *call;
	struct slot *slot = call_begin(ctx, &call);

	if (!slot)
		return 0;
	append_texts(slot, (struct call_record *)slot->data, call);
	slot_send(slot, LOSS_CALL_RING);
	return 0;
}

SEC(TRACE("sys_exit"))
int collect_open(__u64 *ctx)
{
	struct call *call;
	struct slot *slot = call_begin(ctx, &call);
	struct call_record *record;

	if (!slot)
		return 0;
	record = (struct call_record *)slot->data;
	if (call->data >= 0 && !bpf_probe_read_user(record->how, sizeof(record->how),
				       (void *)argument(record, call->data)))
		record->flags |= CALL_HAS_HOW;
	append_texts(slot, record, call);
	if (record->result >= 0)
		append_file(slot, record, CURRENT(), record->result);
	slot_send(slot, LOSS_CALL_RING);
	return 0;
}

SEC(TRACE("sys_exit"))
int collect_fd(__u64 *ctx)
{
	struct call *call;
	struct slot *slot = call_begin(ctx, &call);
	struct call_record *record;

	if (!slot)
		return 0;
	record = (struct call_record *)slot->data;
	append_texts(slot, record, call);
	append_fd(slot, record, CURRENT(), argument(record, call->fd));
	slot_send(slot, LOSS_CALL_RING);
	return 0;
}

SEC(TRACE("sys_exit"))
int collect_socket(__u64 *ctx)
{
	struct call *call;
	struct slot *slot = call_begin(ctx, &call);
	struct call_record *record;
	__u32 at, size;

	if (!slot)
		return 0;
	record = (struct call_record *)slot->data;
	at = slot->used;
	if (call->address >= 0) {
		size = argument(record, call->address + 1);
		/* recvfrom: the length is behind a pointer, the kernel wrote it */
		if (call->address == 4 && call->data == 1 && size > ADDRESS_MAX)
			bpf_probe_read_user(
				&size, sizeof(size), (void *)argument(record, call->address + 1));
		append_address(slot, record, argument(record, call->address), size);
	}
	if (call->data >= 0 && record->result > 0)
		append_data(slot, record, argument(record, call->data), record->result);
	append_fd(slot, record, CURRENT(), argument(record, call->fd));
	if (call->data >= 0)
		note_destination(slot, record, at);
	else if (record->result == 0 || record->result == -115) /* EINPROGRESS */
		note_role(record, SOCKET_CLIENT);
	slot_send(slot, LOSS_CALL_RING);
	return 0;
}

/* The listening socket's queue: Falco's queuelen and queuemax. */
static __always_inline void fill_queue(struct call_record *record, struct task_struct *task)
{
	struct file *listening = file_of(task, record->arguments[0]);
	struct socket *socket;
	struct sock *sock;

	if (!listening || (BPF_CORE_READ(listening, f_inode, i_mode) & S_IFMT) != S_IFSOCK)
		return;
	socket = BPF_CORE_READ(listening, private_data);
	sock = BPF_CORE_READ(socket, sk);
	record->socket.queue_length = BPF_CORE_READ(sock, sk_ack_backlog);
	record->socket.queue_max = BPF_CORE_READ(sock, sk_max_ack_backlog);
}

SEC(TRACE("sys_exit"))
int collect_accept(__u64 *ctx)
{
	struct call *call;
	struct slot *slot = call_begin(ctx, &call);
	struct call_record *record;

	if (!slot)
		return 0;
	record = (struct call_record *)slot->data;
	append_fd(slot, record, CURRENT(), record->result);
	fill_queue(record, CURRENT());
	note_role(record, SOCKET_SERVER);
	slot_send(slot, LOSS_CALL_RING);
	return 0;
}

struct user_message {
	__u64 name;
	__u32 name_length, padding;
	__u64 vectors, vector_count;
};
struct user_vector {
	__u64 base, length;
};

SEC(TRACE("sys_exit"))
int collect_message(__u64 *ctx)
{
	struct call *call;
	struct slot *slot = call_begin(ctx, &call);
	struct call_record *record;
	struct user_message message = {};
	struct user_vector vector = {};
	__u32 at;

	if (!slot)
		return 0;
	record = (struct call_record *)slot->data;
	at = slot->used;
	bpf_probe_read_user(&message, sizeof(message), (void *)record->arguments[1]);
	append_address(slot, record, message.name, message.name_length);
	bpf_probe_read_user(&vector, sizeof(vector), (void *)message.vectors);
	if (record->result > 0) {
		if (vector.length > record->result)
			vector.length = record->result;
		append_data(slot, record, vector.base, vector.length);
		record->how[0] = record->result;
	}
	append_fd(slot, record, CURRENT(), argument(record, call->fd));
	note_destination(slot, record, at);
	slot_send(slot, LOSS_CALL_RING);
	return 0;
}

/* Only what failed: a successful one is seen by sched_process_exec, with its new image. */
SEC(TRACE("sys_exit"))
int collect_exec(__u64 *ctx)
{
	struct call *call;
	struct slot *slot;

	if ((__s64)ctx[1] >= 0)
		return 0;
	slot = call_begin(ctx, &call);
	if (!slot)
		return 0;
	append_texts(slot, (struct call_record *)slot->data, call);
	slot_send(slot, LOSS_LIFECYCLE_RING);
	return 0;
}

SEC(TRACE("sys_exit"))
int dispatch(__u64 *ctx)
{
	struct pt_regs *registers = AS(pt_regs, ctx[0]);
	struct call *call = wanted_call(registers_abi(CURRENT()), registers_call(registers));
	__u32 collector;

	if (!call)
		return 0;
	collector = call->collector;
	if (collector == COLLECT_NONE)
		return 0;
	bpf_tail_call(ctx, &filters, collector);
	bpf_tail_call(ctx, &collectors, collector);
	return 0;
}

/* ---- processes ---- */

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
	record->vm_size_kb = BPF_CORE_READ(mm, total_vm) * 4;
	record->file_user = BPF_CORE_READ(cred, fsuid.val);
	record->file_group = BPF_CORE_READ(cred, fsgid.val);
}

static __always_inline void append_image(
	struct slot *slot, struct exec_record *record, struct task_struct *task)
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
	append_image(slot, record, task);
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
