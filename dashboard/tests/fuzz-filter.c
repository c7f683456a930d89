/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The query language, and matching: input is a query, a newline, and a stored alert's JSON. A
 * mistake must have a column within the query; matching must not read beyond the alert.
 */
#include <assert.h>

#include "base/memory.h"
#include "dashboard/filter.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct text rest = { (const char *)data, size }, query = { 0 };
	_cleanup_(filter_freep) struct filter *filter = NULL;
	struct error err = { 0 };
	struct buffer scratch;
	size_t column = 0;

	if (!size || !text_split(&rest, '\n', &query))
		return 0;
	if (filter_parse(query, &filter, &column, &err) < 0) {
		assert(*err.message && column >= 1 && column <= query.length + 1);
		return 0;
	}
	{
		/* Of its exact size, so that one byte too far is seen. */
		_cleanup_(freep) char *json = memory_new(rest.length, 1);

		if (rest.length)
			memcpy(json, rest.data, rest.length);
		buffer_init(&scratch, 1 << 20);
		filter_fits(filter, (struct text){ json, rest.length }, &scratch);
		buffer_done(&scratch);
	}
	return 0;
}
