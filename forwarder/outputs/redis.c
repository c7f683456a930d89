/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Redis: appends each alert to a list, or puts it into a hash under its uuid. Commands of a parcel
 * go as one pipeline, and each must be answered.
 */
#include <errno.h>
#include <stdlib.h>

#include <hiredis/hiredis.h>

#include "base/memory.h"
#include "forwarder/library.h"
#include "forwarder/output.h"

#define REDIS_FUNCTIONS(X)         \
	X(redisConnectWithTimeout) \
	X(redisSetTimeout)         \
	X(redisAppendCommandArgv)  \
	X(redisGetReply)           \
	X(freeReplyObject)         \
	X(redisFree)
LIBRARY(hiredis, "libhiredis.so.0.14", "libhiredis0.14", REDIS_FUNCTIONS)

#define BATCH	     256
#define DEFAULT_PORT 6379

struct redis {
	struct output_settings common;
	char *address, *username, *password, *key;
	int64_t database;
	int storage;
	bool uses_tls;
};

enum { STORAGE_LIST, STORAGE_HASH };

static const struct setting rows[] = {
	OUTPUT_ROW_TEXT(redis, address, "address", NULL,
		"The server, such as redis:6379; switches the output on"),
	OUTPUT_ROW_TEXT(redis, username, "username", NULL, "User of the server's access list"),
	OUTPUT_ROW_SECRET(redis, password, "password", "Password"),
	OUTPUT_ROW_INTEGER(redis, database, "database", "0", 0, 1000000, "Number of the database"),
	OUTPUT_ROW_CHOICE(redis, storage, "storagetype", "list hashmap", "list",
		"A list of alerts, or a hash of alerts by their uuid"),
	OUTPUT_ROW_TEXT(redis, key, "key", "falco", "Key of the list or hash"),
	OUTPUT_ROW_BOOL(redis, uses_tls, "tls", "false",
		"Not possible with this version's library; use a tunnel"),
	OUTPUT_ROW_IGNORED("certfile", "", "There is no TLS to Redis here yet"),
	OUTPUT_ROW_IGNORED("keyfile", "", "There is no TLS to Redis here yet"),
	OUTPUT_ROW_IGNORED("cacertfile", "", "There is no TLS to Redis here yet"),
	OUTPUT_ROW_IGNORED("mutualtls", "false", "There is no TLS to Redis here yet"),
	OUTPUT_ROW_IGNORED("checkcert", "true", "There is no TLS to Redis here yet"),
	OUTPUT_ROW_PRIORITY,
};

static bool is_enabled(const void *settings)
{
	return is_set(((const struct redis *)settings)->address);
}

static int check(const void *settings, struct error *err)
{
	const struct redis *redis = settings;
	struct hiredis functions;

	if (redis->uses_tls)
		return error_set(err, -EINVAL,
			"redis.tls: Debian 12's hiredis speaks no TLS; send through a tunnel");
	return hiredis_load(&functions, err);
}

static size_t batch(const void *settings)
{
	(void)settings;
	return BATCH;
}

/* Of a "redis:6379", "redis" or "[::1]:6379". */
static char *split_address(const char *address, int *ret_port)
{
	const char *colon = strrchr(address, ':'), *bracket = strchr(address, ']');
	struct text host = text_of(address);
	int64_t port;

	*ret_port = DEFAULT_PORT;
	if (colon && (!bracket || colon > bracket) && !text_to_i64(text_of(colon + 1), &port) &&
		port > 0 && port < 65536) {
		*ret_port = (int)port;
		host.length = (size_t)(colon - address);
	}
	if (bracket && host.data[0] == '[')
		host = (struct text){ address + 1, (size_t)(bracket - address - 1) };
	return text_to_string(host);
}

/* The method is the command, the URL the key, and the hash's field a header. */
static void compose(const struct messages *messages, const void *settings, struct request *request)
{
	const struct redis *redis = settings;
	const struct message *message = &messages->items[0];

	request->method = redis->storage == STORAGE_HASH ? "HSET" : "RPUSH";
	buffer_add_string(&request->url, redis->key);
	if (redis->storage == STORAGE_HASH)
		text_list_add(&request->headers, text_of(message->alert->uuid));
	buffer_add_text(&request->body, message->raw);
}

struct session {
	struct hiredis functions;
	redisContext *context;
};

static void close_session(void *connection)
{
	struct session *session = connection;

	if (session->context)
		session->functions.redisFree(session->context);
	free(session);
}
DEFINE_CLEANUP(struct session *, close_session)

static void append(struct session *session, const struct text *words, size_t count)
{
	const char *data[4];
	size_t lengths[4];

	for (size_t i = 0; i < count; i++) {
		data[i] = words[i].data;
		lengths[i] = words[i].length;
	}
	session->functions.redisAppendCommandArgv(session->context, (int)count, data, lengths);
}

