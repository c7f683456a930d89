/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Requests of io_uring, told of as the calls that they stand for. When one is submitted the kernel
 * has already copied its path: a record is begun and kept aside. When it ends, its result and what
 * it opened are added. Whoever submits (a thread of the process, or the kernel's for it) has the
 * process' identity and descriptors.
 */
#pragma once

#include "finish.bpf.h"

#define O_LARGEFILE 0100000
#define URING_FIXED_FILE \
	(1 << 0) /* REQ_F_FIXED_FILE: the descriptor is a place in the ring's table */
#define URING_SKIP_SUCCESS (1 << 6) /* REQ_F_CQE_SKIP: nobody is told of its end */
#define URING_MORE	   (1 << 1) /* IORING_CQE_F_MORE: not the last one of this request */
#define URING_SLOT_ALLOC   (~0U)    /* IORING_FILE_INDEX_ALLOC: the result is the place */
#define FILE_POINTER_MASK  (~3UL)   /* FFS_MASK of io_uring/filetable.h */

/* From io_uring's ABI. */
enum request {
	REQUEST_SENDMSG = 9,
	REQUEST_RECVMSG = 10,
	REQUEST_ACCEPT = 13,
	REQUEST_CONNECT = 16,
	REQUEST_OPENAT = 18,
	REQUEST_SEND = 26,
	REQUEST_RECV = 27,
	REQUEST_OPENAT2 = 28,
	REQUEST_RENAMEAT = 35,
	REQUEST_UNLINKAT = 36,
	REQUEST_MKDIRAT = 37,
	REQUEST_SYMLINKAT = 38,
	REQUEST_LINKAT = 39,
	REQUEST_SOCKET = 45,
};

struct pending {
	char data[URING_PENDING_SIZE];
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, URING_PENDING_MAX);
	__type(key, __u64);
	__type(value, struct pending);
} pending SEC(".maps");

/* What a kind of request keeps is at its beginning, since 6.0 in `cmd`, before in a union there. */
#define OF(type, request) AS(type, request)

static __always_inline void append_name_of(
	struct slot *slot, struct filename *filename, struct call_record *record, int index)
{
	append_kernel_text(slot, READ(filename, name), &record->lengths[CALL_TEXT_0 + index]);
}

static __always_inline void take_open(
	struct slot *slot, struct call_record *record, struct io_kiocb *request)
{
	struct io_open *open = OF(io_open, request);

	record->arguments[0] = READ(open, dfd);
	record->arguments[2] = READ(open, how.flags) & ~O_LARGEFILE;
	record->arguments[3] = READ(open, how.mode);
	record->arguments[5] = READ(open, file_slot);
	record->how[0] = record->arguments[2];
	record->how[1] = record->arguments[3];
	record->how[2] = READ(open, how.resolve);
	record->flags |= CALL_HAS_HOW;
	append_name_of(slot, READ(open, filename), record, 0);
}

static __always_inline void take_unlink(
	struct slot *slot, struct call_record *record, struct io_kiocb *request)
{
	struct io_unlink *unlink = OF(io_unlink, request);

	record->arguments[0] = READ(unlink, dfd);
	record->arguments[2] = READ(unlink, flags);
	append_name_of(slot, READ(unlink, filename), record, 0);
}

static __always_inline void take_mkdir(
	struct slot *slot, struct call_record *record, struct io_kiocb *request)
{
	struct io_mkdir *mkdir = OF(io_mkdir, request);

	record->arguments[0] = READ(mkdir, dfd);
	record->arguments[2] = READ(mkdir, mode);
	append_name_of(slot, READ(mkdir, filename), record, 0);
}

static __always_inline void take_rename(
	struct slot *slot, struct call_record *record, struct io_kiocb *request)
{
	struct io_rename *rename = OF(io_rename, request);

	record->arguments[0] = READ(rename, old_dfd);
	record->arguments[2] = READ(rename, new_dfd);
	record->arguments[4] = READ(rename, flags);
	append_name_of(slot, READ(rename, oldpath), record, 0);
	append_name_of(slot, READ(rename, newpath), record, 1);
}

/* symlinkat(target, dirfd, path) has one folder, linkat two. */
static __always_inline void take_link(
	struct slot *slot, struct call_record *record, struct io_kiocb *request, bool is_symbolic)
{
	struct io_link *link = OF(io_link, request);

	if (is_symbolic) {
		record->arguments[1] = READ(link, new_dfd);
	} else {
		record->arguments[0] = READ(link, old_dfd);
		record->arguments[2] = READ(link, new_dfd);
		record->arguments[4] = READ(link, flags);
	}
	append_name_of(slot, READ(link, oldpath), record, 0);
	append_name_of(slot, READ(link, newpath), record, 1);
}

static __always_inline void take_connect(
	struct slot *slot, struct call_record *record, struct io_kiocb *request)
{
	struct io_connect *connect = OF(io_connect, request);

	append_address(slot, record, (__u64)READ(connect, addr), READ(connect, addr_len));
}

