/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The page's files, which tools/embed put into the program.
 */
#pragma once

#include "base/http-server.h"

struct site_file {
	const char *path, *type, *etag;
	bool is_immutable; /* its name has a hash of its content */
	struct text plain;
	struct text gzip, brotli; /* NULL data: not worth it */
};

/* Answers with the file of the request's path, or 404. */
void site_reply(struct http_request *request);
