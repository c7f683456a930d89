/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "base/json.h"
#include "tests/test.h"

static char *round_trip(const char *text)
{
	_cleanup_(json_putp) struct json_object *object = NULL;
	struct json_writer json;
	struct error err = { 0 };
	struct buffer out;

	buffer_init(&out, 4096);
	json_writer_init(&json, &out);
	if (json_parse(text_of(text), &object, NULL, &err) < 0)
		buffer_add_string(&out, err.message);
	else
		json_add_value(&json, object);
	return buffer_take(&out);
}

#define CHECK_ROUND_TRIP(text, want)             \
	do {                                     \
		char *result = round_trip(text); \
		CHECK_TEXT(result, want);        \
		free(result);                    \
	} while (0)

TEST(large_numbers_and_their_text_survive)
{
	CHECK_ROUND_TRIP("{\"evt.time\": 1622308709082520347, \"big\": 18446744073709551615, "
			 "\"low\": -9223372036854775808, \"half\": 0.50, \"e\": 1e3}",
		"{\"evt.time\":1622308709082520347,\"big\":18446744073709551615,"
		"\"low\":-9223372036854775808,\"half\":0.50,\"e\":1e3}");
}

TEST(bare_values_parse_whole)
{
	CHECK_ROUND_TRIP("12", "12");
	CHECK_ROUND_TRIP(" null ", "null");
	CHECK_ROUND_TRIP("\"a\\u0000b\"", "\"a\\u0000b\"");
	CHECK_ROUND_TRIP("[true,false,{}]", "[true,false,{}]");
}

TEST(errors_say_where)
{
	CHECK_ROUND_TRIP("{\"a\":\n tru}", "not valid JSON at line 2, column 5: boolean expected");
	CHECK_ROUND_TRIP("{} x", "not valid JSON at line 1, column 4: text after the first value");
}

TEST(what_follows_is_handed_back_on_request)
{
	_cleanup_(json_putp) struct json_object *object = NULL;
	struct text rest;

	CHECK_NUMBER(json_parse(TEXT("{\"a\":1}\n{\"a\":2}"), &object, &rest, NULL), 0);
	CHECK(text_is(rest, "{\"a\":2}"));
	CHECK_NUMBER(json_get_i64(object, "a", 0), 1);
}

TEST(odd_utf8_is_repaired_not_refused)
{
	CHECK_ROUND_TRIP("\"a\xff"
			 "b\xc3\xa9\"",
		"\"a\xef\xbf\xbd"
		"b\xc3\xa9\"");
}

TEST(deep_nesting_is_refused)
{
	char text[200];

	memset(text, '[', 100);
	memset(text + 100, ']', 99);
	text[199] = '\0';
	char *result = round_trip(text);
	CHECK(strstr(result, "not valid JSON"));
	free(result);
}

TEST(the_writer_places_commas_and_escapes)
{
	struct json_writer json;
	struct buffer out;

	buffer_init(&out, 4096);
	json_writer_init(&json, &out);
	json_begin_object(&json);
	json_key(&json, "a");
	json_begin_array(&json);
	json_add_i64(&json, -1);
	json_add_u64(&json, UINT64_MAX);
	json_add_double(&json, 0.1);
	json_add_bool(&json, true);
	json_add_string(&json, NULL);
	json_end(&json);
	json_key(&json, "t\"");
	json_add_text(&json, TEXT("\x1b[31m\n\x7f\\"));
	json_end(&json);
	CHECK_TEXT(out.data, "{\"a\":[-1,18446744073709551615,0.1,true,null],\"t\\\"\":\"\\u001b["
			     "31m\\n\\u007f\\\\\"}");
	buffer_done(&out);
}
