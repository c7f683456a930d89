/* SPDX-License-Identifier: Apache-2.0 */
/*
 * MQTT: publishes each alert under a topic. With qos 1 or 2 a parcel counts as sent when the
 * broker has acknowledged each alert, with 0 when it is written.
 */
#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include <mosquitto.h>

#include "base/clock.h"
#include "base/memory.h"
#include "forwarder/library.h"
#include "forwarder/output.h"

#define MQTT_FUNCTIONS(X)                 \
	X(mosquitto_lib_init)             \
	X(mosquitto_new)                  \
	X(mosquitto_destroy)              \
	X(mosquitto_username_pw_set)      \
	X(mosquitto_tls_set)              \
	X(mosquitto_tls_opts_set)         \
	X(mosquitto_connect_callback_set) \
	X(mosquitto_publish_callback_set) \
	X(mosquitto_connect_async)        \
	X(mosquitto_publish)              \
	X(mosquitto_loop)                 \
	X(mosquitto_disconnect)           \
	X(mosquitto_strerror)             \
	X(mosquitto_connack_string)
LIBRARY(mosquitto_library, "libmosquitto.so.1", "libmosquitto1", MQTT_FUNCTIONS)

#define BATCH	    256
#define KEEPALIVE_S 60
#define LOOP_MS	    50

struct mqtt {
	struct output_settings common;
	char *broker, *topic, *user, *password;
	int64_t qos;
	bool is_retained;
};

static const struct setting rows[] = {
	OUTPUT_ROW_TEXT(mqtt, broker, "broker", NULL,
		"The broker, such as tcp://mqtt:1883 or ssl://mqtt:8883; switches the output on"),
	OUTPUT_ROW_TEXT(mqtt, topic, "topic", "falco/events", "The topic"),
	OUTPUT_ROW_INTEGER(mqtt, qos, "qos", "1", 0, 2,
		"0: at most once, 1: at least once, 2: exactly once; with 0 alerts may be lost"),
	OUTPUT_ROW_BOOL(mqtt, is_retained, "retained", "false",
		"Whether the broker keeps the last alert for who subscribes later"),
	OUTPUT_ROW_TEXT(mqtt, user, "user", NULL, "User to log in as"),
	OUTPUT_ROW_SECRET(mqtt, password, "password", "Password"),
	OUTPUT_ROW_PRIORITY,
	OUTPUT_ROWS_TLS,
};

static bool is_enabled(const void *settings)
{
	return is_set(((const struct mqtt *)settings)->broker);
}

/* The host of "ssl://host:port"; NULL for what is none. */
static char *split_broker(const char *broker, int64_t *ret_port, bool *ret_tls)
{
	static const struct {
		struct text scheme;
		bool uses_tls;
	} schemes[] = { { TEXT("tcp://"), false }, { TEXT("mqtt://"), false },
		{ TEXT("ssl://"), true }, { TEXT("tls://"), true }, { TEXT("mqtts://"), true } };
	struct text rest = text_of(broker);
	const char *colon;

	*ret_tls = false;
	for (size_t i = 0; i < COUNT_OF(schemes); i++)
		if (text_starts_with(rest, schemes[i].scheme)) {
			rest = text_slice(rest, schemes[i].scheme.length, rest.length);
			*ret_tls = schemes[i].uses_tls;
			break;
		}
	*ret_port = *ret_tls ? 8883 : 1883;
	if (text_contains(rest, TEXT("/")))
		return NULL;
	colon = strrchr(rest.data, ':');
	if (colon && rest.data[rest.length - 1] != ']') {
		if (text_to_i64(text_of(colon + 1), ret_port) < 0 || *ret_port < 1 ||
			*ret_port > 65535)
			return NULL;
		rest.length = (size_t)(colon - rest.data);
	}
	if (rest.length > 2 && rest.data[0] == '[')
		rest = text_slice(rest, 1, rest.length - 2);
	return rest.length ? text_to_string(rest) : NULL;
}

static int check(const void *settings, struct error *err)
{
	const struct mqtt *mqtt = settings;
	struct mosquitto_library functions;
	int64_t port;
	bool uses_tls;
	_cleanup_(freep) char *host = split_broker(mqtt->broker, &port, &uses_tls);

	if (!host)
		return error_set(err, -EINVAL,
			"mqtt.broker must be such as tcp://host:1883 or ssl://host:8883, not "
			"\"%s\"",
			mqtt->broker);
	return mosquitto_library_load(&functions, err);
}

static size_t batch(const void *settings)
{
	(void)settings;
	return BATCH;
}

/* The first header is the QoS, the second says whether to retain. */
static void compose(const struct messages *messages, const void *settings, struct request *request)
{
	static const char *const levels[] = { "0", "1", "2" };
	const struct mqtt *mqtt = settings;

	request->method = "PUBLISH";
	buffer_add_string(&request->url, mqtt->topic);
	text_list_add(&request->headers, text_of(levels[mqtt->qos]));
	if (mqtt->is_retained)
		text_list_add(&request->headers, TEXT("retain"));
	buffer_add_text(&request->body, messages->items[0].raw);
}

struct client {
	struct mosquitto_library functions;
	const struct mqtt *settings;
	struct mosquitto *mosquitto;
	bool is_answered;
	int refusal; /* of the broker, to our greeting */
	size_t acknowledged;
};

static void take_greeting(struct mosquitto *mosquitto, void *context, int code)
{
	struct client *client = context;

	(void)mosquitto;
	client->is_answered = true;
	client->refusal = code;
}

