/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From what is posted to what is shown: intake, the store's form, and the two APIs' events.
 */
#include <errno.h>

#include "base/memory.h"
#include "dashboard/event-json.h"
#include "dashboard/intake.h"
#include "tests/test.h"

TEST(the_front_of_an_output_is_taken_off)
{
	static const struct {
		const char *output, *body;
	} cases[] = {
		{ "17:11:09.616662708: Notice Network tool", "Network tool" },
		{ "17:11:09.6: NOTICE Network tool", "Network tool" },
		{ "17:11:09.616662708: Informational x", "x" },
		{ "17:11:09.616662708: Notice", "" },
		{ "17:11:09.616662708: Noticeable x", "17:11:09.616662708: Noticeable x" },
		{ "17:11:09.616662708: Network tool", "17:11:09.616662708: Network tool" },
		{ "17:11:09: Notice x", "17:11:09: Notice x" },
		{ "2021-05-29T17:11:09.616+0000: Notice x",
			"2021-05-29T17:11:09.616+0000: Notice x" },
		{ " Notice x", " Notice x" },
		{ "1", "1" },
		{ "", "" },
	};

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		_cleanup_(freep) char *body = text_to_string(output_body(text_of(cases[i].output)));

		CHECK_TEXT(body, cases[i].body);
	}
}

TEST(times_have_nine_digits)
{
	struct buffer out;

	buffer_init(&out, 64);
	time_write_full(&out, INT64_C(1622308709082520347));
	CHECK_TEXT(out.data, "2021-05-29T17:18:29.082520347Z");
	buffer_clear(&out);
	time_write_full(&out, INT64_C(1622308709000000000));
	CHECK_TEXT(out.data, "2021-05-29T17:18:29.000000000Z");
	buffer_done(&out);
}

static const char posted[] =
	"{\"event\":{\"output\":\"o\",\"priority\":\"error\",\"rule\":\"r\",\"time\":\"2021-05-"
	"29T17:18:29Z\","
	"\"verified\":\"mtls\",\"output_fields\":{\"container.id\":\"abc\",\"proc.name\":null,"
	"\"fd.name\":\"\"},\"tags\":[\"b\",\"a\"]},\"outputs\":[\"X\"]}";

TEST(a_posted_alert_is_made_ready_for_the_store)
{
	struct intake_result result = { 0 };
	const struct store_event *event;

	CHECK_NUMBER(intake_read(text_of(posted), false, &result, NULL), 0);
	CHECK(!result.is_array);
	CHECK_NUMBER(result.add->count, 1);
	event = &result.add->events[0];
	CHECK_NUMBER(event->time_ns, INT64_C(1622308709000000000));
	CHECK_NUMBER(event->priority, PRIORITY_ERROR);
	CHECK_TEXT(event->words[WORD_RULE], "r");
	CHECK_TEXT(event->words[WORD_HOSTNAME], "");
	CHECK_TEXT(event->tags, "b\na");
	CHECK_TEXT(event->facets[FACET_CONTAINER], "abc");
	CHECK_TEXT(event->facets[FACET_PROCESS], NULL);
	CHECK_TEXT(event->facets[FACET_FILE], NULL);
	CHECK(strstr(event->json, "verified") == NULL);
	CHECK(strstr(event->json, "\"uuid\":\"") != NULL); /* one was made */
	intake_result_done(&result);

	CHECK_NUMBER(intake_read(text_of(posted), true, &result, NULL), 0);
	CHECK(strstr(result.add->events[0].json, "\"verified\":\"mtls\"") != NULL);
	intake_result_done(&result);
}

TEST(a_value_that_is_too_long_is_counted_as_other)
{
	_cleanup_(alert_freep) struct alert *alert = alert_new();
	struct store_add *add = store_add_new(1);
	char path[400];

	memset(path, 'x', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	uuid_make(alert->uuid);
	alert->fields = json_object_new_object();
	json_object_object_add(alert->fields, "fd.name", json_object_new_string(path));
	store_event_init(&add->events[0], alert);
	CHECK_TEXT(add->events[0].facets[FACET_FILE], "");
	store_add_free(add);
}
