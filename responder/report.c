/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reports. The audit log is a file of JSON lines beside the ledger; a thread sends what waits.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/request.h"
#include "responder/check.h"
#include "responder/notifier.h"
#include "responder/report.h"

#define NOTE_MAX       (ALERT_MAX + 64 * 1024)
#define TRIES_MAX      40
#define LATER_MAX_MS   60000
#define AUDIT_A_SECOND 50
#define FORWARDER      "forwarder"
#define METRIC_ACTIONS "tercel_responder_actions_total"
#define METRIC_OUTPUTS "tercel_responder_outputs_total"
#define METRIC_NOTES   "tercel_responder_notifications_total"

struct reporter {
	struct reporter_parts parts;
	void **settings; /* of each notifier */
	int audit;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	pthread_t thread;
	bool is_started, is_ending, has_news;
	int64_t second;
	unsigned in_second, left_out;
	struct http_client *http;
	struct cluster *cluster;
};

static const char *text_or_empty(const char *text)
{
	return text ? text : "";
}

/* The audit log. */

static bool may_write(struct reporter *reporter)
{
	int64_t second = clock_ms(CLOCK_MONOTONIC) / 1000;

	if (second != reporter->second) {
		if (reporter->left_out)
			log_warning("the audit log left out %u lines of one second",
				reporter->left_out);
		reporter->second = second;
		reporter->in_second = reporter->left_out = 0;
	}
	if (reporter->in_second++ < AUDIT_A_SECOND)
		return true;
	reporter->left_out++;
	return false;
}

static void add_member(struct json_writer *json, const char *key, const char *value)
{
	json_key(json, key);
	json_add_string(json, text_or_empty(value));
}

static void write_line(struct reporter *reporter, struct buffer *line)
{
	buffer_add_char(line, '\n');
	if (write(reporter->audit, line->data, line->length) != (ssize_t)line->length)
		log_error("the audit log cannot be written: %s", strerror(errno));
}

static void begin_line(struct json_writer *json, struct buffer *line, const char *what)
{
	struct buffer time;

	buffer_init(&time, 64);
	time_write(&time, clock_ns(CLOCK_REALTIME));
	buffer_init(line, NOTE_MAX);
	json_writer_init(json, line);
	json_begin_object(json);
	add_member(json, "time", time.data);
	add_member(json, "what", what);
	buffer_done(&time);
}

void report_audit(struct reporter *reporter, const char *what, const struct alert *alert,
	const char *peer, const char *why)
{
	struct json_writer json;
	struct buffer line;

	pthread_mutex_lock(&reporter->lock);
	if (may_write(reporter)) {
		begin_line(&json, &line, what);
		add_member(&json, "alert", alert ? alert->uuid : NULL);
		add_member(&json, "alert_rule", alert ? alert->rule : NULL);
		add_member(&json, "peer", peer);
		add_member(&json, "why", why);
		json_end(&json);
		write_line(reporter, &line);
		buffer_done(&line);
	}
	pthread_mutex_unlock(&reporter->lock);
}

static void audit_response(struct reporter *reporter, const struct report *report)
{
	const struct response *response = report->response;
	struct json_writer json;
	struct buffer line;

	pthread_mutex_lock(&reporter->lock);
	begin_line(&json, &line, report->status);
	json_key(&json, "response");
	json_add_i64(&json, response->id);
	add_member(&json, "rule", response->rule);
	add_member(&json, "action", report->action);
	add_member(&json, "actionner", report->actionner);
	add_member(&json, "state", response_state_name(response->state));
	add_member(&json, "target", response->target);
	add_member(&json, "namespace", response->name_space);
	add_member(&json, "pod", response->pod);
	add_member(&json, "node", response->node);
	add_member(&json, "alert", response->alert_uuid);
	add_member(&json, "why", report->words);
	json_key(&json, "took_ms");
	json_add_i64(&json, report->took_ms);
	json_end(&json);
	write_line(reporter, &line);
	pthread_mutex_unlock(&reporter->lock);
	buffer_done(&line);
}

/* The alert. */

struct status_row {
	const char *status, *rule;
	enum priority priority;
};

static const struct status_row status_rows[] = {
	{ "success", "Response action done", PRIORITY_NOTICE },
	{ "ignored", "Response action not needed", PRIORITY_INFORMATIONAL },
	{ "failure", "Response action failed", PRIORITY_ERROR },
	{ "undone", "Response action undone", PRIORITY_NOTICE },
	{ "refused", "Response held back", PRIORITY_WARNING },
	{ "expired", "Response expired", PRIORITY_WARNING },
	{ "waiting", "Response waits for approval", PRIORITY_WARNING },
	{ "dry_run", "Response in dry run", PRIORITY_NOTICE },
	{ "approved", "Response approved", PRIORITY_NOTICE },
	{ "rejected", "Response rejected", PRIORITY_NOTICE },
};

