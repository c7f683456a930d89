/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TimescaleDB, or any PostgreSQL: a row an alert, in a table that must be there. The rows of a
 * parcel are one transaction, so a parcel that failed has left nothing.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <time.h>

#include <libpq-fe.h>

#include "base/clock.h"
#include "base/memory.h"
#include "forwarder/alert-text.h"
#include "forwarder/library.h"
#include "forwarder/output.h"

#define PQ_FUNCTIONS(X)         \
	X(PQconnectStartParams) \
	X(PQconnectPoll)        \
	X(PQstatus)             \
	X(PQsocket)             \
	X(PQerrorMessage)       \
	X(PQsendQueryParams)    \
	X(PQsetnonblocking)     \
	X(PQflush)              \
	X(PQconsumeInput)       \
	X(PQisBusy)             \
	X(PQgetResult)          \
	X(PQresultStatus)       \
	X(PQresultErrorField)   \
	X(PQclear)              \
	X(PQfinish)
LIBRARY(libpq, "libpq.so.5", "libpq5", PQ_FUNCTIONS)

#define BATCH	    256
#define COLUMNS_MAX 64

struct timescaledb {
	struct output_settings common;
	char *host, *user, *password, *database, *table, *ssl_mode;
	int64_t port;
	struct text_list fields;
};

static const struct setting rows[] = {
	OUTPUT_ROW_TEXT(timescaledb, host, "host", NULL, "The server; switches the output on"),
	OUTPUT_ROW_INTEGER(timescaledb, port, "port", "5432", 1, 65535, "The server's port"),
	OUTPUT_ROW_TEXT(timescaledb, user, "user", "postgres", "User to log in as"),
	{ .key = "password",
		.type = SETTING_SECRET,
		.at = offsetof(struct timescaledb, password),
		.fallback = "postgres",
		.about = "Password" },
	OUTPUT_ROW_TEXT(timescaledb, database, "database", "falcosidekick", "The database"),
	OUTPUT_ROW_TEXT(timescaledb, table, "hypertablename", "falcosidekick_events",
		"The table, perhaps with its schema; it must have columns time, rule, priority, "
		"source, output, tags and hostname"),
	OUTPUT_ROW_TEXT(timescaledb, ssl_mode, "sslmode", "prefer",
		"How TLS is spoken, in libpq's words: disable, allow, prefer, require, verify-ca "
		"or verify-full; mutualtls is verify-full"),
	{ .key = "mutualtls",
		.type = SETTING_BOOL,
		.at = offsetof(struct timescaledb, common.uses_mutual_tls),
		.fallback = "false",
		.about = "Show the client certificate of mutualtlsclient" },
	OUTPUT_ROW_LIST(timescaledb, fields, "fields",
		"Fields of alerts that have a column of their name, such as custom ones"),
	OUTPUT_ROW_PRIORITY,
};

static bool is_enabled(const void *settings)
{
	return is_set(((const struct timescaledb *)settings)->host);
}

static int check(const void *settings, struct error *err)
{
	struct libpq functions;

	if (((const struct timescaledb *)settings)->fields.count > COLUMNS_MAX - 7)
		return error_set(err, -EINVAL, "timescaledb.fields: at most %d", COLUMNS_MAX - 7);
	return libpq_load(&functions, err);
}

static size_t batch(const void *settings)
{
	(void)settings;
	return BATCH;
}

/* An identifier of SQL, in its parts: a schema and a table. */
static void write_identifier(struct buffer *out, struct text name)
{
	buffer_add_char(out, '"');
	for (size_t i = 0; i < name.length; i++)
		buffer_printf(out, name.data[i] == '"' ? "\"%c" : "%c", name.data[i]);
	buffer_add_char(out, '"');
}

static void write_table(struct buffer *out, const char *name)
{
	struct text rest = text_of(name), part;

	for (int i = 0; text_split(&rest, '.', &part); i++) {
		if (i)
			buffer_add_char(out, '.');
		write_identifier(out, part);
	}
}

/* A value as a header; "null" is Falcosidekick's word for none. */
static void add_column(struct request *request, struct text name, struct text value)
{
	if (!value.data || text_is(value, "null"))
		return;
	buffer_add_string(&request->url, request->headers.count ? ", " : " (");
	write_identifier(&request->url, name);
	text_list_add(&request->headers, value);
}

static void add_fields(
	struct request *request, const struct timescaledb *timescaledb, const struct alert *alert)
{
	for (size_t i = 0; i < timescaledb->fields.count; i++) {
		const char *name = timescaledb->fields.items[i];
		struct json_object *value = alert->fields ? json_get(alert->fields, name) : NULL;

		if (value)
			add_column(request, text_of(name), field_text(value));
	}
}

