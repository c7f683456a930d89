/* SPDX-License-Identifier: Apache-2.0 */
/*
 * WebSockets to the API server. A frame's payload is read whole, below a ceiling; messages in
 * pieces (continuation frames) are taken as they come, for a channel's bytes are a stream.
 */
#include <curl/curl.h>
#include <errno.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <poll.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/encoding.h"
#include "base/memory.h"
#include "responder/cluster.h"
#include "responder/stream.h"

#define FRAME_MAX      (1024 * 1024)
#define HEAD_MAX       (16 * 1024)
#define CONNECT_MS     5000L
#define WEBSOCKET_GUID "258EAFA5-E914-47DA-95CA-C5AB0DC85B11" /* RFC 6455, 1.3 */

enum opcode { OP_MORE, OP_TEXT, OP_BINARY, OP_CLOSE = 8, OP_PING, OP_PONG };
enum channel { CHANNEL_OUT = 1, CHANNEL_ERR, CHANNEL_STATUS };

struct stream {
	CURL *easy;
	curl_socket_t socket;
	int64_t until_ms;
	char data[64 * 1024]; /* what was read and not yet used */
	size_t from, to;
};

static int wait_for(struct stream *stream, short events)
{
	int64_t left = stream->until_ms - clock_ms(CLOCK_MONOTONIC);
	struct pollfd poll_fd = { .fd = stream->socket, .events = events };

	if (left <= 0)
		return -ETIMEDOUT;
	return poll(&poll_fd, 1, (int)MIN_OF(left, 60000)) < 0 && errno != EINTR ? -errno : 0;
}

static int send_all(struct stream *stream, struct text data)
{
	while (data.length) {
		size_t sent = 0;
		CURLcode code = curl_easy_send(stream->easy, data.data, data.length, &sent);

		if (code == CURLE_AGAIN) {
			int r = wait_for(stream, POLLOUT);

			if (r < 0)
				return r;
			continue;
		}
		if (code != CURLE_OK)
			return -EPIPE;
		data = text_slice(data, sent, data.length);
	}
	return 0;
}

/* At least one more byte. */
static int fill(struct stream *stream)
{
	for (;;) {
		CURLcode code = curl_easy_recv(
			stream->easy, stream->data, sizeof(stream->data), &stream->to);
		int r;

		stream->from = 0;
		if (code == CURLE_OK && stream->to)
			return 0;
		stream->to = 0;
		if (code == CURLE_OK)
			return -EPIPE; /* closed */
		if (code != CURLE_AGAIN)
			return -EPIPE;
		r = wait_for(stream, POLLIN);
		if (r < 0)
			return r;
	}
}

static int read_exactly(struct stream *stream, unsigned char *out, size_t length)
{
	while (length) {
		size_t some;

		if (stream->from == stream->to) {
			int r = fill(stream);

			if (r < 0)
				return r;
		}
		some = MIN_OF(length, stream->to - stream->from);
		memcpy(out, stream->data + stream->from, some);
		stream->from += some;
		out += some;
		length -= some;
	}
	return 0;
}

/* Frames. */

struct frame {
	enum opcode opcode;
	size_t length;
	unsigned char *payload; /* of FRAME_MAX */
};

static int read_length(struct stream *stream, unsigned char short_length, uint64_t *ret_length)
{
	unsigned char bytes[8];
	size_t count = short_length == 126 ? 2 : short_length == 127 ? 8 : 0;
	int r = read_exactly(stream, bytes, count);

	*ret_length = count ? 0 : short_length;
	for (size_t i = 0; i < count && !r; i++)
		*ret_length = *ret_length << 8 | bytes[i];
	return r;
}

