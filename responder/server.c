/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The port.
 */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/certificate.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "responder/server.h"

#define BODY_MAX    (16 * 1024 * 1024)
#define DECIDER_MAX 200
#define JSON_MAX    (64 * 1024 * 1024)

struct server {
	struct engine_parts parts;
	struct engine *engine;
	struct http_server *http;
	struct certificate certificate; /* what it shows now */
	metric *taken, *unverified, *rejected;
};

/* Who it is. */
enum peer { PEER_UNKNOWN, PEER_FORWARDER, PEER_SENSOR, PEER_WRONG };

static bool is_same_secret(struct text given, const char *known)
{
	size_t length = strlen(known);
	unsigned char difference = given.length != length;

	for (size_t i = 0; i < given.length; i++)
		difference |=
			(unsigned char)given.data[i] ^ (unsigned char)known[i % (length ?: 1)];
	return !difference;
}

static bool is_local_friend(const struct http_request *request)
{
	uid_t uid;
	pid_t pid;

	return http_request_peer_uid(request, &uid, &pid) == 0 && (uid == 0 || uid == geteuid());
}

static enum peer peer_of(const struct server *server, const struct http_request *request)
{
	const struct responder_settings *settings = server->parts.settings;
	struct text header = http_request_header(request, "Authorization");
	struct text token = text_starts_with(header, TEXT("Bearer "))
				    ? text_slice(header, 7, header.length)
				    : (struct text){ 0 };

	if (token.data) {
		if (settings->token && *settings->token && is_same_secret(token, settings->token))
			return PEER_FORWARDER;
		if (settings->sensor_token && *settings->sensor_token &&
			is_same_secret(token, settings->sensor_token))
			return PEER_SENSOR;
		return PEER_WRONG;
	}
	return is_local_friend(request) ? PEER_FORWARDER : PEER_UNKNOWN;
}

static enum verified verified_of(enum peer peer, struct json_object *object)
{
	struct text said = json_get_text(object, "verified");

	if (peer == PEER_SENSOR)
		return VERIFIED_TOKEN;
	if (peer != PEER_FORWARDER)
		return VERIFIED_NONE;
	for (int i = VERIFIED_TOKEN; i <= VERIFIED_MTLS; i++)
		if (text_is(said, verified_name((enum verified)i)))
			return (enum verified)i;
	return VERIFIED_NONE;
}

/* Alerts. */

static void audit(struct server *server, struct http_request *request, const struct alert *alert,
	const char *what, const char *why)
{
	_cleanup_(freep) char *peer = text_to_string(http_request_peer(request));

	report_audit(server->parts.reporter, what, alert, peer, why);
}

static int take_alert(struct server *server, struct http_request *request,
	struct json_object *object, enum peer peer, struct error *err)
{
	_cleanup_(alert_freep) struct alert *alert = NULL;
	int r = alert_from_json(object, &alert, err);

	if (r < 0)
		return r;
	if (!alert->rule || !*alert->rule)
		return error_set(err, -EINVAL, "\"rule\" is missing");
	if (!*alert->uuid)
		uuid_make(alert->uuid);
	if (!alert->source || !*alert->source) {
		free(alert->source);
		alert->source = string_copy("syscall");
	}
	alert->verified = verified_of(peer, object);
	(*server->taken)++;
	if (server->parts.settings->prints_alerts)
		log_info("alert %s of rule \"%s\", verified by %s", alert->uuid, alert->rule,
			verified_name(alert->verified));
	if (!strcmp(alert->source, "response"))
		return 0; /* what we did ourselves is no reason to do more */
	if (alert->verified == VERIFIED_NONE) {
		(*server->unverified)++;
		audit(server, request, alert, "unverified",
			peer == PEER_FORWARDER ? "the forwarder does not know who sent this alert"
					       : "nobody known sent this alert");
		return 0;
	}
	r = engine_take(server->engine, alert, err);
	return r < 0 ? r : 0;
}

static void reply_failure(struct http_request *request, int r, const struct error *err)
{
	if (r == -EINVAL) {
		http_reply_error(
			request, 400, "Please send a valid request body: %s", err->message);
		return;
	}
	http_reply_header(request, "Retry-After", "5");
	http_reply_error(request, 503, "%s", err->message);
}

static int take_all(struct server *server, struct http_request *request, struct json_object *root,
	enum peer peer, struct error *err)
{
	int r = 0;

	if (!json_object_is_type(root, json_type_array))
		return take_alert(server, request, root, peer, err);
	for (size_t i = 0; i < json_object_array_length(root) && r >= 0; i++)
		r = take_alert(server, request, json_object_array_get_idx(root, i), peer, err);
	return r;
}

/* Closed, so that the next try may reach another replica: who sends would keep the connection. */
static void reply_standby(struct http_request *request)
{
	http_reply_header(request, "Connection", "close");
	http_reply_header(request, "Retry-After", "1");
	http_reply_error(request, 503, "another replica leads");
}

