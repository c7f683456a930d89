/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The dashboard's HTTP side.
 */
#include <errno.h>
#include <openssl/crypto.h>
#include <pthread.h>
#include <stdio.h>
#include <time.h>

#include "base/certificate.h"
#include "base/json.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/queue.h"
#include "dashboard/intake.h"
#include "dashboard/server.h"
#include "dashboard/site.h"

#define BODY_MAX      (8 * 1024 * 1024)
#define ANSWER_MAX    (256 * 1024 * 1024)
#define READERS	      3 /* one may count to the end, see BUDGET_EXACT_MS */
#define QUESTIONS_MAX 1000
#define CONNECTIONS   512
#define EXPORTS_MAX   4

/* dashboard-design.md 8 */
static const char *const headers[] = {
	"Content-Security-Policy",
	"default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; img-src 'self'; "
	"connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
	"X-Content-Type-Options",
	"nosniff",
	"X-Frame-Options",
	"DENY",
	"Referrer-Policy",
	"no-referrer",
	"Cross-Origin-Opener-Policy",
	"same-origin",
	"Cross-Origin-Resource-Policy",
	"same-origin",
	"Cache-Control",
	"no-store",
	NULL,
};

struct server {
	struct server_parts parts;
	struct http_server *http;
	struct certificate certificate; /* what it shows now */
	struct http_route *routes;
	size_t route_count;
	struct downloads *exports, *backups;
	struct queue *asked; /* of http_request, to the readers */
	pthread_t readers[READERS];
	size_t reader_count;
	pthread_mutex_t lock;
	struct json_object *outputs; /* as the forwarder last told */
};

/* What is asked. */

struct text asked_parameter(void *context, const char *name)
{
	struct asked *asked = context;

	return http_request_query(asked->request, name);
}

int64_t asked_number(struct asked *asked, const char *name, int64_t fallback, int64_t maximum)
{
	int64_t number;

	if (text_to_i64(asked_parameter(asked, name), &number) < 0 || number < 1)
		return fallback;
	return MIN_OF(number, maximum);
}

/* Answers. */

void asked_reply_json(struct asked *asked)
{
	if (asked->out->is_cut)
		http_reply_error(asked->request, 500, "the answer is too large; ask for less");
	else
		http_reply(asked->request, 200, "application/json", buffer_text(asked->out));
}

void asked_reply_mistake(struct asked *asked, size_t column, const struct error *err)
{
	struct json_writer json;

	json_writer_init(&json, asked->out);
	json_begin_object(&json);
	json_key(&json, "error");
	json_add_string(&json, err->message);
	if (column) {
		json_key(&json, "column");
		json_add_u64(&json, column);
	}
	json_end(&json);
	http_reply(asked->request, 400, "application/json", buffer_text(asked->out));
}

void server_write_outputs(struct server *server, struct buffer *out)
{
	struct json_writer json;

	pthread_mutex_lock(&server->lock);
	json_writer_init(&json, out);
	if (server->outputs) {
		json_add_value(&json, server->outputs);
	} else {
		json_begin_array(&json);
		json_end(&json);
	}
	pthread_mutex_unlock(&server->lock);
}

struct downloads *server_exports(struct server *server)
{
	return server->exports;
}

struct downloads *server_backups(struct server *server)
{
	return server->backups;
}

/* Questions. */

static const struct question *find_question(
	const struct question *questions, size_t count, struct http_request *request)
{
	struct text path = http_request_path(request), method = http_request_method(request);

	for (size_t i = 0; i < count; i++) {
		const struct question *question = &questions[i];
		struct text wanted = text_of(question->path);
		bool is_prefix = text_ends_with(wanted, TEXT("*"));

		if (!text_is(method, question->method) &&
			!(text_is(method, "HEAD") && !strcmp(question->method, "GET")))
			continue;
		if (is_prefix ? text_starts_with(path, text_slice(wanted, 0, wanted.length - 1))
			      : text_equal(path, wanted))
			return question;
	}
	return NULL;
}

static void answer(struct server *server, struct store_reader *reader, struct http_request *request)
{
	const struct question *question = find_question(questions_v2, questions_v2_count, request);
	struct asked asked = {
		.parts = &server->parts, .server = server, .request = request, .reader = reader
	};
	struct buffer out;

	if (!question)
		question = find_question(questions_v1, questions_v1_count, request);
	buffer_init(&out, ANSWER_MAX);
	asked.out = &out;
	if (access_allows(server->parts.access, &asked, question))
		question->answer(&asked);
	buffer_done(&out);
}

