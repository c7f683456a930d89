/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Intake: the HTTP side. A handler reads the body and hands the alerts to the journal; its
 * connection is suspended until the journal's thread calls back after the commit.
 */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/certificate.h"
#include "base/http-server.h"
#include "base/log.h"
#include "base/memory.h"
#include "forwarder/alert-count.h"
#include "forwarder/intake.h"

#define CONNECTIONS_MAX	    16384
#define RETRY_AFTER_SECONDS "1"

struct intake {
	pthread_rwlock_t change; /* of the parts: who answers a request holds it for reading */
	struct intake_parts parts;
	struct certificate certificate; /* what the server shows now */
	struct http_server *server, *plain_server;
	struct http_route *routes, *plain_routes;
	pthread_mutex_t lock;
	pthread_cond_t is_quiet;
	size_t waiting; /* arrivals that are not answered */
	bool is_ending;
	metric *accepted, *rejected, *refused;
};

/* A request whose alerts wait for their commit. */
struct arrival {
	struct intake *intake;
	struct http_request *request;
	size_t accepted, rejected;
	bool is_many;
	bool is_patient;  /* the sender understands 503 */
	int64_t delay_ms; /* of one that does not; 0: none */
};

static void reply_text(struct http_request *request, unsigned status, const char *words)
{
	http_reply(request, status, "text/plain; charset=utf-8", text_of(words));
}

static void reply_full(struct http_request *request)
{
	http_reply_header(request, "Retry-After", RETRY_AFTER_SECONDS);
	http_reply_error(request, 503, "the journal takes no alerts at the moment; send again");
}

static void reply_accepted(const struct arrival *arrival)
{
	char words[64];

	if (!arrival->is_many) {
		http_reply(arrival->request, 200, NULL, (struct text){ 0 });
		return;
	}
	snprintf(words, sizeof(words), "{\"accepted\":%zu,\"rejected\":%zu}\n", arrival->accepted,
		arrival->rejected);
	http_reply(arrival->request, 200, "application/json", text_of(words));
}

/* False when no more are taken. */
static bool begin_arrival(struct intake *intake)
{
	bool may_begin;

	pthread_mutex_lock(&intake->lock);
	may_begin = !intake->is_ending;
	intake->waiting += may_begin;
	pthread_mutex_unlock(&intake->lock);
	return may_begin;
}

static void end_arrival(struct intake *intake)
{
	pthread_mutex_lock(&intake->lock);
	if (!--intake->waiting)
		pthread_cond_broadcast(&intake->is_quiet);
	pthread_mutex_unlock(&intake->lock);
}

static void end(struct arrival *arrival, enum waiting_end how)
{
	struct intake *intake = arrival->intake;

	if (how == WAITING_LOST) {
		*intake->refused += (int64_t)arrival->accepted;
		reply_full(arrival->request);
	} else {
		*intake->accepted += (int64_t)arrival->accepted;
		if (how == WAITING_IN_MEMORY)
			http_reply_header(arrival->request, "Tercel-Durability", "memory");
		reply_accepted(arrival);
	}
	free(arrival);
	end_arrival(intake);
}

static void answer_after_wait(void *context, enum waiting_end how)
{
	end(context, how);
}

/* The journal does not take it: it waits, or is refused. The append is given away. */
static void turn_away(struct arrival *arrival, struct journal_append *append)
{
	const struct intake_parts *parts = &arrival->intake->parts;

	if (arrival->delay_ms && waiting_room_add(parts->room, append, arrival->delay_ms,
					 answer_after_wait, arrival) == 0)
		return;
	/* Who is known to send again has lost nothing. */
	if (arrival->delay_ms || !arrival->is_patient)
		minder_refused(parts->minder, arrival->accepted);
	journal_append_free(append);
	end(arrival, WAITING_LOST);
}

/* The journal's thread. */
static void answer(struct journal_append *append, int error)
{
	struct arrival *arrival = append->context;

	if (error) {
		turn_away(arrival, append);
		return;
	}
	journal_append_free(append);
	end(arrival, WAITING_IN_JOURNAL);
}

/* In a time that does not tell how much of it is right. */
static bool is_same_secret(struct text given, const char *known)
{
	unsigned char differs = given.length != strlen(known);

	for (size_t i = 0; i < given.length; i++)
		differs |= (unsigned char)(given.data[i] ^ known[i % (strlen(known) + 1)]);
	return !differs;
}

