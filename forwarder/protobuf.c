/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Filling a message of protobuf-c from JSON. All of it is malloc()ed, as
 * protobuf_c_message_free_unpacked() frees it.
 */
#include <ctype.h>
#include <errno.h>
#include <json-c/linkhash.h>
#include <stdlib.h>

#include "base/memory.h"
#include "forwarder/protobuf.h"

#define NAME_MAX_BYTES 64

static ProtobufCMessage *message_new(const ProtobufCMessageDescriptor *descriptor)
{
	ProtobufCMessage *message = (ProtobufCMessage *)NEW_ARRAY(char, descriptor->sizeof_message);

	protobuf_c_message_init(descriptor, message);
	return message;
}

/* "timeUnixNano" is the field "time_unix_nano". */
static const ProtobufCFieldDescriptor *find_field(
	const ProtobufCMessageDescriptor *descriptor, const char *name)
{
	char snake[NAME_MAX_BYTES];
	size_t length = 0;

	for (; *name && length + 2 < sizeof(snake); name++) {
		if (isupper((unsigned char)*name))
			snake[length++] = '_';
		snake[length++] = (char)tolower((unsigned char)*name);
	}
	snake[length] = '\0';
	return protobuf_c_message_descriptor_get_field_by_name(descriptor, snake);
}

static int set_number(void *at, size_t size, struct json_object *value)
{
	const char *words = json_object_get_string(value);
	uint64_t unsigned_number;
	int64_t number;

	if (text_to_i64(text_of(words), &number) < 0) {
		if (text_to_u64(text_of(words), &unsigned_number) < 0)
			return -EINVAL;
		number = (int64_t)unsigned_number;
	}
	memcpy(at, &number, size); /* the low bytes come first, here and on all that we run on */
	return 0;
}

static int set_bytes(ProtobufCBinaryData *at, struct text hex)
{
	uint8_t *bytes = NEW_ARRAY(uint8_t, hex.length / 2 + 1);

	for (size_t i = 0; i + 1 < hex.length; i += 2) {
		char digits[3] = { hex.data[i], hex.data[i + 1], '\0' };

		bytes[i / 2] = (uint8_t)strtoul(digits, NULL, 16);
	}
	*at = (ProtobufCBinaryData){ hex.length / 2, bytes };
	return 0;
}

static int fill(ProtobufCMessage *message, struct json_object *object);

static int set_message(ProtobufCMessage **at, const ProtobufCMessageDescriptor *descriptor,
	struct json_object *value)
{
	*at = message_new(descriptor);
	return fill(*at, value);
}

static int set_value(const ProtobufCFieldDescriptor *field, void *at, struct json_object *value)
{
	struct text text = { json_object_get_string(value),
		(size_t)json_object_get_string_len(value) };

	switch (field->type) {
	case PROTOBUF_C_TYPE_INT32:
		return set_number(at, sizeof(int32_t), value);
	case PROTOBUF_C_TYPE_INT64:
	case PROTOBUF_C_TYPE_FIXED64:
	case PROTOBUF_C_TYPE_SFIXED64:
		return set_number(at, sizeof(int64_t), value);
	case PROTOBUF_C_TYPE_DOUBLE:
		*(double *)at = json_object_get_double(value);
		return 0;
	case PROTOBUF_C_TYPE_BOOL:
		*(protobuf_c_boolean *)at = json_object_get_boolean(value);
		return 0;
	case PROTOBUF_C_TYPE_STRING:
		*(char **)at = text_to_string(text);
		return 0;
	case PROTOBUF_C_TYPE_BYTES:
		return set_bytes(at, text);
	case PROTOBUF_C_TYPE_MESSAGE:
		return set_message(at, field->descriptor, value);
	default:
		return -EINVAL;
	}
}

/* Only messages repeat in what we send. */
static int set_repeated(
	ProtobufCMessage *message, const ProtobufCFieldDescriptor *field, struct json_object *list)
{
	ProtobufCMessage ***items = (void *)((char *)message + field->offset);
	size_t *count = (void *)((char *)message + field->quantifier_offset);
	size_t length;
	int r = 0;

	if (!json_object_is_type(list, json_type_array) || field->type != PROTOBUF_C_TYPE_MESSAGE)
		return -EINVAL;
	length = json_object_array_length(list);
	*items = NEW_ARRAY(ProtobufCMessage *, length + 1);
	while (*count < length && !r) {
		r = set_message(&(*items)[*count], field->descriptor,
			json_object_array_get_idx(list, *count));
		(*count)++;
	}
	return r;
}

static int set_field(
	ProtobufCMessage *message, const ProtobufCFieldDescriptor *field, struct json_object *value)
{
	if (field->label == PROTOBUF_C_LABEL_REPEATED)
		return set_repeated(message, field, value);
	if (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF)
		*(uint32_t *)((char *)message + field->quantifier_offset) = field->id;
	return set_value(field, (char *)message + field->offset, value);
}

static int fill(ProtobufCMessage *message, struct json_object *object)
{
	int r = 0;

	if (!json_object_is_type(object, json_type_object))
		return -EINVAL;
	json_object_object_foreach(object, name, value)
	{
		const ProtobufCFieldDescriptor *field = find_field(message->descriptor, name);

		if (field && value && !r)
			r = set_field(message, field, value);
	}
	return r;
}

int protobuf_pack(const ProtobufCMessageDescriptor *descriptor, struct text json,
	struct buffer *out, struct error *err)
{
	_cleanup_(json_putp) struct json_object *root = NULL;
	_cleanup_(freep) uint8_t *packed = NULL;
	ProtobufCMessage *message;
	size_t size = 0;
	int r = json_parse(json, &root, NULL, err);

	if (r < 0)
		return r;
	message = message_new(descriptor);
	r = fill(message, root);
	if (!r) {
		packed = NEW_ARRAY(uint8_t, protobuf_c_message_get_packed_size(message) + 1);
		size = protobuf_c_message_pack(message, packed);
	}
	protobuf_c_message_free_unpacked(message, NULL);
	if (r < 0)
		return error_set(err, r, "a value does not fit its field of protobuf");
	buffer_add(out, packed, size);
	return 0;
}
