/* SPDX-License-Identifier: Apache-2.0 */
/*
 * User and group names of the host and of containers. A container's passwd is the attacker's
 * file: it is opened by way of /proc/PID/root with openat2 RESOLVE_IN_ROOT and NO_MAGICLINKS,
 * O_NONBLOCK, regular files of at most 1 MiB, and never on the hot thread.
 */
#pragma once

#include <stdint.h>

#include "base/text.h"
#include "sensor/state/containers.h"
#include "condition/value.h"

struct users;
/* `host_root`: where the host's / is mounted, NULL or "" for /; kept by reference. */
struct users *users_new(const char *host_root);
/* For a replay: all names are told by users_tell(), and no file of this host is looked at. */
struct users *users_new_told(void);
void users_free(struct users *users);
/*
 * Tells of a process in a container, so that its names are read while it lives: the first events
 * of a container come from processes that may be gone when somebody asks. Cheap when known.
 */
void users_prepare(struct users *users, const struct container *container, int64_t pid);
/* What is known by a number: of the user's id, and NAME_OF_GROUP of the group's. */
enum name_kind { NAME_OF_USER, NAME_OF_GROUP, NAME_OF_HOME, NAME_OF_SHELL, NAME_KINDS };

/*
 * The name of an id in a container (or the host): the user's, its home directory or login shell,
 * the group's. PRESENT with the name, valid until the next call; ABSENT when the file has no such
 * entry. `pid` is a process of that container whose root to look into; while a container's file is
 * being read elsewhere: WAITS for at most 20 ms, then ABSENT until it is there. Files that change
 * are read again.
 */
enum presence users_name_of(struct users *users, const struct container *container, int64_t pid,
	enum name_kind kind, uint32_t id, struct text *ret_name);

/* One name of a container (the host: its container), for those who keep or bring them. */
struct user_name {
	uint32_t id;
	struct text text;
};
/*
 * Calls `visit` with all names of each file that was read since the last time, in the order of
 * their ids, and reads the host's if need be. `host` is the host's container.
 */
typedef void users_visitor(void *context, enum container_kind kind, struct text full_id,
	enum name_kind names_kind, const struct user_name *names, size_t count);
/* Makes everything that is known news again. */
void users_renew(struct users *users);
void users_visit_news(
	struct users *users, const struct container *host, users_visitor *visit, void *context);
/*
 * Tells all names of a container's file, in the order of their ids; copies them. What was told
 * before is replaced. -ENOSPC beyond a ceiling on containers.
 */
int users_tell(struct users *users, enum container_kind kind, struct text full_id,
	enum name_kind names_kind, const struct user_name *names, size_t count);
