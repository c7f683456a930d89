/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Networks. Both families are kept as IPv6, so that there is one way to compare.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "dashboard/networks.h"

#define MAPPED_BITS 96

/* Returns how many bits come before the address itself, or -EINVAL. */
static int parse_address(struct text text, struct in6_addr *ret_address)
{
	static const unsigned char mapped[12] = { [10] = 0xff, [11] = 0xff };
	char copy[INET6_ADDRSTRLEN];

	if (text.length >= sizeof(copy))
		return -EINVAL;
	snprintf(copy, sizeof(copy), TEXT_FORMAT, TEXT_PRINT(text));
	if (inet_pton(AF_INET6, copy, ret_address) == 1)
		return 0;
	if (inet_pton(AF_INET, copy, &ret_address->s6_addr[12]) != 1)
		return -EINVAL;
	memcpy(ret_address->s6_addr, mapped, sizeof(mapped));
	return MAPPED_BITS;
}

int network_parse(struct text text, struct network *ret_network, struct error *err)
{
	struct text rest = text, address;
	struct network network;
	int before;
	int64_t bits;

	(void)text_split(&rest, '/', &address);
	before = parse_address(address, &network.address);
	bits = before == MAPPED_BITS ? 32 : 128;
	if (before < 0 ||
		(address.length != text.length &&
			(text_to_i64(rest, &bits) < 0 || bits < 0 || bits > 128 - before)))
		return error_set(err, -EINVAL,
			"\"" TEXT_FORMAT
			"\" is no network; it must be such as 10.128.0.0/14 or 127.0.0.1",
			TEXT_PRINT(text));
	network.bits = (unsigned)(before + bits);
	*ret_network = network;
	return 0;
}

bool network_has(const struct network *network, struct text address)
{
	size_t whole = network->bits / 8;
	unsigned char mask = (unsigned char)(0xff00 >> network->bits % 8);
	struct in6_addr ip;

	if (parse_address(address, &ip) < 0 || memcmp(&ip, &network->address, whole))
		return false;
	return !mask || !((ip.s6_addr[whole] ^ network->address.s6_addr[whole]) & mask);
}
