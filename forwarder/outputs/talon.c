/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Falco Talon, which responds to alerts: the raw event. Ours is the responder, which is known by
 * its socket or token: it acts on nothing that comes from strangers.
 */
#include "base/memory.h"
#include "forwarder/output.h"

struct talon {
	struct output_settings common;
	char *address;
	char *socket;
	char *token;
};

static const struct setting rows[] = {
	OUTPUT_ROW_TEXT(talon, address, "address", NULL,
		"Address of Talon, such as http://talon:2803; switches the output on"),
	OUTPUT_ROW_TEXT(talon, socket, "socket", NULL,
		"Unix socket of a responder on this host, used in place of the address's host"),
	OUTPUT_ROW_SECRET(talon, token, "token", "Token that the responder knows us by"),
	OUTPUT_ROW_PRIORITY,
	OUTPUT_ROWS_HTTP,
};

static bool is_enabled(const void *settings)
{
	const struct talon *talon = settings;

	return is_set(talon->address) || is_set(talon->socket);
}

static int check(const void *settings, struct error *err)
{
	const struct talon *talon = settings;

	return is_set(talon->address) ? check_url("talon.address", talon->address, err) : 0;
}

static void compose(const struct messages *messages, const void *settings, struct request *request)
{
	const struct talon *talon = settings;

	buffer_add_string(
		&request->url, is_set(talon->address) ? talon->address : "http://localhost/");
	request->socket_path = is_set(talon->socket) ? talon->socket : NULL;
	request_json(request);
	if (is_set(talon->token))
		request_header_printf(request, "Authorization", "Bearer %s", talon->token);
	buffer_add_text(&request->body, messages->items[0].raw);
}

const struct output output_talon = {
	.name = "talon",
	.title = "Talon",
	.about = "Posts each alert to Falco Talon",
	.rows = rows,
	.row_count = COUNT_OF(rows),
	.settings_size = sizeof(struct talon),
	.is_enabled = is_enabled,
	.check = check,
	.compose = compose,
};