static __always_inline void take_send(
	struct slot *slot, struct call_record *record, struct io_kiocb *request)
{
	struct io_sr_msg *send = OF(io_sr_msg, request);

	record->arguments[1] = (__u64)READ(send, buf);
	record->arguments[2] = READ(send, len);
	append_data(slot, record, record->arguments[1], record->arguments[2]);
}

static __always_inline void take_sendmsg(
	struct slot *slot, struct call_record *record, struct io_kiocb *request)
{
	struct io_sr_msg *send = OF(io_sr_msg, request);
	struct user_message message = {};
	struct user_vector vector = {};

	record->arguments[1] = (__u64)READ(send, buf);
	read_message(record->arguments[1], false, &message);
	append_address(slot, record, message.name, message.name_length);
	read_vector(message.vectors, false, &vector);
	append_data(slot, record, vector.base, vector.length);
}

static __always_inline void take_socket(struct call_record *record, struct io_kiocb *request)
{
	struct io_socket *socket = OF(io_socket, request);

	record->arguments[0] = READ(socket, domain);
	record->arguments[1] = READ(socket, type);
	record->arguments[2] = READ(socket, protocol);
}

/* A kind that this kernel does not know cannot be asked for; old verifiers refuse to look for it.
 */
static __always_inline void take_request(
	struct slot *slot, struct call_record *record, struct io_kiocb *request, __u8 opcode)
{
	switch (opcode) {
	case REQUEST_OPENAT:
	case REQUEST_OPENAT2:
		take_open(slot, record, request);
		break;
	case REQUEST_UNLINKAT:
		take_unlink(slot, record, request);
		break;
	case REQUEST_MKDIRAT:
		if (bpf_core_type_exists(struct io_mkdir))
			take_mkdir(slot, record, request);
		break;
	case REQUEST_RENAMEAT:
		take_rename(slot, record, request);
		break;
	case REQUEST_LINKAT:
	case REQUEST_SYMLINKAT:
		if (bpf_core_type_exists(struct io_link))
			take_link(slot, record, request, opcode == REQUEST_SYMLINKAT);
		break;
	case REQUEST_CONNECT:
		take_connect(slot, record, request);
		break;
	case REQUEST_SEND:
	case REQUEST_RECV:
		take_send(slot, record, request);
		break;
	case REQUEST_SENDMSG:
	case REQUEST_RECVMSG:
		take_sendmsg(slot, record, request);
		break;
	case REQUEST_SOCKET:
		if (bpf_core_type_exists(struct io_socket))
			take_socket(record, request);
		break;
	}
}

static __always_inline void append_bases(
	struct slot *slot, struct call_record *record, const struct call *call)
{
	struct task_struct *task = CURRENT();

	if (call->texts[0] >= 0 && call->bases[0] != CALL_NOTHING)
		append_base(slot, record, task, call->bases[0], 0);
	if (call->texts[1] >= 0 && call->bases[1] != CALL_NOTHING)
		append_base(slot, record, task, call->bases[1], 1);
}

/* Keeps it until the request ends; false when there is no end to wait for, or no place. */
static __always_inline bool keep_pending(struct slot *slot, __u64 request, __u32 flags)
{
	if (!shared.requests_end || flags & URING_SKIP_SUCCESS || slot->used > URING_PENDING_SIZE)
		return false;
	((struct record *)slot->data)->size = slot->used;
	return !bpf_map_update_elem(&pending, &request, slot->data, BPF_ANY);
}

/* A kept record, to be sent; it stays where it was. */
static __always_inline struct slot *slot_of_kept(const struct pending *kept)
{
	struct slot *slot = slot_begin(sizeof(struct call_record));
	__u32 size = ((struct record *)kept->data)->size;

	if (!slot)
		return NULL;
	if (size > URING_PENDING_SIZE)
		size = URING_PENDING_SIZE;
	bpf_probe_read_kernel(slot->data, size, kept->data);
	slot->used = size;
	return slot;
}

/*
 * When the queue of completions is full the end of a request is not told of, and its memory is
 * used again for another one: what is kept under its address did what it did.
 */
static __always_inline void send_stale(__u64 request)
{
	struct pending *kept = bpf_map_lookup_elem(&pending, &request);
	struct slot *slot = kept ? slot_of_kept(kept) : NULL;

	if (!slot)
		return;
	bpf_map_delete_elem(&pending, &request);
	call_send(slot);
}

/* These wait for somebody else; without their end there is nothing to tell. */
static __always_inline bool only_waits(__u8 opcode)
{
	return opcode == REQUEST_ACCEPT || opcode == REQUEST_RECV || opcode == REQUEST_RECVMSG;
}