/*
 * The next answer: 0, -EIO when there is none, -EPERM when the server takes no such command from us
 * now, -EAGAIN when it is busy, -EINVAL when it takes none of this kind.
 */
static int read_reply(struct session *session, struct error *err)
{
	static const struct {
		struct text start;
		int error;
	} kinds[] = {
		{ { "LOADING", 7 }, -EAGAIN },
		{ { "BUSY", 4 }, -EAGAIN },
		{ { "OOM", 3 }, -EPERM },
		{ { "TRYAGAIN", 8 }, -EAGAIN },
	};
	redisReply *reply;
	int r = 0;

	if (session->functions.redisGetReply(session->context, (void **)&reply) != REDIS_OK)
		return error_set(err, -EIO, "%s", session->context->errstr);
	if (reply->type == REDIS_REPLY_ERROR) {
		struct text words = { reply->str, (size_t)reply->len };

		r = -EPERM;
		for (size_t i = 0; i < COUNT_OF(kinds); i++)
			if (text_starts_with(words, kinds[i].start))
				r = kinds[i].error;
		error_set(err, r, TEXT_FORMAT, TEXT_PRINT(words));
	}
	session->functions.freeReplyObject(reply);
	return r;
}

static int command(
	struct session *session, const struct text *words, size_t count, struct error *err)
{
	append(session, words, count);
	return read_reply(session, err);
}

static int greet(struct session *session, const struct redis *redis, struct error *err)
{
	_cleanup_(freep) char *database = string_printf("%lld", (long long)redis->database);
	struct text select[] = { TEXT("SELECT"), text_of(database) };
	struct text full[] = { TEXT("AUTH"), text_of(redis->username), text_of(redis->password) };
	struct text old[] = { TEXT("AUTH"), text_of(redis->password) };
	int r = 0;

	if (is_set(redis->password))
		r = is_set(redis->username) ? command(session, full, 3, err)
					    : command(session, old, 2, err);
	if (!r && redis->database)
		r = command(session, select, 2, err);
	return r;
}

static struct timeval time_of(int ms)
{
	return (struct timeval){ ms / 1000, ms % 1000 * 1000 };
}

static int connect_session(
	struct session *session, const struct redis *redis, int timeout_ms, struct error *err)
{
	int port;
	_cleanup_(freep) char *host = split_address(redis->address, &port);

	session->context =
		session->functions.redisConnectWithTimeout(host, port, time_of(timeout_ms));
	if (!session->context || session->context->err)
		return error_set(err, -EIO, "cannot connect to %s:%d: %s", host, port,
			session->context ? session->context->errstr : "out of memory");
	session->functions.redisSetTimeout(session->context, time_of(timeout_ms));
	return greet(session, redis, err);
}

static int open_session(const void *settings, const struct output_trust *trust, int timeout_ms,
	void **ret_connection, struct error *err)
{
	_cleanup_(close_sessionp) struct session *session = NEW(struct session);
	int r = hiredis_load(&session->functions, err);

	(void)trust;
	if (!r)
		r = connect_session(session, settings, timeout_ms, err);
	if (r < 0)
		return r;
	*ret_connection = TAKE(session);
	return 0;
}

static void append_request(struct session *session, const struct request *request)
{
	struct text words[4] = { text_of(request->method), buffer_text(&request->url) };
	size_t count = 2;

	if (request->headers.count)
		words[count++] = text_of(request->headers.items[0]);
	words[count++] = buffer_text(&request->body);
	append(session, words, count);
}

/* Commands that were answered with an error were not carried out; the others come twice. */
static enum verdict send_requests(void *connection, const struct request *requests, size_t count,
	int timeout_ms, struct error *err)
{
	struct session *session = connection;
	int worst = 0;

	session->functions.redisSetTimeout(session->context, time_of(timeout_ms));
	for (size_t i = 0; i < count; i++)
		append_request(session, &requests[i]);
	for (size_t i = 0; i < count && worst != -EIO; i++) {
		int r = read_reply(session, err);

		worst = r ? r : worst;
	}
	if (!worst)
		return VERDICT_SENT;
	return worst == -EPERM ? VERDICT_OUTPUT_REFUSED : VERDICT_LATER;
}

const struct output output_redis = {
	.name = "redis",
	.title = "Redis",
	.about = "Keeps alerts in a list or a hash of Redis",
	.rows = rows,
	.row_count = COUNT_OF(rows),
	.settings_size = sizeof(struct redis),
	.reads_alerts = true,
	.is_enabled = is_enabled,
	.check = check,
	.batch = batch,
	.compose = compose,
	.open = open_session,
	.send = send_requests,
	.close = close_session,
};
