/* SPDX-License-Identifier: Apache-2.0 */
/* Output formats from anywhere: each renders, or is refused with a message. */
#include <assert.h>
#include <stdint.h>

#include "sensor/rules/given.h"
#include "sensor/rules/format.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct given *given = given_new();
	struct format *format;
	struct event *event;
	struct error err = { 0 };
	struct buffer out;
	size_t offset = 0;

	buffer_init(&out, 1 << 20);
	if (format_parse((struct text){ (const char *)data, size }, NULL, &format, &offset, &err) ==
		0) {
		if (given_event(given, TEXT("proc.name=cat fd.name=/etc/shadow"), &event, NULL) ==
			0)
			format_write(format, event, &out);
		format_free(format);
	} else {
		assert(err.message[0] && offset <= size);
	}
	buffer_done(&out);
	given_free(given);
	return 0;
}
