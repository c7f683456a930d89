/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* What a descriptor is: the file or the socket behind it, from the kernel's own objects. */
#pragma once

#include "origin.bpf.h"

#define S_IFMT	      0170000
#define S_IFSOCK      0140000
#define AF_UNIX	      1
#define AF_INET	      2
#define AF_INET6      10
#define OVERLAY_MAGIC 0x794c7630
#define FMODE_CREATED 0x100000

/* SOCKET_SERVER or SOCKET_CLIENT, as accept and connect told, by the socket's inode. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, __u64);
	__type(value, __u32);
} roles SEC(".maps");

static __always_inline struct file *file_of(struct task_struct *task, __s32 fd)
{
	struct files_struct *files = READ(task, files);
	struct fdtable *table = READ(files, fdt);
	struct file **slots_of_task = READ(table, fd);
	unsigned long file;

	if (fd < 0 || fd >= READ(table, max_fds))
		return NULL;
	file = read_word(&slots_of_task[fd]);
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
	info->address = (__u64)sock;
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

static __always_inline bool is_socket(const struct call_record *record)
{
	return (record->file.mode & S_IFMT) == S_IFSOCK;
}

/* The file that the event is about; it is given back when it is a socket, others have a path. */
static __always_inline struct file *append_opened(
	struct slot *slot, struct call_record *record, struct task_struct *task, struct file *file)
{
	__u32 flags = 0;

	if (!file)
		return NULL;
	fill_file(&record->file, file);
	record->flags |= CALL_HAS_FILE;
	if (is_socket(record))
		return file;
	append_path(slot, READ(file, f_path.dentry), READ(file, f_path.mnt), READ(task, fs),
		&record->lengths[CALL_REAL_PATH], &flags, CALL_REAL_PATH_CUT,
		CALL_REAL_PATH_DETACHED);
	record->flags |= flags;
	return NULL;
}

static __always_inline struct file *append_file(
	struct slot *slot, struct call_record *record, struct task_struct *task, __s32 fd)
{
	return append_opened(slot, record, task, file_of(task, fd));
}

/* Of a call that is only of use on sockets; what stands in for one has no path here. */
static __always_inline void append_socket(
	struct slot *slot, struct call_record *record, struct file *file)
{
	if (!file)
		return;
	fill_file(&record->file, file);
	record->flags |= CALL_HAS_FILE;
	if (is_socket(record))
		fill_socket(slot, &record->socket, file, record->file.inode,
			&record->lengths[CALL_UNIX_PATH]);
}

static __always_inline void append_fd(
	struct slot *slot, struct call_record *record, struct task_struct *task, __s32 fd)
{
	struct file *socket = append_file(slot, record, task, fd);

	if (socket)
		fill_socket(slot, &record->socket, socket, record->file.inode,
			&record->lengths[CALL_UNIX_PATH]);
}
