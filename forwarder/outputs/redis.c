/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Redis: appends each alert to a list, or puts it into a hash under its uuid. Commands of a parcel
 * go as one pipeline, and each must be answered. hiredis makes the commands and reads the answers;
 * as that of Debian 12 speaks no TLS, they travel over a stream of ours.
 */
#include <errno.h>
#include <stdlib.h>

#include <hiredis/hiredis.h>

#include "base/memory.h"
#include "forwarder/library.h"
#include "forwarder/stream.h"

#define REDIS_FUNCTIONS(X)        \
	X(redisFormatCommandArgv) \
	X(redisFreeCommand)       \
	X(redisReaderCreate)      \
	X(redisReaderFeed)        \
	X(redisReaderGetReply)    \
	X(redisReaderFree)        \
	X(freeReplyObject)
LIBRARY(hiredis, "libhiredis.so.0.14", "libhiredis0.14", REDIS_FUNCTIONS)

#define BATCH	     256
#define DEFAULT_PORT "6379"
#define PIPELINE_MAX (64 * 1024 * 1024)
#define READ_BYTES   4096

struct redis {
	struct output_settings common;
	char *address, *username, *password, *key;
	char *certificate_file, *key_file, *ca_file;
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
	OUTPUT_ROW_BOOL(redis, uses_tls, "tls", "false", "Whether to speak TLS"),
	OUTPUT_ROW_TEXT(redis, certificate_file, "certfile", NULL,
		"Client certificate, before that of mutualtlsclient"),
	OUTPUT_ROW_TEXT(
		redis, key_file, "keyfile", NULL, "Client key, before that of mutualtlsclient"),
	OUTPUT_ROW_TEXT(redis, ca_file, "cacertfile", NULL,
		"Who signs the server's certificate, before tlsclient.cacertfile"),
	OUTPUT_ROW_PRIORITY,
	OUTPUT_ROWS_TLS,
};

static bool is_enabled(const void *settings)
{
	return is_set(((const struct redis *)settings)->address);
}

static int check(const void *settings, struct error *err)
{
	struct hiredis functions;

	(void)settings;
	return hiredis_load(&functions, err);
}

static size_t batch(const void *settings)
{
	(void)settings;
	return BATCH;
}

/* Of a "redis:6379", "redis" or "[::1]:6379". */
static char *split_address(const char *address, const char **ret_port)
{
	const char *colon = strrchr(address, ':'), *bracket = strchr(address, ']');
	struct text host = text_of(address);

	*ret_port = DEFAULT_PORT;
	if (colon && (!bracket || colon > bracket)) {
		*ret_port = colon + 1;
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
	struct stream *stream;
	redisReader *reader;
	struct buffer commands; /* not sent yet */
};

static void close_session(void *connection)
{
	struct session *session = connection;

	stream_close(session->stream);
	if (session->reader)
		session->functions.redisReaderFree(session->reader);
	buffer_done(&session->commands);
	free(session);
}
DEFINE_CLEANUP(struct session *, close_session)

static void append(struct session *session, const struct text *words, size_t count)
{
	const char *data[4];
	size_t lengths[4];
	char *command;
	int length;

	for (size_t i = 0; i < count; i++) {
		data[i] = words[i].data;
		lengths[i] = words[i].length;
	}
	length = session->functions.redisFormatCommandArgv(&command, (int)count, data, lengths);
	if (length > 0)
		buffer_add(&session->commands, command, (size_t)length);
	session->functions.redisFreeCommand(command);
}

static int send_commands(struct session *session, int timeout_ms, struct error *err)
{
	int r = session->commands.is_cut
			? error_set(err, -EIO, "more than 64 MiB in one pipeline")
			: stream_write(session->stream, buffer_text(&session->commands), timeout_ms,
				  err);

	buffer_clear(&session->commands);
	return r < 0 ? -EIO : 0;
}

/* The next whole answer out of what comes. */
static int next_reply(
	struct session *session, int timeout_ms, redisReply **ret_reply, struct error *err)
{
	char data[READ_BYTES];
	int count;

	for (;;) {
		if (session->functions.redisReaderGetReply(session->reader, (void **)ret_reply) !=
			REDIS_OK)
			return error_set(err, -EIO, "%s", session->reader->errstr);
		if (*ret_reply)
			return 0;
		count = stream_read(session->stream, data, sizeof(data), timeout_ms, err);
		if (count < 0)
			return -EIO;
		session->functions.redisReaderFeed(session->reader, data, (size_t)count);
	}
}

/*
 * The next answer: 0, -EIO when there is none, -EPERM when the server takes no such command from us
 * now, -EAGAIN when it is busy, -EINVAL when it takes none of this kind.
 */
static int read_reply(struct session *session, int timeout_ms, struct error *err)
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
	redisReply *reply = NULL;
	int r = next_reply(session, timeout_ms, &reply, err);

	if (r < 0)
		return r;
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

static int command(struct session *session, const struct text *words, size_t count, int timeout_ms,
	struct error *err)
{
	int r;

	append(session, words, count);
	r = send_commands(session, timeout_ms, err);
	return r < 0 ? r : read_reply(session, timeout_ms, err);
}

static int greet(
	struct session *session, const struct redis *redis, int timeout_ms, struct error *err)
{
	_cleanup_(freep) char *database = string_printf("%lld", (long long)redis->database);
	struct text select[] = { TEXT("SELECT"), text_of(database) };
	struct text full[] = { TEXT("AUTH"), text_of(redis->username), text_of(redis->password) };
	struct text old[] = { TEXT("AUTH"), text_of(redis->password) };
	int r = 0;

	if (is_set(redis->password))
		r = is_set(redis->username) ? command(session, full, 3, timeout_ms, err)
					    : command(session, old, 2, timeout_ms, err);
	if (!r && redis->database)
		r = command(session, select, 2, timeout_ms, err);
	return r;
}

static int open_session(const void *settings, const struct output_trust *trust, int timeout_ms,
	void **ret_connection, struct error *err)
{
	_cleanup_(close_sessionp) struct session *session = NEW(struct session);
	const struct redis *redis = settings;
	bool uses_tls = redis->uses_tls || redis->common.uses_mutual_tls;
	struct stream_tls tls = stream_tls_of(
		&redis->common, trust, redis->ca_file, redis->certificate_file, redis->key_file);
	const char *port;
	_cleanup_(freep) char *host = split_address(redis->address, &port);
	int r;

	buffer_init(&session->commands, PIPELINE_MAX);
	r = hiredis_load(&session->functions, err);
	if (!r)
		r = stream_open(
			host, port, uses_tls ? &tls : NULL, timeout_ms, &session->stream, err);
	if (r < 0)
		return r;
	session->reader = session->functions.redisReaderCreate();
	r = greet(session, redis, timeout_ms, err);
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

	for (size_t i = 0; i < count; i++)
		append_request(session, &requests[i]);
	if (send_commands(session, timeout_ms, err) < 0)
		return VERDICT_LATER;
	for (size_t i = 0; i < count && worst != -EIO; i++) {
		int r = read_reply(session, timeout_ms, err);

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
