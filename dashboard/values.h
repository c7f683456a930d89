/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Walks the values of an alert's JSON without building a tree: searching reads far more alerts
 * than it shows. The JSON is what alert_write() made; other input gives no crash, only nonsense.
 */
#pragma once

#include <stdbool.h>

#include "base/text.h"

enum value_place {
	VALUE_TOP,   /* "rule", "output" … */
	VALUE_FIELD, /* of output_fields; also what is nested in one */
	VALUE_TAG,
};

struct value {
	enum value_place place;
	struct text key;  /* the member's name as it stands there, escapes and all; tags: "tags" */
	struct text text; /* of a string the inside, escaped; else the token: 17, true, null */
	bool is_string;
};

struct values {
	struct text json;
	size_t at;
	int depth;
	enum value_place place;
	struct text top_key, field_key;
};

void values_begin(struct values *values, struct text json);
/* False at the end. */
bool values_next(struct values *values, struct value *ret_value);
/*
 * The text that a string's inside stands for. Without escapes that is `escaped` itself, else it is
 * put into `scratch`, which is emptied first.
 */
struct text value_unescape(struct text escaped, struct buffer *scratch);