static void add_columns(
	struct request *request, const struct timescaledb *timescaledb, const struct alert *alert)
{
	struct buffer time, tags;

	buffer_init(&time, 64);
	buffer_init(&tags, ALERT_MAX);
	time_write(&time, alert->time_ns);
	alert_tags_text(&tags, alert, ",");
	add_column(request, TEXT("time"), buffer_text(&time));
	add_column(request, TEXT("rule"), text_of(alert->rule));
	add_column(request, TEXT("priority"), text_of(priority_name(alert->priority)));
	add_column(request, TEXT("source"), text_of(alert->source));
	add_column(request, TEXT("output"), text_of(alert->output));
	if (alert->tag_count)
		add_column(request, TEXT("tags"), buffer_text(&tags));
	if (is_set(alert->hostname))
		add_column(request, TEXT("hostname"), text_of(alert->hostname));
	add_fields(request, timescaledb, alert);
	buffer_done(&time);
	buffer_done(&tags);
}

/* The URL is the statement, the headers are its values. */
static void compose(const struct messages *messages, const void *settings, struct request *request)
{
	const struct timescaledb *timescaledb = settings;

	request->method = "SQL";
	buffer_add_string(&request->url, "INSERT INTO ");
	write_table(&request->url, timescaledb->table);
	add_columns(request, timescaledb, messages->items[0].alert);
	buffer_add_string(&request->url, ") VALUES (");
	for (size_t i = 1; i <= request->headers.count; i++)
		buffer_printf(&request->url, "%s$%zu", i > 1 ? ", " : "", i);
	buffer_add_char(&request->url, ')');
}

struct session {
	struct libpq functions;
	PGconn *connection;
	int64_t deadline_ms; /* of the call under way */
};

static void close_session(void *connection)
{
	struct session *session = connection;

	if (session->connection)
		session->functions.PQfinish(session->connection);
	free(session);
}
DEFINE_CLEANUP(struct session *, close_session)

static int wait_for(const struct session *session, short events, struct error *err)
{
	struct pollfd poller = { session->functions.PQsocket(session->connection), events, 0 };
	int64_t left = session->deadline_ms - clock_ms(CLOCK_MONOTONIC);

	if (left <= 0 || !poll(&poller, 1, (int)left))
		return error_set(err, -ETIMEDOUT, "no answer in time");
	return 0;
}

static int fail(const struct session *session, struct error *err)
{
	return error_set(err, -EIO, "%s", session->functions.PQerrorMessage(session->connection));
}

static int connect_session(struct session *session, struct error *err)
{
	for (;;) {
		PostgresPollingStatusType status =
			session->functions.PQstatus(session->connection) == CONNECTION_BAD
				? PGRES_POLLING_FAILED
				: session->functions.PQconnectPoll(session->connection);

		if (status == PGRES_POLLING_OK)
			return 0;
		if (status == PGRES_POLLING_FAILED)
			return fail(session, err);
		if (wait_for(session, status == PGRES_POLLING_READING ? POLLIN : POLLOUT, err) < 0)
			return err->code;
	}
}

static int open_session(const void *settings, const struct output_trust *trust, int timeout_ms,
	void **ret_connection, struct error *err)
{
	static const char *const names[] = { "host", "port", "user", "password", "dbname",
		"application_name", "sslmode", "sslrootcert", "sslcert", "sslkey", NULL };
	const struct timescaledb *to = settings;
	bool is_mutual = to->common.uses_mutual_tls;
	_cleanup_(freep) char *port = string_printf("%lld", (long long)to->port);
	const char *const values[] = { to->host, port, to->user, to->password, to->database,
		"tercel", is_mutual ? "verify-full" : to->ssl_mode,
		is_mutual ? trust->client_ca : trust->ca_file,
		is_mutual ? trust->client_certificate : NULL, is_mutual ? trust->client_key : NULL,
		NULL };
	_cleanup_(close_sessionp) struct session *session = NEW(struct session);
	int r = libpq_load(&session->functions, err);

	if (r < 0)
		return r;
	session->deadline_ms = clock_ms(CLOCK_MONOTONIC) + timeout_ms;
	session->connection = session->functions.PQconnectStartParams(names, values, 0);
	if (!session->connection)
		return error_set(err, -ENOMEM, "no connection");
	r = connect_session(session, err);
	if (r < 0)
		return r;
	session->functions.PQsetnonblocking(session->connection, 1);
	*ret_connection = TAKE(session);
	return 0;
}