static const struct status_row *status_row(const char *status)
{
	for (size_t i = 0; i < COUNT_OF(status_rows); i++)
		if (!strcmp(status_rows[i].status, status))
			return &status_rows[i];
	return &status_rows[0];
}

static void add_field(struct json_object *fields, const char *key, const char *value)
{
	if (value && *value)
		json_object_object_add(fields, key, json_object_new_string(value));
}

static struct json_object *fields_of(const struct report *report)
{
	const struct response *response = report->response;
	struct json_object *fields = json_object_new_object();

	json_object_object_add(fields, "response.id", json_object_new_int64(response->id));
	add_field(fields, "response.rule", response->rule);
	add_field(fields, "response.action", report->action);
	add_field(fields, "response.actionner", report->actionner);
	add_field(fields, "response.status", report->status);
	add_field(fields, "response.state", response_state_name(response->state));
	add_field(fields, "response.result", report->words);
	add_field(fields, "response.alert", response->alert_uuid);
	json_object_object_add(fields, "response.took_ms", json_object_new_int64(report->took_ms));
	add_field(fields, "k8s.ns.name", response->name_space);
	add_field(fields, "k8s.pod.name", response->pod);
	add_field(fields, "k8s.pod.uid", response->uid);
	add_field(fields, "k8s.node.name", response->node);
	return fields;
}

static char *sentence_of(const struct report *report, const char *title)
{
	const struct response *response = report->response;
	bool has_pod = response->pod && *response->pod;

	return string_printf("%s: %s%s%s of rule \"%s\"%s%s%s%s: %s", title, report->actionner,
		*report->actionner ? " " : "", *report->action ? report->action : "the response",
		response->rule, has_pod ? " for pod " : "",
		has_pod ? text_or_empty(response->name_space) : "", has_pod ? "/" : "",
		has_pod ? response->pod : "", text_or_empty(report->words));
}

static void post(struct reporter *reporter, const char *to, struct text body)
{
	struct error err = { 0 };

	if (ledger_post(reporter->parts.ledger, to, body, &err) < 0)
		log_error("%s: %s", to, err.message);
	pthread_mutex_lock(&reporter->lock);
	reporter->has_news = true;
	pthread_cond_signal(&reporter->changed);
	pthread_mutex_unlock(&reporter->lock);
}

static void post_alert(struct reporter *reporter, const struct report *report)
{
	const struct status_row *row = status_row(report->status);
	_cleanup_(alert_freep) struct alert *alert = NULL;
	struct buffer body;

	if (!is_set(reporter->parts.settings->forwarder_url) &&
		!is_set(reporter->parts.settings->forwarder_socket))
		return;
	alert = alert_new();
	uuid_make(alert->uuid);
	alert->rule = string_copy(row->rule);
	alert->priority = row->priority;
	alert->source = string_copy("response");
	alert->time_ns = clock_ns(CLOCK_REALTIME);
	alert->hostname = string_copy(text_or_empty(report->response->hostname));
	alert->output = sentence_of(report, row->rule);
	alert->fields = fields_of(report);
	alert_add_tag(alert, "response");
	buffer_init(&body, ALERT_MAX);
	alert_write(alert, &body);
	post(reporter, FORWARDER, buffer_text(&body));
	buffer_done(&body);
}

/* Talon's line. */
static void write_note(const struct report *report, struct buffer *out)
{
	const struct response *response = report->response;
	struct json_writer json;
	bool has_failed = !strcmp(report->status, "failure");
	struct buffer time;

	buffer_init(&time, 64);
	time_write(&time, clock_ns(CLOCK_REALTIME));
	json_writer_init(&json, out);
	json_begin_object(&json);
	add_member(&json, "time", time.data);
	buffer_done(&time);
	add_member(&json, "status", report->status);
	add_member(&json, "message", report->output_target ? "output" : "action");
	add_member(&json, "rule", response->rule);
	add_member(&json, "action", report->action);
	add_member(&json, "actionner", report->actionner);
	json_key(&json, "event");
	json_add_raw(&json, text_of(response->alert));
	json_key(&json, "objects");
	json_begin_object(&json);
	add_member(&json, "namespace", response->name_space);
	add_member(&json, "pod", response->pod);
	add_member(&json, "node", response->node);
	json_end(&json);
	add_member(&json, has_failed ? "error" : "result", report->words);
	if (report->output_target)
		add_member(&json, "output_target", report->output_target);
	add_member(&json, "trace_id", response->alert_uuid);
	json_key(&json, "pod_uid");
	json_add_string(&json, text_or_empty(response->uid));
	json_key(&json, "response");
	json_add_i64(&json, response->id);
	json_end(&json);
}

