/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The page's API about those who use it: signing in and out, sessions, users, and what the
 * dashboard was started with.
 */
#include <errno.h>
#include <stdio.h>
#include <time.h>

#include "base/log.h"
#include "base/memory.h"
#include "dashboard/api-v2.h"
#include "dashboard/backup.h"
#include "dashboard/rule-text.h"

#define SESSION_COOKIE "tercel_session"

static bool is_secure(struct http_request *request)
{
	return http_request_transport(request) == HTTP_TLS ||
	       text_is(http_request_header(request, "X-Forwarded-Proto"), "https");
}

static void set_cookie(struct asked *asked, const char *token, int seconds)
{
	_cleanup_(freep) char *cookie =
		string_printf(SESSION_COOKIE "=%s; HttpOnly; SameSite=Strict; Path=/; Max-Age=%d%s",
			token, seconds, is_secure(asked->request) ? "; Secure" : "");

	http_reply_header(asked->request, "Set-Cookie", cookie);
}

static void add_member(struct json_writer *json, const char *key, const char *value)
{
	json_key(json, key);
	json_add_string(json, value);
}

static void add_flag(struct json_writer *json, const char *key, bool flag)
{
	json_key(json, key);
	json_add_bool(json, flag);
}

static void add_number(struct json_writer *json, const char *key, int64_t number)
{
	json_key(json, key);
	json_add_i64(json, number);
}

static void write_who(const struct asked *asked, struct json_writer *json)
{
	static const char *const ways[] = { [KNOWN_BY_NOTHING] = "nothing",
		[KNOWN_BY_LOGIN] = "login",
		[KNOWN_BY_PROXY] = "proxy" };

	add_member(json, "user", asked->user);
	add_member(json, "role", role_name(asked->role));
	add_member(json, "known_by", ways[asked->known_by]);
	add_flag(json, "login", asked->parts->logins != NULL);
}

void answer_log_in(struct asked *asked)
{
	_cleanup_(json_putp) struct json_object *body = NULL;
	char token[SESSION_TOKEN_MAX];
	struct text user, password, peer;
	int seconds = 0, r;

	if (!asked->parts->logins) {
		http_reply(asked->request, 204, NULL, TEXT(""));
		return;
	}
	if (json_parse(http_request_body(asked->request), &body, NULL, NULL) < 0) {
		http_reply_error(
			asked->request, 400, "the body must be {\"user\":…,\"password\":…}");
		return;
	}
	user = json_get_text(body, "user");
	password = json_get_text(body, "password");
	peer = access_peer(asked->parts->access, asked);
	r = logins_check(asked->parts->logins, user, password, peer, &seconds);
	if (r == -EAGAIN) {
		log_warning(
			"a login from " TEXT_FORMAT " has to wait %d s", TEXT_PRINT(peer), seconds);
		access_reply_throttled(asked, seconds);
		return;
	}
	if (r < 0) {
		/* Not the name: people type their password there. */
		log_warning("a login from " TEXT_FORMAT " was wrong", TEXT_PRINT(peer));
		http_reply_error(asked->request, 401, "user or password is wrong");
		return;
	}
	log_info("user \"" TEXT_FORMAT "\" signed in from " TEXT_FORMAT, TEXT_PRINT(user),
		TEXT_PRINT(peer));
	logins_start_session(asked->parts->logins, user, peer, token);
	set_cookie(asked, token, 7 * 86400);
	http_reply(asked->request, 204, NULL, TEXT(""));
}

void answer_log_out(struct asked *asked)
{
	if (*asked->session)
		logins_end_session(asked->parts->logins, text_of(asked->session));
	set_cookie(asked, "", 0);
	http_reply(asked->request, 204, NULL, TEXT(""));
}

void answer_session(struct asked *asked)
{
	struct json_writer json;

	json_writer_init(&json, asked->out);
	json_begin_object(&json);
	write_who(asked, &json);
	json_end(&json);
	asked_reply_json(asked);
}

/* Whose sessions one may see and end: an operator everybody's. */
static const char *whose(const struct asked *asked)
{
	return asked->role == ROLE_OPERATOR ? NULL : asked->user;
}

static void write_sessions(struct asked *asked, struct json_writer *json)
{
	_cleanup_(freep) struct session *sessions = NULL;
	size_t count = asked->parts->logins
			       ? logins_list_sessions(asked->parts->logins, whose(asked),
					 text_of(asked->session), &sessions)
			       : 0;

	json_key(json, "sessions");
	json_begin_array(json);
	for (size_t i = 0; i < count; i++) {
		json_begin_object(json);
		add_member(json, "id", sessions[i].id);
		add_member(json, "user", sessions[i].user);
		add_member(json, "peer", sessions[i].peer);
		add_number(json, "since_ms", sessions[i].since_ms);
		add_number(json, "seen_ms", sessions[i].seen_ms);
		add_flag(json, "is_own", sessions[i].is_own);
		json_end(json);
	}
	json_end(json);
}