static int flush(const struct session *session, struct error *err)
{
	int left;

	while ((left = session->functions.PQflush(session->connection)) > 0) {
		if (wait_for(session, POLLIN | POLLOUT, err) < 0)
			return err->code;
		if (!session->functions.PQconsumeInput(session->connection))
			return fail(session, err);
	}
	return left < 0 ? fail(session, err) : 0;
}

/*
 * What SQL's states mean (PostgreSQL, appendix A), by their class: data that is not taken, and a
 * server that is busy or going; all else (rights, names) must be put right by someone.
 */
static enum verdict verdict_of(const char *state)
{
	static const struct {
		const char class[3];
		enum verdict verdict;
	} classes[] = {
		{ "22", VERDICT_ALERT_REFUSED },
		{ "23", VERDICT_ALERT_REFUSED },
		{ "54", VERDICT_ALERT_REFUSED },
		{ "40", VERDICT_LATER },
		{ "55", VERDICT_LATER },
	};

	for (size_t i = 0; i < COUNT_OF(classes) && state; i++)
		if (!strncmp(state, classes[i].class, 2))
			return classes[i].verdict;
	return VERDICT_OUTPUT_REFUSED;
}

static enum verdict take_result(const struct session *session, PGresult *result, struct error *err)
{
	ExecStatusType status = session->functions.PQresultStatus(result);
	const char *state = session->functions.PQresultErrorField(result, PG_DIAG_SQLSTATE);
	const char *words = session->functions.PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);

	if (status == PGRES_COMMAND_OK)
		return VERDICT_SENT;
	error_set(err, -EIO, "%s: %s", state ? state : "connection",
		words ? words : session->functions.PQerrorMessage(session->connection));
	return verdict_of(state);
}

static enum verdict read_results(const struct session *session, struct error *err)
{
	const struct libpq *functions = &session->functions;
	enum verdict verdict = VERDICT_SENT;

	for (;;) {
		PGresult *result;

		while (functions->PQisBusy(session->connection)) {
			if (wait_for(session, POLLIN, err) < 0)
				return VERDICT_LATER;
			if (!functions->PQconsumeInput(session->connection)) {
				fail(session, err);
				return VERDICT_OUTPUT_REFUSED;
			}
		}
		result = functions->PQgetResult(session->connection);
		if (!result)
			return verdict;
		if (verdict == VERDICT_SENT)
			verdict = take_result(session, result, err);
		functions->PQclear(result);
	}
}

static enum verdict run(const struct session *session, const char *statement,
	const struct text_list *values, struct error *err)
{
	const struct libpq *functions = &session->functions;

	if (!functions->PQsendQueryParams(session->connection, statement, (int)values->count, NULL,
		    (const char *const *)values->items, NULL, NULL, 0)) {
		fail(session, err);
		return VERDICT_OUTPUT_REFUSED;
	}
	if (flush(session, err) < 0)
		return err->code == -ETIMEDOUT ? VERDICT_LATER : VERDICT_OUTPUT_REFUSED;
	return read_results(session, err);
}

static enum verdict send_requests(void *connection, const struct request *requests, size_t count,
	int timeout_ms, struct error *err)
{
	static const struct text_list nothing;
	struct session *session = connection;
	enum verdict verdict;
	struct error ignored;

	session->deadline_ms = clock_ms(CLOCK_MONOTONIC) + timeout_ms;
	verdict = run(session, "BEGIN", &nothing, err);
	for (size_t i = 0; i < count && verdict == VERDICT_SENT; i++)
		verdict = run(session, requests[i].url.data, &requests[i].headers, err);
	if (verdict == VERDICT_SENT)
		return run(session, "COMMIT", &nothing, err);
	if (verdict == VERDICT_ALERT_REFUSED &&
		run(session, "ROLLBACK", &nothing, &ignored) != VERDICT_SENT)
		return VERDICT_LATER;
	return verdict;
}

const struct output output_timescaledb = {
	.name = "timescaledb",
	.title = "TimescaleDB",
	.about = "Inserts a row an alert into a table of TimescaleDB or PostgreSQL",
	.rows = rows,
	.row_count = COUNT_OF(rows),
	.settings_size = sizeof(struct timescaledb),
	.reads_alerts = true,
	.is_enabled = is_enabled,
	.check = check,
	.batch = batch,
	.compose = compose,
	.open = open_session,
	.send = send_requests,
	.close = close_session,
};
