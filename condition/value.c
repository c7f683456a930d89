/* SPDX-License-Identifier: Apache-2.0 */
/* Names and kinds of the value types, from the one list in value.h. */
#include <arpa/inet.h>
#include <assert.h>

#include "base/memory.h"
#include "condition/value.h"

struct type_row {
	const char *name;
	enum value_kind kind;
};

static const struct type_row rows[] = {
#define TYPE(name, kind) [TYPE_##name] = { #name, VALUE_##kind },
	VALUE_TYPES(TYPE)
#undef TYPE
};

const char *value_type_name(enum value_type type)
{
	assert((size_t)type < COUNT_OF(rows));
	return rows[type].name;
}

enum value_kind value_type_kind(enum value_type type)
{
	assert((size_t)type < COUNT_OF(rows));
	return rows[type].kind;
}

void address_print(const struct address *address, struct buffer *out)
{
	char text[INET6_ADDRSTRLEN] = "";

	if (address->family)
		inet_ntop(address->family == 4 ? AF_INET : AF_INET6, address->bytes, text,
			sizeof(text));
	buffer_add_string(out, text);
}
