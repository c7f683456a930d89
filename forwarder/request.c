/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A request as a value.
 */
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
