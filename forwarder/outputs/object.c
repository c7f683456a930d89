/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Alerts as objects.
 */
#include "base/memory.h"
#include "forwarder/outputs/object.h"

#define KEY_MAX 4096

void object_key_write(struct buffer *out, const struct alert *alert, const char *prefix)
{
	struct text rest = text_of(prefix), part;
	struct buffer time;

	while (text_split(&rest, '/', &part)) {
		buffer_add_text(out, part);
		if (part.length)
			buffer_add_char(out, '/');
	}
	buffer_init(&time, 64);
	time_write(&time, alert->time_ns);
	buffer_add_text(out, text_slice(buffer_text(&time), 0, strlen("YYYY-MM-DD")));
	buffer_printf(out, "/%s-%s.json", time.data, alert->uuid);
	buffer_done(&time);
}

void object_url_write(struct buffer *url, struct text path)
{
	for (size_t i = 0; i < path.length; i++) {
		if (path.data[i] == '/')
			buffer_add_char(url, '/');
		else
			url_escape(url, text_slice(path, i, 1));
	}
}

/* CRC-32 of IEEE 802.3, which buckets with Object Lock ask for. */
static void add_checksum(struct request *request, struct text body)
{
	uint32_t crc = UINT32_MAX;
	struct buffer base64;
	char bytes[4];

	for (size_t i = 0; i < body.length; i++) {
		crc ^= (unsigned char)body.data[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
	}
	crc = ~crc;
	for (int i = 0; i < 4; i++)
		bytes[i] = (char)(crc >> (24 - 8 * i));
	buffer_init(&base64, 16);
	base64_write(&base64, (struct text){ bytes, sizeof(bytes) });
	request_header(request, "x-amz-checksum-crc32", buffer_text(&base64));
	buffer_done(&base64);
}

void object_compose(struct request *request, const struct message *message, const char *prefix)
{
	struct buffer key;

	request->method = "PUT";
	buffer_init(&key, KEY_MAX);
	object_key_write(&key, message->alert, prefix);
	object_url_write(&request->url, buffer_text(&key));
	buffer_done(&key);
	request_header(request, "Content-Type", TEXT("application/json"));
	add_checksum(request, message->raw);
	buffer_add_text(&request->body, message->raw);
}
