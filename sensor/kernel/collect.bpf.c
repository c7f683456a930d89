/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * The kernel programs. Calls are seen at their exit: one dispatcher asks the table of wanted calls
 * and hands over to the collector of the call's kind by a tail call. Between them a filter made
 * from the rules may stand (`filters`); while there is none, the tail call fails and everything
 * wanted is collected. Processes are followed at sched_process_fork, _exec and _exit.
 */
#include "lifecycle.bpf.h"
#include "message.bpf.h"
#include "tuple.bpf.h"
#include "uring.bpf.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

SEC(TRACE("sys_exit"))
int collect_plain(__u64 *ctx)
{
	struct call *call;
	struct slot *slot = call_begin(ctx, &call);

	if (!slot)
		return 0;
	append_how((struct call_record *)slot->data, call);
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
	append_how(record, call);
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
	append_socket(slot, record, file_of(CURRENT(), argument(record, call->fd)));
	if (call->connects)
		take_tuple(record);
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

/* Only what failed: a successful one is seen by sched_process_exec, with its new image. */
SEC(TRACE("sys_exit"))
int collect_exec(__u64 *ctx)
{
	struct call_record *record;
	struct call *call;
	struct slot *slot;

	if ((__s64)ctx[1] >= 0)
		return 0;
	slot = call_begin(ctx, &call);
	if (!slot)
		return 0;
	record = (struct call_record *)slot->data;
	append_texts(slot, record, call);
	append_user_vector(slot, argument(record, call->data), record_is_narrow(ctx, record),
		&record->lengths[CALL_ARGUMENTS]);
	append_user_vector(slot, argument(record, call->data + 1), record_is_narrow(ctx, record),
		&record->lengths[CALL_ENVIRONMENT]);
	slot_send(slot, LOSS_LIFECYCLE_RING);
	return 0;
}

SEC(TRACE("sys_exit"))
int dispatch(__u64 *ctx)
{
	struct pt_regs *registers = AS(pt_regs, ctx[0]);
	__u32 abi = registers_abi(CURRENT());
	struct call *call = wanted_call(abi, registers_call(registers, abi));
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
