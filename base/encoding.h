/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes as text that URLs, headers and JSON can carry.
 */
#pragma once

#include "base/text.h"

/* Adds text to a URL with all but RFC 3986's unreserved characters as %XX. */
void url_escape(struct buffer *url, struct text text);
/* RFC 4648, 4, with padding. */
void base64_write(struct buffer *out, struct text text);
/* A copy of what base64 with any white space in it says, NUL-ended; NULL when it is none. */
char *base64_read(const char *base64);
/* & < > as HTML says them. */
void html_escape(struct buffer *out, struct text text);
