/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Networks by their CIDR: "10.128.0.0/14", "fd00::/8", and "127.0.0.1" for one address.
 */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>

#include "base/error.h"
#include "base/text.h"

/* IPv4 as ::ffff:a.b.c.d, its length counted on. */
struct network {
	struct in6_addr address;
	unsigned bits;
};

int network_parse(struct text text, struct network *ret_network, struct error *err);
/* False for what is no address, such as "unix". */
bool network_has(const struct network *network, struct text address);
