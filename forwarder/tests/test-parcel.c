/* SPDX-License-Identifier: Apache-2.0 */
#include "base/memory.h"
#include "forwarder/parcel.h"
#include "tests/test.h"

static void say_rule(const struct messages *messages, const void *settings, struct request *request)
{
	(void)settings;
	buffer_add_string(&request->body, messages->items[0].alert->rule);
	buffer_add_string(&request->body, ": ");
	buffer_add_string(&request->body, messages->items[0].alert->output);
}

TEST(an_entry_that_cannot_be_read_goes_out_as_what_it_is)
{
	static const struct output output = { .reads_alerts = true, .compose = say_rule };
	struct parcel *parcel = parcel_new(1);
	struct request request;

	parcel->entries[0].body = (struct text){ memory_copy("{\"rule\": tru\xff", 14), 14 };
	parcel->count = 1;
	request_init(&request);
	parcel_compose_one(parcel, 0, &output, NULL, &request);
	CHECK_TEXT(request.body.data,
		"Unreadable journal entry: This entry of the forwarder's journal cannot be read: "
		"{\"rule\": tru\xef\xbf\xbd");
	request_done(&request);
	parcel_free(parcel);
}
