/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Grafana OnCall. Ours: alert_uid is of the rule and place, so that repeats are grouped.
 */
#include "base/memory.h"
#include "forwarder/alert-text.h"
#include "forwarder/output.h"

struct grafanaoncall {
	struct output_settings common;
	char *webhook_url;
	struct text_map headers;
};

static const struct setting rows[] = {
	OUTPUT_ROW_SECRET(grafanaoncall, webhook_url, "webhookurl",
		"Address of the webhook integration; switches the output on"),
	OUTPUT_ROW_HEADERS(grafanaoncall, headers),
	OUTPUT_ROW_PRIORITY,
	OUTPUT_ROWS_HTTP,
};

static bool is_enabled(const void *settings)
{
	const struct grafanaoncall *grafanaoncall = settings;

	return is_set(grafanaoncall->webhook_url);
}

static int check(const void *settings, struct error *err)
{
	const struct grafanaoncall *grafanaoncall = settings;

	return check_url("grafanaoncall.webhookurl", grafanaoncall->webhook_url, err);
}

static void compose(const struct messages *messages, const void *settings, struct request *request)
{
	const struct grafanaoncall *grafanaoncall = settings;
	const struct alert *alert = messages->items[0].alert;
	char fingerprint[FINGERPRINT_LENGTH + 1];
	struct json_writer json;
	struct buffer title;

	alert_fingerprint(alert, fingerprint);
	buffer_init(&title, ALERT_MAX);
	buffer_printf(&title, "[%s] %s", priority_name(alert->priority), alert->rule);
	buffer_add_string(&request->url, grafanaoncall->webhook_url);
	request_header(request, "Content-Type", TEXT("application/json"));
	request_headers(request, &grafanaoncall->headers);
	json_writer_init(&json, &request->body);
	json_begin_object(&json);
	json_key(&json, "alert_uid");
	json_add_string(&json, fingerprint);
	json_key(&json, "state");
	json_add_string(&json, "alerting");
	json_key(&json, "title");
	json_add_text(&json, buffer_text(&title));
	json_key(&json, "message");
	json_add_text(&json, text_of(alert->output));
	json_end(&json);
	buffer_done(&title);
}

const struct output output_grafanaoncall = {
	.name = "grafanaoncall",
	.title = "GrafanaOnCall",
	.about = "Raises an alert of Grafana OnCall",
	.rows = rows,
	.row_count = COUNT_OF(rows),
	.settings_size = sizeof(struct grafanaoncall),
	.reads_alerts = true,
	.is_enabled = is_enabled,
	.check = check,
	.compose = compose,
};
