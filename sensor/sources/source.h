/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where events come from: the kernel, a record file, later a scap capture or a Falco plugin.
 * A source decodes into struct event and keeps the state (processes, containers) that belongs to
 * its stream. One thread, the hot one, calls it.
 */
#pragma once

#include "base/error.h"
#include "sensor/event.h"

struct domains;
struct filter;
struct recorder;
struct runtimes;
struct source;

/* Falco's classes of lost events. All of the lifecycle counts as PROC. */
enum drop_class {
	DROP_CLONE_FORK,
	DROP_EXECVE,
	DROP_CONNECT,
	DROP_OPEN,
	DROP_DIR_FILE,
	DROP_OTHER_INTEREST,
	DROP_CLOSE,
	DROP_PROC,
	DROP_CLASS_COUNT,
};

/* Where the kernel source sees calls: the setting sensor.attach, in the order of its choices. */
enum attach_choice { ATTACH_AUTO, ATTACH_RAW, ATTACH_SYSCALLS };

/* Programs in the kernel whose runs are counted while kernel.bpf_stats_enabled is set. */
enum kernel_program {
	PROGRAM_CALLS, /* with what it calls by tail calls */
	PROGRAM_FORK,
	PROGRAM_EXEC,
	PROGRAM_EXIT,
	PROGRAM_COUNT,
};

struct program_runs {
	uint64_t count, time_ns, average_ns;
};

struct source_counters {
	uint64_t events;	  /* handed out */
	uint64_t kernel_calls;	  /* seen by the kernel programs, where they count */
	uint64_t kernel_rejected; /* … and dropped by the filter, for no rule can match them */
	uint64_t dropped;	  /* lost in all */
	uint64_t dropped_lifecycle;
	uint64_t dropped_by_class[DROP_CLASS_COUNT]; /* because the ring was full */
	uint64_t dropped_slots;			     /* because both places to build them were */
	uint64_t dropped_missed;		     /* programs that the kernel did not run */
	uint64_t ring_bytes_used;
	uint64_t tracepoints; /* of calls, that are attached to; 0: the raw hook */
	/* The state that belongs to the stream. */
	uint64_t processes, processes_evicted, processes_read, processes_missed;
	uint64_t containers, containers_awaited;
	struct program_runs runs[PROGRAM_COUNT];
};

/* What became of the calls of one event type that the kernel programs saw. */
struct call_numbers {
	uint64_t seen, sent, lost;
	uint64_t rejected; /* by the filter */
};

struct source_operations {
	const char *name; /* "syscall" */
	/* Only these event types are wanted from now on. */
	int (*want)(struct source *source, const struct event_set *set, struct error *err);
	/* Where calls are seen from the next want() on. NULL: the source has no hooks. */
	void (*attach)(struct source *source, enum attach_choice choice);
	/*
	 * What no rule can match is dropped in the kernel from now on; NULL: nothing is. The order
	 * in which this and want() are called is filter_install()'s contract. *ret_refused: event
	 * types of which everything comes nevertheless. NULL: the source has no kernel.
	 */
	int (*filter)(struct source *source, const struct filter *filter, size_t *ret_refused,
		struct error *err);
	/*
	 * The next event: 1 with *ret_event (valid until the next call), 0 when none came within
	 * `timeout_ms`, -ECANCELED at the end of the stream, or an error.
	 */
	int (*next)(
		struct source *source, int timeout_ms, struct event **ret_event, struct error *err);
	/*
	 * Places in the stream, for a change between two events: `head` is behind all that has come
	 * so far, `position` behind the event that next() gave last. NULL: the stream does not
	 * flow by itself, and nothing changes in it.
	 */
	uint64_t (*head)(const struct source *source);
	uint64_t (*position)(const struct source *source);
	/*
	 * Records into this recorder, too, from now on: the state as it is, the record that was
	 * handed out last, and what comes, until it is released, which ends the recording. -ENOSPC
	 * when there are too many. NULL: the source cannot.
	 */
	int (*capture)(struct source *source, struct recorder *recorder);
	void (*release)(struct source *source, struct recorder *recorder);
	/*
	 * The addresses of the domain names that rules compare with have changed; recordings keep
	 * them. Borrowed until it is called again. NULL: the source knows them itself.
	 */
	void (*tell_domains)(struct source *source, const struct domains *domains);
	void (*counters)(struct source *source, struct source_counters *ret_counters);
	/* By event type; all zero where it is not known. NULL: the source does not count them. */
	void (*calls)(struct source *source, unsigned event, struct call_numbers *ret_numbers);
	void (*free)(struct source *source);
};

struct source {
	const struct source_operations *operations;
};

struct kernel_source_options {
	uint64_t ring_bytes;	     /* 0: 8 MiB */
	const char *host_root;	     /* where the host's / is mounted; NULL or "": / */
	struct runtimes *runtimes;   /* to ask about containers; NULL: nobody. Borrowed */
	const int64_t *ignored_pids; /* nothing of theirs is reported, and nothing of the
					programs that they start themselves; who is started by
					those is seen. At most 16, with those programs */
	size_t ignored_pid_count;
	struct recorder *recorder; /* is told of all records (recording.h); NULL: none. Borrowed */
	enum attach_choice attach; /* where calls are seen */
	bool accepts_all;	   /* no filter in the kernel */
	uint64_t processes_max;	   /* that are kept; 0: PROCESSES_MAX */
};

/* Loads and attaches. -EPERM, -ENOSYS (no BTF) … with one line that says what is missing. */
int kernel_source_new(
	const struct kernel_source_options *options, struct source **ret_source, struct error *err);
