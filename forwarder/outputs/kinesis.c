/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A record of a stream.
 */
#include "forwarder/aws.h"
#include "forwarder/outputs/kinesis.h"

void kinesis_compose(struct request *request, const struct message *message, const char *stream)
{
	struct json_writer json;
	struct buffer data;

	buffer_init(&data, REQUEST_BODY_MAX);
	base64_write(&data, message->raw);
	aws_json(request, "Kinesis_20131202.PutRecord", "1.1");
	json_writer_init(&json, &request->body);
	json_begin_object(&json);
	json_key(&json, "StreamName");
	json_add_string(&json, stream);
	json_key(&json, "Data");
	json_add_text(&json, buffer_text(&data));
	json_key(&json, "PartitionKey");
	json_add_string(&json, message->alert->uuid);
	json_end(&json);
	buffer_done(&data);
}
