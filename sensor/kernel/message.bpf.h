/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Messages: sendmsg and recvmsg, and the descriptors that come with a message. Each of these is an
 * event of its own (recvfd), so that all fd fields speak of the file that came.
 */
#pragma once

#include "finish.bpf.h"

#define SOL_SOCKET   1
#define SCM_RIGHTS   1
#define CONTROLS     4	 /* parts of a message that are looked through for descriptors */
#define RECEIVED_MAX 253 /* descriptors of a message, as many as there can be: SCM_MAX_FD */
#define MESSAGES_MAX 16	 /* of one recvmmsg or sendmmsg; those behind are not told of */

/* struct msghdr as the kernel takes it, of 64-bit callers. */
struct user_message {
	__u64 name;
	__u32 name_length, padding;
	__u64 vectors, vector_count, control, control_length;
};
struct narrow_message {
	__u32 name, name_length, vectors, vector_count, control, control_length;
};
/* struct mmsghdr: a struct msghdr, whose flags nobody reads, and the size of what went. */
#define MESSAGE_SIZE_AT	       56
#define MESSAGE_STEP	       64
#define NARROW_MESSAGE_SIZE_AT 28
#define NARROW_MESSAGE_STEP    32

struct user_vector {
	__u64 base, length;
};
/* struct cmsghdr: 64-bit callers have a length of 8 bytes. */
struct user_control {
	__u64 length;
	__s32 level, type;
};
struct narrow_control {
	__u32 length;
	__s32 level, type;
};

static __always_inline void read_message(
	__u64 address, bool is_narrow, struct user_message *ret_message)
{
	struct narrow_message narrow = {};

	if (!is_narrow) {
		bpf_probe_read_user(ret_message, sizeof(*ret_message), (void *)address);
		return;
	}
	bpf_probe_read_user(&narrow, sizeof(narrow), (void *)address);
	ret_message->name = narrow.name;
	ret_message->name_length = narrow.name_length;
	ret_message->vectors = narrow.vectors;
	ret_message->vector_count = narrow.vector_count;
	ret_message->control = narrow.control;
	ret_message->control_length = narrow.control_length;
}

static __always_inline void read_vector(
	__u64 address, bool is_narrow, struct user_vector *ret_vector)
{
	__u32 narrow[2] = {};

	if (!is_narrow) {
		bpf_probe_read_user(ret_vector, sizeof(*ret_vector), (void *)address);
		return;
	}
	bpf_probe_read_user(narrow, sizeof(narrow), (void *)address);
	ret_vector->base = narrow[0];
	ret_vector->length = narrow[1];
}

/* The record's result is the message's size, or an error. */
static __always_inline void append_message(
	struct slot *slot, struct call_record *record, __u64 address, bool is_narrow)
{
	struct user_message message = {};
	struct user_vector vector = {};
	__u32 at = slot->used;

	read_message(address, is_narrow, &message);
	append_address(slot, record, message.name, message.name_length);
	read_vector(message.vectors, is_narrow, &vector);
	if (record->result > 0) {
		if (vector.length > record->result)
			vector.length = record->result;
		append_data(slot, record, vector.base, vector.length);
		record->how[0] = record->result;
	}
	if (record->result >= 0 && message.control)
		append_user_bytes(slot, message.control, message.control_length, CONTROL_MAX,
			&record->lengths[CALL_CONTROL]);
	append_socket(slot, record, file_of(CURRENT(), record->arguments[0]));
	note_destination(slot, record, at);
}

SEC(CALL_END)
int collect_message(__u64 *ctx)
{
	struct call *call;
	struct slot *slot = call_begin(ctx, CURRENT(), &call);
	struct call_record *record;

	if (!slot)
		return 0;
	record = (struct call_record *)slot->data;
	append_message(slot, record, record->arguments[1], record_is_narrow(ctx, record));
	return call_finish(ctx, slot, call);
}

/* ---- many in one call ---- */

static __always_inline __u64 nth_message(__u64 messages, int i, bool is_narrow)
{
	return messages + i * (is_narrow ? NARROW_MESSAGE_STEP : MESSAGE_STEP);
}

int send_message(__u32 abi, __u32 number, __u64 socket, __u64 address, __u32 is_narrow);

/* An event of one message, whose size stands behind it; verifier: as send_received(). */
__attribute__((noinline)) int send_message(
	__u32 abi, __u32 number, __u64 socket, __u64 address, __u32 is_narrow)
{
	struct call *call = wanted_call(abi, number);
	struct call_record *record;
	struct slot *slot;
	__u32 size = 0;

	slot = call ? call_start(call, abi, CURRENT()) : NULL;
	if (!slot)
		return 0;
	record = (struct call_record *)slot->data;
	fill_origin(&record->header, CURRENT());
	__builtin_memset(record->arguments, 0, sizeof(record->arguments));
	record->arguments[0] = socket;
	record->arguments[1] = address;
	bpf_probe_read_user(&size, sizeof(size),
		(void *)(address + (is_narrow ? NARROW_MESSAGE_SIZE_AT : MESSAGE_SIZE_AT)));
	record->result = size;
	append_message(slot, record, address, is_narrow);
	call_send(slot);
	return 0;
}