static void write_user(void *context, const char *name, enum role role)
{
	struct json_writer *json = context;

	json_begin_object(json);
	add_member(json, "name", name);
	add_member(json, "role", role_name(role));
	json_end(json);
}

/* Null for a viewer. */
static void write_users(struct asked *asked, struct json_writer *json)
{
	json_key(json, "users");
	if (asked->role != ROLE_OPERATOR) {
		json_add_null(json);
		return;
	}
	json_begin_array(json);
	if (asked->parts->logins)
		logins_each_user(asked->parts->logins, write_user, json);
	json_end(json);
}

void answer_access(struct asked *asked)
{
	struct json_writer json;

	json_writer_init(&json, asked->out);
	json_begin_object(&json);
	write_who(asked, &json);
	write_sessions(asked, &json);
	write_users(asked, &json);
	add_number(&json, "ignored_headers", (int64_t)access_ignored(asked->parts->access));
	json_end(&json);
	asked_reply_json(asked);
}

/* Without an id all others of one's own; never the one that asks. */
void answer_end_sessions(struct asked *asked)
{
	struct text id = asked_parameter(asked, "session");
	size_t count = 0;

	if (asked->parts->logins)
		count = logins_end_sessions(asked->parts->logins,
			id.length ? whose(asked) : asked->user, id, text_of(asked->session));
	if (id.length && !count) {
		http_reply_error(asked->request, 404, "there is no such session of another");
		return;
	}
	buffer_printf(asked->out, "{\"ended\":%zu}", count);
	asked_reply_json(asked);
}

/* What it runs with. */

static void write_list(struct json_writer *json, const char *key, const struct text_list *list)
{
	json_key(json, key);
	json_begin_array(json);
	for (size_t i = 0; i < list->count; i++)
		json_add_string(json, list->items[i]);
	json_end(json);
}

static bool is_set(const char *text)
{
	return text && *text;
}

static void write_store(struct asked *asked, struct json_writer *json)
{
	const struct dashboard_settings *settings = asked->parts->settings;
	struct store_status now;

	store_status(asked->parts->store, &now);
	json_key(json, "store");
	json_begin_object(json);
	add_number(json, "events", now.events);
	add_number(json, "bytes", (int64_t)now.bytes);
	add_number(json, "oldest_ms", now.oldest_ns / NS_PER_MS);
	add_number(json, "newest_ms", now.newest_ns / NS_PER_MS);
	add_number(json, "ttl_ms", settings->ttl_ms);
	add_number(json, "max_bytes", (int64_t)settings->max_bytes);
	add_member(json, "folder", settings->state);
	json_end(json);
}

static void write_ingest(struct asked *asked, struct json_writer *json)
{
	const struct dashboard_settings *settings = asked->parts->settings;

	json_key(json, "ingest");
	json_begin_object(json);
	add_number(json, "port", server_port(asked->server));
	add_member(json, "socket", is_set(settings->socket_path) ? settings->socket_path : NULL);
	add_flag(json, "has_token", is_set(settings->token));
	json_end(json);
}

void answer_settings(struct asked *asked)
{
	const struct dashboard_settings *settings = asked->parts->settings;
	struct json_writer json;

	json_writer_init(&json, asked->out);
	json_begin_object(&json);
	add_member(&json, "version", TERCEL_VERSION);
	write_store(asked, &json);
	write_ingest(asked, &json);
	write_list(&json, "forwarders", &settings->forwarders);
	add_member(&json, "responder",
		is_set(settings->responder) ? settings->responder : settings->responder_socket);
	write_list(&json, "rules", &settings->rules);
	write_list(&json, "trusted_proxies", &settings->trusted_proxies);
	json_end(&json);
	asked_reply_json(asked);
}

void answer_rule(struct asked *asked)
{
	const struct text_list *paths = &asked->parts->settings->rules;
	struct json_writer json;
	struct error err = { 0 };

	json_writer_init(&json, asked->out);
	json_begin_object(&json);
	add_flag(&json, "is_configured", paths->count > 0);
	json_key(&json, "texts");
	(void)rule_text_write(paths, asked_parameter(asked, "rule"), &json, &err);
	add_member(&json, "error", *err.message ? err.message : NULL);
	json_end(&json);
	asked_reply_json(asked);
}

void answer_backup(struct asked *asked)
{
	const char *state = asked->parts->settings->state;
	char day[16];
	time_t now = time(NULL);
	struct tm utc;
	_cleanup_(freep) char *header = NULL;

	gmtime_r(&now, &utc);
	strftime(day, sizeof(day), "%Y-%m-%d", &utc);
	header = string_printf("attachment; filename=\"tercel-%s.tar\"", day);
	http_reply_header(asked->request, "Content-Disposition", header);
	log_info("user \"%s\" downloads a backup", asked->user);
	if (backup_download(server_backups(asked->server), asked->request, state) < 0)
		http_reply_error(asked->request, 503, "another backup runs; try again later");
}
