/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Grafana: an annotation for each alert, of a dashboard or of all.
 */
#include <json-c/linkhash.h>

#include "base/memory.h"
#include "forwarder/alert-text.h"
#include "forwarder/output.h"

struct grafana {
	struct output_settings common;
	char *host, *api_key;
	int64_t dashboard, panel;
	bool all_fields_as_tags;
	struct text_map headers;
};

static const struct setting rows[] = {
	OUTPUT_ROW_TEXT(grafana, host, "hostport", NULL,
		"Address, such as http://grafana:3000; with apikey it switches the output on"),
	OUTPUT_ROW_SECRET(grafana, api_key, "apikey", "Token of a service account"),
	OUTPUT_ROW_INTEGER(grafana, dashboard, "dashboardid", "0", 0, INT32_MAX,
		"Dashboard of the annotations; 0: all"),
	OUTPUT_ROW_INTEGER(
		grafana, panel, "panelid", "0", 0, INT32_MAX, "Panel of the annotations; 0: all"),
	OUTPUT_ROW_BOOL(grafana, all_fields_as_tags, "allfieldsastags", "false",
		"Whether the values of all fields become tags"),
	OUTPUT_ROW_HEADERS(grafana, headers),
	OUTPUT_ROW_PRIORITY,
	OUTPUT_ROWS_HTTP,
};

static bool is_enabled(const void *settings)
{
	const struct grafana *grafana = settings;

	return is_set(grafana->host) && is_set(grafana->api_key);
}

static int check(const void *settings, struct error *err)
{
	return check_url("grafana.hostport", ((const struct grafana *)settings)->host, err);
}

static void add_number(struct json_writer *json, const char *key, int64_t number)
{
	json_key(json, key);
	json_add_i64(json, number);
}

static void add_field_tags(struct json_writer *json, const struct alert *alert)
{
	if (alert->fields) {
		json_object_object_foreach(alert->fields, name, value)
		{
			(void)name;
			if (value)
				json_add_text(json, field_text(value));
		}
	}
	for (size_t i = 0; i < alert->tag_count; i++)
		json_add_string(json, alert->tags[i]);
}

static void add_tags(
	struct json_writer *json, const struct alert *alert, const struct grafana *grafana)
{
	json_key(json, "tags");
	json_begin_array(json);
	json_add_string(json, "falco");
	json_add_string(json, priority_name(alert->priority));
	json_add_text(json, text_of(alert->rule));
	json_add_text(json, text_of(alert->source));
	if (is_set(alert->hostname))
		json_add_string(json, alert->hostname);
	if (grafana->all_fields_as_tags)
		add_field_tags(json, alert);
	json_end(json);
}

static void compose(const struct messages *messages, const void *settings, struct request *request)
{
	const struct grafana *grafana = settings;
	const struct alert *alert = messages->items[0].alert;
	struct json_writer json;

	request_url(request, grafana->host, "/api/annotations");
	request_header(request, "Content-Type", TEXT("application/json"));
	request_header_printf(request, "Authorization", "Bearer %s", grafana->api_key);
	request_headers(request, &grafana->headers);
	json_writer_init(&json, &request->body);
	json_begin_object(&json);
	if (grafana->dashboard)
		add_number(&json, "dashboardId", grafana->dashboard);
	if (grafana->panel)
		add_number(&json, "panelId", grafana->panel);
	add_number(&json, "time", alert->time_ns / 1000000);
	add_number(&json, "timeEnd", alert->time_ns / 1000000);
	add_tags(&json, alert, grafana);
	json_key(&json, "text");
	json_add_text(&json, text_of(alert->output));
	json_end(&json);
}

const struct output output_grafana = {
	.name = "grafana",
	.title = "Grafana",
	.about = "Adds an annotation to Grafana's dashboards for each alert",
	.rows = rows,
	.row_count = COUNT_OF(rows),
	.settings_size = sizeof(struct grafana),
	.reads_alerts = true,
	.is_enabled = is_enabled,
	.check = check,
	.compose = compose,
};
