/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The API server's address and our credentials on a request.
 */
#include "base/memory.h"
#include "base/secret-file.h"
#include "forwarder/kubernetes-api.h"

static void add_server(const char *server, struct buffer *url)
{
	_cleanup_(freep) char *path = text_to_string(buffer_text(url));
	struct text clean = text_of(server);

	while (text_ends_with(clean, TEXT("/")))
		clean.length--;
	buffer_clear(url);
	buffer_add_text(url, clean);
	buffer_add_string(url, path);
}

int kubernetes_api_sign(
	const struct kubernetes_api *api, struct request *request, struct error *err)
{
	_cleanup_(freep) char *read = NULL;
	const char *token = api->token;

	if (api->token_file) {
		if (secret_file_read(api->token_file, &read, err) < 0)
			return err->code;
		token = read;
	}
	add_server(api->server, &request->url);
	if (token)
		request_header_printf(request, "Authorization", "Bearer " TEXT_FORMAT,
			TEXT_PRINT(text_trim(text_of(token))));
	else
		request_basic(request, api->user, api->password);
	request->ca = text_of(api->ca);
	request->certificate = text_of(api->certificate);
	request->key = text_of(api->key);
	request->trusts_anyone = api->trusts_anyone;
	return 0;
}
