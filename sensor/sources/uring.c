/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Attaches the programs of uring.bpf.h at the tracepoints that this kernel has, which its types
 * tell; and finds the requests whose end nobody told of.
 */
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>

#include "base/clock.h"
#include "base/memory.h"
#include "sensor/sources/decode.h"
#include "sensor/sources/uring.h"

#define OVERDUE_NS ((uint64_t)NS_PER_SECOND)

struct uring {
	struct bpf_object *object;
	struct shared *shared;
	struct bpf_link *begins, *ends;
	int pending; /* the map */
	bool is_tried, has_requests, is_within;
	uint64_t key;
	uint64_t record[URING_PENDING_SIZE / 8];
};

struct request_row {
	uint8_t opcode;
	const char *name;
};

#define REQUEST(opcode, name) { opcode, #name },
static const struct request_row request_rows[] = {
#include "sensor/kernel/requests.def"
};
#undef REQUEST

/* A program, and the tracepoint that has what it wants: by its number of arguments. */
struct place {
	const char *tracepoint;
	int arguments;
	const char *program;
};

static const struct place begin_places[] = {
	{ "io_uring_submit_req", 1, "request_begins_0" }, /* 6.4 */
	{ "io_uring_submit_sqe", 2, "request_begins_0" }, /* 6.0 */
	{ "io_uring_submit_sqe", 7, "request_begins_1" }, /* 5.15 */
};

/* Before 5.19 the end does not say of which request it is. */
static const struct place end_places[] = {
	{ "io_uring_complete", 3, "request_ends_cqe" },
	{ "io_uring_complete", 7, "request_ends_result" },
	{ "io_uring_complete", 5, "request_ends_result" },
};

struct uring *uring_new(struct bpf_object *object, struct shared *shared)
{
	struct uring *uring = NEW(struct uring);

	uring->object = object;
	uring->shared = shared;
	uring->pending = bpf_object__find_map_fd_by_name(object, "pending");
	return uring;
}

void uring_free(struct uring *uring)
{
	if (!uring)
		return;
	bpf_link__destroy(uring->begins);
	bpf_link__destroy(uring->ends);
	free(uring);
}

/* How many arguments a tracepoint has, without the first one, which is the program's; -1: none. */
static int tracepoint_arguments(const struct btf *btf, const char *name)
{
	char type_name[64];
	const struct btf_type *type;
	int id;

	snprintf(type_name, sizeof(type_name), "btf_trace_%s", name);
	id = btf__find_by_name_kind(btf, type_name, BTF_KIND_TYPEDEF);
	type = id > 0 ? btf__type_by_id(btf, (__u32)id) : NULL;
	type = type ? btf__type_by_id(btf, type->type) : NULL; /* a pointer … */
	type = type ? btf__type_by_id(btf, type->type) : NULL; /* … to a function */
	return type && btf_is_func_proto(type) ? btf_vlen(type) - 1 : -1;
}

/* The first that this kernel has; NULL: none. */
static const struct place *place_of(const struct btf *btf, const struct place *places, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (tracepoint_arguments(btf, places[i].tracepoint) == places[i].arguments)
			return &places[i];
	return NULL;
}

static void set_loaded(struct bpf_object *object, const struct place *place, bool is_loaded)
{
	struct bpf_program *program =
		place ? bpf_object__find_program_by_name(object, place->program) : NULL;

	if (program)
		(void)bpf_program__set_autoload(program, is_loaded);
}

static void choose(
	struct bpf_object *object, const struct btf *btf, const struct place *places, size_t count)
{
	for (size_t i = 0; i < count; i++)
		set_loaded(object, &places[i], false);
	set_loaded(object, place_of(btf, places, count), true);
}

void uring_choose(struct bpf_object *object)
{
	struct btf *btf = btf__load_vmlinux_btf();

	if (!btf)
		return;
	choose(object, btf, begin_places, COUNT_OF(begin_places));
	choose(object, btf, end_places, COUNT_OF(end_places));
	btf__free(btf);
}

static struct bpf_link *attach_one(
	struct uring *uring, const struct btf *btf, const struct place *places, size_t count)
{
	const struct place *place = place_of(btf, places, count);
	struct bpf_program *program =
		place ? bpf_object__find_program_by_name(uring->object, place->program) : NULL;

	return program ? bpf_program__attach_raw_tracepoint(program, place->tracepoint) : NULL;
}

static void attach(struct uring *uring)
{
	struct btf *btf = btf__load_vmlinux_btf();

	uring->is_tried = true;
	if (!btf)
		return;
	/* Ends first: a beginning is kept for an end that is told of. */
	uring->ends = attach_one(uring, btf, end_places, COUNT_OF(end_places));
	uring->shared->requests_end = uring->ends != NULL;
	uring->begins = attach_one(uring, btf, begin_places, COUNT_OF(begin_places));
	btf__free(btf);
}

int uring_want(struct uring *uring, const struct event_set *set)
{
	uring->has_requests = false;
	for (size_t i = 0; i < COUNT_OF(request_rows); i++) {
		const struct event_type *type = event_type_find(text_of(request_rows[i].name));
		struct call call = { 0 };

		if (type && event_set_has(set, type->id)) {
			(void)call_of_event(type->id, &call);
			uring->has_requests = true;
		}
		uring->shared->requests[request_rows[i].opcode] = call;
	}
	if (uring->has_requests && !uring->is_tried)
		attach(uring);
	return uring->has_requests && !uring->begins ? -ENOTSUP : 0;
}

/* Who accepts or receives may wait for ever; everything else has happened, or will. */
static bool is_overdue(struct call_record *record, uint64_t now)
{
	unsigned event = record->event;

	if (record->header.time_ns + OVERDUE_NS > now || event == EVENT_accept4 ||
		event == EVENT_recvfrom || event == EVENT_recvmsg)
		return false;
	record->result = event == EVENT_connect ? -EINPROGRESS : 0;
	return true;
}

size_t uring_overdue(struct uring *uring, const void **ret_record)
{
	struct call_record *record = (struct call_record *)uring->record;
	uint64_t now = (uint64_t)clock_ns(CLOCK_BOOTTIME), key;

	if (!uring->has_requests || !uring->ends)
		return 0;
	while (!bpf_map_get_next_key(uring->pending, uring->is_within ? &uring->key : NULL, &key)) {
		uring->key = key;
		uring->is_within = true;
		if (bpf_map_lookup_elem(uring->pending, &key, uring->record) ||
			!is_overdue(record, now) || bpf_map_delete_elem(uring->pending, &key))
			continue;
		*ret_record = record;
		return MIN_OF(record->header.size, (__u32)URING_PENDING_SIZE);
	}
	uring->is_within = false;
	return 0;
}
