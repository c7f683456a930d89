/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A condition, an empty line, and an alert to ask it of.
 */
#include "base/json.h"
#include "base/memory.h"
#include "alert/match.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct text all = { (const char *)data, size };
	ptrdiff_t end = text_find(all, TEXT("\n\n"));
	_cleanup_(json_putp) struct json_object *root = NULL;
	_cleanup_(alert_freep) struct alert *alert = NULL;
	_cleanup_(match_freep) struct match *match = NULL;
	struct error err;

	if (end < 0 || match_new(text_slice(all, 0, (size_t)end), &match, &err) < 0)
		return 0;
	if (json_parse(text_slice(all, (size_t)end + 2, size), &root, NULL, NULL) < 0 ||
		alert_from_json(root, &alert, NULL) < 0)
		return 0;
	(void)match_takes(match, alert);
	return 0;
}