static struct text bearer(const struct http_request *request)
{
	struct text value = http_request_header(request, "Authorization");
	struct text scheme = text_slice(value, 0, 7);

	return text_equal_ignoring_case(scheme, TEXT("Bearer "))
		       ? text_trim(text_slice(value, 7, value.length))
		       : (struct text){ 0 };
}

static bool is_local_friend(const struct http_request *request)
{
	uid_t uid;
	pid_t pid;

	return http_request_peer_uid(request, &uid, &pid) == 0 && (uid == 0 || uid == geteuid());
}

/* Where senders must show a certificate, one without is not served. */
static bool is_shut_out(const struct intake *intake, const struct http_request *request)
{
	return intake->parts.settings->tls.mutual_tls &&
	       http_request_transport(request) == HTTP_TLS;
}

/* -EACCES for a token that is wrong: whoever shows one means to be known. */
static int verify(const struct intake *intake, const struct http_request *request)
{
	const char *known = intake->parts.token;
	struct text token = bearer(request);

	if (is_shut_out(intake, request))
		return -EACCES;
	if (known && *known && token.data)
		return is_same_secret(token, known) ? VERIFIED_TOKEN : -EACCES;
	if (http_request_transport(request) == HTTP_MTLS)
		return VERIFIED_MTLS;
	return is_local_friend(request) ? VERIFIED_SOCKET : VERIFIED_NONE;
}

static void reply_unknown(const struct intake *intake, struct http_request *request)
{
	http_reply_error(request, 401, "%s",
		is_shut_out(intake, request) ? "a client certificate is required"
					     : "this token is not known here");
}

static void count_alert(void *context, const struct alert *alert)
{
	struct intake *intake = context;
	struct alert_labels also = { pipeline_custom_fields(intake->parts.pipeline),
		&intake->parts.settings->templated_fields, &intake->parts.settings->extra_labels };

	alert_count(&also, intake->parts.metrics, alert);
}

static void print_alerts(const struct journal_append *append)
{
	for (size_t i = 0; i < append->count; i++)
		log_debug("alert: %s", append->alerts[i].body);
}

/* Falco has said all that it will say of an alert. Ours and arrays come again. */
static bool is_falco(const struct http_request *request)
{
	return text_starts_with(http_request_header(request, "User-Agent"), TEXT("falcosecurity/"));
}

static bool is_ours(const struct http_request *request)
{
	return text_starts_with(http_request_header(request, "User-Agent"), TEXT("tercel"));
}

static void hand_over(
	struct intake *intake, struct http_request *request, struct intake_result *result)
{
	struct arrival *arrival = NEW(struct arrival);
	int64_t delay_ms = intake->parts.settings->answer_delay_ms;

	*arrival = (struct arrival){ intake, request, result->accepted, result->rejected,
		result->is_many, result->is_many || is_ours(request),
		is_falco(request) && !result->is_many ? delay_ms : 0 };
	result->append->done = answer;
	result->append->context = arrival;
	if (intake->parts.settings->is_debug)
		print_alerts(result->append);
	if (!begin_arrival(intake)) {
		reply_full(request);
		journal_append_free(result->append);
		free(arrival);
	} else if (journal_append(intake->parts.journal, result->append) < 0) {
		turn_away(arrival, result->append);
	}
}

static void reply_invalid(struct http_request *request, const struct error *err)
{
	struct buffer words;

	buffer_init(&words, ERROR_MESSAGE_MAX * 2);
	buffer_printf(&words, "Please send a valid request body\n%s\n", err->message);
	http_reply(request, 400, "text/plain; charset=utf-8", buffer_text(&words));
	buffer_done(&words);
}

/* For one output alone (journal.h). */
static void address_to(struct journal_append *append, const char *target)
{
	for (size_t i = 0; i < append->count; i++) {
		struct journal_alert *alert = &append->alerts[i];
		char *body = string_printf("@%s\n%s", target, alert->body);

		free(alert->body);
		alert->body = body;
		alert->length = strlen(body);
	}
}

static void take_now(
	struct intake *intake, struct http_request *request, struct text body, const char *target)
{
	int verified = verify(intake, request);
	struct intake_result result;

