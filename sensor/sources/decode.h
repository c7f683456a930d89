/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a record of the kernel programs to an event: keeps processes and containers up to date on
 * the way. Whoever has records uses it: the ring, a file of them, a test, the fuzzer. Records are
 * checked before they are believed.
 */
#pragma once

#include <stddef.h>

#include "base/cleanup.h"
#include "sensor/event.h"
#include "sensor/kernel/wire.h"

/* Where an argument's value comes from, where it is not the call's own; column of syscalls.def. */
enum argument_source {
	SOURCE_0,
	SOURCE_1,
	SOURCE_2,
	SOURCE_3,
	SOURCE_4,
	SOURCE_5,	/* the call's own */
	SOURCE_RES,	/* the result */
	SOURCE_UNKNOWN, /* never there */
	/* opens */
	SOURCE_MODE_IF_CREATING,
	SOURCE_DEVICE,
	SOURCE_INODE,
	SOURCE_CREATED,
	SOURCE_REAL_PATH,
	SOURCE_HOW_FLAGS, /* openat2's struct open_how */
	SOURCE_HOW_RESOLVE,
	SOURCE_CLONE_FLAGS, /* clone3's struct clone_args */
	/* two descriptors that the call made: pipe's at its first argument, socketpair's at its
	 * fourth */
	SOURCE_PIPE_0,
	SOURCE_PIPE_1,
	SOURCE_ENDS_0,
	SOURCE_ENDS_1,
	SOURCE_END_ADDRESS, /* of the kernel's objects */
	SOURCE_END_PEER,
	/* limits: setrlimit's and getrlimit's, prlimit's new and old ones */
	SOURCE_LIMIT_CURRENT,
	SOURCE_LIMIT_MAX,
	SOURCE_NEW_CURRENT,
	SOURCE_NEW_MAX,
	SOURCE_OLD_CURRENT,
	SOURCE_OLD_MAX,
	/* capset: what the thread has after it */
	SOURCE_SET_INHERITABLE,
	SOURCE_SET_PERMITTED,
	SOURCE_SET_EFFECTIVE,
	/* getsockopt, setsockopt */
	SOURCE_OPTION,
	SOURCE_OPTION_VALUE,
	SOURCE_LENGTH_AT_4, /* behind a pointer */
	/* prctl's second argument: a name, or a number */
	SOURCE_PRCTL_TEXT,
	SOURCE_PRCTL_NUMBER,
	SOURCE_MASK_AT_1, /* signals, the low 32 */
	SOURCE_ZERO,
	/* sockets; _AT_n: the argument that points to it, its length is the next one */
	SOURCE_TUPLE,
	SOURCE_TUPLE_AT_4,
	SOURCE_ADDRESS_AT_1,
	SOURCE_DATA_AT_1,
	SOURCE_PAYLOAD_AT_0, /* of a call that transfers nothing: its length is the next one */
	SOURCE_DATA,
	SOURCE_CONTROL,
	SOURCE_MESSAGE_SIZE,
	SOURCE_QUEUE_LENGTH,
	SOURCE_QUEUE_MAX,
	SOURCE_QUEUE_PERCENT,
	SOURCE_SOCKET_TYPE,
	SOURCE_SOCKET_FLAGS,
	/* the process, after the event */
	SOURCE_EXE,
	SOURCE_ARGUMENTS,
	SOURCE_ENVIRONMENT,
	SOURCE_TID,
	SOURCE_PID,
	SOURCE_PARENT_PID,
	SOURCE_WORKING_DIRECTORY,
	SOURCE_COMM,
	SOURCE_CGROUPS,
	SOURCE_TTY,
	SOURCE_VIRTUAL_GROUP,
	SOURCE_GROUP,
	SOURCE_LOGIN_UID,
	SOURCE_EXE_FLAGS,
	SOURCE_CAPABILITIES_INHERITABLE,
	SOURCE_CAPABILITIES_PERMITTED,
	SOURCE_CAPABILITIES_EFFECTIVE,
	SOURCE_EXE_INODE,
	SOURCE_EXE_CTIME,
	SOURCE_EXE_MTIME,
	SOURCE_EXE_PATH,
	SOURCE_FILE_NAME,
	SOURCE_UID,
	SOURCE_GID,
	/* only in the record of a successful exec */
	SOURCE_FD_LIMIT,
	SOURCE_MAJOR_FAULTS,
	SOURCE_MINOR_FAULTS,
	SOURCE_VM_SIZE,
	SOURCE_VM_RSS,
	SOURCE_VM_SWAP,
	/* the end of a process */
	SOURCE_EXIT_STATUS,
	SOURCE_EXIT_CODE,
	SOURCE_EXIT_SIGNAL,
	SOURCE_EXIT_CORE,
	SOURCE_REAPER,
};

/* Fills what the kernel must collect of the call of an event type, from its row. -ENOENT: none. */
int call_of_event(unsigned event, struct call *ret_call);

/* Where the value of an argument of an event type comes from. */
enum argument_source argument_source_of(unsigned event, int argument);

struct decoder;

struct decoder *decoder_new(
	struct containers *containers, struct processes *processes, struct users *users);
void decoder_free(struct decoder *decoder);
DEFINE_CLEANUP(struct decoder *, decoder_free)
/* Lifecycle events are handed out only when they are in the set; calls always. */
void decoder_want(struct decoder *decoder, const struct event_set *set);
/* What to add to CLOCK_BOOTTIME to have nanoseconds since 1970. */
void decoder_set_clock(struct decoder *decoder, int64_t offset_ns);
/*
 * Takes one record. 1 with *ret_event, valid until the next call; 0 when it only changed the
 * state; -EBADMSG when it is not a record.
 */
int decoder_take(struct decoder *decoder, const void *data, size_t size, struct event **ret_event);
