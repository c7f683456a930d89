/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which alerts a rule takes: Talon's groups, each of which must hold where it is given.
 */
#include <stdio.h>
#include <json-c/json.h>

#include "base/memory.h"
#include "responder/matching.h"

struct text read_output_field(
	const struct alert *alert, const char *name, char *buffer, size_t size)
{
	struct json_object *value = json_get(alert->fields, name);

	if (!value)
		return (struct text){ 0 };
	if (json_object_is_type(value, json_type_string))
		return (struct text){ json_object_get_string(value),
			(size_t)json_object_get_string_len(value) };
	snprintf(buffer, size, "%s", json_object_to_json_string_ext(value, JSON_C_TO_STRING_PLAIN));
	return text_of(buffer);
}

/* "k=v" or "k!=v"; a field that the alert does not have is unequal to everything. */
static bool field_holds(struct text claim, const struct alert *alert)
{
	ptrdiff_t at = text_find(claim, TEXT("="));
	bool is_not = at > 0 && claim.data[at - 1] == '!';
	struct text key, want, got;
	_cleanup_(freep) char *name = NULL;
	char number[1024];

	if (at < 0)
		return false;
	key = text_trim(text_slice(claim, 0, (size_t)at - is_not));
	want = text_trim(text_slice(claim, (size_t)at + 1, claim.length));
	name = text_to_string(key);
	got = read_output_field(alert, name, number, sizeof(number));
	return (got.data && text_equal(got, want)) != is_not;
}

static bool tag_holds(struct text tag, const struct alert *alert)
{
	for (size_t i = 0; i < alert->tag_count; i++)
		if (text_is(tag, alert->tags[i]))
			return true;
	return false;
}

/* Items of the list are alternatives; what commas part in one of them must all hold. */
static bool list_holds(const struct text_list *list, const struct alert *alert,
	bool (*holds)(struct text claim, const struct alert *alert))
{
	for (size_t i = 0; i < list->count; i++) {
		struct text rest = text_of(list->items[i]), claim;
		bool is_true = true;

		while (is_true && text_split(&rest, ',', &claim))
			is_true = !text_trim(claim).length || holds(text_trim(claim), alert);
		if (is_true)
			return true;
	}
	return list->count == 0;
}

int priority_claim_parse(struct text claim, struct priority_claim *ret_claim)
{
	struct priority_claim parsed = { 0 };

	claim = text_trim(claim);
	if (claim.length && strchr("<>", claim.data[0])) {
		parsed.is_less = claim.data[0] == '<';
		parsed.is_greater = claim.data[0] == '>';
		claim = text_slice(claim, 1, claim.length);
	}
	parsed.is_equal = !parsed.is_less && !parsed.is_greater;
	if (claim.length && claim.data[0] == '=') {
		parsed.is_equal = true;
		claim = text_slice(claim, 1, claim.length);
	}
	parsed.priority = priority_parse(text_trim(claim));
	if (parsed.priority == PRIORITY_NONE)
		return -EINVAL;
	*ret_claim = parsed;
	return 0;
}

/* Greater is worse: an Emergency is above a Warning. */
static bool priority_holds(const char *text, enum priority priority)
{
	struct priority_claim claim;
	int difference;

	if (!text || !*text)
		return true;
	if (priority_claim_parse(text_of(text), &claim) < 0)
		return false;
	difference = priority_rank(priority) - priority_rank(claim.priority);
	return (claim.is_equal && difference == 0) || (claim.is_less && difference < 0) ||
	       (claim.is_greater && difference > 0);
}

static bool name_holds(const struct text_list *names, const char *name)
{
	for (size_t i = 0; i < names->count; i++)
		if (name && !strcmp(names->items[i], name))
			return true;
	return names->count == 0;
}

bool groups_hold(const struct rule *rule, const struct alert *alert)
{
	bool has_source = rule->source && *rule->source;

	return name_holds(&rule->rules, alert->rule) &&
	       (!has_source || (alert->source && !strcmp(rule->source, alert->source))) &&
	       priority_holds(rule->priority, alert->priority) &&
	       list_holds(&rule->tags, alert, tag_holds) &&
	       list_holds(&rule->output_fields, alert, field_holds);
}

/* Schedules. */

static int day_parse(struct text text)
{
	static const char *const days[] = { "sun", "mon", "tue", "wed", "thu", "fri", "sat" };

	for (int i = 0; i < 7; i++)
		if (text_equal_ignoring_case(text_slice(text, 0, 3), text_of(days[i])))
			return i;
	return -EINVAL;
}

/* "08:00" as minutes of the day, 24:00 included. */
static int minute_parse(struct text text)
{
	struct text rest = text, hours, minutes;
	int64_t h, m;

	if (!text_split(&rest, ':', &hours) || !text_split(&rest, ':', &minutes) ||
		text_to_i64(hours, &h) < 0 || text_to_i64(minutes, &m) < 0 || h < 0 || m < 0 ||
		m > 59 || h * 60 + m > 24 * 60)
		return -EINVAL;
	return (int)(h * 60 + m);
}

static int days_parse(struct text text, unsigned *ret_days)
{
	struct text rest = text, first, last;
	int from, to;

	text_split(&rest, '-', &first);
	from = day_parse(first);
	to = text_split(&rest, '-', &last) ? day_parse(last) : from;
	if (from < 0 || to < 0)
		return -EINVAL;
	for (int day = from;; day = (day + 1) % 7) {
		*ret_days |= 1U << day;
		if (day == to)
			return 0;
	}
}

int schedule_parse(struct text text, struct schedule *ret_schedule)
{
	struct schedule schedule = { 0 };
	struct text rest = text_trim(text), word, first, last;
	bool has_hours = false;

	while (text_split(&rest, ' ', &word)) {
		if (!word.length)
			continue;
		if (!text_contains(word, TEXT(":"))) {
			if (days_parse(word, &schedule.days) < 0)
				return -EINVAL;
			continue;
		}
		if (!text_split(&word, '-', &first) || !text_split(&word, '-', &last))
			return -EINVAL;
		schedule.from_minute = minute_parse(first);
		schedule.to_minute = minute_parse(last);
		if (schedule.from_minute < 0 || schedule.to_minute < 0)
			return -EINVAL;
		has_hours = true;
	}
	if (!has_hours && !schedule.days)
		return -EINVAL;
	if (!has_hours)
		schedule.to_minute = 24 * 60;
	if (!schedule.days)
		schedule.days = 0x7f;
	*ret_schedule = schedule;
	return 0;
}

static bool schedule_holds(const struct schedule *schedule, const struct tm *now)
{
	int minute = now->tm_hour * 60 + now->tm_min;
	bool is_day = schedule->days >> now->tm_wday & 1;
	bool was_day = schedule->days >> (now->tm_wday + 6) % 7 & 1;

	if (schedule->from_minute <= schedule->to_minute)
		return is_day && minute >= schedule->from_minute && minute < schedule->to_minute;
	return (is_day && minute >= schedule->from_minute) ||
	       (was_day && minute < schedule->to_minute);
}

bool rule_is_on_duty(const struct rule *rule, time_t when)
{
	struct tm now;

	localtime_r(&when, &now);
	for (size_t i = 0; i < rule->schedule_count; i++)
		if (schedule_holds(&rule->schedules[i], &now))
			return true;
	return rule->schedule_count == 0;
}