	if (verified < 0) {
		(*intake->rejected)++;
		reply_unknown(intake, request);
		return;
	}
	intake_read(intake->parts.pipeline, body, (enum verified)verified, count_alert, intake,
		&result);
	if (target && result.append)
		address_to(result.append, target);
	*intake->rejected += (int64_t)result.rejected;
	if (result.append) {
		hand_over(intake, request, &result);
	} else if (result.is_many && !result.rejected) {
		http_reply(request, 200, "application/json",
			TEXT("{\"accepted\":0,\"rejected\":0}\n"));
	} else {
		log_debug("an alert was rejected: %s", result.first.message);
		reply_invalid(request, &result.first);
	}
}

static void take(struct intake *intake, struct http_request *request, struct text body)
{
	pthread_rwlock_rdlock(&intake->change);
	take_now(intake, request, body, NULL);
	pthread_rwlock_unlock(&intake->change);
}

static void handle_alerts(struct http_request *request, void *context)
{
	take(context, request, http_request_body(request));
}

static void beat(struct intake *intake, struct http_request *request, struct text hostname)
{
	int verified = verify(intake, request), r;

	if (verified < 0) {
		reply_unknown(intake, request);
		return;
	}
	r = minder_beat(intake->parts.minder, hostname, (enum verified)verified);
	if (r == -EINVAL)
		http_reply_error(request, 400, "a beat is {\"hostname\": NAME}");
	else if (r < 0)
		http_reply_error(request, 401, "this node has shown who it is before");
	else
		http_reply(request, 204, NULL, (struct text){ 0 });
}

/* A sensor says that it lives. */
static void handle_beat(struct http_request *request, void *context)
{
	struct intake *intake = context;
	_cleanup_(json_putp) struct json_object *body = NULL;
	struct error err;

	(void)json_parse(http_request_body(request), &body, NULL, &err);
	pthread_rwlock_rdlock(&intake->change);
	beat(intake, request, json_get_text(body, "hostname"));
	pthread_rwlock_unlock(&intake->change);
}

static void handle_other_method(struct http_request *request, void *context)
{
	struct intake *intake = context;

	(*intake->rejected)++;
	reply_text(request, 400, "Please send with post http method\n");
}

static void handle_ping(struct http_request *request, void *context)
{
	reply_text(request, 200, "pong\n");
}

static void handle_health(struct http_request *request, void *context)
{
	http_reply_static(request, 200, "application/json", TEXT("{\"status\": \"ok\"}"));
}

static void write_test(struct buffer *body)
{
	buffer_add_string(body,
		"{\"output\":\"This is a test from falcosidekick\",\"priority\":\"Debug\","
		"\"hostname\":\"falcosidekick\",\"rule\":\"Test rule\",\"time\":\"");
	time_write(body, (int64_t)time(NULL) * 1000000000);
	buffer_add_string(body,
		"\",\"output_fields\":{\"proc.name\":\"falcosidekick\","
		"\"user.name\":\"falcosidekick\"},\"tags\":[\"test\",\"example\"]}");
}

static void reply_no_output(
	const struct intake *intake, struct http_request *request, const char *name)
{
	struct buffer titles;

	buffer_init(&titles, 4096);
	delivery_ids(intake->parts.delivery, &titles);
	http_reply_error(request, 404, "no output \"%s\" is on; there are: %s", name,
		titles.data ? titles.data : "none");
	buffer_done(&titles);
}

/* The test for one output alone, or for all of one name. */
static void test_output(
	struct intake *intake, struct http_request *request, struct text output, struct text body)
{
	_cleanup_(freep) char *name = text_to_string(output);
	struct text_list ids = { 0 };

	if (!delivery_find(intake->parts.delivery, name, &ids)) {
		reply_no_output(intake, request, name);
	} else {
		_cleanup_(freep) char *all = string_copy(ids.items[0]);

		for (size_t i = 1; i < ids.count; i++) {
			char *more = string_printf("%s,%s", all, ids.items[i]);

			free(all);
			all = more;
		}
		take_now(intake, request, body, all);
	}
	text_list_done(&ids);
}

static void handle_test(struct http_request *request, void *context)
{
	struct intake *intake = context;
	struct text output = http_request_query(request, "output");
	struct buffer body;

	buffer_init(&body, 1024);
	write_test(&body);
	pthread_rwlock_rdlock(&intake->change);
	if (output.length)
		test_output(intake, request, output, buffer_text(&body));
	else
		take_now(intake, request, buffer_text(&body), NULL);
	pthread_rwlock_unlock(&intake->change);
	buffer_done(&body);
}

