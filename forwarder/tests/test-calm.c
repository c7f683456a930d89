/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"
#include "base/memory.h"
#include "forwarder/calm.h"
#include "tests/test.h"

#define SECOND INT64_C(1000)

static char *keys[] = { (char *)"rule", (char *)"container.id" };

static struct output_settings settings_of(int64_t fold_s, int64_t rate)
{
	return (struct output_settings){ .fold_key = { keys, COUNT_OF(keys) },
		.fold_ms = fold_s * SECOND,
		.rate = rate,
		.rate_ms = 60 * SECOND };
}

static struct alert *alert_of(const char *rule, const char *container)
{
	struct alert *alert = alert_new();

	alert->rule = string_copy(rule);
	alert->output = string_copy("something happened");
	alert->source = string_copy("syscall");
	alert->priority = PRIORITY_WARNING;
	alert->time_ns = 1;
	alert->fields = json_object_new_object();
	json_object_object_add(alert->fields, "container.id", json_object_new_string(container));
	json_object_object_add(alert->fields, "evt.num", json_object_new_int64(rand()));
	return alert;
}

static bool takes(struct calm *calm, const char *rule, const char *container, int64_t now_ms)
{
	_cleanup_(alert_freep) struct alert *alert = alert_of(rule, container);

	return calm_takes(calm, alert, INT64_C(1795521219000) + now_ms, now_ms);
}

static void check_summary(struct calm *calm, int64_t now_ms, const char *part, const char *second)
{
	_cleanup_(freep) char *summary = calm_summary(calm, now_ms);

	CHECK(summary && strstr(summary, part));
	CHECK(summary && strstr(summary, second));
	if (summary && (!strstr(summary, part) || !strstr(summary, second)))
		printf("# %s\n", summary);
}

TEST(without_settings_nothing_is_calmed)
{
	struct output_settings settings = settings_of(0, 0);

	CHECK(calm_new(&settings, "Slack") == NULL);
	CHECK(calm_summary(NULL, 1) == NULL);
	CHECK(calm_state(NULL) == NULL);
	CHECK_NUMBER(calm_due_ms(NULL), 0);
}

TEST(repeats_in_a_window_become_one_summary)
{
	struct output_settings settings = settings_of(60, 0);
	struct calm *calm = calm_new(&settings, "Slack");

	CHECK(takes(calm, "shell", "a", 1 * SECOND));
	CHECK(takes(calm, "shell", "b", 1 * SECOND));
	CHECK_NUMBER(calm_due_ms(calm), 0);
	CHECK(!takes(calm, "shell", "a", 5 * SECOND));
	CHECK(!takes(calm, "shell", "a", 9 * SECOND));
	CHECK_NUMBER(calm_due_ms(calm), 61 * SECOND);
	CHECK(calm_summary(calm, 60 * SECOND) == NULL);
	check_summary(calm, 61 * SECOND,
		"something happened (2 more like it from 2026-11-24T11:53:44Z to "
		"2026-11-24T11:53:48Z)",
		"\"container.id\":\"a\",\"dedup.count\":2");
	CHECK(calm_summary(calm, 61 * SECOND) == NULL);
	CHECK(takes(calm, "shell", "a", 62 * SECOND));
	CHECK(takes(calm, "shell", "b", 62 * SECOND));
	calm_free(calm);
}

TEST(a_window_that_saw_no_repeat_ends_without_a_word)
{
	struct output_settings settings = settings_of(10, 0);
	struct calm *calm = calm_new(&settings, "Slack");

	CHECK(takes(calm, "shell", "a", 1 * SECOND));
	CHECK(takes(calm, "shell", "a", 12 * SECOND));
	CHECK(!takes(calm, "shell", "a", 13 * SECOND));
	CHECK(calm_summary(calm, 20 * SECOND) == NULL);
	check_summary(calm, 22 * SECOND, "(1 more like it", "\"dedup.count\":1");
	calm_free(calm);
}

TEST(what_goes_beyond_the_rate_is_told_once)
{
	struct output_settings settings = settings_of(0, 2);
	struct calm *calm = calm_new(&settings, "Slack.team-a");

	CHECK(takes(calm, "shell", "a", 1 * SECOND));
	CHECK(takes(calm, "shell", "a", 1 * SECOND));
	CHECK(!takes(calm, "shell", "a", 1 * SECOND));
	CHECK(!takes(calm, "read", "a", 2 * SECOND));
	CHECK(!takes(calm, "shell", "a", 3 * SECOND));
	CHECK(takes(calm, "shell", "a", 32 * SECOND));
	check_summary(calm, 61 * SECOND,
		"Slack.team-a: 3 alerts beyond 2 in 60 s were held back from 2026-11-24T11:53:40Z to "
		"2026-11-24T11:53:42Z: 2 x shell, 1 x read",
		"\"ratelimit.count\":3");
	CHECK(calm_summary(calm, 200 * SECOND) == NULL);
	calm_free(calm);
}

TEST(what_was_not_told_yet_survives_a_restart_with_its_uuid)
{
	struct output_settings settings = settings_of(60, 2);
	struct calm *before = calm_new(&settings, "Slack"), *after = calm_new(&settings, "Slack");
	_cleanup_(freep) char *state = NULL, *first = NULL, *again = NULL;

	CHECK(takes(before, "shell", "a", 1 * SECOND));
	CHECK(calm_state(before) == NULL);
	CHECK(!takes(before, "shell", "a", 2 * SECOND));
	CHECK(takes(before, "read", "a", 2 * SECOND));
	CHECK(!takes(before, "write", "a", 3 * SECOND));
	state = calm_state(before);
	CHECK(state != NULL);
	CHECK(calm_state(before) == NULL);
	calm_restore(after, state, 100 * SECOND);
	CHECK_NUMBER(calm_due_ms(after), 160 * SECOND);
	CHECK(!takes(after, "shell", "a", 101 * SECOND));
	first = calm_summary(before, 61 * SECOND);
	again = calm_summary(after, 160 * SECOND);
	CHECK(first && again && !strncmp(first, again, strlen("{\"uuid\":\"") + UUID_LENGTH));
	CHECK(again && strstr(again, "\"dedup.count\":2"));
	check_summary(after, 160 * SECOND, "1 alert beyond 2 in 60 s was held back", "1 x write");
	calm_free(before);
	calm_free(after);
}

TEST(a_state_that_is_none_is_left_out)
{
	struct output_settings settings = settings_of(60, 2);
	struct calm *calm = calm_new(&settings, "Slack");

	calm_restore(calm, "{\"folds\":[{\"key\":1},{}],\"held\":3}", 1);
	calm_restore(calm, "nonsense", 1);
	calm_restore(calm, NULL, 1);
	CHECK(takes(calm, "shell", "a", 2));
	calm_free(calm);
}

TEST(more_different_alerts_than_are_folded_are_all_sent)
{
	struct output_settings settings = settings_of(60, 0);
	struct calm *calm = calm_new(&settings, "Slack");
	char name[16];

	for (int i = 0; i < CALM_FOLDS_MAX + 10; i++) {
		snprintf(name, sizeof(name), "%d", i);
		CHECK(takes(calm, "shell", name, SECOND));
	}
	CHECK(takes(calm, "shell", name, 2 * SECOND));
	CHECK(!takes(calm, "shell", "1", 2 * SECOND));
	calm_free(calm);
}
