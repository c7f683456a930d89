/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tekton: the raw event, to an EventListener that starts a pipeline.
 */
#include "base/memory.h"
#include "forwarder/output.h"

struct tekton {
	struct output_settings common;
	char *listener;
};

static const struct setting rows[] = {
	OUTPUT_ROW_TEXT(tekton, listener, "eventlistener", NULL,
		"Address of the EventListener; switches the output on"),
	OUTPUT_ROW_PRIORITY,
	OUTPUT_ROWS_HTTP,
};

static bool is_enabled(const void *settings)
{
	const struct tekton *tekton = settings;

	return is_set(tekton->listener);
}

static int check(const void *settings, struct error *err)
{
	const struct tekton *tekton = settings;

	return check_url("tekton.eventlistener", tekton->listener, err);
}

static void compose(const struct messages *messages, const void *settings, struct request *request)
{
	const struct tekton *tekton = settings;

	buffer_add_string(&request->url, tekton->listener);
	request_json(request);
	buffer_add_text(&request->body, messages->items[0].raw);
}

const struct output output_tekton = {
	.name = "tekton",
	.title = "Tekton",
	.about = "Posts each alert to an event listener of Tekton",
	.rows = rows,
	.row_count = COUNT_OF(rows),
	.settings_size = sizeof(struct tekton),
	.is_enabled = is_enabled,
	.check = check,
	.compose = compose,
};
