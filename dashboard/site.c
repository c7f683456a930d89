/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The page's files. The path only chooses among what is in the program; nothing is read from disk.
 */
#include "base/memory.h"
#include "dashboard/site.h"
#include "dashboard/site-files.h"

static const struct site_file *find(struct text path)
{
	if (text_is(path, "/"))
		path = TEXT("/index.html");
	for (size_t i = 0; i < site_file_count; i++)
		if (text_is(path, site_files[i].path))
			return &site_files[i];
	return NULL;
}

/* "gzip, br;q=0.5": whether one is named. Nobody names what they refuse by q=0. */
static bool accepts(struct http_request *request, const char *encoding)
{
	struct text rest = http_request_header(request, "Accept-Encoding"), part, name;

	while (text_split(&rest, ',', &part))
		if (text_split(&part, ';', &name) && text_is(text_trim(name), encoding))
			return true;
	return false;
}

static bool has_already(struct http_request *request, const char *etag)
{
	struct text rest = http_request_header(request, "If-None-Match"), one;

	while (text_split(&rest, ',', &one)) {
		one = text_trim(one);
		if (text_starts_with(one, TEXT("W/")))
			one = text_slice(one, 2, one.length);
		if (text_is(one, etag) || text_is(one, "*"))
			return true;
	}
	return false;
}

void site_reply(struct http_request *request)
{
	const struct site_file *file = find(http_request_path(request));
	struct text body;

	if (!file) {
		http_reply_error(request, 404, "there is no %.*s",
			TEXT_PRINT(text_slice(http_request_path(request), 0, 256)));
		return;
	}
	http_reply_header(request, "Cache-Control",
		file->is_immutable ? "public, max-age=31536000, immutable" : "no-cache");
	http_reply_header(request, "ETag", file->etag);
	http_reply_header(request, "Vary", "Accept-Encoding");
	if (has_already(request, file->etag)) {
		http_reply(request, 304, NULL, TEXT(""));
		return;
	}
	body = file->plain;
	if (file->brotli.data && accepts(request, "br")) {
		http_reply_header(request, "Content-Encoding", "br");
		body = file->brotli;
	} else if (file->gzip.data && accepts(request, "gzip")) {
		http_reply_header(request, "Content-Encoding", "gzip");
		body = file->gzip;
	}
	http_reply_static(request, 200, file->type, body);
}
