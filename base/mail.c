/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Parts of a mail.
 */
#include <errno.h>
#include <time.h>

#include "base/clock.h"
#include "base/encoding.h"
#include "base/mail.h"
#include "base/memory.h"

#define WORD_BYTES	42 /* of text in an encoded word of at most 75 characters */
#define LINE_CHARACTERS 73 /* of quoted-printable, before its soft break */

/* One address, without anything that would end it. */
int mail_address_check(const char *key, const char *address, struct error *err)
{
	if (address && *address && !strpbrk(address, " \t\r\n<>,;") && strchr(address, '@'))
		return 0;
	return error_set(err, -EINVAL,
		"%s must be a mail address such as falco@example.org, not "
		"\"%s\"",
		key, address ? address : "");
}

/* Of a character of valid UTF-8. */
static size_t character_length(unsigned char first)
{
	return first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
}

/* RFC 2047: encoded words, none of which cuts a character. */
void mail_words_write(struct buffer *out, struct text text)
{
	while (text.length) {
		size_t end = 0;

		while (end < text.length &&
			end + character_length((unsigned char)text.data[end]) <= WORD_BYTES)
			end += character_length((unsigned char)text.data[end]);
		end = MIN_OF(MAX_OF(end, 1), text.length);
		buffer_add_string(out, "=?UTF-8?B?");
		base64_write(out, text_slice(text, 0, end));
		buffer_add_string(out, "?=");
		text = text_slice(text, end, text.length);
		if (text.length)
			buffer_add_string(out, "\r\n ");
	}
}

/* RFC 5322, 3.3; in English whatever the locale. */
void mail_date_write(struct buffer *out, int64_t time_ns)
{
	static const char days[] = "SunMonTueWedThuFriSat";
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	struct tm tm;

	gmtime_r(&(time_t){ time_ns / NS_PER_SECOND }, &tm);
	buffer_printf(out, "Date: %.3s, %02d %.3s %d %02d:%02d:%02d +0000\r\n",
		days + 3 * tm.tm_wday, tm.tm_mday, months + 3 * tm.tm_mon, tm.tm_year + 1900,
		tm.tm_hour, tm.tm_min, tm.tm_sec);
}

/* RFC 2045, 6.7: lines end with CRLF, and are short. */
void mail_quoted_write(struct buffer *out, struct text text)
{
	size_t column = 0;

	for (size_t i = 0; i < text.length; i++) {
		unsigned char c = (unsigned char)text.data[i];
		bool ends_line = i + 1 == text.length || text.data[i + 1] == '\n';
		bool is_plain = (c > ' ' && c < 0x7f && c != '=' && (c != '.' || column)) ||
				(c == ' ' && !ends_line);

		if (c == '\n') {
			buffer_add_string(out, "\r\n");
			column = 0;
			continue;
		}
		if (column >= LINE_CHARACTERS) {
			buffer_add_string(out, "=\r\n");
			column = 0;
			is_plain = is_plain && c != '.';
		}
		if (is_plain)
			buffer_add_char(out, (char)c);
		else
			buffer_printf(out, "=%02X", c);
		column += is_plain ? 1 : 3;
	}
	buffer_add_string(out, "\r\n");
}
