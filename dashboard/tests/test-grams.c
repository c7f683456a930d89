/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "dashboard/grams.h"
#include "tests/test.h"

static const char line[] = "A shell was spawned in /var/lib/\\u00e9t\xc3\xa9 by Root";

/* Whether the block may hold the text, by at most `limit` of its bits. */
static bool may_hold(const uint8_t *bits, struct text text, size_t limit)
{
	uint32_t wanted[64];
	size_t count = grams_find(text, wanted, limit);

	CHECK(count <= limit);
	for (size_t i = 0; i < count; i++)
		if (!(bits[wanted[i] / 8] >> wanted[i] % 8 & 1))
			return false;
	return true;
}

TEST(every_part_of_a_value_is_found_whatever_its_case)
{
	static uint8_t bits[BLOCK_BITS / 8];
	struct text text = text_of(line);

	grams_add(text, bits);
	for (size_t from = 0; from < text.length; from++)
		for (size_t length = 0; from + length <= text.length; length++)
			for (size_t limit = 0; limit < 14; limit += 3)
				if (!may_hold(bits, text_slice(text, from, length), limit))
					CHECK_TEXT(line + from, "found");
	CHECK(may_hold(bits, TEXT("A SHELL WAS"), 12));
	CHECK(may_hold(bits, TEXT("by root"), 12));
}

TEST(what_is_not_there_is_ruled_out)
{
	static uint8_t bits[BLOCK_BITS / 8];
	char word[32];
	int ruled_out = 0;

	grams_add(text_of(line), bits);
	for (int i = 0; i < 1000; i++) {
		snprintf(word, sizeof(word), "%08x", i * 2654435761U);
		ruled_out += !may_hold(bits, text_of(word), 12);
	}
	CHECK(ruled_out >= 999);
}

TEST(words_of_three_letters_have_no_bits)
{
	uint32_t bits[1];

	CHECK_NUMBER(grams_find(TEXT("cat"), bits, 1), 0);
	CHECK_NUMBER(grams_find(TEXT(""), bits, 1), 0);
}
