/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes as text.
 */
#include <ctype.h>
#include <openssl/evp.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/encoding.h"
#include "base/memory.h"

void base64_write(struct buffer *out, struct text text)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	for (size_t at = 0; at < text.length; at += 3) {
		size_t left = text.length - at;
		const unsigned char *bytes = (const unsigned char *)text.data + at;
		unsigned group = (unsigned)bytes[0] << 16;

		group |= left > 1 ? (unsigned)bytes[1] << 8 : 0;
		group |= left > 2 ? bytes[2] : 0;
		buffer_add_char(out, digits[group >> 18]);
		buffer_add_char(out, digits[group >> 12 & 63]);
		buffer_add_char(out, left > 1 ? digits[group >> 6 & 63] : '=');
		buffer_add_char(out, left > 2 ? digits[group & 63] : '=');
	}
}

char *base64_read(const char *base64)
{
	size_t length = strlen(base64), count = 0;
	_cleanup_(freep) unsigned char *clean = NEW_ARRAY(unsigned char, length + 1);
	_cleanup_(freep) char *out = NEW_ARRAY(char, length + 4);
	int decoded;

	for (size_t i = 0; i < length; i++)
		if (!strchr(" \t\r\n", base64[i]))
			clean[count++] = (unsigned char)base64[i];
	decoded = EVP_DecodeBlock((unsigned char *)out, clean, (int)count);
	if (decoded <= 0)
		return NULL;
	out[decoded] = '\0'; /* padding decodes to zeroes before it */
	return TAKE(out);
}

void url_escape(struct buffer *url, struct text text)
{
	for (size_t i = 0; i < text.length; i++) {
		unsigned char c = (unsigned char)text.data[i];

		if (isalnum(c) || strchr("-._~", c))
			buffer_add_char(url, (char)c);
		else
			buffer_printf(url, "%%%02X", c);
	}
}

void html_escape(struct buffer *out, struct text text)
{
	for (size_t i = 0; i < text.length; i++) {
		if (text.data[i] == '&')
			buffer_add_string(out, "&amp;");
		else if (text.data[i] == '<')
			buffer_add_string(out, "&lt;");
		else if (text.data[i] == '>')
			buffer_add_string(out, "&gt;");
		else
			buffer_add_char(out, text.data[i]);
	}
}
