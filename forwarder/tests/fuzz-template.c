/* SPDX-License-Identifier: Apache-2.0 */
/* Templates: whatever is written, it is refused with words or runs to an end. */
#include <assert.h>

#include "forwarder/template.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char dot_text[] =
		"{\"Rule\":\"r\",\"Tags\":[\"a\",[\"b\",{\"c\":1}]],\"n\":null,"
		"\"OutputFields\":{\"a\":18446744073709551615,\"b\":false}}";
	_cleanup_(template_freep) struct template *template = NULL;
	_cleanup_(json_putp) struct json_object *dot = NULL;
	struct error err = { 0 };
	struct buffer out;

	if (template_parse((struct text){ (const char *)data, size }, &template, &err) < 0) {
		assert(err.message[0]);
		return 0;
	}
	assert(json_parse(text_of(dot_text), &dot, NULL, NULL) == 0);
	buffer_init(&out, 4096);
	template_run(template, dot, &out);
	assert(out.length <= 4096);
	buffer_done(&out);
	return 0;
}
