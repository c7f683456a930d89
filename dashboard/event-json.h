/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Alerts as the two APIs show them, made from the stored JSON.
 */
#pragma once

#include "alert/alert.h"
#include "base/text.h"

/*
 * API v2's event: time to the nanosecond, fields as a list sorted by name, numbers as text within
 * {"number": …}, the output without its leading time and priority.
 */
void event_write(struct text stored, struct buffer *out);
/* API v1's: the alert as it came, its output without the leading time and priority. */
void event_write_old(struct text stored, struct buffer *out);

/* What follows "HH:MM:SS.nnnnnnnnn: Priority "; all of it when that is not there. */
struct text output_body(struct text output);
/* "2026-11-24T10:00:00.123456789Z", always nine digits. */
void time_write_full(struct buffer *out, int64_t time_ns);
