/* SPDX-License-Identifier: Apache-2.0 */
#include "forwarder/recent.h"
#include "tests/test.h"

static const char *uuid_of(unsigned number, char uuid[37])
{
	snprintf(uuid, 37, "%08x-0000-4000-8000-%012x", number, number * 7);
	return uuid;
}

TEST(a_uuid_is_new_once)
{
	struct recent *recent = recent_new();

	CHECK(recent_add(recent, "6ba7b810-9dad-41d1-80b4-00c04fd430c8"));
	CHECK(!recent_add(recent, "6ba7b810-9dad-41d1-80b4-00c04fd430c8"));
	CHECK(!recent_add(recent, "6BA7B810-9DAD-41D1-80B4-00C04FD430C8"));
	CHECK(recent_add(recent, "6ba7b810-9dad-41d1-80b4-00c04fd430c9"));
	recent_free(recent);
}

TEST(the_last_ones_are_remembered_and_the_first_forgotten)
{
	struct recent *recent = recent_new();
	unsigned total = RECENT_MAX * 3 + 10, known = 0;
	char uuid[37];

	for (unsigned i = 1; i <= total; i++)
		CHECK(recent_add(recent, uuid_of(i, uuid)));
	for (unsigned i = total - RECENT_MAX + 1; i <= total; i++)
		known += !recent_add(recent, uuid_of(i, uuid));
	CHECK_NUMBER(known, RECENT_MAX);
	CHECK(recent_add(recent, uuid_of(1, uuid)));
	recent_free(recent);
}

TEST(one_that_is_removed_is_new_again_and_the_others_stay)
{
	struct recent *recent = recent_new();
	char uuid[37];

	for (unsigned i = 1; i <= 100000; i++)
		recent_add(recent, uuid_of(i, uuid));
	for (unsigned i = 1; i <= 100000; i += 3)
		recent_remove(recent, uuid_of(i, uuid));
	for (unsigned i = 1; i <= 100000; i++)
		CHECK_NUMBER(recent_add(recent, uuid_of(i, uuid)), i % 3 == 1);
	recent_free(recent);
}
