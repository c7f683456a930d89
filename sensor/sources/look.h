/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Looks: what /proc says of an event's process while it happens, for fields that no record of the
 * kernel carries: open descriptors, control groups, threads, processor time, memory. A look is a
 * few files to be read on the hot thread, so only a field that is asked for causes one, once an
 * event and part. Who is gone by then has no such values. A recording keeps what was seen.
 */
#pragma once

#include "base/cleanup.h"
#include "sensor/event.h"

enum look_part {
	LOOK_USAGE,	  /* threads, processor time, memory */
	LOOK_CGROUPS,	  /* of all controllers */
	LOOK_STANDARD,	  /* descriptors 0 to 2 */
	LOOK_DESCRIPTORS, /* all of them, up to LOOK_DESCRIPTORS_MAX */
	LOOK_POLLED,	  /* those that the call waited for, in the caller's order */
	LOOK_PARTS,
};

#define LOOK_DESCRIPTORS_MAX 4096

struct usage {
	uint64_t threads;
	uint64_t vm_size_kb, vm_rss_kb, vm_swap_kb;
	uint64_t fd_limit;			 /* soft RLIMIT_NOFILE; 0: unknown */
	uint64_t major_faults, minor_faults;	 /* of the thread, as all that follows */
	uint64_t run_ns;			 /* on a processor, so far */
	uint64_t user_permille, system_permille; /* of one processor, since the look before */
};

struct descriptors {
	const struct event_fd *items; /* by number; of a file only type, number and name */
	size_t count;
};

struct look;
struct looks;

/* Who looks for one stream. `host_root`: where the host's / is mounted, by reference. */
struct looks *looks_new(const char *host_root);
/* For a replay: what was seen is told by look_tell_…(). */
struct looks *looks_new_told(void);
void looks_free(struct looks *looks);
DEFINE_CLEANUP(struct looks *, looks_free)

/* Is told of each part when it was looked at, and of those that were not there. */
typedef void look_witness(void *context, const struct look *look, enum look_part part);
void looks_set_witness(struct looks *looks, look_witness *see, void *context);

/*
 * The look of the next event; nothing is read before it is asked for. It is valid until the next
 * one begins, or as long as it is held. The event's process may be NULL.
 */
struct look *looks_begin(struct looks *looks, const struct event *event);
/* The event is a poll of `count` struct pollfd that lie in the caller's memory. */
void look_set_polled(struct look *look, uint64_t address, uint64_t count);
/* Calls `see` for each part of the current look that was asked for. */
void looks_visit(const struct looks *looks, look_witness *see, void *context);

struct look *look_hold(struct look *look); /* NULL is fine */
void look_release(struct look *look);
/* Reads what was not yet asked for: for an event that will be asked when its process is gone. */
void look_complete(struct look *look);

/* All give NULL when there is nothing to be seen, and take NULL. */
const struct usage *look_usage(struct look *look);
/* Content of /proc/PID/cgroup: lines ID:CONTROLLERS:PATH. */
const struct text *look_cgroups(struct look *look);
/* `part`: LOOK_STANDARD, LOOK_DESCRIPTORS or LOOK_POLLED. */
const struct descriptors *look_descriptors(struct look *look, enum look_part part);
const struct event_fd *look_descriptor(struct look *look, enum look_part part, int64_t number);

/* For who reads and for who replays: where a part's answer goes. NULL: it is not there. */
struct arena *look_arena(struct look *look);
void look_tell_usage(struct look *look, const struct usage *usage);
void look_tell_cgroups(struct look *look, const struct text *cgroups);
void look_tell_descriptors(
	struct look *look, enum look_part part, const struct descriptors *descriptors);
