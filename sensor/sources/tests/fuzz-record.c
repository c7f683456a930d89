/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzzes the decoder: the input is a row of records, each after a 16-bit size. The table of
 * processes lives through all of an input's records, so that their order is tried too.
 */
#include <string.h>

#include "base/memory.h"
#include "sensor/sources/decode.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_event(const struct event *event)
{
	volatile size_t sum;

	event_fill(event);
	sum = event->fd.name.length + event->fd.real_name.length;
	for (int i = 0; i < event->type->argument_count; i++)
		if (event->arguments_present >> i & 1 && event->arguments[i].kind == VALUE_TEXT)
			for (size_t at = 0; at < event->arguments[i].text.length; at++)
				sum += (unsigned char)event->arguments[i].text.data[at];
	for (unsigned level = 0; event->process && process_ancestor(event->process, level); level++)
		sum += process_ancestor(event->process, level)->comm.length;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct containers *containers = containers_new();
	struct processes *processes = processes_new(containers, "/nowhere");
	struct decoder *decoder = decoder_new(containers, processes, NULL);
	uint64_t *record = NEW_ARRAY(uint64_t, RECORD_MAX / 8);
	struct event_set set;
	struct event *event;

	memset(&set, 0xff, sizeof(set));
	decoder_want(decoder, &set);
	while (size > 2) {
		size_t length = MIN_OF((size_t)(data[0] | data[1] << 8), size - 2);

		length = MIN_OF(length, RECORD_MAX);
		memcpy(record, data + 2, length);
		if (length >= sizeof(uint32_t)) /* else nearly no input passes the first check */
			((struct record *)record)->size = (uint32_t)length;
		if (decoder_take(decoder, record, length, &event) == 1)
			read_event(event);
		data += 2 + length;
		size -= 2 + length;
	}
	free(record);
	decoder_free(decoder);
	processes_free(processes);
	containers_free(containers);
	return 0;
}
