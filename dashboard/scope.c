/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a request asks for: its times and its filter.
 */
#include <ctype.h>
#include <errno.h>

#include "base/memory.h"
#include "dashboard/scope.h"

#define NS_PER_DAY (24 * NS_PER_HOUR)

static const struct {
	const char *name;
	int64_t ns;
} since_units[] = {
	{ "s", NS_PER_SECOND },
	{ "second", NS_PER_SECOND },
	{ "seconds", NS_PER_SECOND },
	{ "m", NS_PER_MINUTE },
	{ "min", NS_PER_MINUTE },
	{ "minute", NS_PER_MINUTE },
	{ "minutes", NS_PER_MINUTE },
	{ "h", NS_PER_HOUR },
	{ "hour", NS_PER_HOUR },
	{ "hours", NS_PER_HOUR },
	{ "d", NS_PER_DAY },
	{ "day", NS_PER_DAY },
	{ "days", NS_PER_DAY },
	{ "w", 7 * NS_PER_DAY },
	{ "W", 7 * NS_PER_DAY },
	{ "week", 7 * NS_PER_DAY },
	{ "weeks", 7 * NS_PER_DAY },
	{ "M", 30 * NS_PER_DAY },
	{ "month", 30 * NS_PER_DAY },
	{ "months", 30 * NS_PER_DAY },
	{ "y", 365 * NS_PER_DAY },
	{ "year", 365 * NS_PER_DAY },
	{ "years", 365 * NS_PER_DAY },
};

int since_parse(struct text text, int64_t *ret_ns)
{
	size_t digits = 0;
	int64_t number;

	while (digits < text.length && isdigit((unsigned char)text.data[digits]))
		digits++;
	if (text_to_i64(text_slice(text, 0, digits), &number) < 0)
		return -EINVAL;
	for (size_t i = 0; i < COUNT_OF(since_units); i++)
		if (text_is(text_slice(text, digits, text.length), since_units[i].name))
			return __builtin_mul_overflow(number, since_units[i].ns, ret_ns) ? -EINVAL
											 : 0;
	return -EINVAL;
}

int scope_time(struct text text, int64_t now_ns, int64_t *ret_ns)
{
	int64_t number;

	if (text_is(text, "now")) {
		*ret_ns = now_ns;
		return 0;
	}
	if (text_starts_with(text, TEXT("now-"))) {
		if (since_parse(text_slice(text, 4, text.length), &number) < 0)
			return -EINVAL;
		return __builtin_sub_overflow(now_ns, number, ret_ns) ? -EINVAL : 0;
	}
	if (!text_to_i64(text, &number))
		return __builtin_mul_overflow(number, 1000000, ret_ns) ? -EINVAL : 0;
	return time_parse(text, ret_ns);
}

static int take_time(scope_get *get, void *context, const char *name, int64_t now_ns,
	int64_t *time_ns, struct error *err)
{
	struct text text = get(context, name);

	if (!text.length || !scope_time(text, now_ns, time_ns))
		return 0;
	return error_set(err, -EINVAL,
		"\"%s\" must be a time such as 2026-11-24T10:00:00Z, now-24h, or milliseconds "
		"since "
		"1970, not \"%.*s\"",
		name, TEXT_PRINT(text_slice(text, 0, 64)));
}

int scope_parse(scope_get *get, void *context, int64_t now_ns, struct store_scope *ret_scope,
	struct filter **ret_filter, size_t *ret_column, struct error *err)
{
	struct store_scope scope = { .from_ns = now_ns - NS_PER_DAY, .to_ns = now_ns };
	int r;

	*ret_column = 0;
	r = take_time(get, context, "from", now_ns, &scope.from_ns, err);
	if (!r)
		r = take_time(get, context, "to", now_ns, &scope.to_ns, err);
	if (!r && scope.from_ns >= scope.to_ns)
		r = error_set(err, -EINVAL, "\"from\" must be before \"to\"");
	if (!r)
		r = filter_parse(get(context, "q"), ret_filter, ret_column, err);
	if (r < 0)
		return r;
	scope.filter = *ret_filter;
	*ret_scope = scope;
	return 0;
}

int scope_parse_old(scope_get *get, void *context, int64_t now_ns, struct store_scope *ret_scope,
	struct filter **ret_filter, struct error *err)
{
	static const char *const lists[] = { "priority", "rule", "source", "hostname", "tags" };
	_cleanup_(filter_freep) struct filter *filter = filter_new();
	struct store_scope scope = { .from_ns = INT64_MIN, .to_ns = INT64_MAX };
	struct text since = get(context, "since");
	int64_t since_ns;
	int r = 0;

	if (since.length && !text_is(since, "null")) {
		if (since_parse(since, &since_ns) < 0)
			return error_set(err, -EINVAL,
				"\"since\" must be such as 15min, 24h, 1w or 1M, not \"%.*s\"",
				TEXT_PRINT(text_slice(since, 0, 64)));
		if (__builtin_sub_overflow(now_ns, since_ns, &scope.from_ns))
			scope.from_ns = INT64_MIN;
	}
	for (size_t i = 0; i < COUNT_OF(lists) && !r; i++)
		r = filter_add_list(filter, lists[i], get(context, lists[i]), err);
	if (!r)
		r = filter_add_text(filter, get(context, "filter"), err);
	if (r < 0)
		return r;
	scope.filter = *ret_filter = TAKE(filter);
	*ret_scope = scope;
	return 0;
}

int64_t interval_for(int64_t length_ns, int64_t buckets)
{
	static const int64_t round[] = { NS_PER_SECOND, 2 * NS_PER_SECOND, 5 * NS_PER_SECOND,
		10 * NS_PER_SECOND, 15 * NS_PER_SECOND, 30 * NS_PER_SECOND, NS_PER_MINUTE,
		2 * NS_PER_MINUTE, 5 * NS_PER_MINUTE, 10 * NS_PER_MINUTE, 15 * NS_PER_MINUTE,
		20 * NS_PER_MINUTE, 30 * NS_PER_MINUTE, NS_PER_HOUR, 2 * NS_PER_HOUR,
		3 * NS_PER_HOUR, 6 * NS_PER_HOUR, 12 * NS_PER_HOUR, NS_PER_DAY, 2 * NS_PER_DAY,
		7 * NS_PER_DAY, 30 * NS_PER_DAY };

	for (size_t i = 0; i < COUNT_OF(round); i++)
		if (length_ns / round[i] < buckets)
			return round[i];
	return (length_ns / buckets / NS_PER_DAY + 1) * NS_PER_DAY;
}