static bool has_name(const struct text_list *list, const char *name)
{
	for (size_t i = 0; i < list->count; i++)
		if (!strcmp(list->items[i], name))
			return true;
	return false;
}

static void post_notes(struct reporter *reporter, const struct report *report)
{
	static const struct text_list none;
	const struct text_list *own = report->rule ? &report->rule->notifiers : &none;
	struct buffer note;

	buffer_init(&note, NOTE_MAX);
	write_note(report, &note);
	for (size_t i = 0; i < notifier_count && !note.is_cut; i++)
		if (has_name(&reporter->parts.settings->default_notifiers, notifiers[i]->name) ||
			has_name(own, notifiers[i]->name))
			post(reporter, notifiers[i]->name, buffer_text(&note));
	buffer_done(&note);
}

static void count(struct reporter *reporter, const struct report *report)
{
	struct buffer labels;

	buffer_init(&labels, 4096);
	metrics_label(&labels, "rule", text_of(report->response->rule));
	metrics_label(&labels, "action", text_of(report->action));
	metrics_label(&labels, "actionner", text_of(report->actionner));
	metrics_label(&labels, "status", text_of(report->status));
	(*metrics_counter(reporter->parts.metrics, METRIC_ACTIONS,
		"Actions of responses, by how they ended", labels.data))++;
	if (report->output_target) {
		metrics_label(&labels, "output_target", text_of(report->output_target));
		(*metrics_counter(reporter->parts.metrics, METRIC_OUTPUTS,
			"Artifacts of actions, by where they are kept", labels.data))++;
	}
	buffer_done(&labels);
}

void report(struct reporter *reporter, const struct report *report)
{
	log_info("response %lld of rule \"%s\": %s%s%s: %s", (long long)report->response->id,
		report->response->rule, report->actionner, *report->actionner ? " " : "",
		report->status, text_or_empty(report->words));
	audit_response(reporter, report);
	count(reporter, report);
	post_alert(reporter, report);
	post_notes(reporter, report);
}

/* Sending. */

static int send_to_forwarder(struct reporter *reporter, const char *body, struct error *err)
{
	const struct responder_settings *settings = reporter->parts.settings;
	_cleanup_(freep) char *token = NULL;
	const char *headers[3] = { "Content-Type: application/json" };
	struct telling telling = { .http = reporter->http };
	struct http_call call = { .url = is_set(settings->forwarder_url) ? settings->forwarder_url
									 : "http://localhost/",
		.headers = headers,
		.body = text_of(body),
		.ca_file = settings->forwarder_ca };

	if (is_set(settings->forwarder_socket))
		call.socket_path = settings->forwarder_socket;
	if (is_set(settings->forwarder_token)) {
		token = string_printf("Authorization: Bearer %s", settings->forwarder_token);
		headers[1] = token;
	}
	return notifier_post(&telling, &call, err);
}

static int send_one(struct reporter *reporter, const char *to, const char *body, struct error *err)
{
	_cleanup_(json_putp) struct json_object *note = NULL;
	struct telling telling = { .http = reporter->http, .cluster = reporter->cluster };
	int r;

	if (!strcmp(to, FORWARDER))
		return send_to_forwarder(reporter, body, err);
	for (size_t i = 0; i < notifier_count; i++) {
		if (strcmp(to, notifiers[i]->name))
			continue;
		r = json_parse(text_of(body), &note, NULL, err);
		telling.note = note;
		telling.settings = reporter->settings[i];
		return r < 0 ? r : notifiers[i]->tell(&telling, err);
	}
	return error_set(err, -ENOENT, "there is no notifier %s any more", to);
}

static void count_note(struct reporter *reporter, const char *to, bool is_sent)
{
	struct buffer labels;

	buffer_init(&labels, 256);
	metrics_label(&labels, "notifier", text_of(to));
	metrics_label(&labels, "status", is_sent ? TEXT("success") : TEXT("failure"));
	(*metrics_counter(reporter->parts.metrics, METRIC_NOTES,
		"Notes that were sent, or given up", labels.data))++;
	buffer_done(&labels);
}

