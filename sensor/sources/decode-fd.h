/* SPDX-License-Identifier: Apache-2.0 */
/* The descriptor of an event, from what the kernel programs saw of its file or socket. */
#pragma once

#include "sensor/event.h"
#include "sensor/kernel/wire.h"

/* A checked record of a call, with slices of its parts. */
struct call_view {
	const struct call_record *record;
	struct text parts[CALL_PART_COUNT];
};

/* A walk (names from the leaf to the root, each ended by '/') turned round. "" for nothing. */
struct text path_of_walk(struct arena *arena, struct text walk, bool is_detached);
/* The device as stat(2) gives it. */
uint64_t device_of_kernel(uint32_t device);
/* Of an anonymous inode, by its name: "[eventfd]", "inotify" …; else FD_OTHER. */
enum fd_type fd_type_of_anonymous(struct text name);
/* An IPv6 socket that talks IPv4 is an IPv4 one to the rules, as it is to Falco. */
void fd_unmap(struct event_fd *fd);
/* Names an IP socket by its ends, the client's first; or by the only one that it has. */
void fd_name_ends(struct arena *arena, struct event_fd *fd);
/* A unix socket's name in Falco's form: the kernel's two addresses, a blank, the path. */
struct text unix_text(struct arena *arena, uint64_t from, uint64_t to, struct text path);
/*
 * Fills event->fd but for its names, and nothing when the call has none. `call` says which
 * descriptor it is.
 */
void describe_fd(struct event *event, const struct call_view *view, const struct call *call);
/* Then its names; `view` must be the same. */
void name_fd(struct event *event, const struct call_view *view, const struct call *call);
/* Whether name_fd() will know what was really opened. */
bool has_real_name(const struct event_fd *fd, const struct call_record *record);
/*
 * "ADDRESS:PORT" or the path of the other end: as the socket has it, else of the address that the
 * caller gave; NULL data when unknown.
 */
struct text address_text(struct arena *arena, const struct event *event, struct text given);
