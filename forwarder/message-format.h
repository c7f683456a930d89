/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The chats' messageformat: a template (template.h) over the alert as Falcosidekick names its
 * parts: .UUID .Output .Priority .Rule .Time .Source .Tags .Hostname .OutputFields
 */
#pragma once

#include "alert/alert.h"

/* -EINVAL with the key, line and column; NULL and "" are right. */
int message_format_check(const char *key, const char *format, struct error *err);
/*
 * Appends what becomes of it; nothing for NULL and "". `escape` is applied to every text of the
 * alert, not to what the template itself says; it may be NULL.
 */
typedef void message_escape(struct buffer *out, struct text text);
void message_format_write(
	const char *format, const struct alert *alert, message_escape *escape, struct buffer *out);
