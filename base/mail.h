/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Parts of a mail (RFC 5322), so that what stands in them can add no header, part or recipient.
 */
#pragma once

#include <stdint.h>

#include "base/error.h"
#include "base/text.h"

/* -EINVAL, with the key in the message, unless it is one address and nothing more. */
int mail_address_check(const char *key, const char *address, struct error *err);
/* RFC 2047: valid UTF-8 as encoded words, none of which cuts a character. */
void mail_words_write(struct buffer *out, struct text text);
/* The header of that time since 1970, RFC 5322 3.3; in English whatever the locale. */
void mail_date_write(struct buffer *out, int64_t time_ns);
/* RFC 2045, 6.7, quoted-printable: lines end with CRLF, and are short. */
void mail_quoted_write(struct buffer *out, struct text text);
