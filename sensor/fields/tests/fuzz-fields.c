/* SPDX-License-Identifier: Apache-2.0 */
/* Names of fields from any bytes, as a condition and as a format reads them. */
#include "base/json.h"
#include "base/memory.h"
#include "sensor/fields/field.h"

static void print(const struct field_use *use, struct arena *arena)
{
	const struct event event = { .type = event_type_at(0), .arena = arena };
	struct json_writer json;
	struct buffer out;

	buffer_init(&out, 65536);
	field_print(&event, use, &out);
	json_writer_init(&json, &out);
	field_print_json(&event, use, &json);
	buffer_done(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct text text = { (const char *)data, size };
	struct arena *arena = arena_new(1 << 20);
	struct field_use use;
	struct error err;
	size_t used = 0;

	if (field_resolve(text, NULL, &use, &err) >= 0)
		field_use_done(&use);
	if (field_resolve(text, &used, &use, &err) >= 0) {
		print(&use, arena);
		field_use_done(&use);
	}
	arena_free(arena);
	if (used > size)
		__builtin_trap();
	return 0;
}
