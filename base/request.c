/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A request as a value.
 */
#include <stdlib.h>

#include "base/memory.h"
#include "base/request.h"

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

const char **request_lines(const struct request *request)
{
	const char **lines = NEW_ARRAY(const char *, request->headers.count + 1);

	for (size_t i = 0; i < request->headers.count; i++)
		lines[i] = request->headers.items[i];
	return lines;
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
