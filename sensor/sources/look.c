/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What was seen of a process for one event. The current look is used again for the next event
 * unless an event that waits holds it.
 */
#include <errno.h>
#include <fcntl.h>
#include <time.h>
#include <unistd.h>
#include <uthash.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/memory.h"
#include "sensor/sources/look-read.h"

/* Texts of thousands of descriptors with long paths, and the kernel's tables of sockets. */
#define LOOK_MEMORY_MAX (64 << 20)
/* Threads whose processor time is remembered; beyond it all are forgotten. */
#define TIMES_MAX 4096
#define TICK_NS	  UINT64_C(10000000)

struct look {
	unsigned references;
	struct looks *looks; /* NULL: the stream is gone, nothing more can be read */
	int64_t pid, tid;
	uint64_t start_ns; /* of the process; 0: unknown */
	uint64_t polled_address, polled_count;
	unsigned asked, there; /* a bit a part */
	struct arena *arena;   /* NULL: nothing was read yet */
	struct usage usage;
	struct text cgroups;
	struct descriptors descriptors[LOOK_PARTS];
};

/* What a thread had used when it was looked at before. */
struct thread_time {
	int64_t tid;
	struct processor_time time;
	uint64_t user_permille, system_permille;
	UT_hash_handle handle;
};

struct looks {
	const char *host_root; /* NULL: a replay */
	look_witness *see;
	void *context;
	struct look *current;
	struct thread_time *times;
};

static struct looks *new (const char *host_root)
{
	struct looks *looks = NEW(struct looks);

	looks->host_root = host_root;
	return looks;
}

struct looks *looks_new(const char *host_root)
{
	return new (host_root ? host_root : "");
}

struct looks *looks_new_told(void)
{
	return new (NULL);
}

static void forget_times(struct looks *looks)
{
	struct thread_time *time, *next;

	HASH_ITER (handle, looks->times, time, next) {
		HASH_DELETE(handle, looks->times, time);
		free(time);
	}
}

static void drop_current(struct looks *looks)
{
	if (looks->current)
		looks->current->looks = NULL;
	look_release(TAKE(looks->current));
}

void looks_free(struct looks *looks)
{
	if (!looks)
		return;
	drop_current(looks);
	forget_times(looks);
	free(looks);
}

void looks_set_witness(struct looks *looks, look_witness *see, void *context)
{
	looks->see = see;
	looks->context = context;
}

struct look *looks_begin(struct looks *looks, const struct event *event)
{
	struct look *look = looks->current;

	if (look && look->references > 1) {
		drop_current(looks);
		look = NULL;
	}
	if (!look) {
		look = looks->current = NEW(struct look);
		look->references = 1;
		look->looks = looks;
	}
	if (look->asked && look->arena)
		arena_reset(look->arena);
	look->asked = look->there = 0;
	look->polled_address = look->polled_count = 0;
	look->pid = event->process ? event->process->pid : -1;
	look->tid = event->thread_id;
	look->start_ns = event->process ? event->process->start_ns : 0;
	return look;
}

void look_set_polled(struct look *look, uint64_t address, uint64_t count)
{
	look->polled_address = address;
	look->polled_count = count;
}

void looks_visit(const struct looks *looks, look_witness *see, void *context)
{
	for (int part = 0; looks->current && part < LOOK_PARTS; part++)
		if (looks->current->asked >> part & 1)
			see(context, looks->current, (enum look_part)part);
}

struct look *look_hold(struct look *look)
{
	if (look)
		look->references++;
	return look;
}

void look_release(struct look *look)
{
	if (!look || --look->references)
		return;
	arena_free(look->arena);
	free(look);
}

struct arena *look_arena(struct look *look)
{
	if (!look->arena)
		look->arena = arena_new(LOOK_MEMORY_MAX);
	return look->arena;
}

static void tell(struct look *look, enum look_part part, bool is_there)
{
	look->asked |= 1u << part;
	look->there |= is_there ? 1u << part : 0;
}

void look_tell_usage(struct look *look, const struct usage *usage)
{
	look->usage = usage ? *usage : (struct usage){ 0 };
	tell(look, LOOK_USAGE, usage);
}

void look_tell_cgroups(struct look *look, const struct text *cgroups)
{
	look->cgroups = cgroups ? arena_copy(look_arena(look), *cgroups) : (struct text){ 0 };
	tell(look, LOOK_CGROUPS, cgroups);
}

void look_tell_descriptors(
	struct look *look, enum look_part part, const struct descriptors *descriptors)
{
	struct event_fd *items;
	size_t count = descriptors ? descriptors->count : 0;

