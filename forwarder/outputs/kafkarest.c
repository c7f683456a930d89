/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The REST proxy of Kafka: raw events in base64, many in a request.
 */
#include "base/memory.h"
#include "forwarder/output.h"

struct kafkarest {
	struct output_settings common;
	char *address;
	int version;
};

static const struct setting rows[] = {
	OUTPUT_ROW_TEXT(kafkarest, address, "address", NULL,
		"Address of the topic, such as http://kafkarest:8082/topics/falco; switches the output on"),
	OUTPUT_ROW_CHOICE(kafkarest, version, "version", "2 1", "2", "Version of the API"),
	OUTPUT_ROW_PRIORITY,
	OUTPUT_ROWS_HTTP,
};

enum { VERSION_2, VERSION_1 };

static size_t batch(const void *settings)
{
	(void)settings;
	return 200;
}

static bool is_enabled(const void *settings)
{
	const struct kafkarest *kafkarest = settings;

	return is_set(kafkarest->address);
}

static int check(const void *settings, struct error *err)
{
	const struct kafkarest *kafkarest = settings;

	return check_url("kafkarest.address", kafkarest->address, err);
}

static void compose(const struct messages *messages, const void *settings, struct request *request)
{
	const struct kafkarest *kafkarest = settings;

	buffer_add_string(&request->url, kafkarest->address);
	request_header_printf(request, "Content-Type", "application/vnd.kafka.binary.v%d+json",
		kafkarest->version == VERSION_1 ? 1 : 2);
	buffer_add_string(&request->body, "{\"records\":[");
	for (size_t i = 0; i < messages->count; i++) {
		buffer_add_string(&request->body, i ? ",{\"value\":\"" : "{\"value\":\"");
		base64_write(&request->body, messages->items[i].raw);
		buffer_add_string(&request->body, "\"}");
	}
	buffer_add_string(&request->body, "]}");
}

const struct output output_kafkarest = {
	.name = "kafkarest",
	.title = "KafkaRest",
	.about = "Produces alerts to a topic through Kafka REST",
	.rows = rows,
	.row_count = COUNT_OF(rows),
	.settings_size = sizeof(struct kafkarest),
	.is_enabled = is_enabled,
	.check = check,
	.batch = batch,
	.compose = compose,
};