static void measure(struct intake *intake)
{
	struct journal *journal = intake->parts.journal;
	struct metrics *metrics = intake->parts.metrics;

	*metrics_gauge(metrics, "tercel_forwarder_journal_bytes", "Size of the journal on disk",
		NULL) = (int64_t)journal_bytes(journal);
	*metrics_counter(metrics, "tercel_forwarder_folded_total",
		"Alerts that a sender sent again and that were kept once", NULL) =
		(int64_t)journal_folded(journal);
	*metrics_gauge(metrics, "tercel_forwarder_dead_letters", "Dead letters that are kept",
		NULL) = journal_dead_letters(journal);
	*metrics_gauge(metrics, "tercel_forwarder_journal_ok", "1 while the journal can be written",
		NULL) = !journal_error(journal);
	delivery_measure(intake->parts.delivery);
}

static void reply_metrics(struct intake *intake, struct http_request *request)
{
	struct buffer out;

	if (is_shut_out(intake, request)) {
		reply_unknown(intake, request);
		return;
	}
	measure(intake);
	buffer_init(&out, 64 * 1024 * 1024);
	metrics_write(intake->parts.metrics, &out);
	http_reply(request, 200, "text/plain; version=0.0.4; charset=utf-8", buffer_text(&out));
	buffer_done(&out);
}

static void handle_metrics(struct http_request *request, void *context)
{
	struct intake *intake = context;

	pthread_rwlock_rdlock(&intake->change);
	reply_metrics(intake, request);
	pthread_rwlock_unlock(&intake->change);
}

static void reply_outputs(struct intake *intake, struct http_request *request)
{
	struct buffer out;

	if (is_shut_out(intake, request)) {
		reply_unknown(intake, request);
		return;
	}
	buffer_init(&out, 1024 * 1024);
	delivery_write(intake->parts.delivery, &out);
	http_reply(request, 200, "application/json", buffer_text(&out));
	buffer_done(&out);
}

static void handle_outputs(struct http_request *request, void *context)
{
	struct intake *intake = context;

	pthread_rwlock_rdlock(&intake->change);
	reply_outputs(intake, request);
	pthread_rwlock_unlock(&intake->change);
}

static void reply_nodes(struct intake *intake, struct http_request *request)
{
	struct buffer out;

	if (is_shut_out(intake, request)) {
		reply_unknown(intake, request);
		return;
	}
	buffer_init(&out, 16 << 20);
	minder_write(intake->parts.minder, &out);
	http_reply(request, 200, "application/json", buffer_text(&out));
	buffer_done(&out);
}

static void handle_nodes(struct http_request *request, void *context)
{
	struct intake *intake = context;

	pthread_rwlock_rdlock(&intake->change);
	reply_nodes(intake, request);
	pthread_rwlock_unlock(&intake->change);
}

static const struct http_route all_routes[] = {
	{ NULL, "/ping", handle_ping },
	{ NULL, "/healthz", handle_health },
	{ NULL, "/test", handle_test },
	{ "GET", "/metrics", handle_metrics },
	{ "GET", "/api/outputs", handle_outputs },
	{ "GET", "/api/nodes", handle_nodes },
	{ "POST", "/beat", handle_beat },
	{ "POST", "*", handle_alerts },
	{ NULL, "*", handle_other_method },
};

static bool is_plain_path(const struct settings *settings, const char *path)
{
	for (size_t i = 0; settings->tls.deploy && i < settings->tls.plain_paths.count; i++)
		if (!strcmp(settings->tls.plain_paths.items[i], path))
			return true;
	return false;
}

/* The routes that are, or are not, served without TLS. Returns how many. */
static size_t choose_routes(
	const struct settings *settings, bool wants_plain, struct http_route *ret_routes)
{
	size_t count = 0;

	for (size_t i = 0; i < COUNT_OF(all_routes); i++)
		if (is_plain_path(settings, all_routes[i].path) == wants_plain)
			ret_routes[count++] = all_routes[i];
	return count;
}

static struct certificate_files certificate_files_of(const struct settings *settings)
{
	if (!settings->tls.deploy)
		return (struct certificate_files){ 0 };
	return (struct certificate_files){
		.chain_name = "tlsserver.certfile",
		.chain = settings->tls.certificate_file ?: "",
		.key_name = "tlsserver.keyfile",
		.key = settings->tls.key_file ?: "",
		.client_ca_name = "tlsserver.cacertfile",
		.client_ca = settings->tls.mutual_tls ? settings->tls.ca_file ?: "" : NULL,
	};
}

