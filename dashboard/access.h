/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who asks, and whether that one may: by the word of a trusted proxy, by a session's cookie, by
 * basic authentication, or as anybody where no login is asked for. A viewer looks, an operator
 * also acts.
 */
#pragma once

#include "dashboard/logins.h"
#include "dashboard/settings.h"

struct access;
struct asked;
struct question;

enum known_by { KNOWN_BY_NOTHING, KNOWN_BY_LOGIN, KNOWN_BY_PROXY };

/* `logins` NULL: no login is asked for. -EINVAL: a trusted proxy is no network. Both are borrowed.
 */
int access_new(const struct dashboard_settings *settings, struct logins *logins,
	struct access **ret_access, struct error *err);
void access_free(struct access *access);
DEFINE_CLEANUP(struct access *, access_free)

/* Fills in who asks. False when the answer was given: 401, 403 or 429. */
bool access_allows(struct access *access, struct asked *asked, const struct question *question);
/* Looks at the Authorization header. -EACCES; -EAGAIN when it has answered 429. */
int access_try_basic(struct asked *asked);
/* The client's address: what a trusted proxy says of it, else the peer's. */
struct text access_peer(const struct access *access, const struct asked *asked);
/* How many requests named a user without coming from a trusted proxy. */
uint64_t access_ignored(const struct access *access);
/* {"error": …} with 429 and Retry-After. */
void access_reply_throttled(struct asked *asked, int seconds);
