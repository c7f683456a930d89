/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* The record of a system call: its beginning, its texts and what they are relative to. */
#pragma once

#include "descriptor.bpf.h"
#include "registers.bpf.h"

#define AT_FDCWD (-100)

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, COLLECTOR_COUNT);
	__type(key, __u32);
	__type(value, __u32);
} collectors SEC(".maps");

/* By event type. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, EVENTS_MAX);
	__type(key, __u32);
	__type(value, struct call_counts);
} counts SEC(".maps");

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
	case CALL_PAIR:
		return record->result ? -1 : (__s32)record->how[0];
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

/* Most calls end here, before their ABI is asked for. */
static __always_inline bool is_number_wanted(__u32 number)
{
	return number >= CALLS_MAX || shared.numbers[number];
}

static __always_inline struct call_counts *counts_of(__u32 event)
{
	return bpf_map_lookup_elem(&counts, &event);
}

static __always_inline void count_call(__u32 event, bool is_sent)
{
	struct call_counts *count = counts_of(event);

	if (!count)
		return;
	if (is_sent)
		count->sent++;
	else
		count->lost++;
}

/*
 * A slot with the fixed part, but for arguments, result and fill_origin(); NULL: it is not to be
 * reported.
 */
static __always_inline struct slot *call_start(
	const struct call *call, __u32 abi, struct task_struct *task)
{
	struct call_counts *count;
	struct call_record *record;
	struct slot *slot;

	if (ignored_of(READ(task, tgid)))
		return NULL;
	count = counts_of(call->event);
	if (count)
		count->seen++;
	slot = slot_begin(sizeof(*record));
	if (!slot) {
		if (count)
			count->lost++;
		return NULL;
	}
	slot->owner = bpf_get_current_pid_tgid();
	slot->loss = call->loss < LOSS_COUNT ? call->loss : LOSS_CALL_RING; /* verifier: bounded */
	slot->facts.base_top = 0;
	record = (struct call_record *)slot->data;
	fill_actor(&record->header, RECORD_CALL, task);
	record->header.abi = abi;
	record->event = call->event;
	record->flags = 0;
	__builtin_memset(record->lengths, 0, sizeof(record->lengths));
	record->unused = 0;
	__builtin_memset(record->how, 0, sizeof(record->how));
	__builtin_memset(&record->file, 0, sizeof(record->file));
	__builtin_memset(&record->socket, 0, sizeof(record->socket));
	return slot;
}

/* The same for the call that ends now, with its arguments and its result; for call_finish(). */
static __always_inline struct slot *call_begin(
	__u64 *ctx, struct task_struct *task, struct call **ret_call)
{
	struct pt_regs *registers = ended_registers(ctx);
	__u32 abi = registers_abi(task);
	__u32 number = registers_call(registers, abi);
	struct call *call = wanted_call(abi, number);
	struct call_record *record;
	struct slot *slot;

	if (!call)
		return NULL;
	slot = call_start(call, abi, task);
	if (!slot)
		return NULL;
	record = (struct call_record *)slot->data;
	record->result = ended_result(ctx);
	registers_arguments(registers, abi, number, record->arguments);
	if (is_socketcall(abi, number))
		record->flags |= CALL_IN_MEMORY;
	*ret_call = call;
	return slot;
}

static __always_inline bool record_is_narrow(__u64 *ctx, const struct call_record *record)
{
	return registers_are_narrow(ended_registers(ctx), record->header.abi);
}

static __always_inline void take_capabilities(struct call_record *record)
{
	const struct cred *cred = READ(CURRENT(), cred);

	bpf_probe_read_kernel(&record->how[0], 8, &cred->cap_inheritable);
	bpf_probe_read_kernel(&record->how[1], 8, &cred->cap_permitted);
	bpf_probe_read_kernel(&record->how[2], 8, &cred->cap_effective);
	record->flags |= CALL_HAS_HOW;
}

/* Numbers that the call has in structures: openat2's open_how, clone3's clone_args, limits. */
static __always_inline void append_how(struct call_record *record, const struct call *call)
{
	__u32 size = (call->how & 15) * 4, more = (call->how >> 4) * 4;

	if (!call->how)
		return;
	if (call->how == HOW_CAPABILITIES) {
		take_capabilities(record);
		return;
	}
	if (size <= sizeof(record->how) && call->data >= 0 &&
		!bpf_probe_read_user(record->how, size, (void *)argument(record, call->data)))
		record->flags |= CALL_HAS_HOW;
	if (more && more <= sizeof(record->how) / 2 && call->more >= 0 &&
		!bpf_probe_read_user(&record->how[2], more, (void *)argument(record, call->more)))
		record->flags |= CALL_HAS_MORE;
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
	if (!index)
		slot->facts.base_top = slot->facts.walk_top;
	record->flags |= flags;
}

static __always_inline bool is_relative(const struct slot *slot, __u32 at)
{
	return slot->data[at & (RECORD_MAX - 1)] != '/';
}

static __always_inline void append_texts(struct slot *slot, struct call_record *record,
	struct task_struct *task, const struct call *call)
{
	bool needs_base[2] = { false, false };

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
	if (call->texts[2] >= 0 && !append_user_text(slot, argument(record, call->texts[2]),
					   &record->lengths[CALL_TEXT_2]))
		record->flags |= CALL_TEXT_2_FAILED;
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
