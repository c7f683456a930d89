/* SPDX-License-Identifier: Apache-2.0 */
/* The program of one event type. */
#pragma once

#include "sensor/filter/expression.h"

struct program_request {
	const struct event_type *type;
	enum filter_purpose purpose;
	struct filter_maps maps;
	bool has_text;				     /* the call has a text that facts tell of */
	const struct part *without_view, *with_view; /* a record passes when either is true */
};

/* free() the code. -E2BIG when it would be too long. */
int program_write(
	const struct program_request *request, struct bpf_insn **ret_code, size_t *ret_count);
