/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PagerDuty: an event of the Events API v2 for each alert. Ours, where Falcosidekick has defects:
 * the region counts, the severity follows the priority, an incident for each rule and pod (not
 * for each alert), all of the alert in the details, links to the dashboard.
 */
#include <errno.h>
#include <json-c/linkhash.h>

#include "base/memory.h"
#include "forwarder/alert-text.h"
#include "forwarder/output.h"

/* developer.pagerduty.com, "Send an Alert Event": payload.summary. */
#define SUMMARY_MAX_CHARS 1024

struct pagerduty {
	struct output_settings common;
	char *routing_key, *host, *dashboard;
	int region, fold;
	char *api_key, *service, *assignee, *escalation_policy;
};

enum { REGION_US, REGION_EU };
enum { FOLD_SUBJECT, FOLD_NEVER };

/* Keys of Falcosidekick's charts before 0.3.9, which never had an effect. */
#define OLD_ROW(member, key_)                      \
	OUTPUT_ROW_SECRET(pagerduty, member, key_, \
		"Not a setting of PagerDuty's events; answered with what is right")

static const struct setting rows[] = {
	OUTPUT_ROW_SECRET(pagerduty, routing_key, "routingkey",
		"Integration key (Events API v2) of the service; switches the output on"),
	OUTPUT_ROW_CHOICE(
		pagerduty, region, "region", "us eu", "us", "Region of the PagerDuty account"),
	OUTPUT_ROW_TEXT(pagerduty, host, "host", NULL,
		"Address in place of the region's, such as a proxy's"),
	OUTPUT_ROW_CHOICE(pagerduty, fold, "fold", "subject never", "subject",
		"What is one incident: a rule and pod, container or host; or each alert"),
	OUTPUT_ROW_TEXT(pagerduty, dashboard, "dashboard", NULL,
		"Address of the dashboard, such as https://tercel.example; incidents then link "
		"to their event"),
	OLD_ROW(api_key, "apikey"),
	OLD_ROW(service, "service"),
	OLD_ROW(assignee, "assignee"),
	OLD_ROW(escalation_policy, "escalationpolicy"),
	OUTPUT_ROW_PRIORITY,
	OUTPUT_ROWS_HTTP,
};

/* All that the API knows; falco's ladder has more steps. */
static const char *const severities[] = {
	[PRIORITY_EMERGENCY] = "critical",
	[PRIORITY_ALERT] = "critical",
	[PRIORITY_CRITICAL] = "critical",
	[PRIORITY_ERROR] = "error",
	[PRIORITY_WARNING] = "warning",
	[PRIORITY_NOTICE] = "info",
	[PRIORITY_INFORMATIONAL] = "info",
	[PRIORITY_DEBUG] = "info",
	[PRIORITY_NONE] = "info",
};

static const char *old_key(const struct pagerduty *pagerduty)
{
	return is_set(pagerduty->api_key)	      ? "apikey"
	       : is_set(pagerduty->service)	      ? "service"
	       : is_set(pagerduty->assignee)	      ? "assignee"
	       : is_set(pagerduty->escalation_policy) ? "escalationpolicy"
						      : NULL;
}

/* Also by an old key alone: only what is switched on gets an answer from check(). */
static bool is_enabled(const void *settings)
{
	const struct pagerduty *pagerduty = settings;

	return is_set(pagerduty->routing_key) || old_key(pagerduty);
}

static int check(const void *settings, struct error *err)
{
	const struct pagerduty *pagerduty = settings;

	if (!is_set(pagerduty->routing_key))
		return error_set(err, -EINVAL,
			"pagerduty.%s has no effect; set pagerduty.routingkey (PAGERDUTY_ROUTINGKEY) "
			"to the integration key of an \"Events API v2\" integration of the service; "
			"a REST API key cannot send events, and who is called is the service's "
			"escalation policy's business",
			old_key(pagerduty));
	if (is_set(pagerduty->dashboard) &&
		check_url("pagerduty.dashboard", pagerduty->dashboard, err) < 0)
		return -EINVAL;
	return is_set(pagerduty->host) ? check_url("pagerduty.host", pagerduty->host, err) : 0;
}

static void add(struct json_writer *json, const char *key, struct text value)
{
	if (!value.length)
		return;
	json_key(json, key);
	json_add_text(json, value);
}

static bool is_detail_of_ours(const char *key)
{
	static const char *const ours[] = { "hostname", "priority", "rule", "source", "tags",
		"uuid" };

	for (size_t i = 0; i < COUNT_OF(ours); i++)
		if (!strcmp(key, ours[i]))
			return true;
	return false;
}

static void add_fields(struct json_writer *json, const struct alert *alert)
{
	if (!alert->fields)
		return;
	json_object_object_foreach(alert->fields, key, value)
	{
		if (is_detail_of_ours(key))
			continue;
		json_key(json, key);
		json_add_value(json, value);
	}
}

