/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opsgenie: an alert for each rule and place. Ours: an alias, by which Opsgenie counts repeats of
 * one alert, and the whole output among the details, as the message is cut.
 */
#include "base/memory.h"
#include "forwarder/alert-text.h"
#include "forwarder/output.h"

#define MESSAGE_MAX_CHARS 130 /* docs.opsgenie.com, "Create Alert" */

struct opsgenie {
	struct output_settings common;
	char *api_key;
	int region;
};

enum { REGION_US, REGION_EU };

static const struct setting rows[] = {
	OUTPUT_ROW_SECRET(
		opsgenie, api_key, "apikey", "Key of an API integration; switches the output on"),
	OUTPUT_ROW_CHOICE(opsgenie, region, "region", "us eu", "us", "Region of the account"),
	OUTPUT_ROW_PRIORITY,
	OUTPUT_ROWS_HTTP,
};

static const char *const priorities[] = {
	[PRIORITY_EMERGENCY] = "P1",
	[PRIORITY_ALERT] = "P1",
	[PRIORITY_CRITICAL] = "P2",
	[PRIORITY_ERROR] = "P3",
	[PRIORITY_WARNING] = "P4",
	[PRIORITY_NOTICE] = "P5",
	[PRIORITY_INFORMATIONAL] = "P5",
	[PRIORITY_DEBUG] = "P5",
	[PRIORITY_NONE] = "P5",
};

static const enum fact_kind order[] = { FACT_STRING_FIELDS, FACT_SOURCE, FACT_RULE, FACT_PRIORITY,
	FACT_HOSTNAME, FACT_TAGS, FACTS_END };

static bool is_enabled(const void *settings)
{
	return is_set(((const struct opsgenie *)settings)->api_key);
}

static void add_details(struct json_writer *json, const struct alert *alert)
{
	struct buffer name;
	struct facts facts;

	buffer_init(&name, ALERT_MAX);
	facts_init(&facts, alert, order, ", ");
	json_key(json, "details");
	json_begin_object(json);
	for (size_t i = 0; i < facts.count; i++) {
		buffer_clear(&name);
		text_write_replaced(&name, facts.items[i].name, '.', '_');
		json_key_text(json, buffer_text(&name));
		json_add_text(json, facts.items[i].value);
	}
	json_key(json, "output");
	json_add_text(json, text_of(alert->output));
	json_end(json);
	facts_done(&facts);
	buffer_done(&name);
}

static void compose(const struct messages *messages, const void *settings, struct request *request)
{
	const struct opsgenie *opsgenie = settings;
	const struct alert *alert = messages->items[0].alert;
	char fingerprint[FINGERPRINT_LENGTH + 1];
	struct json_writer json;

	alert_fingerprint(alert, fingerprint);
	buffer_add_string(&request->url, opsgenie->region == REGION_EU
						 ? "https://api.eu.opsgenie.com/v2/alerts"
						 : "https://api.opsgenie.com/v2/alerts");
	request_json(request);
	request_header_printf(request, "Authorization", "GenieKey %s", opsgenie->api_key);
	json_writer_init(&json, &request->body);
	json_begin_object(&json);
	json_key(&json, "message");
	json_add_cut(&json, text_of(alert->output), MESSAGE_MAX_CHARS);
	json_key(&json, "alias");
	json_add_string(&json, fingerprint);
	json_key(&json, "entity");
	json_add_string(&json, "Falcosidekick");
	json_key(&json, "description");
	json_add_text(&json, text_of(alert->rule));
	add_details(&json, alert);
	json_key(&json, "priority");
	json_add_string(&json, priorities[alert->priority]);
	json_end(&json);
}

const struct output output_opsgenie = {
	.name = "opsgenie",
	.title = "Opsgenie",
	.about = "Opens an alert of Opsgenie for each rule and place",
	.rows = rows,
	.row_count = COUNT_OF(rows),
	.settings_size = sizeof(struct opsgenie),
	.reads_alerts = true,
	.is_enabled = is_enabled,
	.compose = compose,
};
