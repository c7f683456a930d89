/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file of users, a line each: NAME:HASH:ROLE. HASH is one of crypt(5), such as yescrypt's;
 * ROLE is viewer or operator. A line without a role is an operator's, as all were before there
 * were roles. Blank lines and those that begin with "#" mean nothing.
 */
#pragma once

#include <stdbool.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/text.h"

#define USER_NAME_MAX	  256 /* with the NUL; a proxy's users are known by their mail address */
#define PASSWORD_MAX	  512
#define PASSWORD_HASH_MAX 384 /* CRYPT_OUTPUT_SIZE */
#define PASSWORD_MADE_MAX 24

/* A viewer looks; an operator also acts. */
enum role { ROLE_VIEWER, ROLE_OPERATOR };

const char *role_name(enum role role);
/* -EINVAL. */
int role_parse(struct text text, enum role *ret_role);

struct user {
	char *name, *hash;
	enum role role;
};

struct users {
	struct user *items;
	size_t count, capacity;
};

/* Adds to `users`, which is {0} at first. A file that is not there has no users. */
int users_read(const char *path, struct users *users, struct error *err);
/* The old file or the new one is there, never half of it; its owner stays. */
int users_write(const char *path, const struct users *users, struct error *err);
void users_done(struct users *users);

/* NULL when there is none. */
const struct user *users_find(const struct users *users, struct text name);
/* Adds a user, or gives the one of that name another hash and role. -EINVAL: no good name. */
int users_set(
	struct users *users, struct text name, const char *hash, enum role role, struct error *err);
/* False: there is none. */
bool users_remove(struct users *users, struct text name);

/* By yescrypt; takes tens of milliseconds. */
int password_hash(struct text password, char ret_hash[PASSWORD_HASH_MAX], struct error *err);
/* Twenty letters and digits that cannot be taken for one another: 99 bits. */
void password_make(char ret_password[PASSWORD_MADE_MAX]);
/* As long for a NULL hash, which is never right. */
bool password_is_right(struct text password, const char *hash);
