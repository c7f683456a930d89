/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who may come in: users with hashed passwords, sessions in memory, and a throttle on wrong
 * passwords by the peer's address. Safe to call from several threads; verifying a password takes
 * tens of milliseconds by design, so call from a thread that may wait.
 */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "dashboard/users.h"

#define SESSION_TOKEN_MAX 64
#define SESSION_ID_MAX	  17

struct logins;

struct logins_options {
	const char *state;	/* folder that holds the file "users" */
	const char *users_file; /* in its place, written by somebody else; NULL or "": none */
	const char *user; /* "USER:PASSWORD": the one login, an operator's; NULL or "": the file */
};

/*
 * When there is no login in the state folder yet, one is made, in memory alone. A file that changes
 * is read again; one that then cannot be used is told in the log, and the users of before stay.
 */
int logins_open(
	const struct logins_options *options, struct logins **ret_logins, struct error *err);
/*
 * Keeps a login that was made, and tells it once: as "USER PASSWORD" in the file `told_to`, or on
 * stderr when that is NULL or "". To be called when nothing else can go wrong any more.
 */
int logins_keep_first(struct logins *logins, const char *told_to, struct error *err);
void logins_free(struct logins *logins);
DEFINE_CLEANUP(struct logins *, logins_free)

/* Of who is no user any more: viewer. */
enum role logins_role(struct logins *logins, struct text name);
/* `see` must not call back. */
void logins_each_user(struct logins *logins,
	void (*see)(void *context, const char *name, enum role role), void *context);

/*
 * 0 when the password is the user's; -EACCES when it is not, one answer for all reasons;
 * -EAGAIN with the seconds to wait when the peer was wrong too often, right or not this time, or
 * when too many passwords are being looked at.
 */
int logins_check(struct logins *logins, struct text user, struct text password, struct text peer,
	int *ret_wait_seconds);

/* A new session's token, for the cookie. `peer` is where it came from, for people. */
void logins_start_session(struct logins *logins, struct text user, struct text peer,
	char ret_token[SESSION_TOKEN_MAX]);
/* Whether the session is alive, and whose it is. */
bool logins_find_session(struct logins *logins, struct text token, char ret_user[USER_NAME_MAX]);
void logins_end_session(struct logins *logins, struct text token);

struct session {
	char id[SESSION_ID_MAX]; /* tells nothing of its token */
	char user[USER_NAME_MAX], peer[INET6_ADDRSTRLEN];
	int64_t since_ms, seen_ms; /* CLOCK_REALTIME */
	bool is_own;		   /* the one of `token` */
};

/* Those of a user (NULL: all), the oldest first; the caller frees. Returns how many. */
size_t logins_list_sessions(
	struct logins *logins, const char *user, struct text token, struct session **ret_sessions);
/* Ends those of a user (NULL: anybody's) with that id ("": any), but not that of the token
 * `except`. Returns how many. */
size_t logins_end_sessions(
	struct logins *logins, const char *user, struct text id, struct text except);
