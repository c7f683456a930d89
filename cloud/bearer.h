/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Access tokens of OAuth 2.0 (RFC 6749, 6750), kept until they are about to end, and the
 * assertions that they are asked for with (RFC 7523: a JWT, signed with RS256).
 */
#pragma once

#include <time.h>

#include "base/http-client.h"
#include "base/request.h"

struct bearer {
	char *token;
	time_t expires;
};

/* Whether there is one that holds for another minute. */
bool bearer_is_fresh(const struct bearer *bearer, time_t now);
/*
 * From a token endpoint's answer: {"access_token":…,"expires_in":3599}; `member` is "access_token"
 * or "id_token". -EACCES with words when it holds none.
 */
int bearer_learn(struct bearer *bearer, const char *member, time_t now,
	const struct http_answer *answer, struct error *err);
void bearer_done(struct bearer *bearer);
/* Authorization: Bearer … */
void bearer_sign(const struct bearer *bearer, struct request *request);

/* Base64url without padding (RFC 7515, 2). */
void base64url_write(struct buffer *out, struct text text);
/* Adds HEADER.CLAIMS.SIGNATURE. `key` is PEM; -EINVAL when it is no RSA key. */
int jwt_write(struct buffer *out, struct text header, struct text claims, struct text key,
	struct error *err);