	items = ARENA_NEW(look_arena(look), struct event_fd, count + 1);
	for (size_t i = 0; i < count; i++) {
		items[i] = descriptors->items[i];
		items[i].name = arena_copy(look->arena, items[i].name);
	}
	look->descriptors[part] = (struct descriptors){ items, count };
	tell(look, part, descriptors);
}

/* ---- looking ---- */

static uint64_t permille(uint64_t ticks, uint64_t span_ns)
{
	return span_ns ? ticks * TICK_NS * 1000 / span_ns : 0;
}

static struct thread_time *time_of(struct looks *looks, int64_t tid, uint64_t start_ns)
{
	struct thread_time *known;

	HASH_FIND(handle, looks->times, &tid, sizeof(tid), known);
	if (known && known->time.start_ns != start_ns)
		known->time = (struct processor_time){ .start_ns = start_ns, .at_ns = start_ns };
	if (known)
		return known;
	if (HASH_CNT(handle, looks->times) >= TIMES_MAX)
		forget_times(looks);
	known = NEW(struct thread_time);
	known->tid = tid;
	known->time = (struct processor_time){ .start_ns = start_ns, .at_ns = start_ns };
	HASH_ADD(handle, looks->times, tid, sizeof(known->tid), known);
	return known;
}

/* Over the time since the look before if that was a second or more, the first time over its life.
 */
static void add_shares(struct look *look, const struct processor_time *now)
{
	struct thread_time *before = time_of(look->looks, look->tid, now->start_ns);
	uint64_t span = now->at_ns - before->time.at_ns;

	if (span >= (uint64_t)NS_PER_SECOND || before->time.at_ns == now->start_ns) {
		before->user_permille = permille(now->user - before->time.user, span);
		before->system_permille = permille(now->system - before->time.system, span);
		before->time = *now;
	}
	look->usage.user_permille = before->user_permille;
	look->usage.system_permille = before->system_permille;
}

static int read_part(struct look *look, int folder, enum look_part part)
{
	struct arena *arena = look_arena(look);
	struct processor_time now;
	int r;

	switch (part) {
	case LOOK_USAGE:
		r = read_usage(folder, look->tid, arena, &look->usage, &now);
		if (r == 0)
			add_shares(look, &now);
		return r;
	case LOOK_CGROUPS:
		return read_cgroups(folder, arena, &look->cgroups);
	case LOOK_POLLED:
		return read_polled(folder, look->polled_address, look->polled_count, arena,
			&look->descriptors[part]);
	case LOOK_STANDARD:
		return read_descriptors(folder, 3, arena, &look->descriptors[part]);
	default:
		return read_descriptors(folder, INT64_MAX, arena, &look->descriptors[part]);
	}
}

/* The pid may be another process' by now; /proc knows ticks only. */
static bool is_same(const struct look *look, int folder)
{
	uint64_t tick = read_start_tick(folder, look->arena), wanted = look->start_ns / TICK_NS;

	return tick && (!look->start_ns || (tick + 1 >= wanted && tick <= wanted + 1));
}

static int open_folder(const struct look *look)
{
	char path[4200];

	snprintf(path, sizeof(path), "%s/proc/%lld", look->looks->host_root, (long long)look->pid);
	return open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

static void look_at(struct look *look, enum look_part part)
{
	_cleanup_(closep) int folder = open_folder(look);
	bool is_there;

	(void)look_arena(look);
	is_there = folder >= 0 && read_part(look, folder, part) == 0 && is_same(look, folder);
	tell(look, part, is_there);
	if (look->looks->see)
		look->looks->see(look->looks->context, look, part);
}

static bool has(struct look *look, enum look_part part)
{
	bool can_look = look && look->looks && look->looks->host_root && look->pid >= 0;

	if (part == LOOK_POLLED && look && !look->polled_count)
		can_look = false;
	if (can_look && !(look->asked >> part & 1))
		look_at(look, part);
	return look && look->there >> part & 1;
}

void look_complete(struct look *look)
{
	for (int part = 0; part < LOOK_PARTS; part++)
		(void)has(look, (enum look_part)part);
}

const struct usage *look_usage(struct look *look)
{
	return has(look, LOOK_USAGE) ? &look->usage : NULL;
}

const struct text *look_cgroups(struct look *look)
{
	return has(look, LOOK_CGROUPS) ? &look->cgroups : NULL;
}

const struct descriptors *look_descriptors(struct look *look, enum look_part part)
{
	return has(look, part) ? &look->descriptors[part] : NULL;
}

const struct event_fd *look_descriptor(struct look *look, enum look_part part, int64_t number)
{
	const struct descriptors *all = look_descriptors(look, part);

	for (size_t i = 0; all && i < all->count; i++)
		if (all->items[i].number == number)
			return &all->items[i];
	return NULL;
}