static void add_details(struct json_writer *json, const struct alert *alert)
{
	json_key(json, "custom_details");
	json_begin_object(json);
	add_fields(json, alert);
	add(json, "hostname", text_of(alert->hostname));
	add(json, "priority", text_of(priority_name(alert->priority)));
	add(json, "rule", text_of(alert->rule));
	add(json, "source", text_of(alert->source));
	if (alert->tag_count) {
		json_key(json, "tags");
		json_begin_array(json);
		for (size_t i = 0; i < alert->tag_count; i++)
			json_add_string(json, alert->tags[i]);
		json_end(json);
	}
	add(json, "uuid", text_of(alert->uuid));
	json_end(json);
}

static void add_payload(struct json_writer *json, const struct alert *alert)
{
	struct text component = alert_field(alert, "proc.name");
	struct buffer time;

	buffer_init(&time, 64);
	time_write(&time, alert->time_ns - alert->time_ns % 1000000000);
	json_key(json, "payload");
	json_begin_object(json);
	json_key(json, "summary");
	json_add_cut(json, text_of(alert->output), SUMMARY_MAX_CHARS);
	add(json, "source", is_set(alert->hostname) ? text_of(alert->hostname) : TEXT("falco"));
	add(json, "severity", text_of(severities[alert->priority]));
	add(json, "timestamp", buffer_text(&time));
	add(json, "component", component.length ? component : alert_field(alert, "container.name"));
	add(json, "group", alert_field(alert, "k8s.ns.name"));
	add(json, "class", text_of(alert->rule));
	add_details(json, alert);
	json_end(json);
	buffer_done(&time);
}

static void add_link(struct json_writer *json, const struct alert *alert, const char *dashboard)
{
	struct request link; /* only for its URL */

	if (!is_set(dashboard))
		return;
	request_init(&link);
	request_url(&link, dashboard, "/#/event/");
	url_escape(&link.url, text_of(alert->uuid));
	add(json, "client", TEXT("Tercel"));
	add(json, "client_url", buffer_text(&link.url));
	json_key(json, "links");
	json_begin_array(json);
	json_begin_object(json);
	add(json, "href", buffer_text(&link.url));
	add(json, "text", TEXT("The event on the dashboard"));
	json_end(json);
	json_end(json);
	request_done(&link);
}

static const char *host_of(const struct pagerduty *pagerduty)
{
	if (is_set(pagerduty->host))
		return pagerduty->host;
	return pagerduty->region == REGION_EU ? "https://events.eu.pagerduty.com"
					      : "https://events.pagerduty.com";
}

static void compose(const struct messages *messages, const void *settings, struct request *request)
{
	const struct pagerduty *pagerduty = settings;
	const struct alert *alert = messages->items[0].alert;
	char fingerprint[FINGERPRINT_LENGTH + 1];
	struct json_writer json;

	alert_fingerprint(alert, fingerprint);
	request_url(request, host_of(pagerduty), "/v2/enqueue");
	request_header(request, "Content-Type", TEXT("application/json"));
	json_writer_init(&json, &request->body);
	json_begin_object(&json);
	add(&json, "routing_key", text_of(pagerduty->routing_key));
	add(&json, "event_action", TEXT("trigger"));
	/* A request that is repeated must not open a second incident, so the uuid at least. */
	add(&json, "dedup_key", text_of(pagerduty->fold == FOLD_NEVER ? alert->uuid : fingerprint));
	add_payload(&json, alert);
	add_link(&json, alert, pagerduty->dashboard);
	json_end(&json);
}

/*
 * Only 202 is an event taken. A wrong key is answered with 400, as a wrong event is, but it will
 * be put right: no alert may be lost for it.
 */
static enum verdict verdict(const struct http_answer *answer)
{
	struct text words = buffer_text(&answer->body);

	if (answer->status == 400 &&
		(text_contains_ignoring_case(words, TEXT("routing key")) ||
			text_contains_ignoring_case(words, TEXT("routing_key"))))
		return VERDICT_OUTPUT_REFUSED;
	if (answer->status >= 200 && answer->status < 300)
		return answer->status == 202 ? VERDICT_SENT : VERDICT_OUTPUT_REFUSED;
	return verdict_of_answer(answer);
}

const struct output output_pagerduty = {
	.name = "pagerduty",
	.title = "PagerDuty",
	.about = "Opens an incident of PagerDuty for each rule and place",
	.rows = rows,
	.row_count = COUNT_OF(rows),
	.settings_size = sizeof(struct pagerduty),
	.reads_alerts = true,
	.is_enabled = is_enabled,
	.check = check,
	.compose = compose,
	.verdict = verdict,
};
