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

struct domains;

/* Starts looking the names up; they are copied. NULL when there are none. */
struct domains *domains_new(const struct text *names, size_t count);
/* Does not wait for a lookup that hangs. NULL is fine. */
void domains_free(struct domains *domains);
/*
 * The names that lead to the address, at most `limit`; gives how many. They live as long as
 * `domains`, which may be NULL.
 */
size_t domains_of(struct domains *domains, const struct address *address, struct text *ret_names,
	size_t limit);
