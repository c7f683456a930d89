/* SPDX-License-Identifier: Apache-2.0 */
/*
 * librdkafka's mock cluster as a program, for test_brokers.py: prints its address, then each
 * message that a topic gets, a line each. "down" and "up" on stdin take its broker away and give it
 * back.
 */
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#define TOPIC	   "alerts"
#define PARTITIONS 3

static rd_kafka_t *make(rd_kafka_type_t type, const char *brokers)
{
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	char words[256] = "";
	rd_kafka_t *kafka;

	rd_kafka_conf_set(conf, "bootstrap.servers", brokers, words, sizeof(words));
	rd_kafka_conf_set(conf, "log_level", "0", words, sizeof(words));
	rd_kafka_conf_set(conf, "group.id", "test", words, sizeof(words));
	rd_kafka_conf_set(conf, "reconnect.backoff.max.ms", "200", words, sizeof(words));
	kafka = rd_kafka_new(type, conf, words, sizeof(words));
	if (!kafka) {
		fprintf(stderr, "%s\n", words);
		exit(1);
	}
	return kafka;
}

static void listen_to_all(rd_kafka_t *consumer)
{
	rd_kafka_topic_partition_list_t *all = rd_kafka_topic_partition_list_new(PARTITIONS);

	for (int i = 0; i < PARTITIONS; i++)
		rd_kafka_topic_partition_list_add(all, TOPIC, i)->offset =
			RD_KAFKA_OFFSET_BEGINNING;
	rd_kafka_assign(consumer, all);
	rd_kafka_topic_partition_list_destroy(all);
	rd_kafka_poll_set_consumer(consumer);
}

/* False at the end of stdin. */
static bool obey(rd_kafka_mock_cluster_t *cluster)
{
	struct pollfd input = { .fd = STDIN_FILENO, .events = POLLIN };
	char line[16] = "";

	if (poll(&input, 1, 0) <= 0)
		return true;
	if (read(STDIN_FILENO, line, sizeof(line) - 1) <= 0)
		return false;
	if (!strncmp(line, "down", 4))
		rd_kafka_mock_broker_set_down(cluster, 1);
	else
		rd_kafka_mock_broker_set_up(cluster, 1);
	printf("ok\n");
	return true;
}

int main(void)
{
	rd_kafka_t *owner = make(RD_KAFKA_PRODUCER, ""), *consumer;
	rd_kafka_mock_cluster_t *cluster = rd_kafka_mock_cluster_new(owner, 1);

	setvbuf(stdout, NULL, _IOLBF, 0);
	rd_kafka_mock_topic_create(cluster, TOPIC, PARTITIONS, 1);
	printf("%s\n", rd_kafka_mock_cluster_bootstraps(cluster));
	consumer = make(RD_KAFKA_CONSUMER, rd_kafka_mock_cluster_bootstraps(cluster));
	listen_to_all(consumer);
	while (obey(cluster)) {
		rd_kafka_message_t *message = rd_kafka_consumer_poll(consumer, 50);

		if (!message)
			continue;
		if (!message->err)
			printf("%.*s\n", (int)message->len, (const char *)message->payload);
		rd_kafka_message_destroy(message);
	}
	rd_kafka_destroy(consumer);
	rd_kafka_mock_cluster_destroy(cluster);
	rd_kafka_destroy(owner);
	return 0;
}
