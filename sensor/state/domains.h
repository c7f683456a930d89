/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Domain names that rules compare addresses with (fd.sip.name = "kubernetes.default.svc"). They are
 * looked up on a thread of their own, again every minute; the hot thread only asks which of them
 * lead to an address. A name that does not resolve leads to none.
 */
#pragma once

#include <stddef.h>

#include "base/text.h"
#include "condition/value.h"

#define DOMAINS_MAX	     1024
#define DOMAIN_ADDRESSES_MAX 64

struct domains;

/* Starts looking the names up; they are copied. NULL when there are none. */
struct domains *domains_new(const struct text *names, size_t count);
/* For a replay: addresses are told by domains_tell(), and nobody is asked. */
struct domains *domains_new_told(void);
/* Does not wait for a lookup that hangs. NULL is fine. */
void domains_free(struct domains *domains);
/*
 * Takes over what lookups have found since: between two events, so that a recording can say when.
 * Whether anything changed. NULL is fine.
 */
bool domains_update(struct domains *domains);
/*
 * The names that lead to the address, at most `limit`; gives how many. They live as long as
 * `domains`, which may be NULL.
 */
size_t domains_of(struct domains *domains, const struct address *address, struct text *ret_names,
	size_t limit);

/* All names, with those addresses that domains_of() knows. NULL is fine. */
size_t domains_count(const struct domains *domains);
typedef void domains_visitor(
	void *context, struct text name, const struct address *addresses, size_t count);
void domains_visit(const struct domains *domains, domains_visitor *visit, void *context);
/* Adds a name. -ENOSPC beyond DOMAINS_MAX. */
int domains_tell(
	struct domains *domains, struct text name, const struct address *addresses, size_t count);
void domains_forget(struct domains *domains);
