/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of event types and the names of their flags, both expanded from kernel/syscalls.def
 * and kernel/arguments.def.
 */
#include <fcntl.h>

#include "base/memory.h"
#include "sensor/events.h"
#include "sensor/kernel/wire.h"

enum generic_id {
	GENERIC_BASE = EVENT_ROW_COUNT - 1,
#define CALL(name) GENERIC_##name,
#include "sensor/kernel/generic-calls.inc"
#undef CALL
};

/* What the kernel calls a bit, beside what Falco calls it. */
struct native_name {
	uint64_t native;
};

#define NAME(falco, text, native) { (uint64_t)(falco), text },
#define FLAGS(table, ...) \
	static const struct flag_name names_##table[] = { __VA_ARGS__{ 0, NULL } };
#define ENUM(table, ...) FLAGS(table, __VA_ARGS__)
#include "sensor/kernel/arguments.def"
#undef NAME
#undef FLAGS
#undef ENUM

#define OTHERWISE		  (-1)
#define NAME(falco, text, native) { (uint64_t)(native) },
#define FLAGS(table, ...)	  static const struct native_name native_##table[] = { __VA_ARGS__ };
#define ENUM(table, ...)	  FLAGS(table, __VA_ARGS__)
#include "sensor/kernel/arguments.def"
#undef NAME
#undef FLAGS
#undef ENUM

struct name_table {
	const struct flag_name *names;
	const struct native_name *natives;
	size_t count;
	bool is_enum;
};

#define NAME(falco, text, native)
#define FLAGS(table, rows) { names_##table, native_##table, COUNT_OF(native_##table), false },
#define ENUM(table, rows)  { names_##table, native_##table, COUNT_OF(native_##table), true },
static const struct name_table name_tables[] = {
#include "sensor/kernel/arguments.def"
};
#undef NAME
#undef FLAGS
#undef ENUM

#define HOW_IS_OPEN(how) ((how) == COLLECT_OPEN)
#define FD_IS_NONE	 (-1)
#define FD_IS_RES	 CALL_RESULT
#define FD_IS_0		 0
#define FD_IS_PAIR	 CALL_PAIR

#define A(type, name, source)	     { #name, TYPE_##type, NULL },
#define F(type, name, source, table) { #name, TYPE_##type, names_##table },
#define COUNT_ARGUMENTS(...) \
	(sizeof((const struct event_argument[]){ __VA_ARGS__ }) / sizeof(struct event_argument))
#define SYSCALL(call, how, fd, rows)                     \
	[EVENT_##call] = { .name = #call,                \
		.id = EVENT_##call,                      \
		.is_syscall = true,                      \
		.has_result = true,                      \
		.is_open = HOW_IS_OPEN(COLLECT_##how),   \
		.is_new_fd = FD_IS_##fd >= CALL_RESULT,  \
		.argument_count = COUNT_ARGUMENTS(rows), \
		.arguments = { rows } },
#define EVENT(event, rows)                               \
	[EVENT_##event] = { .name = #event,              \
		.id = EVENT_##event,                     \
		.argument_count = COUNT_ARGUMENTS(rows), \
		.arguments = { rows } },
#define CALL(call)                                                                          \
	[GENERIC_##call] = {                                                                \
		.name = #call, .id = GENERIC_##call, .is_syscall = true, .is_generic = true \
	},

static const struct event_type types[] = {
#include "sensor/kernel/syscalls.def"
#include "sensor/kernel/generic-calls.inc"
};
#undef CALL
#undef EVENT
#undef SYSCALL

_Static_assert(COUNT_OF(types) <= EVENT_TYPES_MAX, "a set must have a bit for every type");

const struct event_type *event_types(size_t *ret_count)
{
	*ret_count = COUNT_OF(types);
	return types;
}

const struct event_type *event_type_find(struct text name)
{
	for (size_t i = 0; i < COUNT_OF(types); i++)
		if (text_is(name, types[i].name))
			return &types[i];
	return NULL;
}

const struct event_type *event_type_at(unsigned id)
{
	return id < COUNT_OF(types) ? &types[id] : NULL;
}

static const struct name_table *table_of(const struct flag_name *names)
{
	for (size_t i = 0; i < COUNT_OF(name_tables); i++)
		if (name_tables[i].names == names)
			return &name_tables[i];
	return NULL;
}

/* O_RDONLY is 0 natively; only Falco's numbering makes it a bit. */
static uint64_t access_mode_bits(uint64_t native)
{
	static const uint64_t bits[] = { 1, 2, 3, 0 };

	return bits[native & O_ACCMODE];
}

uint64_t flags_from_native(const struct flag_name *names, uint64_t native)
{
	const struct name_table *table = table_of(names);
	uint64_t bits = names == names_open_flags ? access_mode_bits(native) : 0;

	if (!table)
		return native;
	for (size_t i = 0; i < table->count; i++) {
		uint64_t pattern = table->natives[i].native;

		if (table->is_enum && (pattern == native || pattern == (uint64_t)OTHERWISE))
			return table->names[i].bits;
		if (!table->is_enum && pattern && (native & pattern) == pattern)
			bits |= table->names[i].bits;
	}
	return bits;
}

bool flags_native_at(const struct flag_name *names, size_t place, uint64_t *ret_native)
{
	const struct name_table *table = table_of(names);

	if (!table || place >= table->count)
		return false;
	*ret_native = table->natives[place].native;
	return true;
}
