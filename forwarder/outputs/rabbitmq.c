/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RabbitMQ: publishes each alert to a queue through the default exchange. The broker confirms each
 * one, and gives back what has no queue (AMQP 0-9-1 with RabbitMQ's confirms).
 */
#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include <amqp.h>
#include <amqp_framing.h>
#include <amqp_ssl_socket.h>
#include <amqp_tcp_socket.h>

#include "base/clock.h"
#include "base/memory.h"
#include "forwarder/library.h"
#include "forwarder/output.h"

#define AMQP_FUNCTIONS(X)                      \
	X(amqp_parse_url)                      \
	X(amqp_new_connection)                 \
	X(amqp_destroy_connection)             \
	X(amqp_tcp_socket_new)                 \
	X(amqp_ssl_socket_new)                 \
	X(amqp_ssl_socket_set_cacert)          \
	X(amqp_ssl_socket_set_key)             \
	X(amqp_ssl_socket_set_verify_peer)     \
	X(amqp_ssl_socket_set_verify_hostname) \
	X(amqp_socket_open_noblock)            \
	X(amqp_set_handshake_timeout)          \
	X(amqp_set_rpc_timeout)                \
	X(amqp_login)                          \
	X(amqp_channel_open)                   \
	X(amqp_confirm_select)                 \
	X(amqp_get_rpc_reply)                  \
	X(amqp_basic_publish)                  \
	X(amqp_simple_wait_frame_noblock)      \
	X(amqp_maybe_release_buffers)          \
	X(amqp_error_string2)
LIBRARY(rabbitmq_library, "librabbitmq.so.4", "librabbitmq4", AMQP_FUNCTIONS)

#define BATCH	    64 /* small, for a broker that stops reading blocks us */
#define CHANNEL	    1
#define FRAME_MAX   131072
#define HEARTBEAT_S 30
#define SYSTEM_CA   "/etc/ssl/certs/ca-certificates.crt"

struct rabbitmq {
	struct output_settings common;
	char *url, *queue;
};

static const struct setting rows[] = {
	OUTPUT_ROW_SECRET(rabbitmq, url, "url",
		"The broker, such as amqp://user:password@rabbitmq:5672/; switches the output on"),
	OUTPUT_ROW_TEXT(rabbitmq, queue, "queue", NULL, "The queue, which must be there"),
	OUTPUT_ROW_PRIORITY,
	OUTPUT_ROWS_TLS,
};

static bool is_enabled(const void *settings)
{
	const struct rabbitmq *rabbitmq = settings;

	return is_set(rabbitmq->url) && is_set(rabbitmq->queue);
}

static int check(const void *settings, struct error *err)
{
	_cleanup_(freep) char *url = string_copy(((const struct rabbitmq *)settings)->url);
	struct rabbitmq_library functions;
	struct amqp_connection_info parts;
	int r = rabbitmq_library_load(&functions, err);

	if (!r && functions.amqp_parse_url(url, &parts))
		r = error_set(err, -EINVAL,
			"rabbitmq.url must be such as amqp://user:password@host:5672/");
	return r;
}

static size_t batch(const void *settings)
{
	(void)settings;
	return BATCH;
}

static void compose(const struct messages *messages, const void *settings, struct request *request)
{
	request->method = "basic.publish";
	buffer_add_string(&request->url, ((const struct rabbitmq *)settings)->queue);
	request_header(request, "content-type", TEXT("text/plain"));
	request_header(request, "delivery-mode", TEXT("2"));
	buffer_add_text(&request->body, messages->items[0].raw);
}

struct channel {
	struct rabbitmq_library functions;
	amqp_connection_state_t state;
	uint64_t published; /* since it was opened: the tag of the last one */
	bool is_returned;   /* something had no queue */
};

static void close_channel(void *connection)
{
	struct channel *channel = connection;

	if (channel->state)
		channel->functions.amqp_destroy_connection(channel->state);
	free(channel);
}
DEFINE_CLEANUP(struct channel *, close_channel)

static amqp_bytes_t bytes_of(struct text text)
{
	return (amqp_bytes_t){ text.length, (char *)text.data };
}

static struct timeval time_of(int64_t ms)
{
	return (struct timeval){ ms / 1000, ms % 1000 * 1000 };
}

/* The broker's words in a method that closes. */
static int say_closed(const amqp_method_t *method, struct error *err)
{
	amqp_bytes_t words = { 0 };

	if (method->id == AMQP_CONNECTION_CLOSE_METHOD)
		words = ((amqp_connection_close_t *)method->decoded)->reply_text;
	else if (method->id == AMQP_CHANNEL_CLOSE_METHOD)
		words = ((amqp_channel_close_t *)method->decoded)->reply_text;
	return error_set(err, -EPERM, "the broker closes: %.*s", (int)words.len,
		words.bytes ? (char *)words.bytes : "");
}

static int fail(const struct channel *channel, int status, struct error *err)
{
	return error_set(err, -EIO, "%s", channel->functions.amqp_error_string2(status));
}

static int take_reply(const struct channel *channel, amqp_rpc_reply_t reply, struct error *err)
{
	switch (reply.reply_type) {
	case AMQP_RESPONSE_NORMAL:
		return 0;
	case AMQP_RESPONSE_SERVER_EXCEPTION:
		return say_closed(&reply.reply, err);
	default:
		return fail(channel, reply.library_error, err);
	}
}

static int set_trust(const struct channel *channel, amqp_socket_t *socket,
	const struct rabbitmq *rabbitmq, const struct output_trust *trust)
{
	const struct rabbitmq_library *functions = &channel->functions;
	bool is_mutual = rabbitmq->common.uses_mutual_tls;
	bool is_checked = is_mutual || rabbitmq->common.checks_certificate;
	const char *ca = is_mutual ? trust->client_ca : trust->ca_file;
	int r = functions->amqp_ssl_socket_set_cacert(socket, ca ? ca : SYSTEM_CA);

	functions->amqp_ssl_socket_set_verify_peer(socket, is_checked);
	functions->amqp_ssl_socket_set_verify_hostname(socket, is_checked);
	if (!r && is_mutual)
		r = functions->amqp_ssl_socket_set_key(
			socket, trust->client_certificate, trust->client_key);
	return r;
}

static int connect_channel(struct channel *channel, const struct rabbitmq *rabbitmq,
	const struct output_trust *trust, struct timeval timeout, struct error *err)
{
	const struct rabbitmq_library *functions = &channel->functions;
	_cleanup_(freep) char *url = string_copy(rabbitmq->url);
	struct amqp_connection_info to;
	amqp_socket_t *socket;
	int r = functions->amqp_parse_url(url, &to);

	if (r)
		return fail(channel, r, err);
	channel->state = functions->amqp_new_connection();
	socket = to.ssl ? functions->amqp_ssl_socket_new(channel->state)
			: functions->amqp_tcp_socket_new(channel->state);
	if (!socket)
		return error_set(err, -ENOMEM, "no socket");
	functions->amqp_set_handshake_timeout(channel->state, &timeout);
	functions->amqp_set_rpc_timeout(channel->state, &timeout);
	if (to.ssl)
		r = set_trust(channel, socket, rabbitmq, trust);
	if (!r)
		r = functions->amqp_socket_open_noblock(socket, to.host, to.port, &timeout);
	if (r)
		return fail(channel, r, err);
	return take_reply(channel,
		/* A URL's lone slash is the default host for all but this library. */
		functions->amqp_login(channel->state, is_set(to.vhost) ? to.vhost : "/", 0,
			FRAME_MAX, HEARTBEAT_S, AMQP_SASL_METHOD_PLAIN, to.user, to.password),
		err);
}

static int open_channel(const void *settings, const struct output_trust *trust, int timeout_ms,
	void **ret_connection, struct error *err)
{
	_cleanup_(close_channelp) struct channel *channel = NEW(struct channel);
	const struct rabbitmq_library *functions = &channel->functions;
	int r = rabbitmq_library_load(&channel->functions, err);

	if (!r)
		r = connect_channel(channel, settings, trust, time_of(timeout_ms), err);
	if (r < 0)
		return r;
	functions->amqp_channel_open(channel->state, CHANNEL);
	r = take_reply(channel, functions->amqp_get_rpc_reply(channel->state), err);
	if (r < 0)
		return r;
	functions->amqp_confirm_select(channel->state, CHANNEL);
	r = take_reply(channel, functions->amqp_get_rpc_reply(channel->state), err);
	if (r < 0)
		return r;
	*ret_connection = TAKE(channel);
	return 0;
}

static int publish(struct channel *channel, const struct request *request)
{
	const amqp_basic_properties_t properties = {
		._flags = AMQP_BASIC_CONTENT_TYPE_FLAG | AMQP_BASIC_DELIVERY_MODE_FLAG,
		.content_type = bytes_of(TEXT("text/plain")),
		.delivery_mode = 2, /* the broker keeps it on disk */
	};
	int r = channel->functions.amqp_basic_publish(channel->state, CHANNEL,
		bytes_of((struct text){ 0 }), bytes_of(buffer_text(&request->url)), 1, 0,
		&properties, bytes_of(buffer_text(&request->body)));

	if (!r)
		channel->published++;
	return r;
}

struct confirms {
	uint64_t first; /* the tag of the parcel's first alert */
	bool is_confirmed[BATCH];
	size_t count;
};

static void confirm(struct confirms *confirms, const amqp_basic_ack_t *ack)
{
	uint64_t from = ack->multiple ? confirms->first : ack->delivery_tag;

	for (uint64_t tag = from; tag <= ack->delivery_tag; tag++) {
		uint64_t i = tag - confirms->first;

		if (i < BATCH && !confirms->is_confirmed[i]) {
			confirms->is_confirmed[i] = true;
			confirms->count++;
		}
	}
}

/* VERDICT_SENT: go on. */
static enum verdict take_method(struct channel *channel, const amqp_method_t *method,
	struct confirms *confirms, struct error *err)
{
	switch (method->id) {
	case AMQP_BASIC_ACK_METHOD:
		confirm(confirms, method->decoded);
		return VERDICT_SENT;
	case AMQP_BASIC_NACK_METHOD:
		error_set(err, -EAGAIN, "the broker could not take an alert");
		return VERDICT_LATER;
	case AMQP_BASIC_RETURN_METHOD: /* its confirm comes behind it */
		channel->is_returned = true;
		return VERDICT_SENT;
	case AMQP_CHANNEL_CLOSE_METHOD:
	case AMQP_CONNECTION_CLOSE_METHOD:
		say_closed(method, err);
		return VERDICT_OUTPUT_REFUSED;
	default:
		return VERDICT_SENT;
	}
}

static enum verdict wait_confirms(struct channel *channel, struct confirms *confirms, size_t count,
	int64_t deadline_ms, struct error *err)
{
	enum verdict verdict = VERDICT_SENT;

	while (confirms->count < count && verdict == VERDICT_SENT) {
		struct timeval left = time_of(MAX_OF(deadline_ms - clock_ms(CLOCK_MONOTONIC), 0));
		amqp_frame_t frame;
		int r = channel->functions.amqp_simple_wait_frame_noblock(
			channel->state, &frame, &left);

		if (r) {
			fail(channel, r, err);
			return r == AMQP_STATUS_TIMEOUT ? VERDICT_LATER : VERDICT_OUTPUT_REFUSED;
		}
		if (frame.frame_type == AMQP_FRAME_METHOD)
			verdict = take_method(channel, &frame.payload.method, confirms, err);
	}
	return verdict;
}

static enum verdict send_requests(void *connection, const struct request *requests, size_t count,
	int timeout_ms, struct error *err)
{
	struct channel *channel = connection;
	struct confirms confirms = { .first = channel->published + 1 };
	int64_t deadline_ms = clock_ms(CLOCK_MONOTONIC) + timeout_ms;
	enum verdict verdict;

	channel->is_returned = false;
	for (size_t i = 0; i < count; i++) {
		int r = publish(channel, &requests[i]);

		if (r) {
			fail(channel, r, err);
			return VERDICT_OUTPUT_REFUSED;
		}
	}
	verdict = wait_confirms(channel, &confirms, count, deadline_ms, err);
	channel->functions.amqp_maybe_release_buffers(channel->state);
	if (verdict == VERDICT_SENT && channel->is_returned) {
		error_set(err, -ENOENT, "there is no queue \"%s\"", requests[0].url.data);
		return VERDICT_OUTPUT_REFUSED;
	}
	return verdict;
}

const struct output output_rabbitmq = {
	.name = "rabbitmq",
	.title = "RabbitMQ",
	.about = "Publishes alerts to a queue of RabbitMQ",
	.rows = rows,
	.row_count = COUNT_OF(rows),
	.settings_size = sizeof(struct rabbitmq),
	.is_enabled = is_enabled,
	.check = check,
	.batch = batch,
	.compose = compose,
	.open = open_channel,
	.send = send_requests,
	.close = close_channel,
};
