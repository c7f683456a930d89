/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A request as a value.
 */
#include <ctype.h>
#include <openssl/evp.h>
#include <stdlib.h>

#include "base/memory.h"
#include "forwarder/request.h"

void request_init(struct request *request)
{
	*request = (struct request){ .method = "POST" };
	buffer_init(&request->url, REQUEST_HEADER_MAX);
	buffer_init(&request->body, REQUEST_BODY_MAX);
}

void request_done(struct request *request)
{
	buffer_done(&request->url);
	buffer_done(&request->body);
	text_list_done(&request->headers);
}

void request_header(struct request *request, const char *name, struct text value)
{
	struct buffer line;

	buffer_init(&line, REQUEST_HEADER_MAX);
	buffer_printf(&line, "%s: ", name);
	buffer_add_text(&line, value);
	for (size_t i = 0; i < line.length; i++)
		if (line.data[i] == '\r' || line.data[i] == '\n' || !line.data[i])
			line.data[i] = ' ';
	text_list_add(&request->headers, buffer_text(&line));
	buffer_done(&line);
}

void request_header_printf(struct request *request, const char *name, const char *format, ...)
{
	struct buffer value;
	va_list arguments;

	buffer_init(&value, REQUEST_HEADER_MAX);
	va_start(arguments, format);
	buffer_vprintf(&value, format, arguments);
	va_end(arguments);
	request_header(request, name, buffer_text(&value));
	buffer_done(&value);
}

void request_json(struct request *request)
{
	request_header(request, "Content-Type", TEXT("application/json; charset=utf-8"));
}

void request_headers(struct request *request, const struct text_map *headers)
{
	for (size_t i = 0; i < headers->count; i++)
		request_header(request, headers->keys[i], text_of(headers->values[i]));
}

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

void request_basic(struct request *request, const char *user, const char *password)
{
	struct buffer pair, value;

	if (!user || !*user)
		return;
	buffer_init(&pair, REQUEST_HEADER_MAX);
	buffer_init(&value, REQUEST_HEADER_MAX);
	buffer_printf(&pair, "%s:%s", user, password ? password : "");
	buffer_add_string(&value, "Basic ");
	base64_write(&value, buffer_text(&pair));
	request_header(request, "Authorization", buffer_text(&value));
	buffer_done(&pair);
	buffer_done(&value);
}

void request_url(struct request *request, const char *address, const char *path)
{
	struct text text = text_of(address);

	while (text_ends_with(text, TEXT("/")))
		text.length--;
	buffer_add_text(&request->url, text);
	buffer_add_string(&request->url, path);
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

void request_write(const struct request *request, struct buffer *out)
{
	buffer_printf(out, "%s %s\n", request->method, request->url.data ? request->url.data : "");
	if (request->socket_path)
		buffer_printf(out, "[through %s]\n", request->socket_path);
	for (size_t i = 0; i < request->headers.count; i++)
		buffer_printf(out, "%s\n", request->headers.items[i]);
	buffer_add_char(out, '\n');
	buffer_add_text(out, buffer_text(&request->body));
	buffer_add_char(out, '\n');
}
