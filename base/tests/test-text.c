/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "base/memory.h"
#include "base/text.h"
#include "tests/test.h"

TEST(slices_compare_find_and_split)
{
	struct text rest = TEXT("a,,bc"), part;
	int count = 0;

	CHECK(text_compare(TEXT("ab"), TEXT("abc")) < 0);
	CHECK(text_compare(TEXT("b"), TEXT("abc")) > 0);
	CHECK(text_ends_with(TEXT("/etc/shadow"), TEXT("shadow")));
	CHECK_NUMBER(text_find(TEXT("was spawned"), TEXT("spa")), 4);
	CHECK_NUMBER(text_find(TEXT(""), TEXT("x")), -1);
	CHECK(text_contains_ignoring_case(TEXT("CaT"), TEXT("at")));
	while (text_split(&rest, ',', &part))
		count++;
	CHECK_NUMBER(count, 3);
	CHECK(text_is(part, "bc"));
}

TEST(numbers_are_whole_and_in_range)
{
	int64_t number = 0;
	uint64_t size = 0;

	CHECK_NUMBER(text_to_i64(TEXT("-9223372036854775808"), &number), 0);
	CHECK(number == INT64_MIN);
	CHECK_NUMBER(text_to_i64(TEXT("9223372036854775808"), &number), -ERANGE);
	CHECK_NUMBER(text_to_u64(TEXT("18446744073709551615"), &size), 0);
	CHECK(size == UINT64_MAX);
	CHECK_NUMBER(text_to_u64(TEXT("1x"), &size), -EINVAL);
	CHECK_NUMBER(text_to_u64(TEXT(""), &size), -EINVAL);
}

TEST(a_near_miss_is_found_and_a_far_one_is_not)
{
	static const char *const names[] = { "proc.cmdline", "proc.name", "fd.name" };

	CHECK_TEXT(text_nearest(TEXT("proc.cmdlin"), names, 3), "proc.cmdline");
	CHECK_TEXT(text_nearest(TEXT("proc.nmae"), names, 3), "proc.name");
	CHECK_TEXT(text_nearest(TEXT("completely.else"), names, 3), NULL);
}

TEST(a_buffer_stops_at_its_limit_and_says_so)
{
	struct buffer buffer;

	buffer_init(&buffer, 5);
	buffer_add_string(&buffer, "abc");
	CHECK(!buffer.is_cut);
	buffer_printf(&buffer, "%s", "defg");
	CHECK(buffer.is_cut);
	CHECK_TEXT(buffer.data, "abcde");
	buffer_done(&buffer);
}

TEST(broken_utf8_becomes_the_replacement_character)
{
	struct buffer buffer;

	buffer_init(&buffer, 1024);
	buffer_add_utf8(&buffer, TEXT("a\xff"
				      "b\xc3\xa9\xed\xa0\x80\xf0\x9f\x92\xa9\xc0\xaf"));
	CHECK_TEXT(buffer.data, "a\xef\xbf\xbd"
				"b\xc3\xa9\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"
				"\xf0\x9f\x92\xa9\xef\xbf\xbd\xef\xbf\xbd");
	buffer_done(&buffer);
}
