/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "base/memory.h"
#include "dashboard/scope.h"
#include "tests/test.h"

#define NOW (1795521600 * NS_PER_SECOND) /* 2026-11-24T12:00:00Z */

static struct text get_nothing(void *context, const char *name)
{
	return (struct text){ NULL, 0 };
}

/* `context`: name, value, name, value …, NULL */
static struct text get_from_list(void *context, const char *name)
{
	const char *const *list = context;

	for (; list[0]; list += 2)
		if (!strcmp(list[0], name))
			return text_of(list[1]);
	return (struct text){ NULL, 0 };
}

TEST(times_are_read_in_each_form)
{
	static const struct {
		const char *text;
		int r;
		int64_t ns;
	} cases[] = {
		{ "now", 0, NOW },
		{ "now-1s", 0, NOW - NS_PER_SECOND },
		{ "now-24h", 0, NOW - 24 * NS_PER_HOUR },
		{ "now-2w", 0, NOW - 14 * 24 * NS_PER_HOUR },
		{ "now-", -EINVAL, 0 },
		{ "now-1x", -EINVAL, 0 },
		{ "now+1h", -EINVAL, 0 },
		{ "now-999999999999y", -EINVAL, 0 },
		{ "0", 0, 0 },
		{ "1795521600000", 0, NOW },
		{ "99999999999999999", -EINVAL, 0 },
		{ "2026-11-24T12:00:00Z", 0, NOW },
		{ "2026-11-24T13:00:00.000000001+01:00", 0, NOW + 1 },
		{ "2026-11-24", -EINVAL, 0 },
		{ "", -EINVAL, 0 },
	};

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		int64_t ns = 0;

		CHECK_NUMBER(scope_time(text_of(cases[i].text), NOW, &ns), cases[i].r);
		if (!cases[i].r)
			CHECK_NUMBER(ns, cases[i].ns);
	}
}

TEST(the_old_since_has_all_its_units)
{
	static const struct {
		const char *text;
		int64_t ns;
	} cases[] = {
		{ "5min", 5 * NS_PER_MINUTE },
		{ "15minutes", 15 * NS_PER_MINUTE },
		{ "1hour", NS_PER_HOUR },
		{ "48h", 48 * NS_PER_HOUR },
		{ "1w", 7 * 24 * NS_PER_HOUR },
		{ "1M", 30 * 24 * NS_PER_HOUR },
		{ "2y", 730 * 24 * NS_PER_HOUR },
		{ "30s", 30 * NS_PER_SECOND },
		{ "1m", NS_PER_MINUTE },
	};
	int64_t ns = 0;

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		CHECK_NUMBER(since_parse(text_of(cases[i].text), &ns), 0);
		CHECK_NUMBER(ns, cases[i].ns);
	}
	CHECK_NUMBER(since_parse(TEXT("h"), &ns), -EINVAL);
	CHECK_NUMBER(since_parse(TEXT("-1h"), &ns), -EINVAL);
}

TEST(the_last_day_is_asked_for_by_default)
{
	struct store_scope scope;
	struct filter *filter = NULL;
	size_t column;

	CHECK_NUMBER(scope_parse(get_nothing, NULL, NOW, &scope, &filter, &column, NULL), 0);
	CHECK_NUMBER(scope.from_ns, NOW - 24 * NS_PER_HOUR);
	CHECK_NUMBER(scope.to_ns, NOW);
	CHECK(filter_is_empty(filter));
	filter_free(filter);
}

TEST(the_old_api_asks_for_all_times_by_default)
{
	const char *list[] = { "priority", "Error", "filter", "null", "since", "1h", NULL };
	struct store_scope scope;
	struct filter *filter = NULL;

	CHECK_NUMBER(scope_parse_old(get_nothing, NULL, NOW, &scope, &filter, NULL), 0);
	CHECK_NUMBER(scope.from_ns, INT64_MIN);
	CHECK_NUMBER(scope.to_ns, INT64_MAX);
	filter_free(filter);
	CHECK_NUMBER(scope_parse_old(get_from_list, list, NOW, &scope, &filter, NULL), 0);
	CHECK_NUMBER(scope.from_ns, NOW - NS_PER_HOUR);
	CHECK_NUMBER(filter->terms[0].priorities, 1U << PRIORITY_ERROR);
	CHECK_NUMBER(filter->term_count, 1);
	filter_free(filter);
}

TEST(intervals_are_round_and_give_no_more_buckets_than_wanted)
{
	static const int64_t lengths[] = { 1, 10, 60, 300, 3600, 7200, 86400, 604800, 2592000,
		31536000, 630720000 };

	for (size_t i = 0; i < COUNT_OF(lengths); i++) {
		int64_t interval = interval_for(lengths[i] * NS_PER_SECOND, 80);

		CHECK(lengths[i] * NS_PER_SECOND / interval < 80);
		CHECK(interval >= NS_PER_SECOND);
		CHECK(interval < NS_PER_MINUTE || interval % NS_PER_MINUTE == 0);
	}
	CHECK_NUMBER(interval_for(24 * NS_PER_HOUR, 80), 20 * NS_PER_MINUTE);
}
