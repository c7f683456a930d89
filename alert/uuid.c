/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random UUIDs, version 4 of RFC 9562.
 */
#include <ctype.h>
#include <sys/random.h>

#include "alert/alert.h"

static bool is_dash(size_t at)
{
	return at == 8 || at == 13 || at == 18 || at == 23;
}

void uuid_make(char ret_uuid[UUID_LENGTH + 1])
{
	static const char digits[] = "0123456789abcdef";
	unsigned char random[16];
	size_t digit = 0;

	/* Up to 256 bytes come whole or not at all once the kernel's pool is ready. */
	if (getrandom(random, sizeof(random), 0) != sizeof(random))
		abort();
	random[6] = (random[6] & 0x0f) | 0x40;
	random[8] = (random[8] & 0x3f) | 0x80;
	for (size_t at = 0; at < UUID_LENGTH; at++) {
		if (is_dash(at)) {
			ret_uuid[at] = '-';
			continue;
		}
		ret_uuid[at] = digits[random[digit / 2] >> (digit % 2 ? 0 : 4) & 0xf];
		digit++;
	}
	ret_uuid[UUID_LENGTH] = '\0';
}

bool uuid_is_valid(struct text text)
{
	if (text.length != UUID_LENGTH)
		return false;
	for (size_t at = 0; at < UUID_LENGTH; at++)
		if (is_dash(at) ? text.data[at] != '-' : !isxdigit((unsigned char)text.data[at]))
			return false;
	return true;
}