static int read_frame(struct stream *stream, struct frame *frame)
{
	unsigned char head[2];
	uint64_t length = 0;
	int r = read_exactly(stream, head, sizeof(head));

	if (!r)
		r = read_length(stream, head[1] & 0x7f, &length);
	if (r < 0)
		return r;
	if (head[1] & 0x80 || head[0] & 0x70 || length > FRAME_MAX)
		return -EPROTO; /* servers do not mask; no extension was agreed on */
	frame->opcode = (enum opcode)(head[0] & 0x0f);
	frame->length = (size_t)length;
	return read_exactly(stream, frame->payload, frame->length);
}

/* Of control frames: at most 125 bytes, masked as clients must. */
static int send_frame(
	struct stream *stream, enum opcode opcode, const unsigned char *payload, size_t length)
{
	unsigned char frame[6 + 125];

	length = MIN_OF(length, 125);
	frame[0] = (unsigned char)(0x80 | opcode);
	frame[1] = (unsigned char)(0x80 | length);
	if (RAND_bytes(frame + 2, 4) != 1)
		return -EIO;
	for (size_t i = 0; i < length; i++)
		frame[6 + i] = payload[i] ^ frame[2 + i % 4];
	return send_all(stream, (struct text){ (char *)frame, 6 + length });
}

/* The beginning. */

static void set_blob(CURL *easy, CURLoption option, const char *pem)
{
	struct curl_blob blob = { .data = (void *)pem, .len = pem ? strlen(pem) : 0 };

	if (pem && *pem)
		curl_easy_setopt(easy, option, &blob);
}

