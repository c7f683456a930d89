/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The recorders of one stream. They stand beside a source and are told of each record after it was
 * decoded; what the state had to look up for it was written by then, so a reader has it in time.
 * While there is one they listen to the state; an item is put together once for all of them.
 */
#include <errno.h>
#include <sys/utsname.h>

#include "base/memory.h"
#include "sensor/sources/recording.h"

struct recorders {
	struct stream_state state;
	struct recorder *items[RECORDERS_MAX];
	size_t count;
	const struct domains *domains;
	struct buffer item; /* that is being put together */
};

struct recorders *recorders_new(const struct stream_state *state)
{
	struct recorders *recorders = NEW(struct recorders);

	recorders->state = *state;
	buffer_init(&recorders->item, BLOCK_MAX);
	return recorders;
}

void recorders_free(struct recorders *recorders)
{
	if (!recorders)
		return;
	buffer_done(&recorders->item);
	free(recorders);
}

size_t recorders_count(const struct recorders *recorders)
{
	return recorders->count;
}

/* ---- telling one, or all ---- */

/* NULL: all of them. */
static void add(struct recorders *recorders, struct recorder *one, enum item_kind kind)
{
	struct text item = buffer_text(&recorders->item);

	if (one)
		recorder_add(one, kind, item);
	for (size_t i = 0; !one && i < recorders->count; i++)
		recorder_add(recorders->items[i], kind, item);
	buffer_clear(&recorders->item);
}

static void add_state(struct recorders *recorders, enum item_kind kind)
{
	for (size_t i = 0; i < recorders->count; i++)
		recorder_add_state(recorders->items[i], kind, buffer_text(&recorders->item));
	buffer_clear(&recorders->item);
}

/* ---- what they listen to ---- */

static int read_and_keep(void *context, int64_t pid, struct arena *arena, struct process *ret_facts,
	uint64_t *ret_start_tick)
{
	struct recorders *recorders = context;
	int r = process_read(recorders->state.host_root, pid, arena, ret_facts, ret_start_tick);

	if (r < 0)
		return r;
	put_process(&recorders->item, ret_facts, *ret_start_tick);
	add(recorders, NULL, ITEM_PROCESS);
	return 0;
}

static void keep_metadata(void *context, const struct container *container)
{
	struct recorders *recorders = context;

	put_number(&recorders->item, container->kind);
	put_text(&recorders->item, container->full_id);
	put_metadata(&recorders->item, container->metadata);
	add_state(recorders, ITEM_METADATA);
}

static void keep_names(void *context, enum container_kind kind, struct text full_id,
	enum name_kind names_kind, const struct user_name *names, size_t count)
{
	struct recorders *recorders = context;

	put_number(&recorders->item, kind);
	put_text(&recorders->item, full_id);
	put_number(&recorders->item, names_kind);
	put_number(&recorders->item, count);
	for (size_t i = 0; i < count; i++) {
		put_number(&recorders->item, names[i].id);
		put_text(&recorders->item, names[i].text);
	}
	add_state(recorders, ITEM_NAMES);
}

static void keep_look(void *context, const struct look *look, enum look_part part)
{
	struct recorders *recorders = context;

	put_look(&recorders->item, look, part);
	add(recorders, NULL, ITEM_LOOK);
}

static void listen(struct recorders *recorders, bool is_listening)
{
	const struct stream_state *state = &recorders->state;

	processes_set_reader(state->processes, is_listening ? read_and_keep : NULL,
		is_listening ? recorders : NULL);
	containers_set_witness(state->containers, is_listening ? keep_metadata : NULL,
		is_listening ? recorders : NULL);
	if (state->looks)
		looks_set_witness(state->looks, is_listening ? keep_look : NULL,
			is_listening ? recorders : NULL);
}

/* ---- who comes and who goes ---- */

static void add_host(struct recorders *recorders, struct recorder *recorder)
{
	struct utsname system;

	uname(&system);
	put_number(&recorders->item, processes_host_namespace(recorders->state.processes));
	put_text(&recorders->item, text_of(system.nodename));
	put_text(&recorders->item, text_of(system.release));
	put_text(&recorders->item, TEXT(TERCEL_VERSION));
	add(recorders, recorder, ITEM_HOST);
}

