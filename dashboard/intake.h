/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is posted: {"event":{…},"outputs":["Slack"]}, or an array of such, made ready for the store.
 */
#pragma once

#include "base/json.h"
#include "dashboard/store.h"

struct intake_result {
	struct store_add *add;	     /* NULL when nothing was good */
	struct json_object *outputs; /* of the last good one; a reference, or NULL */
	struct buffer refused;	     /* JSON array: {"item":1,"error":"…"} */
	size_t refused_count;
	bool is_array;
};

/*
 * -EINVAL when the body is no JSON, or when it is one event and that is not good. Of an array the
 * good ones are kept. `is_trusted`: the sender may say how an alert came in ("verified").
 */
int intake_read(
	struct text body, bool is_trusted, struct intake_result *ret_result, struct error *err);
void intake_result_done(struct intake_result *result);