static void *run_reader(void *context)
{
	struct server *server = context;
	struct store_reader *reader = store_reader_new(server->parts.store);
	void *request;

	while (queue_pop_many(server->asked, &request, 1, -1) == 1)
		answer(server, reader, request);
	store_reader_free(reader);
	return NULL;
}

static void ask(struct http_request *request, void *context)
{
	struct server *server = context;

	if (queue_push(server->asked, request) == 0)
		return;
	http_reply_header(request, "Retry-After", "1");
	http_reply_error(request, 503, "too many questions at once");
}

/* Alerts. */

struct posted {
	struct http_request *request;
	struct buffer refused;
	bool is_array;
	size_t count;
};

static void reply_posted(struct posted *posted)
{
	struct buffer out;

	if (!posted->is_array) {
		http_reply_static(posted->request, 200, "application/json", TEXT("\"{}\"\n"));
		return;
	}
	buffer_init(&out, posted->refused.length + 256);
	buffer_printf(&out, "{\"stored\":%zu,\"refused\":[", posted->count);
	if (posted->refused.length && !posted->refused.is_cut)
		buffer_add_text(&out, buffer_text(&posted->refused));
	buffer_add_string(&out, "]}");
	http_reply(posted->request, 200, "application/json", buffer_text(&out));
	buffer_done(&out);
}

static void reply_later(struct http_request *request, const char *why)
{
	http_reply_header(request, "Retry-After", "2");
	http_reply_error(request, 503, "%s; nothing was kept, send it again", why);
}

static void posted_free(struct posted *posted)
{
	buffer_done(&posted->refused);
	free(posted);
}

static void on_stored(struct store_add *add, int error)
{
	struct posted *posted = add->context;

	if (!error)
		reply_posted(posted);
	else
		reply_later(posted->request,
			error == -ENOSPC ? "the disk is full" : "the alert cannot be stored");
	store_add_free(add);
	posted_free(posted);
}

static bool has_token(const struct dashboard_settings *settings, struct http_request *request)
{
	struct text header = http_request_header(request, "Authorization");
	struct text given = text_trim(text_slice(header, 7, header.length));
	struct text wanted = text_of(settings->token);

	return wanted.length &&
	       text_equal_ignoring_case(text_slice(header, 0, 7), TEXT("Bearer ")) &&
	       given.length == wanted.length &&
	       !CRYPTO_memcmp(given.data, wanted.data, wanted.length);
}

static bool is_ours(struct http_request *request)
{
	uid_t uid;
	pid_t pid;

	return !http_request_peer_uid(request, &uid, &pid) && (uid == 0 || uid == geteuid());
}

/*
 * Whose alerts are taken: those of known senders; and anybody's as long as neither a token nor a
 * socket was set up, so that a stock forwarder works as it did.
 */
static bool may_post(
	const struct dashboard_settings *settings, struct http_request *request, bool *ret_is_known)
{
	bool needs_known = (settings->token && *settings->token) ||
			   (settings->socket_path && *settings->socket_path);

	*ret_is_known = is_ours(request) || has_token(settings, request);
	if (*ret_is_known || (!needs_known && http_request_transport(request) != HTTP_UNIX))
		return true;
	http_reply_error(request, 401,
		"alerts are taken over the unix socket, or with a token (Authorization: Bearer …)");
	return false;
}

static void keep_outputs(struct server *server, struct json_object *outputs)
{
	struct json_object *old;

	if (!outputs)
		return;
	pthread_mutex_lock(&server->lock);
	old = server->outputs;
	server->outputs = json_object_get(outputs);
	pthread_mutex_unlock(&server->lock);
	json_object_put(old);
}

static void hand_over(
	struct server *server, struct http_request *request, struct intake_result *result)
{
	struct posted *posted = NEW(struct posted);

	*posted = (struct posted){ request, result->refused, result->is_array, result->add->count };
	buffer_init(&result->refused, 0);
	result->add->done = on_stored;
	result->add->context = posted;
	if (store_add(server->parts.store, result->add) == 0) {
		result->add = NULL;
		return;
	}
	reply_later(request, "too much waits to be stored");
	posted_free(posted);
}

static void post(struct http_request *request, void *context)
{
	struct server *server = context;
	struct intake_result result;
	struct error err = { 0 };
	bool is_known;

	if (!may_post(server->parts.settings, request, &is_known))
		return;
	if (intake_read(http_request_body(request), is_known, &result, &err) < 0) {
		http_reply_error(request, 400, "%s", err.message);
		return;
	}
	keep_outputs(server, result.outputs);
	if (result.refused_count)
		log_warning("%zu of %zu alerts in one request were refused: %.512s",
			result.refused_count, result.refused_count + result.add->count,
			result.refused.data);
	if (!result.add->count && result.refused_count)
		http_reply_error(
			request, 400, "none of the alerts is good: %.1024s", result.refused.data);
	else
		hand_over(server, request, &result);
	intake_result_done(&result);
}

