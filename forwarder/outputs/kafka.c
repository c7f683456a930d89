/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kafka: each alert is a message without key. A parcel is produced, and sent when the brokers have
 * acknowledged each of its messages, all replicas' unless requiredacks says less.
 */
#include <errno.h>
#include <stdlib.h>

#include <librdkafka/rdkafka.h>

#include "base/memory.h"
#include "forwarder/library.h"
#include "forwarder/output.h"

#define KAFKA_FUNCTIONS(X)             \
	X(rd_kafka_conf_new)           \
	X(rd_kafka_conf_set)           \
	X(rd_kafka_conf_destroy)       \
	X(rd_kafka_conf_set_opaque)    \
	X(rd_kafka_conf_set_dr_msg_cb) \
	X(rd_kafka_conf_set_error_cb)  \
	X(rd_kafka_new)                \
	X(rd_kafka_producev)           \
	X(rd_kafka_flush)              \
	X(rd_kafka_purge)              \
	X(rd_kafka_destroy)            \
	X(rd_kafka_err2str)
LIBRARY(rdkafka, "librdkafka.so.1", "librdkafka1", KAFKA_FUNCTIONS)

#define BATCH	 256
#define PURGE_MS 500 /* until what was given up has been told */

struct kafka {
	struct output_settings common;
	struct text_list brokers;
	char *topic, *username, *password, *client_id;
	int sasl, acks, compression;
	bool uses_tls;
};

enum { SASL_NONE };
static const char *const mechanisms[] = { NULL, "PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512" };
static const char *const acks[] = { "0", "1", "all" };
static const char *const codecs[] = { "none", "gzip", "snappy", "lz4", "zstd" };

static const struct setting rows[] = {
	OUTPUT_ROW_LIST(kafka, brokers, "hostport", "Brokers to begin with, such as kafka:9092"),
	OUTPUT_ROW_TEXT(kafka, topic, "topic", NULL, "The topic; switches the output on"),
	OUTPUT_ROW_CHOICE(kafka, sasl, "sasl", "none PLAIN SCRAM_SHA256 SCRAM_SHA512", "none",
		"How to log in"),
	OUTPUT_ROW_BOOL(kafka, uses_tls, "tls", "false", "Whether connections are encrypted"),
	OUTPUT_ROW_TEXT(kafka, username, "username", NULL, "User to log in as"),
	OUTPUT_ROW_SECRET(kafka, password, "password", "Password"),
	OUTPUT_ROW_TEXT(kafka, client_id, "clientid", "tercel", "How we call ourselves"),
	OUTPUT_ROW_CHOICE(kafka, acks, "requiredacks", "NONE ONE ALL", "ALL",
		"Replicas that must have an alert before it counts as sent; less than ALL may "
		"lose alerts"),
	OUTPUT_ROW_CHOICE(kafka, compression, "compression", "NONE GZIP SNAPPY LZ4 ZSTD", "NONE",
		"How messages are compressed"),
	OUTPUT_ROW_IGNORED("balancer", "round_robin",
		"Messages have no key, so all partitions get their share"),
	OUTPUT_ROW_IGNORED("async", "false", "An alert is always kept until it is acknowledged"),
	OUTPUT_ROW_IGNORED("topiccreation", "false", "The brokers' settings decide"),
	OUTPUT_ROW_PRIORITY,
	OUTPUT_ROWS_TLS,
};

static bool is_enabled(const void *settings)
{
	const struct kafka *kafka = settings;

	return is_set(kafka->topic) && kafka->brokers.count;
}

static int check(const void *settings, struct error *err)
{
	const struct kafka *kafka = settings;
	struct rdkafka functions;

	if (kafka->sasl != SASL_NONE && (!is_set(kafka->username) || !is_set(kafka->password)))
		return error_set(
			err, -EINVAL, "kafka.sasl needs kafka.username and kafka.password");
	return rdkafka_load(&functions, err);
}

static size_t batch(const void *settings)
{
	(void)settings;
	return BATCH;
}

static void compose(const struct messages *messages, const void *settings, struct request *request)
{
	request->method = "PRODUCE";
	buffer_add_string(&request->url, ((const struct kafka *)settings)->topic);
	buffer_add_text(&request->body, messages->items[0].raw);
}

struct producer {
	struct rdkafka functions;
	rd_kafka_t *kafka;
	size_t arrived;
	rd_kafka_resp_err_t error; /* of the last message that did not arrive */
	char words[256];	   /* of librdkafka about its brokers */
};

static void take_report(rd_kafka_t *kafka, const rd_kafka_message_t *message, void *opaque)
{
	struct producer *producer = opaque;

	(void)kafka;
	if (message->err)
		producer->error = message->err;
	else
		producer->arrived++;
}

static void take_error(rd_kafka_t *kafka, int error, const char *reason, void *opaque)
{
	struct producer *producer = opaque;

	(void)kafka;
	(void)error;
	snprintf(producer->words, sizeof(producer->words), "%s", reason);
}