static void add_events(struct recorders *recorders, struct recorder *recorder)
{
	size_t count;
	const struct event_type *types = event_types(&count);

	for (size_t i = 0; i < count; i++)
		put_text(&recorders->item, text_of(types[i].name));
	add(recorders, recorder, ITEM_EVENTS);
}

int recorders_join(struct recorders *recorders, struct recorder *recorder)
{
	if (recorders->count == RECORDERS_MAX)
		return -ENOSPC;
	recorders->items[recorders->count++] = recorder;
	if (recorders->count == 1)
		listen(recorders, true);
	add_host(recorders, recorder);
	add_events(recorders, recorder);
	return 0;
}

/* What is to be told of processes, and to whom. */
struct telling {
	struct recorders *recorders;
	struct recorder *recorder;
};

/* As /proc would tell of it now; that it knows ticks only is made up for at its next record. */
static void keep_process(void *context, const struct process *process)
{
	const struct telling *telling = context;
	struct recorders *recorders = telling->recorders;

	put_process(&recorders->item, process,
		processes_start_tick(recorders->state.processes, process->pid));
	add(recorders, telling->recorder, ITEM_PROCESS);
}

static void put_pid(void *context, const struct process *process)
{
	put_number(context, (uint64_t)process->pid);
}

static void add_scan(struct recorders *recorders, struct recorder *recorder)
{
	processes_visit(recorders->state.processes, put_pid, &recorders->item);
	add(recorders, recorder, ITEM_SCAN);
}

static void add_domains(struct recorders *recorders, struct recorder *recorder)
{
	put_domains(&recorders->item, recorders->domains);
	add(recorders, recorder, ITEM_DOMAINS);
}

/* Names and metadata are told to all of them again, which does no harm. */
void recorders_add_state(struct recorders *recorders, struct recorder *recorder)
{
	struct telling telling = { recorders, recorder };

	if (recorders->state.users)
		users_renew(recorders->state.users);
	containers_visit(recorders->state.containers, keep_metadata, recorders);
	processes_visit(recorders->state.processes, keep_process, &telling);
	add_scan(recorders, recorder);
	add_domains(recorders, recorder);
	recorders_keep_up(recorders);
}

void recorders_add_late(
	struct recorders *recorders, struct recorder *recorder, const void *data, size_t size)
{
	struct recorders one = { .state = recorders->state, .items = { recorder }, .count = 1 };

	recorder_add_record(recorder, data, size);
	if (!recorders->state.looks)
		return;
	buffer_init(&one.item, BLOCK_MAX);
	looks_visit(recorders->state.looks, keep_look, &one);
	buffer_done(&one.item);
}

static void leave_at(struct recorders *recorders, size_t at, uint64_t lost)
{
	recorder_end(recorders->items[at], lost);
	recorders->items[at] = recorders->items[--recorders->count];
	if (!recorders->count)
		listen(recorders, false);
}

void recorders_leave(struct recorders *recorders, struct recorder *recorder, uint64_t lost)
{
	recorders_keep_up(recorders);
	for (size_t i = 0; i < recorders->count; i++)
		if (recorders->items[i] == recorder) {
			leave_at(recorders, i, lost);
			return;
		}
}

void recorders_leave_all(struct recorders *recorders, uint64_t lost)
{
	recorders_keep_up(recorders);
	while (recorders->count)
		leave_at(recorders, recorders->count - 1, lost);
}

/* ---- the stream ---- */

void recorders_add_clock(struct recorders *recorders, int64_t offset_ns)
{
	put_number(&recorders->item, (uint64_t)offset_ns);
	add(recorders, NULL, ITEM_CLOCK);
}

void recorders_add_scan(struct recorders *recorders)
{
	if (recorders->count)
		add_scan(recorders, NULL);
}

void recorders_add_record(struct recorders *recorders, const void *data, size_t size)
{
	for (size_t i = 0; i < recorders->count; i++)
		recorder_add_record(recorders->items[i], data, size);
}

void recorders_add_domains(struct recorders *recorders, const struct domains *domains)
{
	recorders->domains = domains;
	if (recorders->count)
		add_domains(recorders, NULL);
}

void recorders_keep_up(struct recorders *recorders)
{
	if (!recorders->count)
		return;
	if (recorders->state.users)
		users_visit_news(recorders->state.users,
			containers_of_cgroup(recorders->state.containers, TEXT("/"), false),
			keep_names, recorders);
	for (size_t i = 0; i < recorders->count; i++)
		recorder_flush(recorders->items[i]);
}