/* sendmmsg, recvmmsg: an event for each message; they do not go through a filter. */
SEC(CALL_END)
int collect_messages(__u64 *ctx)
{
	struct pt_regs *registers = ended_registers(ctx);
	__u32 abi = registers_abi(CURRENT()), number = registers_call(registers, abi);
	bool is_narrow = registers_are_narrow(registers, abi);
	__s64 count = ended_result(ctx);
	__u64 arguments[6];
	struct call *call;
	struct slot *slot;

	if (count <= 0) {
		slot = call_begin(ctx, CURRENT(), &call);
		if (slot)
			call_complete(slot);
		return 0;
	}
	registers_arguments(registers, abi, number, arguments);
	for (int i = 0; i < MESSAGES_MAX && i < count; i++)
		(void)send_message(abi, number, arguments[0],
			nth_message(arguments[1], i, is_narrow), is_narrow);
	return 0;
}

/* ---- descriptors that came ---- */

static __always_inline void read_control(
	__u64 address, bool is_narrow, struct user_control *ret_control)
{
	struct narrow_control narrow = {};

	if (!is_narrow) {
		bpf_probe_read_user(ret_control, sizeof(*ret_control), (void *)address);
		return;
	}
	bpf_probe_read_user(&narrow, sizeof(narrow), (void *)address);
	ret_control->length = narrow.length;
	ret_control->level = narrow.level;
	ret_control->type = narrow.type;
}

/* Where the descriptors are in what came beside the data; false when there are none. */
static __always_inline bool find_rights(
	const struct user_message *message, bool is_narrow, __u64 *ret_begin, __u64 *ret_end)
{
	__u64 at = message->control, end = at + message->control_length;
	__u32 head = is_narrow ? sizeof(struct narrow_control) : sizeof(struct user_control);
	__u32 align = is_narrow ? 4 : 8;

	for (int i = 0; i < CONTROLS; i++) {
		struct user_control control = {};

		if (at + head > end)
			return false;
		read_control(at, is_narrow, &control);
		if (control.length < head || control.length > end - at)
			return false;
		if (control.level == SOL_SOCKET && control.type == SCM_RIGHTS) {
			*ret_begin = at + head;
			*ret_end = at + control.length;
			return true;
		}
		at += (control.length + align - 1) & ~(__u64)(align - 1);
	}
	return false;
}

int send_received(__u32 abi, __u64 socket, __s32 fd);

/* verifier: not static, so it is looked at once and not for each of the descriptors (5.10) */
__attribute__((noinline)) int send_received(__u32 abi, __u64 socket, __s32 fd)
{
	const struct call *call = &shared.calls[ABI_NATIVE][RECEIVED_FD_CALL];
	struct call_record *record;
	struct task_struct *task = CURRENT();
	struct slot *slot = call_start(call, abi, task);

	if (!slot)
		return 0;
	record = (struct call_record *)slot->data;
	fill_origin(&record->header, task);
	__builtin_memset(record->arguments, 0, sizeof(record->arguments));
	record->arguments[0] = socket;
	record->result = fd;
	append_fd(slot, record, task, fd);
	call_send(slot);
	return 0;
}

int receive(__u32 abi, __u64 socket, __u64 address, __u32 is_narrow);

/* All descriptors that came with one message; verifier: as send_received(). */
__attribute__((noinline)) int receive(__u32 abi, __u64 socket, __u64 address, __u32 is_narrow)
{
	struct user_message message = {};
	__u64 at = 0, end = 0;

	read_message(address, is_narrow, &message);
	if (!message.control || !find_rights(&message, is_narrow, &at, &end))
		return 0;
	for (int i = 0; i < RECEIVED_MAX; i++, at += sizeof(__s32)) {
		__s32 fd = -1;

		if (at + sizeof(fd) > end || bpf_probe_read_user(&fd, sizeof(fd), (void *)at))
			break;
		(void)send_received(abi, socket, fd);
	}
	return 0;
}

SEC(CALL_END)
int collect_received(__u64 *ctx)
{
	struct pt_regs *registers = ended_registers(ctx);
	__u32 abi = registers_abi(CURRENT()), number = registers_call(registers, abi);
	struct call *call = wanted_call(abi, number);
	bool is_narrow = registers_are_narrow(registers, abi);
	__s64 count = ended_result(ctx);
	__u64 arguments[6];

	if (!call)
		return 0;
	registers_arguments(registers, abi, number, arguments);
	/* Of one message the result is its size. */
	if (!call->has_many)
		count = count >= 0;
	for (int i = 0; i < MESSAGES_MAX && i < count; i++)
		(void)receive(
			abi, arguments[0], nth_message(arguments[1], i, is_narrow), is_narrow);
	if (call->next != COLLECT_NONE)
		bpf_tail_call(ctx, &collectors, call->next);
	return 0;
}
