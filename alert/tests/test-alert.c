/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "alert/alert.h"
#include "tests/test.h"

static char *rewrite(const char *text)
{
	_cleanup_(json_putp) struct json_object *object = NULL;
	_cleanup_(alert_freep) struct alert *alert = NULL;
	struct error err = { 0 };
	struct buffer out;

	buffer_init(&out, ALERT_MAX);
	if (json_parse(text_of(text), &object, NULL, &err) < 0 ||
		alert_from_json(object, &alert, &err) < 0 || alert_check(alert, &err) < 0)
		buffer_add_string(&out, err.message);
	else
		alert_write(alert, &out);
	return buffer_take(&out);
}

#define CHECK_REWRITE(text, want)             \
	do {                                  \
		char *result = rewrite(text); \
		CHECK_TEXT(result, want);     \
		free(result);                 \
	} while (0)

TEST(an_alert_is_written_in_the_order_of_falcosidekick)
{
	CHECK_REWRITE(
		"{\"hostname\":\"h\",\"tags\":[\"b\",\"a\"],\"time\":\"2021-05-29T17:18:29."
		"082520340Z\","
		"\"priority\":\"warning\",\"rule\":\"R\",\"output\":\"o\\n\",\"source\":"
		"\"syscall\","
		"\"unknown\":1,\"output_fields\":{\"z\":null,\"evt.time\":1622308709082520347}}",
		"{\"output\":\"o\\n\",\"priority\":\"Warning\",\"rule\":\"R\","
		"\"time\":\"2021-05-29T17:18:29.08252034Z\","
		"\"output_fields\":{\"evt.time\":1622308709082520347,\"z\":null},"
		"\"source\":\"syscall\",\"tags\":[\"b\",\"a\"],\"hostname\":\"h\"}");
}

TEST(what_is_missing_or_wrong_is_named)
{
	CHECK_REWRITE("[]", "an alert must be a JSON object, not array");
	CHECK_REWRITE("{\"rule\":5}", "\"rule\" must be text, not int");
	CHECK_REWRITE("{\"priority\":\"info\"}", "\"rule\" is missing");
	CHECK_REWRITE("{\"priority\":\"info\",\"rule\":\"x\",\"time\":\"yesterday\"}",
		"\"time\" must be RFC 3339 such as 2026-11-24T10:00:00.123456789Z, not "
		"\"yesterday\"");
	CHECK_REWRITE("{\"priority\":\"info\",\"rule\":\"x\",\"time\":\"2026-01-01T00:00:00Z\"}",
		"\"output_fields\" is missing or empty");
}

TEST(times_keep_nanoseconds_and_know_offsets)
{
	int64_t ns = 0;

	CHECK_NUMBER(time_parse(TEXT("2021-05-29T19:18:29.082520347+02:00"), &ns), 0);
	CHECK_NUMBER(ns, 1622308709082520347);
	CHECK_NUMBER(time_parse(TEXT("1970-01-01T00:00:01Z"), &ns), 0);
	CHECK_NUMBER(ns, 1000000000);
	CHECK_NUMBER(time_parse(TEXT("2021-04-31T00:00:00Z"), &ns), -EINVAL);
	CHECK_NUMBER(time_parse(TEXT("2021-04-30T00:00:00"), &ns), -EINVAL);
	CHECK_NUMBER(time_parse(TEXT("9999-04-30T00:00:00Z"), &ns), -EINVAL);
	CHECK_NUMBER(time_parse(TEXT("2021-04-30T00:00:00.Z"), &ns), -EINVAL);
}

TEST(uuids_are_version_4_and_differ)
{
	char first[UUID_LENGTH + 1], second[UUID_LENGTH + 1];

	uuid_make(first);
	uuid_make(second);
	CHECK(uuid_is_valid(text_of(first)));
	CHECK(first[14] == '4' && strchr("89ab", first[19]));
	CHECK(strcmp(first, second));
	CHECK(!uuid_is_valid(TEXT("not-a-uuid")));
}

TEST(priorities_are_read_in_any_case)
{
	CHECK_NUMBER(priority_parse(TEXT("EMERGENCY")), PRIORITY_EMERGENCY);
	CHECK_NUMBER(priority_parse(TEXT("Info")), PRIORITY_INFORMATIONAL);
	CHECK_NUMBER(priority_parse(TEXT("")), PRIORITY_NONE);
	CHECK_NUMBER(priority_rank(PRIORITY_EMERGENCY), 8);
	CHECK_NUMBER(priority_rank(PRIORITY_NONE), 0);
}