/* Files of the page. */

static void send_file(struct http_request *request, void *context)
{
	site_reply(request);
}

static void redirect_docs(struct http_request *request, void *context)
{
	http_reply_header(request, "Location", "/");
	http_reply(request, 308, NULL, TEXT(""));
}

static const struct http_route fixed_routes[] = {
	{ "POST", "/", post },
	{ "POST", "/api/v1", post },
	{ "POST", "/api/v1/", post },
	{ "POST", "/api/v1/events/add", post },
};
static const struct http_route last_routes[] = {
	{ "GET", "/docs", redirect_docs },
	{ "GET", "/docs/", redirect_docs },
	{ "GET", "/*", send_file },
};

static void add_questions(struct server *server, const struct question *questions, size_t count)
{
	for (size_t i = 0; i < count; i++)
		server->routes[server->route_count++] =
			(struct http_route){ questions[i].method, questions[i].path, ask };
}

static void unknown_api(struct http_request *request, void *context)
{
	http_reply_error(request, 404, "there is no " TEXT_FORMAT,
		TEXT_PRINT(text_slice(http_request_path(request), 0, 256)));
}

static void make_routes(struct server *server)
{
	size_t count = COUNT_OF(fixed_routes) + questions_v1_count + questions_v2_count + 1 +
		       COUNT_OF(last_routes);

	server->routes = NEW_ARRAY(struct http_route, count);
	for (size_t i = 0; i < COUNT_OF(fixed_routes); i++)
		server->routes[server->route_count++] = fixed_routes[i];
	add_questions(server, questions_v1, questions_v1_count);
	add_questions(server, questions_v2, questions_v2_count);
	server->routes[server->route_count++] = (struct http_route){ "GET", "/api/*", unknown_api };
	for (size_t i = 0; i < COUNT_OF(last_routes); i++)
		server->routes[server->route_count++] = last_routes[i];
}

static int start_readers(struct server *server, struct error *err)
{
	for (; server->reader_count < READERS; server->reader_count++) {
		int r = pthread_create(
			&server->readers[server->reader_count], NULL, run_reader, server);

		if (r)
			return error_set(err, -r, "cannot start a thread: %s", strerror(r));
	}
	return 0;
}

static struct certificate_files certificate_files_of(const struct dashboard_settings *settings)
{
	return (struct certificate_files){ .chain_name = "--tls-cert",
		.chain = settings->tls_certificate,
		.key_name = "--tls-key",
		.key = settings->tls_key };
}

static int start_http(struct server *server, struct error *err)
{
	const struct dashboard_settings *settings = server->parts.settings;
	struct http_server_options options = {
		.address = settings->address,
		.port = (uint16_t)settings->port,
		.socket_path = settings->socket_path && *settings->socket_path
				       ? settings->socket_path
				       : NULL,
		.routes = server->routes,
		.route_count = server->route_count,
		.context = server,
		.headers = headers,
		.body_limit = BODY_MAX,
		.connection_limit = CONNECTIONS,
	};
	struct certificate_files files = certificate_files_of(settings);
	int r = certificate_read(&files, &server->certificate, err);

	if (r < 0)
		return r;
	options.certificate = server->certificate.chain;
	options.key = server->certificate.key;
	return http_server_new(&options, &server->http, err);
}

int server_open(const struct server_parts *parts, struct server **ret_server, struct error *err)
{
	struct server *server = NEW(struct server);
	int r;

	server->parts = *parts;
	server->exports = downloads_new(EXPORTS_MAX);
	server->backups = downloads_new(1);
	server->asked = queue_new(QUESTIONS_MAX);
	pthread_mutex_init(&server->lock, NULL);
	make_routes(server);
	r = start_readers(server, err);
	if (!r)
		r = start_http(server, err);
	if (r < 0) {
		server_close(server);
		return r;
	}
	*ret_server = server;
	return 0;
}

void server_close(struct server *server)
{
	if (!server)
		return;
	/* The readers first: they look at requests, which end with the server. */
	queue_close(server->asked);
	for (size_t i = 0; i < server->reader_count; i++)
		pthread_join(server->readers[i], NULL);
	http_server_free(server->http);
	certificate_done(&server->certificate);
	downloads_free(server->exports);
	downloads_free(server->backups);
	queue_free(server->asked);
	json_object_put(server->outputs);
	pthread_mutex_destroy(&server->lock);
	free(server->routes);
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
