/* SPDX-License-Identifier: Apache-2.0 */
/*
 * n8n: the raw event, to a webhook that starts a workflow.
 */
#include "base/memory.h"
#include "forwarder/output.h"

struct n8n {
	struct output_settings common;
	char *address, *user, *password, *header_name, *header_value;
};

static const struct setting rows[] = {
	OUTPUT_ROW_TEXT(
		n8n, address, "address", NULL, "Address of the webhook; switches the output on"),
	OUTPUT_ROW_TEXT(n8n, user, "user", NULL, "User of basic authentication"),
	OUTPUT_ROW_SECRET(n8n, password, "password", "Its password"),
	OUTPUT_ROW_TEXT(n8n, header_name, "headerauthname", NULL,
		"Name of the header of header authentication"),
	OUTPUT_ROW_SECRET(n8n, header_value, "headerauthvalue", "Its value"),
	OUTPUT_ROW_PRIORITY,
	OUTPUT_ROWS_HTTP,
};

static bool is_enabled(const void *settings)
{
	const struct n8n *n8n = settings;

	return is_set(n8n->address);
}

static int check(const void *settings, struct error *err)
{
	const struct n8n *n8n = settings;

	return check_url("n8n.address", n8n->address, err);
}

static void compose(const struct messages *messages, const void *settings, struct request *request)
{
	const struct n8n *n8n = settings;

	buffer_add_string(&request->url, n8n->address);
	request_json(request);
	request_basic(request, n8n->user, n8n->password);
	if (is_set(n8n->header_name) && is_set(n8n->header_value))
		request_header(request, n8n->header_name, text_of(n8n->header_value));
	buffer_add_text(&request->body, messages->items[0].raw);
}

const struct output output_n8n = {
	.name = "n8n",
	.title = "N8N",
	.about = "Posts each alert to a workflow of n8n",
	.rows = rows,
	.row_count = COUNT_OF(rows),
	.settings_size = sizeof(struct n8n),
	.is_enabled = is_enabled,
	.check = check,
	.compose = compose,
};
