/* SPDX-License-Identifier: Apache-2.0 */
#include "base/memory.h"
#include "forwarder/intake.h"
#include "tests/test.h"

#define GOOD                                                                                   \
	"{\"output\":\"o\",\"priority\":\"error\",\"rule\":\"r\",\"time\":\"2026-11-24T10:00:" \
	"00Z\","                                                                               \
	"\"output_fields\":{\"a\":1}}"

static struct pipeline *plain_pipeline(void)
{
	static struct settings settings;
	struct pipeline *pipeline = NULL;

	CHECK_NUMBER(pipeline_new(&settings, NULL, NULL, &pipeline, NULL), 0);
	return pipeline;
}

static void check_body(const char *body, size_t accepted, size_t rejected, bool is_many)
{
	_cleanup_(pipeline_freep) struct pipeline *pipeline = plain_pipeline();
	struct intake_result result;

	intake_read(pipeline, text_of(body), VERIFIED_NONE, NULL, NULL, &result);
	if (result.accepted != accepted || result.rejected != rejected ||
		result.is_many != is_many) {
		test_failures++;
		printf("# %s\n#   gave %zu accepted, %zu rejected, many %d\n", body,
			result.accepted, result.rejected, result.is_many);
	}
	CHECK_NUMBER(result.append ? result.append->count : 0, accepted);
	CHECK(!result.rejected || result.first.message[0]);
	journal_append_free(result.append);
}

TEST(one_alert_an_array_or_one_a_line_are_taken)
{
	check_body(GOOD, 1, 0, false);
	check_body("  \n" GOOD "\n", 1, 0, false);
	check_body("[" GOOD "," GOOD "]", 2, 0, true);
	check_body(GOOD "\n" GOOD "\n" GOOD "\n", 3, 0, true);
	check_body("[]", 0, 0, true);
}

TEST(what_follows_the_first_value_and_is_no_alert_is_ignored)
{
	check_body(GOOD "garbage", 1, 0, false);
	check_body(GOOD " ]", 1, 0, false);
}

TEST(a_bad_alert_among_many_does_not_spoil_the_others)
{
	check_body("[" GOOD ",{\"rule\":1}," GOOD ",7,null]", 2, 3, true);
	check_body(GOOD "\n{\"rule\":\"x\"}\n" GOOD, 2, 1, true);
	check_body(GOOD "\n{broken\n" GOOD, 1, 1, true);
}

TEST(what_is_no_alert_is_rejected_with_a_reason)
{
	check_body("", 0, 1, false);
	check_body("null", 0, 1, false);
	check_body("\"text\"", 0, 1, false);
	check_body("{", 0, 1, false);
	check_body("{}", 0, 1, false);
	check_body("{\"output_fields\":[]}", 0, 1, false);
}

TEST(deep_nesting_is_refused)
{
	char body[4096];

	memset(body, '[', sizeof(body));
	body[sizeof(body) - 1] = '\0';
	check_body(body, 0, 1, false);
}

TEST(more_alerts_than_one_append_may_hold_are_refused)
{
	_cleanup_(pipeline_freep) struct pipeline *pipeline = plain_pipeline();
	struct intake_result result;
	struct buffer body;

	buffer_init(&body, 8 << 20);
	buffer_add_char(&body, '[');
	for (int i = 0; i <= JOURNAL_APPEND_MAX; i++)
		buffer_printf(&body, "%s{}", i ? "," : "");
	buffer_add_char(&body, ']');
	intake_read(pipeline, buffer_text(&body), VERIFIED_NONE, NULL, NULL, &result);
	CHECK_NUMBER(result.rejected, 1);
	CHECK(strstr(result.first.message, "at most 10000") != NULL);
	journal_append_free(result.append);
	buffer_done(&body);
}

TEST(only_a_known_sender_may_repeat_an_alert)
{
	static const char body[] =
		"{\"uuid\":\"6BA7B810-9dad-41d1-80b4-00c04fd430c8\",\"priority\":\"error\","
		"\"rule\":\"r\",\"time\":\"2026-11-24T10:00:00Z\",\"output_fields\":{\"a\":1}}";
	_cleanup_(pipeline_freep) struct pipeline *pipeline = plain_pipeline();
	struct intake_result result;

	intake_read(pipeline, text_of(body), VERIFIED_SOCKET, NULL, NULL, &result);
	CHECK_TEXT(result.append->alerts[0].uuid, "6ba7b810-9dad-41d1-80b4-00c04fd430c8");
	CHECK(strstr(result.append->alerts[0].body, "\"verified\":\"socket\"") != NULL);
	journal_append_free(result.append);
	intake_read(pipeline, text_of(body), VERIFIED_NONE, NULL, NULL, &result);
	CHECK_TEXT(result.append->alerts[0].uuid, "");
	journal_append_free(result.append);
}

TEST(verified_in_a_body_counts_for_nothing)
{
	_cleanup_(pipeline_freep) struct pipeline *pipeline = plain_pipeline();
	struct intake_result result;

	intake_read(pipeline,
		TEXT("{\"verified\":\"mtls\",\"priority\":\"error\",\"rule\":\"r\","
		     "\"time\":\"2026-11-24T10:00:00Z\",\"output_fields\":{\"a\":1}}"),
		VERIFIED_NONE, NULL, NULL, &result);
	CHECK(!strstr(result.append->alerts[0].body, "verified"));
	journal_append_free(result.append);
}