/* http and https are named to libcurl as they are: CONNECT_ONLY ends after TLS. */
static int connect_to(const struct kubernetes_api *api, struct stream *stream, struct error *err)
{
	char words[CURL_ERROR_SIZE] = "";
	CURLcode code;

	curl_easy_setopt(stream->easy, CURLOPT_URL, api->server);
	curl_easy_setopt(stream->easy, CURLOPT_CONNECT_ONLY, 1L);
	curl_easy_setopt(stream->easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(stream->easy, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(stream->easy, CURLOPT_SSL_ENABLE_ALPN, 0L);
	curl_easy_setopt(stream->easy, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_MS);
	curl_easy_setopt(stream->easy, CURLOPT_ERRORBUFFER, words);
	set_blob(stream->easy, CURLOPT_CAINFO_BLOB, api->ca);
	set_blob(stream->easy, CURLOPT_SSLCERT_BLOB, api->certificate);
	set_blob(stream->easy, CURLOPT_SSLKEY_BLOB, api->key);
	if (api->trusts_anyone) {
		curl_easy_setopt(stream->easy, CURLOPT_SSL_VERIFYPEER, 0L);
		curl_easy_setopt(stream->easy, CURLOPT_SSL_VERIFYHOST, 0L);
	}
	code = curl_easy_perform(stream->easy);
	curl_easy_setopt(stream->easy, CURLOPT_ERRORBUFFER, NULL);
	if (code == CURLE_OK)
		code = curl_easy_getinfo(stream->easy, CURLINFO_ACTIVESOCKET, &stream->socket);
	return code == CURLE_OK ? 0
				: error_set(err, -EAGAIN, "the API server at %s: %s", api->server,
					  *words ? words : curl_easy_strerror(code));
}

static void make_key(struct buffer *key, struct buffer *accept)
{
	unsigned char random[16] = { 0 }, digest[EVP_MAX_MD_SIZE];
	_cleanup_(freep) char *joined = NULL;
	unsigned length = 0;

	(void)RAND_bytes(random, sizeof(random));
	base64_write(key, (struct text){ (char *)random, sizeof(random) });
	joined = string_printf("%s" WEBSOCKET_GUID, key->data);
	EVP_Digest(joined, strlen(joined), digest, &length, EVP_sha1(), NULL);
	base64_write(accept, (struct text){ (char *)digest, length });
}

static struct text host_of(const char *server)
{
	struct text text = text_of(server);
	ptrdiff_t at = text_find(text, TEXT("://"));

	text = text_slice(text, at < 0 ? 0 : (size_t)at + 3, text.length);
	at = text_find(text, TEXT("/"));
	return at < 0 ? text : text_slice(text, 0, (size_t)at);
}

static int send_request(const struct kubernetes_api *api, struct stream *stream, const char *path,
	const char *key, struct error *err)
{
	_cleanup_(freep) char *authorization = NULL;
	struct buffer head;
	int r = cluster_authorization(api, &authorization, err);

	if (r < 0)
		return r;
	buffer_init(&head, 2 * 1024 * 1024);
	buffer_printf(&head,
		"GET %s HTTP/1.1\r\nHost: " TEXT_FORMAT "\r\nUpgrade: websocket\r\n"
		"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: %s\r\n"
		"Sec-WebSocket-Protocol: v5.channel.k8s.io, v4.channel.k8s.io\r\n%s%s\r\n",
		path, TEXT_PRINT(host_of(api->server)), key, authorization ? authorization : "",
		authorization ? "\r\n" : "");
	r = send_all(stream, buffer_text(&head));
	buffer_done(&head);
	return r < 0 ? error_set(err, -EAGAIN, "the API server at %s closed the connection",
			       api->server)
		     : 0;
}

static int read_head(struct stream *stream, struct buffer *head)
{
	while (!text_ends_with(buffer_text(head), TEXT("\r\n\r\n"))) {
		unsigned char c;
		int r = head->length >= HEAD_MAX ? -EPROTO : read_exactly(stream, &c, 1);

		if (r < 0)
			return r;
		buffer_add_char(head, (char)c);
	}
	return 0;
}

static struct text header_of(struct text head, const char *name)
{
	struct text line, key;

	while (text_split(&head, '\n', &line))
		if (text_split(&line, ':', &key) && text_equal_ignoring_case(key, text_of(name)))
			return text_trim(line);
	return (struct text){ 0 };
}

/* Not an upgrade: what the body says, as far as it is there. */
static int say_refusal(struct stream *stream, struct text head, int64_t status, struct error *err)
{
	unsigned char body[1024];
	int64_t length = 0;
	_cleanup_(json_putp) struct json_object *answer = NULL;
	struct text message;
	int error = status == 404		     ? -ENOENT
		    : status == 401 || status == 403 ? -EACCES
		    : status == 429 || status >= 500 ? -EAGAIN
						     : -EINVAL;

	(void)text_to_i64(header_of(head, "Content-Length"), &length);
	if (length > 0 && length <= (int64_t)sizeof(body) &&
		read_exactly(stream, body, (size_t)length) == 0)
		(void)json_parse(
			(struct text){ (char *)body, (size_t)length }, &answer, NULL, NULL);
	message = json_get_text(answer, "message");
	return error_set(err, error, "the API server answered %lld to exec: " TEXT_FORMAT,
		(long long)status, TEXT_PRINT(message));
}

static int read_answer(struct stream *stream, const char *accept, struct error *err)
{
	struct buffer head;
	struct text protocol;
	int64_t status = 0;
	int r;

	buffer_init(&head, HEAD_MAX);
	r = read_head(stream, &head);
	if (r < 0)
		r = error_set(
			err, r == -ETIMEDOUT ? r : -EPROTO, "no answer to exec: %s", strerror(-r));
	else if (text_to_i64(text_slice(buffer_text(&head), 9, 3), &status) < 0)
		r = error_set(err, -EPROTO, "no HTTP came from the API server");
	else if (status != 101)
		r = say_refusal(stream, buffer_text(&head), status, err);
	else if (!text_is(header_of(buffer_text(&head), "Sec-WebSocket-Accept"), accept))
		r = error_set(err, -EPROTO, "the API server's WebSocket answers another key");
	if (!r) {
		protocol = header_of(buffer_text(&head), "Sec-WebSocket-Protocol");
		if (!text_ends_with(protocol, TEXT(".channel.k8s.io")))
			r = error_set(err, -EPROTO, "the API server speaks no channels");
	}
	buffer_done(&head);
	return r;
}

/* {"status":"Success"}, or Failure with the exit code among its causes. */
static void take_status(struct exec_result *result, struct text json)
{
	_cleanup_(json_putp) struct json_object *status = NULL;
	struct json_object *causes;

	if (json_parse(json, &status, NULL, NULL) < 0 ||
		text_is(json_get_text(status, "status"), "Success"))
		return;
	result->exit_code = -1;
	snprintf(result->words, sizeof(result->words), TEXT_FORMAT,
		TEXT_PRINT(text_slice(json_get_text(status, "message"), 0, 500)));
	causes = json_get(json_get(status, "details"), "causes");
	for (size_t i = 0; json_object_is_type(causes, json_type_array) &&
			   i < json_object_array_length(causes);
		i++) {
		struct json_object *cause = json_object_array_get_idx(causes, i);
		int64_t code;

		if (text_is(json_get_text(cause, "reason"), "ExitCode") &&
			text_to_i64(json_get_text(cause, "message"), &code) == 0)
			result->exit_code = (int)code;
	}
}

/* 1 once the status has come. */
static int take_frame(struct exec_result *result, const struct frame *frame, int *channel)
{
	struct text data = { (char *)frame->payload, frame->length };

	if (frame->opcode != OP_MORE) {
		if (!data.length)
			return 0;
		*channel = frame->payload[0];
		data = text_slice(data, 1, data.length);
	}
	if (*channel == CHANNEL_OUT)
		buffer_add_text(&result->out, data);
	else if (*channel == CHANNEL_ERR)
		buffer_add_text(&result->err, data);
	else if (*channel == CHANNEL_STATUS && data.length)
		take_status(result, data);
	return *channel == CHANNEL_STATUS && data.length;
}

static int read_frames(struct stream *stream, struct exec_result *result, struct frame *frame)
{
	int channel = 0, r;

	for (;;) {
		r = read_frame(stream, frame);
		if (r < 0)
			return r;
		switch (frame->opcode) {
		case OP_PING:
			r = send_frame(stream, OP_PONG, frame->payload, frame->length);
			break;
		case OP_CLOSE:
			return -EPIPE;
		case OP_PONG:
			break;
		default:
			r = take_frame(result, frame, &channel);
		}
		if (r)
			return r;
	}
}

static int talk(const struct kubernetes_api *api, struct stream *stream, const char *path,
	struct exec_result *result, struct error *err)
{
	_cleanup_(freep) unsigned char *payload = NEW_ARRAY(unsigned char, FRAME_MAX);
	struct frame frame = { .payload = payload };
	struct buffer key, accept;
	int r;

	buffer_init(&key, 64);
	buffer_init(&accept, 64);
	make_key(&key, &accept);
	r = send_request(api, stream, path, key.data, err);
	if (!r)
		r = read_answer(stream, accept.data, err);
	buffer_done(&key);
	buffer_done(&accept);
	if (r < 0)
		return r;
	r = read_frames(stream, result, &frame);
	if (r == 1) {
		(void)send_frame(stream, OP_CLOSE, (const unsigned char *)"\x03\xe8", 2);
		return 0;
	}
	return error_set(err, r == -ETIMEDOUT ? r : -EPROTO, "exec: %s",
		r == -ETIMEDOUT ? "it did not end in time" : "the stream ended without a status");
}

int stream_exec(const struct kubernetes_api *api, const char *path, int64_t until_ms,
	struct exec_result *result, struct error *err)
{
	struct stream *stream = NEW(struct stream);
	int r;

	stream->until_ms = until_ms;
	stream->easy = curl_easy_init();
	result->exit_code = 0;
	result->words[0] = '\0';
	r = connect_to(api, stream, err);
	if (!r)
		r = talk(api, stream, path, result, err);
	curl_easy_cleanup(stream->easy);
	free(stream);
	return r;
}