/* How long until the next may be tried; 0: at once, -1: nothing waits. */
static int64_t send_next(struct reporter *reporter)
{
	struct ledger *ledger = reporter->parts.ledger;
	_cleanup_(freep) char *to = NULL, *body = NULL;
	struct error err = { 0 };
	int64_t id, tries, now_ms = clock_ms(CLOCK_REALTIME);
	int r = ledger_next_post(ledger, now_ms, &id, &to, &body, &tries, &err);

	if (r <= 0)
		return -1;
	r = send_one(reporter, to, body, &err);
	if (r == -EAGAIN && tries < TRIES_MAX) {
		int64_t later = MIN_OF(INT64_C(500) << MIN_OF(tries, 10), LATER_MAX_MS);

		if (tries == 0)
			log_warning("%s: %s; it is tried again", to, err.message);
		(void)ledger_post_later(ledger, id, now_ms + later, &err);
		return 0;
	}
	if (r < 0)
		log_error("%s: %s; the message is dropped", to, err.message);
	count_note(reporter, to, r >= 0);
	(void)ledger_posted(ledger, id, &err);
	return 0;
}

static void *send_all(void *context)
{
	struct reporter *reporter = context;

	pthread_mutex_lock(&reporter->lock);
	while (!reporter->is_ending) {
		struct timespec until = clock_after(CLOCK_REALTIME, 500);
		int64_t wait;

		reporter->has_news = false;
		pthread_mutex_unlock(&reporter->lock);
		wait = send_next(reporter);
		pthread_mutex_lock(&reporter->lock);
		if (wait < 0 && !reporter->has_news && !reporter->is_ending)
			(void)pthread_cond_timedwait(&reporter->changed, &reporter->lock, &until);
	}
	pthread_mutex_unlock(&reporter->lock);
	return NULL;
}

static int read_notifiers(struct reporter *reporter, struct error *err)
{
	const struct responder_settings *settings = reporter->parts.settings;
	int r = 0;

	reporter->settings = NEW_ARRAY(void *, notifier_count + 1);
	r = notifiers_check(settings->config_file ? settings->config_file : "settings",
		settings->notifiers, err);
	for (size_t i = 0; i < notifier_count && !r; i++)
		r = notifier_settings(notifiers[i],
			settings->config_file ? settings->config_file : "settings",
			settings->notifiers, &reporter->settings[i], err);
	for (size_t i = 0; i < settings->default_notifiers.count && !r; i++)
		if (!notifier_find(settings->default_notifiers.items[i]))
			r = error_set(err, -EINVAL, "default_notifiers: there is no notifier %s",
				settings->default_notifiers.items[i]);
	return r;
}

int reporter_new(
	const struct reporter_parts *parts, struct reporter **ret_reporter, struct error *err)
{
	struct reporter *reporter = NEW(struct reporter);
	_cleanup_(freep) char *path = string_printf("%s/audit.log", parts->settings->state);
	int r;

	reporter->parts = *parts;
	reporter->audit = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	pthread_mutex_init(&reporter->lock, NULL);
	pthread_cond_init(&reporter->changed, NULL);
	reporter->http = http_client_new(1);
	if (parts->api)
		reporter->cluster = cluster_new(parts->api);
	r = reporter->audit < 0 ? error_set(err, -errno, "%s: %s", path, strerror(errno))
				: read_notifiers(reporter, err);
	if (!r) {
		r = -pthread_create(&reporter->thread, NULL, send_all, reporter);
		reporter->is_started = r == 0;
	}
	if (r < 0) {
		reporter_free(reporter);
		return r;
	}
	*ret_reporter = reporter;
	return 0;
}

void reporter_free(struct reporter *reporter)
{
	if (!reporter)
		return;
	pthread_mutex_lock(&reporter->lock);
	reporter->is_ending = true;
	pthread_cond_signal(&reporter->changed);
	pthread_mutex_unlock(&reporter->lock);
	if (reporter->is_started)
		pthread_join(reporter->thread, NULL);
	for (size_t i = 0; i < notifier_count && reporter->settings; i++)
		notifier_settings_free(notifiers[i], reporter->settings[i]);
	free(reporter->settings);
	http_client_free(reporter->http);
	cluster_free(reporter->cluster);
	closep(&reporter->audit);
	pthread_mutex_destroy(&reporter->lock);
	pthread_cond_destroy(&reporter->changed);
	free(reporter);
}
