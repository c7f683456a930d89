/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Values of fields and event arguments, and their types as Falco names them
 * (spec/rule-language.md 3.1). A type is what a person reads in `tercel fields`; its kind is how
 * it is compared.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"

enum value_kind {
	VALUE_TEXT,  /* also paths */
	VALUE_BYTES, /* byte buffers */
	VALUE_SIGNED,
	VALUE_UNSIGNED,
	VALUE_BOOL,
	VALUE_ADDRESS,
	VALUE_LIST, /* of values of one other kind */
};

/* TYPE(name, kind) */
#define VALUE_TYPES(TYPE)           \
	TYPE(INT8, SIGNED)          \
	TYPE(INT16, SIGNED)         \
	TYPE(INT32, SIGNED)         \
	TYPE(INT64, SIGNED)         \
	TYPE(FD, SIGNED)            \
	TYPE(PID, SIGNED)           \
	TYPE(ERRNO, SIGNED)         \
	TYPE(UINT8, UNSIGNED)       \
	TYPE(UINT16, UNSIGNED)      \
	TYPE(UINT32, UNSIGNED)      \
	TYPE(UINT64, UNSIGNED)      \
	TYPE(FLAGS8, UNSIGNED)      \
	TYPE(FLAGS16, UNSIGNED)     \
	TYPE(FLAGS32, UNSIGNED)     \
	TYPE(ENUMFLAGS8, UNSIGNED)  \
	TYPE(ENUMFLAGS16, UNSIGNED) \
	TYPE(ENUMFLAGS32, UNSIGNED) \
	TYPE(MODE, UNSIGNED)        \
	TYPE(UID, UNSIGNED)         \
	TYPE(GID, UNSIGNED)         \
	TYPE(PORT, UNSIGNED)        \
	TYPE(RELTIME, UNSIGNED)     \
	TYPE(ABSTIME, UNSIGNED)     \
	TYPE(DOUBLE, UNSIGNED)      \
	TYPE(BOOL, BOOL)            \
	TYPE(CHARBUF, TEXT)         \
	TYPE(FSPATH, TEXT)          \
	TYPE(FSRELPATH, TEXT)       \
	TYPE(BYTEBUF, BYTES)        \
	TYPE(IPADDR, ADDRESS)       \
	TYPE(IPNET, ADDRESS)        \
	TYPE(SOCKADDR, TEXT)        \
	TYPE(SOCKTUPLE, TEXT)       \
	TYPE(DYN, TEXT)

enum value_type {
#define TYPE(name, kind) TYPE_##name,
	VALUE_TYPES(TYPE)
#undef TYPE
};

const char *value_type_name(enum value_type type);
enum value_kind value_type_kind(enum value_type type);

/* An IPv4 or IPv6 address; IPv4 uses the first four bytes. Network order. */
struct address {
	uint8_t family; /* 4 or 6; 0: none */
	uint8_t bytes[16];
};

/* "10.0.0.1", "::1"; nothing for no family. */
void address_print(const struct address *address, struct buffer *out);

struct value {
	enum value_kind kind;
	uint8_t tenths; /* of a DOUBLE: the digit behind the point, for printing */
	union {
		struct text text; /* TEXT, BYTES */
		int64_t number;
		uint64_t size; /* UNSIGNED */
		bool flag;
		struct address address;
		struct {
			const struct value *items;
			size_t count;
		} list;
	};
};

static inline struct value value_text(struct text text)
{
	return (struct value){ .kind = VALUE_TEXT, .text = text };
}

static inline struct value value_signed(int64_t number)
{
	return (struct value){ .kind = VALUE_SIGNED, .number = number };
}

static inline struct value value_unsigned(uint64_t size)
{
	return (struct value){ .kind = VALUE_UNSIGNED, .size = size };
}

static inline struct value value_bool(bool flag)
{
	return (struct value){ .kind = VALUE_BOOL, .flag = flag };
}

/*
 * The three answers of reading a field, and of a condition: an absent value makes every operator
 * false; WAITS means that its metadata is still being fetched (architecture 6).
 */
enum presence { ABSENT, PRESENT, WAITS };
enum truth { IS_FALSE, IS_TRUE, IS_WAITING };