static void take_acknowledgement(struct mosquitto *mosquitto, void *context, int id)
{
	(void)mosquitto;
	(void)id;
	((struct client *)context)->acknowledged++;
}

static void close_client(void *connection)
{
	struct client *client = connection;

	if (client->mosquitto) {
		client->functions.mosquitto_disconnect(client->mosquitto);
		client->functions.mosquitto_destroy(client->mosquitto);
	}
	free(client);
}
DEFINE_CLEANUP(struct client *, close_client)

static int fail(const struct client *client, int code, struct error *err)
{
	return error_set(err, -EIO, "%s",
		code == MOSQ_ERR_ERRNO ? strerror(errno)
				       : client->functions.mosquitto_strerror(code));
}

static int set_trust(
	const struct client *client, const struct mqtt *mqtt, const struct output_trust *trust)
{
	bool is_mutual = mqtt->common.uses_mutual_tls;
	const char *ca = is_mutual ? trust->client_ca : trust->ca_file;
	int r = client->functions.mosquitto_tls_set(client->mosquitto, ca,
		ca ? NULL : "/etc/ssl/certs", is_mutual ? trust->client_certificate : NULL,
		is_mutual ? trust->client_key : NULL, NULL);

	if (!r && !is_mutual && !mqtt->common.checks_certificate)
		r = client->functions.mosquitto_tls_opts_set(client->mosquitto, 0, NULL, NULL);
	return r;
}

static int prepare(const struct client *client, const struct mqtt *mqtt, bool uses_tls,
	const struct output_trust *trust)
{
	const struct mosquitto_library *functions = &client->functions;
	int r = 0;

	functions->mosquitto_connect_callback_set(client->mosquitto, take_greeting);
	functions->mosquitto_publish_callback_set(client->mosquitto, take_acknowledgement);
	if (is_set(mqtt->user))
		r = functions->mosquitto_username_pw_set(
			client->mosquitto, mqtt->user, mqtt->password);
	if (!r && uses_tls)
		r = set_trust(client, mqtt, trust);
	return r;
}

static int greet(struct client *client, int timeout_ms, struct error *err)
{
	int64_t deadline_ms = clock_ms(CLOCK_MONOTONIC) + timeout_ms;
	int r = 0;

	while (!client->is_answered && !r) {
		if (clock_ms(CLOCK_MONOTONIC) >= deadline_ms)
			return error_set(err, -ETIMEDOUT, "no answer in time");
		r = client->functions.mosquitto_loop(client->mosquitto, LOOP_MS, 1);
	}
	if (client->refusal)
		return error_set(err, -EPERM, "%s",
			client->functions.mosquitto_connack_string(client->refusal));
	return r ? fail(client, r, err) : 0;
}

static int open_client(const void *settings, const struct output_trust *trust, int timeout_ms,
	void **ret_connection, struct error *err)
{
	const struct mqtt *mqtt = settings;
	int64_t port;
	bool uses_tls;
	_cleanup_(freep) char *host = split_broker(mqtt->broker, &port, &uses_tls);
	_cleanup_(close_clientp) struct client *client = NEW(struct client);
	int r = mosquitto_library_load(&client->functions, err);

	client->settings = settings;
	if (r < 0)
		return r;
	client->functions.mosquitto_lib_init(); /* counted by the library */
	client->mosquitto = client->functions.mosquitto_new(NULL, true, client);
	if (!client->mosquitto)
		return error_set(err, -errno, "no client: %s", strerror(errno));
	r = prepare(client, mqtt, uses_tls, trust);
	if (!r)
		r = client->functions.mosquitto_connect_async(
			client->mosquitto, host, (int)port, KEEPALIVE_S);
	if (r)
		return fail(client, r, err);
	r = greet(client, timeout_ms, err);
	if (r < 0)
		return r;
	*ret_connection = TAKE(client);
	return 0;
}

static int publish(struct client *client, const struct request *request)
{
	return client->functions.mosquitto_publish(client->mosquitto, NULL, request->url.data,
		(int)request->body.length, request->body.data, (int)client->settings->qos,
		client->settings->is_retained);
}

static enum verdict send_requests(void *connection, const struct request *requests, size_t count,
	int timeout_ms, struct error *err)
{
	struct client *client = connection;
	int64_t deadline_ms = clock_ms(CLOCK_MONOTONIC) + timeout_ms;
	int r = 0;

	client->acknowledged = 0;
	for (size_t i = 0; i < count && !r; i++)
		r = publish(client, &requests[i]);
	while (!r && client->acknowledged < count && clock_ms(CLOCK_MONOTONIC) < deadline_ms)
		r = client->functions.mosquitto_loop(client->mosquitto, LOOP_MS, 1);
	if (!r)
		r = client->functions.mosquitto_loop(client->mosquitto, 0, 1);
	if (r) {
		fail(client, r, err);
		return r == MOSQ_ERR_PAYLOAD_SIZE || r == MOSQ_ERR_OVERSIZE_PACKET
			       ? VERDICT_ALERT_REFUSED
			       : VERDICT_OUTPUT_REFUSED;
	}
	if (client->acknowledged >= count)
		return VERDICT_SENT;
	error_set(err, -ETIMEDOUT, "no acknowledgement in time");
	return VERDICT_LATER;
}

const struct output output_mqtt = {
	.name = "mqtt",
	.title = "MQTT",
	.about = "Publishes alerts to an MQTT broker",
	.rows = rows,
	.row_count = COUNT_OF(rows),
	.settings_size = sizeof(struct mqtt),
	.is_enabled = is_enabled,
	.check = check,
	.batch = batch,
	.compose = compose,
	.open = open_client,
	.send = send_requests,
	.close = close_client,
};
