/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From protobuf's JSON form to its binary one, by what protobuf-c says of a message. So an output
 * composes once, and what it composes can be read.
 */
#pragma once

#include <protobuf-c/protobuf-c.h>

#include "base/json.h"

/*
 * Packs a JSON object as a message. Members are the fields in lowerCamelCase; 64-bit numbers may be
 * text, bytes are hexadecimal (as OTLP has it). Members that the message does not have are left
 * out. -EINVAL when a value does not fit its field.
 */
int protobuf_pack(const ProtobufCMessageDescriptor *descriptor, struct text json,
	struct buffer *out, struct error *err);