int intake_change(struct intake *intake, const struct intake_parts *parts, struct error *err)
{
	struct certificate_files files = certificate_files_of(parts->settings);
	int r = certificate_renew(&intake->certificate, &files, intake->server, err);

	if (r < 0)
		return r;
	pthread_rwlock_wrlock(&intake->change);
	intake->parts = *parts;
	pthread_rwlock_unlock(&intake->change);
	return 0;
}

static int listen_main(struct intake *intake, struct error *err)
{
	const struct settings *settings = intake->parts.settings;
	const char *socket = settings->listen_socket;
	struct http_server_options options = {
		.address = settings->listen_address,
		.port = (uint16_t)settings->listen_port,
		.socket_path = socket && *socket ? socket : NULL,
		.routes = intake->routes,
		.route_count = choose_routes(settings, false, intake->routes),
		.context = intake,
		.body_limit = settings->body_limit,
		.connection_limit = CONNECTIONS_MAX,
	};
	struct certificate_files files = certificate_files_of(settings);
	int r = certificate_read(&files, &intake->certificate, err);

	if (r < 0)
		return r;
	options.certificate = intake->certificate.chain;
	options.key = intake->certificate.key;
	options.client_ca = intake->certificate.client_ca;
	return http_server_new(&options, &intake->server, err);
}

static int listen_plain(struct intake *intake, struct error *err)
{
	const struct settings *settings = intake->parts.settings;
	struct http_server_options options = {
		.address = settings->listen_address,
		.port = (uint16_t)settings->tls.plain_port,
		.routes = intake->plain_routes,
		.route_count = choose_routes(settings, true, intake->plain_routes),
		.context = intake,
		.body_limit = settings->body_limit,
		.threads = 1,
	};

	if (!options.route_count)
		return 0;
	return http_server_new(&options, &intake->plain_server, err);
}

void intake_free(struct intake *intake)
{
	if (!intake)
		return;
	pthread_mutex_lock(&intake->lock);
	intake->is_ending = true;
	while (intake->waiting)
		pthread_cond_wait(&intake->is_quiet, &intake->lock);
	pthread_mutex_unlock(&intake->lock);
	http_server_free(intake->server);
	http_server_free(intake->plain_server);
	pthread_cond_destroy(&intake->is_quiet);
	pthread_mutex_destroy(&intake->lock);
	pthread_rwlock_destroy(&intake->change);
	certificate_done(&intake->certificate);
	free(intake->routes);
	free(intake->plain_routes);
	free(intake);
}
DEFINE_CLEANUP(struct intake *, intake_free)

static void make_metrics(struct intake *intake)
{
	static const char name[] = "falcosecurity_falcosidekick_inputs_total";
	static const char about[] = "Alerts that came in";
	struct metrics *metrics = intake->parts.metrics;

	intake->accepted =
		metrics_counter(metrics, name, about, "source=\"requests\",status=\"accepted\"");
	intake->rejected =
		metrics_counter(metrics, name, about, "source=\"requests\",status=\"rejected\"");
	intake->refused = metrics_counter(metrics, "tercel_forwarder_refused_total",
		"Alerts that were answered with 503 because the journal took none", NULL);
}

int intake_new(const struct intake_parts *parts, struct intake **ret_intake, struct error *err)
{
	_cleanup_(intake_freep) struct intake *intake = NEW(struct intake);
	pthread_rwlockattr_t attributes;
	int r;

	intake->parts = *parts;
	pthread_mutex_init(&intake->lock, NULL);
	/* Or a change would wait as long as there are requests. */
	pthread_rwlockattr_init(&attributes);
	pthread_rwlockattr_setkind_np(&attributes, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
	pthread_rwlock_init(&intake->change, &attributes);
	pthread_rwlockattr_destroy(&attributes);
	pthread_cond_init(&intake->is_quiet, NULL);
	intake->routes = NEW_ARRAY(struct http_route, COUNT_OF(all_routes));
	intake->plain_routes = NEW_ARRAY(struct http_route, COUNT_OF(all_routes));
	make_metrics(intake);
	r = listen_main(intake, err);
	if (!r)
		r = listen_plain(intake, err);
	if (r < 0)
		return r;
	*ret_intake = TAKE(intake);
	return 0;
}
