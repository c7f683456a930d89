/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One event as the rules see it: what a source decoded, and the process and container that the
 * state had at that moment. Everything in it lives in the event's arena or in the state and is
 * valid until the next event, unless parked.c takes references.
 */
#pragma once

#include "base/arena.h"
#include "sensor/events.h"
#include "sensor/state/containers.h"
#include "sensor/state/processes.h"
#include "condition/value.h"

/* Letters are fd.typechar's (spec/rule-language.md 3.8). */
enum fd_type {
	FD_NONE = 0,
	FD_FILE = 'f',
	FD_DIRECTORY = 'd',
	FD_IPV4 = '4',
	FD_IPV6 = '6',
	FD_UNIX = 'u',
	FD_PIPE = 'p',
	FD_EVENT = 'e',
	FD_SIGNAL = 's',
	FD_TIMER = 't',
	FD_INOTIFY = 'i',
	FD_EPOLL = 'l',
	FD_BPF = 'b',
	FD_USERFAULT = 'U', /* printed as u, like unix sockets */
	FD_NETLINK = 'n',
	FD_UNSUPPORTED = 'X', /* sockets of other families */
	FD_URING = 'r',
	FD_MEMFD = 'm',
	FD_PIDFD = 'P',
	FD_OTHER = 'o',
};

/* The descriptor that an event creates, uses or destroys. */
struct event_fd {
	bool is_known;	/* the event concerns an fd */
	int64_t number; /* may be negative after a failure */
	enum fd_type type;
	/* These three are known after event_name_fd(): */
	struct text name;      /* fd.name: lexically absolute, or the socket's name */
	struct text raw_name;  /* fd.nameraw: the caller's text, slashes collapsed */
	struct text real_name; /* fd.realname: what was really opened; NULL data: unknown */
	uint64_t device, inode;
	uint32_t open_flags; /* as the caller gave them */
	/* Sockets: */
	uint8_t protocol; /* IPPROTO_TCP, _UDP …; 0: none */
	bool is_server;
	bool is_connected;
	bool is_name_changed; /* an unconnected socket: this call went elsewhere than the last */
	bool has_peer;	      /* both ends are known */
	bool is_given;	      /* the other end is known from the caller's memory alone */
	struct address local, remote;
	uint16_t local_port, remote_port;
};

enum path_view { VIEW_LEXICAL, VIEW_REAL };

/* A value given by name, for rule tests: read in place of the field's own function. */
struct given_value {
	const char *name; /* with the argument: "proc.aname[2]" */
	enum presence presence;
	struct value value;
};

/* A constant of the settings: static.NAME. */
struct static_field {
	struct text name, value;
};

struct event {
	uint64_t number;  /* evt.num, from 1 */
	uint64_t time_ns; /* since 1970 */
	uint64_t first_time_ns,
		previous_time_ns; /* of the stream's first event, of the one before */
	const struct event_type *type;
	uint16_t cpu;
	int64_t thread_id; /* in the host's pid namespace */
	int64_t result;	   /* where type->has_result */
	/*
	 * The small facts in one number, so that events of the same shape can be known again: type,
	 * kind of descriptor, open flags, outcome and such (FIELD_OF_CALL). 0: not known.
	 */
	uint64_t shape;
	bool is_path_unproven; /* nothing but the caller's memory says which path or address */
	bool is_io_uring;      /* a request of io_uring that stands for the call */
	bool prints_base64;    /* data is printed so, not with dots */
	bool is_overdue; /* waited long enough: what still waits is decided with what is known */
	struct event_fd fd;
	enum path_view view; /* which of the two names fd.name and the path arguments give */
	const struct process *process;	   /* as after the event; NULL: unknown */
	const struct container *container; /* NULL: unknown; the host has one too */
	struct users *users;
	struct domains *domains; /* NULL: no rule names any */
	struct look *look;	 /* what /proc says of the process; NULL: nobody can look */
	const struct static_field *statics;
	size_t static_count;
	const struct given_value *given; /* NULL outside of rule tests */
	size_t given_count;
	struct arena *arena;
	/* Most events are let go before a rule asks for a name or an argument: made when asked. */
	void (*name_fd)(struct event *event);	      /* NULL: the names are there */
	void (*fill)(struct event *event, int index); /* NULL: all arguments are there */
	uint32_t arguments_filled, arguments_present; /* a bit each */
	/* Native values in the order of type->arguments; kind says the type. */
	struct value arguments[EVENT_ARGUMENTS_MAX];
	/* Path arguments made absolute by the folder they belong to; NULL data: as they are. */
	struct text absolute[EVENT_ARGUMENTS_MAX];
};

/*
 * Numbers of which only small ones are told apart: those from EVENT_SMALL_MIN to EVENT_SMALL_MAX
 * are themselves, what is beyond is the next one.
 */
#define EVENT_SMALL_MIN (-1)
#define EVENT_SMALL_MAX 3

static inline int64_t event_small(int64_t number)
{
	if (number < EVENT_SMALL_MIN)
		return EVENT_SMALL_MIN - 1;
	return number > EVENT_SMALL_MAX ? EVENT_SMALL_MAX + 1 : number;
}

/*
 * What an event is asked for is made then. That changes nothing that could be seen before, so it is
 * all right for an event that is const.
 */

/* Must come before reading the names of its descriptor. */
static inline void event_name_fd(const struct event *event)
{
	struct event *named = (struct event *)event;

	if (event->name_fd)
		event->name_fd(named);
	named->name_fd = NULL;
}

/* Must come before reading an argument, or what it is as an absolute path. */
static inline void event_fill_argument(const struct event *event, int index)
{
	struct event *filled = (struct event *)event;

	if (!event->fill || event->arguments_filled >> index & 1)
		return;
	filled->arguments_filled |= UINT32_C(1) << index;
	event->fill(filled, index);
}

/* Must come before an event is copied: makes all there is. */
static inline void event_fill(const struct event *event)
{
	event_name_fd(event);
	for (int i = 0; i < event->type->argument_count; i++)
		event_fill_argument(event, i);
	((struct event *)event)->fill = NULL;
}
