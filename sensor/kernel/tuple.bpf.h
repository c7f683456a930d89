/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Where a connect went: TCP tells it itself when it sends the first packet. At the call's end
 * another thread may have put another socket into the descriptor's place, and the caller's memory
 * says what the attacker likes.
 */
#pragma once

#include "call.bpf.h"

#define TCP_SYN_SENT 2
#define TCP_PROTOCOL 6

struct tuple {
	__u64 sock;
	__u16 family, local_port, remote_port, unused;
	__u8 local[16], remote[16];
};

/* The connection that a thread makes, by its id. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, __u64);
	__type(value, struct tuple);
} tuples SEC(".maps");

SEC("raw_tp/inet_sock_set_state")
int tcp_connects(__u64 *ctx)
{
	__u64 thread = bpf_get_current_pid_tgid();
	struct sock *sock = AS(sock, ctx[0]);
	struct socket_info info = {};
	struct tuple tuple = {};

	if ((int)ctx[2] != TCP_SYN_SENT)
		return 0;
	info.family = READ(sock, __sk_common.skc_family);
	fill_inet(&info, sock);
	tuple.sock = ctx[0];
	tuple.family = info.family;
	tuple.local_port = info.local_port;
	tuple.remote_port = info.remote_port;
	__builtin_memcpy(tuple.local, info.local, 16);
	__builtin_memcpy(tuple.remote, info.remote, 16);
	bpf_map_update_elem(&tuples, &thread, &tuple, BPF_ANY);
	return 0;
}

/* The same socket's own port is known better by now; a refused one has no peer any more. */
static __always_inline void take_tuple(struct call_record *record)
{
	__u64 thread = bpf_get_current_pid_tgid();
	struct tuple *tuple = bpf_map_lookup_elem(&tuples, &thread);
	struct socket_info *info = &record->socket;

	if (!tuple)
		return;
	if (info->address != tuple->sock || !(info->flags & SOCKET_KNOWN)) {
		info->local_port = tuple->local_port;
		__builtin_memcpy(info->local, tuple->local, 16);
	}
	info->family = tuple->family;
	info->protocol = TCP_PROTOCOL;
	info->flags |= SOCKET_KNOWN;
	info->remote_port = tuple->remote_port;
	__builtin_memcpy(info->remote, tuple->remote, 16);
	record->file.mode = S_IFSOCK;
	record->flags |= CALL_HAS_FILE | CALL_HAS_TUPLE;
	bpf_map_delete_elem(&tuples, &thread);
}
