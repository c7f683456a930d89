/* SPDX-License-Identifier: Apache-2.0 */
/* The arguments of an event, from its record. */
#pragma once

#include "sensor/sources/decode-fd.h"

/* What an event's arguments are made from. */
struct value_context {
	struct event *event;
	const struct call_view *call; /* NULL unless it is a call's record */
	const struct call *spec;
	const struct exec_record *exec; /* NULL unless … */
	struct text file_name;		/* of that exec */
	const struct exit_record *exit;
};

/*
 * The value of the event type's argument of that index. False: the record does not tell it. A text
 * is a slice of the record, or in the event's arena; a path's absolute form is in event->absolute.
 */
bool argument_value(const struct value_context *context, int index, struct value *ret_value);
/* The flags of open(2) that a call which opens has, however it says them (creat, openat2). */
uint64_t open_flags(const struct call_record *record);

static inline bool event_is_chdir(unsigned event)
{
	return event == EVENT_chdir || event == EVENT_fchdir;
}