static void close_producer(void *connection)
{
	struct producer *producer = connection;

	if (producer->kafka) {
		producer->functions.rd_kafka_purge(
			producer->kafka, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
		producer->functions.rd_kafka_destroy(producer->kafka);
	}
	free(producer);
}
DEFINE_CLEANUP(struct producer *, close_producer)

struct property {
	const char *name, *value; /* NULL: as it is by default */
};

static void join(const struct text_list *list, struct buffer *out)
{
	for (size_t i = 0; i < list->count; i++)
		buffer_printf(out, "%s%s", i ? "," : "", list->items[i]);
}

static int set_all(const struct producer *producer, rd_kafka_conf_t *conf,
	const struct property *properties, size_t count, struct error *err)
{
	char words[256];

	for (size_t i = 0; i < count; i++)
		if (properties[i].value &&
			producer->functions.rd_kafka_conf_set(conf, properties[i].name,
				properties[i].value, words, sizeof(words)) != RD_KAFKA_CONF_OK)
			return error_set(err, -EINVAL, "kafka: %s", words);
	return 0;
}

static int configure(const struct producer *producer, rd_kafka_conf_t *conf,
	const struct kafka *kafka, const struct output_trust *trust, struct error *err)
{
	bool is_mutual = kafka->common.uses_mutual_tls, has_sasl = kafka->sasl != SASL_NONE;
	bool is_checked = kafka->common.checks_certificate || is_mutual;
	struct buffer brokers;
	int r;

	buffer_init(&brokers, 64 * 1024);
	join(&kafka->brokers, &brokers);
	{
		const struct property properties[] = {
			{ "bootstrap.servers", brokers.data },
			{ "client.id", is_set(kafka->client_id) ? kafka->client_id : NULL },
			{ "log_level", "0" },
			{ "linger.ms", "0" },
			{ "message.timeout.ms", "4500" },    /* below what a call may take */
			{ "message.max.bytes", "16777216" }, /* the brokers decide */
			{ "acks", acks[kafka->acks] },
			{ "compression.codec", codecs[kafka->compression] },
			{ "security.protocol", kafka->uses_tls ? has_sasl ? "sasl_ssl" : "ssl"
					       : has_sasl      ? "sasl_plaintext"
							       : "plaintext" },
			{ "sasl.mechanism", mechanisms[kafka->sasl] },
			{ "sasl.username", has_sasl ? kafka->username : NULL },
			{ "sasl.password", has_sasl ? kafka->password : NULL },
			{ "ssl.ca.location", is_mutual ? trust->client_ca : trust->ca_file },
			{ "ssl.certificate.location",
				is_mutual ? trust->client_certificate : NULL },
			{ "ssl.key.location", is_mutual ? trust->client_key : NULL },
			{ "enable.ssl.certificate.verification", is_checked ? "true" : "false" },
		};

		r = set_all(producer, conf, properties, COUNT_OF(properties), err);
	}
	buffer_done(&brokers);
	return r;
}

static int open_producer(const void *settings, const struct output_trust *trust, int timeout_ms,
	void **ret_connection, struct error *err)
{
	_cleanup_(close_producerp) struct producer *producer = NEW(struct producer);
	rd_kafka_conf_t *conf;
	char words[256];
	int r = rdkafka_load(&producer->functions, err);

	(void)timeout_ms; /* connects when something is sent */
	if (r < 0)
		return r;
	conf = producer->functions.rd_kafka_conf_new();
	producer->functions.rd_kafka_conf_set_opaque(conf, producer);
	producer->functions.rd_kafka_conf_set_dr_msg_cb(conf, take_report);
	producer->functions.rd_kafka_conf_set_error_cb(conf, take_error);
	r = configure(producer, conf, settings, trust, err);
	if (!r) {
		producer->kafka = producer->functions.rd_kafka_new(
			RD_KAFKA_PRODUCER, conf, words, sizeof(words));
		if (!producer->kafka)
			r = error_set(err, -EINVAL, "kafka: %s", words);
	}
	if (r < 0) {
		producer->functions.rd_kafka_conf_destroy(conf);
		return r;
	}
	*ret_connection = TAKE(producer);
	return 0;
}

static enum verdict verdict_of(rd_kafka_resp_err_t error)
{
	switch (error) {
	case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE:
	case RD_KAFKA_RESP_ERR_INVALID_MSG_SIZE:
	case RD_KAFKA_RESP_ERR_INVALID_RECORD:
		return VERDICT_ALERT_REFUSED;
	case RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT:
	case RD_KAFKA_RESP_ERR__QUEUE_FULL:
		return VERDICT_LATER;
	default: /* nobody there, no such topic, no right to write */
		return VERDICT_OUTPUT_REFUSED;
	}
}

static void produce(struct producer *producer, const struct request *request)
{
	rd_kafka_resp_err_t error = producer->functions.rd_kafka_producev(producer->kafka,
		RD_KAFKA_V_TOPIC(request->url.data),
		RD_KAFKA_V_VALUE(request->body.data, request->body.length),
		RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END);

	if (error)
		producer->error = error;
}

static enum verdict send_requests(void *connection, const struct request *requests, size_t count,
	int timeout_ms, struct error *err)
{
	struct producer *producer = connection;

	producer->arrived = 0;
	producer->error = RD_KAFKA_RESP_ERR_NO_ERROR;
	producer->words[0] = '\0';
	for (size_t i = 0; i < count; i++)
		produce(producer, &requests[i]);
	if (producer->functions.rd_kafka_flush(producer->kafka, timeout_ms)) {
		producer->functions.rd_kafka_purge(
			producer->kafka, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
		producer->functions.rd_kafka_flush(producer->kafka, PURGE_MS);
	}
	if (producer->arrived == count)
		return VERDICT_SENT;
	error_set(err, -EIO, "%s%s%s", producer->functions.rd_kafka_err2str(producer->error),
		producer->words[0] ? "; " : "", producer->words);
	return verdict_of(producer->error);
}

const struct output output_kafka = {
	.name = "kafka",
	.title = "Kafka",
	.about = "Produces a message an alert to a topic of Kafka",
	.rows = rows,
	.row_count = COUNT_OF(rows),
	.settings_size = sizeof(struct kafka),
	.is_enabled = is_enabled,
	.check = check,
	.batch = batch,
	.compose = compose,
	.open = open_producer,
	.send = send_requests,
	.close = close_producer,
};
