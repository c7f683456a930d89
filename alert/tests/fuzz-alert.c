/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An alert's JSON from anyone: what is accepted must be written as JSON that reads back the same.
 */
#include <assert.h>

#include "alert/alert.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct alert *read_alert(struct text text)
{
	_cleanup_(json_putp) struct json_object *object = NULL;
	struct alert *alert = NULL;
	struct error err;

	if (json_parse(text, &object, NULL, &err) < 0 || alert_from_json(object, &alert, &err) < 0)
		return NULL;
	return alert;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(alert_freep) struct alert *first =
		read_alert((struct text){ (const char *)data, size });
	_cleanup_(alert_freep) struct alert *again = NULL;
	struct buffer once, twice;

	if (!first)
		return 0;
	buffer_init(&once, ALERT_MAX);
	buffer_init(&twice, ALERT_MAX);
	alert_write(first, &once);
	again = read_alert(buffer_text(&once));
	assert(again || !first->fields);
	if (again) {
		alert_write(again, &twice);
		assert(text_equal(buffer_text(&once), buffer_text(&twice)));
	}
	buffer_done(&once);
	buffer_done(&twice);
	return 0;
}