static void handle_alert(struct http_request *request, void *context)
{
	struct server *server = context;
	_cleanup_(json_putp) struct json_object *root = NULL;
	enum peer peer = peer_of(server, request);
	struct error err = { 0 };
	int r;

	if (peer == PEER_WRONG) {
		audit(server, request, NULL, "refused", "a token that is not known here");
		http_reply_error(request, 401, "this token is not known here");
		return;
	}
	if (!engine_leads(server->engine)) {
		reply_standby(request);
		return;
	}
	r = json_parse(http_request_body(request), &root, NULL, &err);
	if (!r)
		r = take_all(server, request, root, peer, &err);
	*server->rejected += r < 0;
	if (r < 0)
		reply_failure(request, r, &err);
	else
		http_reply(request, 200, NULL, (struct text){ 0 });
}

static void handle_other_method(struct http_request *request, void *context)
{
	(void)context;
	http_reply(request, 400, "text/plain", TEXT("Please send with POST http method\n"));
}

/* What runs. */

static void handle_health(struct http_request *request, void *context)
{
	(void)context;
	http_reply(request, 200, "application/json", TEXT("{\"status\": \"ok\"}"));
}

/* A Service sends to the replica that acts. */
static void handle_ready(struct http_request *request, void *context)
{
	struct server *server = context;

	if (engine_leads(server->engine))
		http_reply(request, 200, "application/json", TEXT("{\"status\": \"leads\"}"));
	else
		http_reply_error(request, 503, "another replica leads");
}

static void handle_metrics(struct http_request *request, void *context)
{
	struct server *server = context;
	struct buffer out;

	buffer_init(&out, JSON_MAX);
	metrics_write(server->parts.metrics, &out);
	http_reply(request, 200, "text/plain; version=0.0.4; charset=utf-8", buffer_text(&out));
	buffer_done(&out);
}

static void handle_rules(struct http_request *request, void *context)
{
	struct server *server = context;
	_cleanup_(playbooks_freep) struct playbooks *playbooks = engine_playbooks(server->engine);
	struct json_writer json;
	struct buffer out;

	buffer_init(&out, JSON_MAX);
	json_writer_init(&json, &out);
	playbooks_write(playbooks, &json);
	http_reply(request, 200, "application/json", buffer_text(&out));
	buffer_done(&out);
}

/* Responses. */

static bool may_decide(struct server *server, struct http_request *request)
{
	if (peer_of(server, request) == PEER_FORWARDER)
		return true;
	http_reply_header(request, "WWW-Authenticate", "Bearer");
	http_reply_error(request, 401, "show the token of this responder");
	return false;
}

static int state_asked(struct http_request *request)
{
	struct text wanted = http_request_query(request, "state");

	for (int i = 0; wanted.length && i < RESPONSE_STATE_COUNT; i++)
		if (text_is(wanted, response_state_name((enum response_state)i)))
			return i;
	return -1;
}

static int64_t number_asked(struct http_request *request, const char *name)
{
	int64_t number = 0;

	(void)text_to_i64(http_request_query(request, name), &number);
	return number;
}

static void handle_list(struct http_request *request, void *context)
{
	struct server *server = context;
	struct json_writer json;
	struct error err = { 0 };
	struct buffer out;

	if (!may_decide(server, request))
		return;
	buffer_init(&out, JSON_MAX);
	json_writer_init(&json, &out);
	json_begin_object(&json);
	json_key(&json, "leads");
	json_add_bool(&json, engine_leads(server->engine));
	json_key(&json, "dry_run");
	json_add_bool(&json, server->parts.settings->is_dry_run);
	json_key(&json, "responses");
	(void)ledger_list(server->parts.ledger,
		&(struct ledger_scope){ .state = state_asked(request),
			.before = number_asked(request, "before"),
			.name_space = http_request_query(request, "namespace"),
			.pod = http_request_query(request, "pod"),
			.limit = number_asked(request, "limit") },
		&json, &err);
	json_end(&json);
	http_reply(request, out.is_cut ? 500 : 200, "application/json", buffer_text(&out));
	buffer_done(&out);
}

static void tell_decision(
	struct server *server, int64_t id, const struct decision *decision, const char *by)
{
	struct response response = { 0 };
	struct error err = { 0 };

	if (decision->status && ledger_get(server->parts.ledger, id, &response, &err) == 0)
		report(server->parts.reporter, &(struct report){ .response = &response,
						       .action = "",
						       .actionner = "",
						       .status = decision->status,
						       .words = by ? by : "by hand" });
	response_done(&response);
}

/* {"by": "somebody"}, as who shows the page to people says it. */
static char *decider_of(struct http_request *request)
{
	_cleanup_(json_putp) struct json_object *body = NULL;
	struct text by;

	if (json_parse(http_request_body(request), &body, NULL, NULL) < 0)
		return NULL;
	by = json_get_text(body, "by");
	return by.length ? text_to_string(text_slice(by, 0, DECIDER_MAX)) : NULL;
}

static unsigned status_of(int r)
{
	return r == -ENOENT ? 404 : r == -EBUSY ? 409 : 500;
}

