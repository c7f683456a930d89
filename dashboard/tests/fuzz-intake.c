/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is posted: whatever comes, each alert that is kept is valid JSON that the APIs can show and
 * a search can read.
 */
#include <assert.h>

#include "base/memory.h"
#include "dashboard/event-json.h"
#include "dashboard/intake.h"
#include "dashboard/values.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_json(const struct buffer *json)
{
	_cleanup_(json_putp) struct json_object *root = NULL;

	assert(!json->is_cut);
	assert(json_parse(buffer_text(json), &root, NULL, NULL) == 0);
}

static void check_event(const struct store_event *event)
{
	struct text stored = { event->json, event->json_length };
	_cleanup_(filter_freep) struct filter *filter = filter_new();
	struct buffer out, scratch;
	struct values values;
	struct value value;

	buffer_init(&out, 16 << 20);
	buffer_init(&scratch, 16 << 20);
	event_write(stored, &out);
	check_json(&out);
	buffer_clear(&out);
	event_write_old(stored, &out);
	check_json(&out);
	values_begin(&values, stored);
	while (values_next(&values, &value))
		value_unescape(value.text, &scratch);
	/* What was stored is found by itself. */
	assert(filter_add_text(filter, text_of(event->words[WORD_RULE]), NULL) == 0);
	assert(filter_fits(filter, stored, &scratch));
	buffer_done(&scratch);
	buffer_done(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct intake_result result = { 0 };
	struct error err;

	if (intake_read((struct text){ (const char *)data, size }, true, &result, &err) < 0)
		return 0;
	for (size_t i = 0; i < result.add->count; i++)
		check_event(&result.add->events[i]);
	intake_result_done(&result);
	return 0;
}