static __always_inline int request_begins(struct io_kiocb *request)
{
	__u8 opcode = READ(request, opcode);
	struct call *call = &shared.requests[opcode & (URING_REQUESTS_MAX - 1)];
	struct task_struct *task = CURRENT();
	struct call_record *record;
	struct slot *slot;
	__u32 flags = 0;

	send_stale((__u64)request);
	if (opcode >= URING_REQUESTS_MAX || call->collector == COLLECT_NONE)
		return 0;
	slot = call_start(call, ABI_NATIVE, task);
	if (!slot)
		return 0;
	record = (struct call_record *)slot->data;
	fill_origin(&record->header, task);
	record->flags = CALL_IS_URING;
	record->result = 0;
	__builtin_memset(record->arguments, 0, sizeof(record->arguments));
	bpf_probe_read_kernel(&flags, sizeof(flags),
		(void *)request + bpf_core_field_offset(struct io_kiocb, flags));
	/* The requests' descriptor is the first one; before 5.19 it is not kept. */
	if (call->fd >= 0 && call->fd != CALL_RESULT && bpf_core_field_exists(request->cqe.fd))
		record->arguments[0] = READ(request, cqe.fd);
	take_request(slot, record, request, opcode);
	append_bases(slot, record, call);
	if (keep_pending(slot, (__u64)request, flags))
		slot_release(slot);
	else if (!only_waits(READ(request, opcode))) /* verifier: not what the switch knew */
		call_send(slot);
	else {
		slot_release(slot);
		count_loss(LOSS_CALL_RING);
	}
	return 0;
}

/* The file that an open put into the ring's own table instead of a descriptor. */
static __always_inline struct file *fixed_file(struct io_ring_ctx *ring, __u32 place)
{
	struct io_ring_ctx___6_12 *old = (void *)ring;
	unsigned long file = 0;

	if (bpf_core_field_exists(ring->file_table.data)) {
		struct io_rsrc_node **nodes = BPF_CORE_READ(ring, file_table.data.nodes),
				    *node = NULL;

		if (place >= BPF_CORE_READ(ring, file_table.data.nr))
			return NULL;
		bpf_probe_read_kernel(&node, sizeof(node), &nodes[place]);
		file = BPF_CORE_READ(node, file_ptr);
	} else if (bpf_core_field_exists(old->file_table.files)) {
		struct io_fixed_file *files = BPF_CORE_READ(old, file_table.files);

		if (place >= BPF_CORE_READ(old, nr_user_files))
			return NULL;
		file = BPF_CORE_READ(files + place, file_ptr);
	}
	file &= FILE_POINTER_MASK;
	return file ? AS(file, file) : NULL;
}

static __always_inline void append_result(struct slot *slot, struct call_record *record,
	const struct call *call, struct io_kiocb *request)
{
	__u32 place = record->arguments[5];

	if (call->fd == CALL_NOTHING)
		return;
	if (call->fd != CALL_RESULT) {
		append_socket(slot, record, READ(request, file));
		return;
	}
	if (record->result < 0)
		return;
	if (!place)
		append_fd(slot, record, CURRENT(), record->result);
	else
		append_opened(slot, record, CURRENT(),
			fixed_file(READ(request, ctx),
				place == URING_SLOT_ALLOC ? record->result : place - 1));
}

static __always_inline int request_ends(__u64 request, __s64 result, __u32 flags)
{
	struct pending *kept = bpf_map_lookup_elem(&pending, &request);
	struct io_kiocb *of = AS(io_kiocb, request);
	struct call_record *record;
	struct call *call;
	struct slot *slot;
	__u8 opcode;

	if (!kept)
		return 0;
	slot = slot_of_kept(kept);
	if (!slot)
		return 0; /* the sensor finds it among those that do not end */
	record = (struct call_record *)slot->data;
	record->result = result;
	opcode = READ(of, opcode);
	call = &shared.requests[opcode & (URING_REQUESTS_MAX - 1)];
	append_result(slot, record, call, of);
	if (call->connects && (result == 0 || result == -115))
		note_role(record, SOCKET_CLIENT);
	if (opcode == REQUEST_ACCEPT && result >= 0)
		note_role(record, SOCKET_SERVER);
	if (!(flags & URING_MORE))
		bpf_map_delete_elem(&pending, &request);
	call_send(slot);
	return 0;
}

/* The same at different places: the loader looks which one this kernel has. */
SEC("raw_tp")
int request_begins_0(__u64 *ctx)
{
	return request_begins(AS(io_kiocb, ctx[0]));
}

SEC("raw_tp")
int request_begins_1(__u64 *ctx)
{
	return request_begins(AS(io_kiocb, ctx[1]));
}

/* Since 6.14: (ring, request, cqe). */
SEC("raw_tp")
int request_ends_cqe(__u64 *ctx)
{
	struct io_uring_cqe *cqe = AS(io_uring_cqe, ctx[2]);

	return request_ends(ctx[1], READ(cqe, res), READ(cqe, flags));
}

/* Before: (ring, request, user data, result, flags …). */
SEC("raw_tp")
int request_ends_result(__u64 *ctx)
{
	return request_ends(ctx[1], (__s32)ctx[3], ctx[4]);
}