static void decide(struct server *server, struct http_request *request, int64_t id,
	const struct decision *decision)
{
	_cleanup_(freep) char *by = decider_of(request);
	int64_t now_ms = clock_ms(CLOCK_REALTIME);
	struct decided decided = { by, now_ms, now_ms + server->parts.settings->patience_ms };
	struct error err = { 0 };
	int r;

	if (!engine_leads(server->engine)) {
		reply_standby(request);
		return;
	}
	r = ledger_decide(server->parts.ledger, id, decision, &decided, &err);
	if (r < 0) {
		http_reply_error(request, status_of(r), "%s", err.message);
		return;
	}
	engine_share(server->engine, id);
	audit(server, request, NULL, decision->name, by ? by : "by hand");
	tell_decision(server, id, decision, by);
	engine_wake(server->engine);
	http_reply(request, 202, "application/json", TEXT("{\"status\": \"ok\"}"));
}

static void handle_one(struct server *server, struct http_request *request, int64_t id)
{
	struct response response = { 0 };
	struct error err = { 0 };
	struct json_writer json;
	struct buffer out;

	if (ledger_get(server->parts.ledger, id, &response, &err) < 0) {
		http_reply_error(request, 404, "%s", err.message);
		return;
	}
	buffer_init(&out, JSON_MAX);
	json_writer_init(&json, &out);
	response_write(&response, &json);
	http_reply(request, 200, "application/json", buffer_text(&out));
	buffer_done(&out);
	response_done(&response);
}

/* /api/responses/ID and /api/responses/ID/WHAT */
static void handle_response(struct http_request *request, void *context)
{
	struct server *server = context;
	struct text rest = http_request_tail(request), number, what = { 0 };
	int64_t id = 0;

	if (!may_decide(server, request))
		return;
	if (!text_split(&rest, '/', &number) || text_to_i64(number, &id) < 0) {
		http_reply_error(request, 404, "a response is a number");
		return;
	}
	(void)text_split(&rest, '/', &what);
	if (!what.length && text_is(http_request_method(request), "GET")) {
		handle_one(server, request, id);
		return;
	}
	for (size_t i = 0; i < DECISION_COUNT; i++) {
		if (!text_is(what, decisions[i].name) ||
			!text_is(http_request_method(request), "POST"))
			continue;
		decide(server, request, id, &decisions[i]);
		return;
	}
	http_reply_error(request, 404, "POST approve, reject or undo");
}

static const struct http_route routes[] = {
	{ "GET", "/healthz", handle_health },
	{ "GET", "/readyz", handle_ready },
	{ "GET", "/metrics", handle_metrics },
	{ "GET", "/rules", handle_rules },
	{ "GET", "/api/responses", handle_list },
	{ NULL, "/api/responses/*", handle_response },
	{ "POST", "/", handle_alert },
	{ NULL, "/", handle_other_method },
};

static struct certificate_files certificate_files_of(const struct responder_settings *settings)
{
	return (struct certificate_files){ .chain_name = "tls.cert_file",
		.chain = settings->tls_certificate,
		.key_name = "tls.key_file",
		.key = settings->tls_key };
}

int server_open(const struct engine_parts *parts, struct engine *engine, struct server **ret_server,
	struct error *err)
{
	const struct responder_settings *settings = parts->settings;
	struct server *server = NEW(struct server);
	static const char events[] = "tercel_responder_events_total";
	static const char about[] = "Alerts that came in";
	struct certificate_files files = certificate_files_of(settings);
	int r;

	server->parts = *parts;
	server->engine = engine;
	server->taken = metrics_counter(parts->metrics, events, about, NULL);
	server->unverified = metrics_counter(parts->metrics, "tercel_responder_unverified_total",
		"Alerts of which nothing came, for nobody vouched for them", NULL);
	server->rejected = metrics_counter(parts->metrics, "tercel_responder_rejected_total",
		"Requests that were no alerts, or that found no room", NULL);
	r = certificate_read(&files, &server->certificate, err);
	if (!r)
		r = http_server_new(
			&(struct http_server_options){ .address = settings->address,
				.port = (uint16_t)settings->port,
				.socket_path = settings->socket_path && *settings->socket_path
						       ? settings->socket_path
						       : NULL,
				.routes = routes,
				.route_count = COUNT_OF(routes),
				.context = server,
				.body_limit = BODY_MAX,
				.certificate = server->certificate.chain,
				.key = server->certificate.key },
			&server->http, err);
	if (r < 0) {
		certificate_done(&server->certificate);
		free(server);
		return r;
	}
	*ret_server = server;
	return 0;
}

void server_close(struct server *server)
{
	if (!server)
		return;
	http_server_free(server->http);
	certificate_done(&server->certificate);
	free(server);
}

void server_renew(struct server *server)
{
	struct certificate_files files = certificate_files_of(server->parts.settings);

	certificate_follow(&server->certificate, &files, server->http);
}

uint16_t server_port(const struct server *server)
{
	return http_server_port(server->http);
}
