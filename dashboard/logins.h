/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who may read: users with hashed passwords, sessions in memory, and a throttle on wrong
 * passwords by the peer's address. Safe to call from several threads; verifying a password takes
 * tens of milliseconds by design, so call from a thread that may wait.
 */
#pragma once

#include <stdbool.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/text.h"

#define SESSION_TOKEN_MAX 64
#define USER_NAME_MAX	  64

struct logins;

struct logins_options {
	const char *state; /* folder that holds the file "users" */
	const char *user;  /* "USER:PASSWORD": the one login, nothing is kept; NULL: the file */
};

/* When there is no login yet, one is made, in memory alone. */
int logins_open(
	const struct logins_options *options, struct logins **ret_logins, struct error *err);
/*
 * Keeps a login that was made, and tells it once: as "USER PASSWORD" in the file `told_to`, or on
 * stderr when that is NULL or "". To be called when nothing else can go wrong any more.
 */
int logins_keep_first(struct logins *logins, const char *told_to, struct error *err);
void logins_free(struct logins *logins);
DEFINE_CLEANUP(struct logins *, logins_free)

/* The first user, for /api/v1/config. */
const char *logins_first_user(const struct logins *logins);

/*
 * 0 when the password is the user's; -EACCES when it is not, one answer for all reasons;
 * -EAGAIN with the seconds to wait when the peer was wrong too often, right or not this time, or
 * when too many passwords are being looked at.
 */
int logins_check(struct logins *logins, struct text user, struct text password, struct text peer,
	int *ret_wait_seconds);

/* A new session's token, for the cookie. */
void logins_start_session(
	struct logins *logins, struct text user, char ret_token[SESSION_TOKEN_MAX]);
/* Whether the session is alive, and whose it is. */
bool logins_find_session(struct logins *logins, struct text token, char ret_user[USER_NAME_MAX]);
void logins_end_session(struct logins *logins, struct text token);
