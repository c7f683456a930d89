/* SPDX-License-Identifier: Apache-2.0 */
/* The intake's body: whatever comes, every alert that is accepted is one line of valid JSON. */
#include <assert.h>

#include "forwarder/intake.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char replacer[] = "_", format[] = "<timestamp>|<priority>|<output> (<tags>)";
	static struct settings settings = { .bracket_replacer = replacer, .output_format = format };
	static struct pipeline *pipeline;
	struct intake_result result;

	if (!pipeline)
		(void)pipeline_new(&settings, NULL, NULL, &pipeline, NULL);
	intake_read(pipeline, (struct text){ (const char *)data, size }, VERIFIED_TOKEN, NULL, NULL,
		&result);
	for (size_t i = 0; result.append && i < result.append->count; i++) {
		const struct journal_alert *alert = &result.append->alerts[i];
		_cleanup_(json_putp) struct json_object *root = NULL;

		assert(!memchr(alert->body, '\n', alert->length));
		assert(json_parse((struct text){ alert->body, alert->length }, &root, NULL, NULL) ==
			0);
	}
	journal_append_free(result.append);
	return 0;
}
