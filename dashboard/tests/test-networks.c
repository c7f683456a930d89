/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "base/memory.h"
#include "dashboard/networks.h"
#include "tests/test.h"

TEST(an_address_is_in_a_network_or_not)
{
	static const struct {
		const char *network, *address;
		bool is_in;
	} cases[] = {
		{ "127.0.0.1", "127.0.0.1", true },
		{ "127.0.0.1", "127.0.0.2", false },
		{ "10.128.0.0/14", "10.131.255.255", true },
		{ "10.128.0.0/14", "10.132.0.0", false },
		{ "0.0.0.0/0", "203.0.113.9", true },
		{ "0.0.0.0/0", "2001:db8::1", false },
		{ "10.0.0.1/32", "10.0.0.1", true },
		{ "10.0.0.1/31", "10.0.0.0", true },
		{ "10.0.0.1/31", "10.0.0.2", false },
		{ "::1", "::1", true },
		{ "::1", "127.0.0.1", false },
		{ "fd00::/8", "fdff::1", true },
		{ "fd00::/8", "fe00::1", false },
		{ "::ffff:10.0.0.0/104", "10.9.9.9", true },
		{ "::/0", "10.0.0.1", true },
		{ "10.0.0.0/8", "::ffff:10.0.0.1", true },
		{ "0.0.0.0/0", "unix", false },
		{ "::/0", "", false },
	};

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct network network;

		CHECK_NUMBER(network_parse(text_of(cases[i].network), &network, NULL), 0);
		if (network_has(&network, text_of(cases[i].address)) != cases[i].is_in)
			CHECK_TEXT(cases[i].address, cases[i].network);
	}
}

TEST(what_is_no_network_is_refused)
{
	static const char *const wrong[] = { "", "localhost", "10.0.0.0/33", "10.0.0.0/-1",
		"10.0.0.0/", "10.0.0/8", "::1/129", "/8", "10.0.0.0/8/8", "fd00::/x",
		"1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb:cccc" };

	for (size_t i = 0; i < COUNT_OF(wrong); i++) {
		struct network network;
		struct error err = { 0 };

		CHECK_NUMBER(network_parse(text_of(wrong[i]), &network, &err), -EINVAL);
		CHECK(strstr(err.message, "is no network") != NULL);
	}
}
