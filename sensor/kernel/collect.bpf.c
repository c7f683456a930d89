/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * The kernel programs. Calls are seen at their end: one dispatcher asks the table of wanted calls
 * and hands over to the collector of the call's kind by a tail call. It builds the record
 * and hands over to the filter of the event type, and that to the sender. Processes are followed at
 * sched_process_fork, _exec and _exit, their names at task_rename.
 */
#include "lifecycle.bpf.h"
#include "message.bpf.h"
#include "tuple.bpf.h"
#include "uring.bpf.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* A program of its own: within each collector it is too much for the verifier. */
SEC(CALL_END)
int name_call(__u64 *ctx)
{
	struct slot *slot = slot_mine();

	if (!slot)
		return 0;
	facts_of_call(slot->data, &slot->facts, slot->used, RECORD_MAX - 1);
	call_filter(ctx, ((struct call_record *)slot->data)->event);
	call_complete(slot);
	return 0;
}

SEC(CALL_END)
int send_call(__u64 *ctx)
{
	struct slot *slot = slot_mine();

	if (slot)
		call_complete(slot);
	return 0;
}

SEC(CALL_END)
int collect_plain(__u64 *ctx)
{
	struct call *call;
	struct task_struct *task = CURRENT();
	struct slot *slot = call_begin(ctx, task, &call);
	struct call_record *record;

	if (!slot)
		return 0;
	record = (struct call_record *)slot->data;
	append_how(record, call);
	append_texts(slot, record, task, call);
	if (call->data >= 0 && !call->how)
		append_data(slot, record, argument(record, call->data),
			argument(record, call->data + 1));
	return call_finish(ctx, slot, call);
}

/* For the filter. The root of a mount goes by the name of where it is mounted. */
static __always_inline void note_real_path(struct slot *slot, struct file *file)
{
	struct dentry *dentry;
	struct vfsmount *mount;

	slot->facts.real_leaf = 0;
	slot->facts.real_top = slot->facts.walk_top;
	if (!file)
		return;
	dentry = READ(file, f_path.dentry);
	mount = READ(file, f_path.mnt);
	if (dentry != READ(mount, mnt_root))
		slot->facts.real_leaf = READ(dentry, d_name.len);
}

SEC(CALL_END)
int collect_open(__u64 *ctx)
{
	struct call *call;
	struct task_struct *task = CURRENT();
	struct slot *slot = call_begin(ctx, task, &call);
	struct call_record *record;

	if (!slot)
		return 0;
	record = (struct call_record *)slot->data;
	append_how(record, call);
	append_texts(slot, record, task, call);
	if (record->result >= 0) {
		struct file *file = file_of(task, record->result);

		append_opened(slot, record, task, file);
		note_real_path(slot, file);
	}
	return call_finish(ctx, slot, call);
}

SEC(CALL_END)
int collect_fd(__u64 *ctx)
{
	struct call *call;
	struct task_struct *task = CURRENT();
	struct slot *slot = call_begin(ctx, task, &call);
	struct call_record *record;
	struct file *socket;

	if (!slot)
		return 0;
	record = (struct call_record *)slot->data;
	append_how(record, call);
	append_texts(slot, record, task, call);
	socket = append_file(slot, record, task, argument(record, call->fd));
	if (call->data >= 0 && !call->how && record->result > 0)
		append_data(slot, record, argument(record, call->data), record->result);
	if (socket)
		fill_socket(slot, &record->socket, socket, record->file.inode,
			&record->lengths[CALL_UNIX_PATH]);
	return call_finish(ctx, slot, call);
}

SEC(CALL_END)
int collect_socket(__u64 *ctx)
{
	struct call *call;
	struct task_struct *task = CURRENT();
	struct slot *slot = call_begin(ctx, task, &call);
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
	append_socket(slot, record, file_of(task, argument(record, call->fd)));
	if (call->connects)
		take_tuple(record);
	if (call->data >= 0)
		note_destination(slot, record, at);
	else if (record->result == 0 || record->result == -115) /* EINPROGRESS */
		note_role(record, SOCKET_CLIENT);
	return call_finish(ctx, slot, call);
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

SEC(CALL_END)
int collect_accept(__u64 *ctx)
{
	struct call *call;
	struct task_struct *task = CURRENT();
	struct slot *slot = call_begin(ctx, task, &call);
	struct call_record *record;

	if (!slot)
		return 0;
	record = (struct call_record *)slot->data;
	append_fd(slot, record, task, record->result);
	fill_queue(record, task);
	note_role(record, SOCKET_SERVER);
	return call_finish(ctx, slot, call);
}

/* Only what failed: a successful one is seen by sched_process_exec, with its new image. */
SEC(CALL_END)
int collect_exec(__u64 *ctx)
{
	struct task_struct *task = CURRENT();
	struct call_record *record;
	struct call *call;
	struct slot *slot;

	if (ended_result(ctx) >= 0)
		return 0;
	slot = call_begin(ctx, task, &call);
	if (!slot)
		return 0;
	record = (struct call_record *)slot->data;
	append_texts(slot, record, task, call);
	append_user_vector(slot, argument(record, call->data), record_is_narrow(ctx, record),
		&record->lengths[CALL_ARGUMENTS]);
	append_user_vector(slot, argument(record, call->data + 1), record_is_narrow(ctx, record),
		&record->lengths[CALL_ENVIRONMENT]);
	fill_origin(&record->header, task);
	count_call(call->event, slot_send(slot, LOSS_LIFECYCLE_RING));
	return 0;
}

SEC(CALL_END)
int dispatch(__u64 *ctx)
{
	struct pt_regs *registers = ended_registers(ctx);
	__u32 collector, abi;
	struct call *call;

	if (!is_number_wanted(registers_number(registers)))
		return 0;
	abi = registers_abi(CURRENT());
	call = wanted_call(abi, registers_call(registers, abi));
	/* While the hook changes both see the calls. */
	if (!call || shared.hook != THIS_HOOK)
		return 0;
	collector = call->collector;
	if (collector == COLLECT_NONE)
		return 0;
	if (collector == COLLECT_OPEN) /* most calls; a known place is a jump */
		bpf_tail_call_static(ctx, &collectors, COLLECT_OPEN);
	bpf_tail_call(ctx, &collectors, collector);
	return 0;
}
