/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of event types, made from kernel/syscalls.def: one row a system call that has
 * arguments of its own (spec/events.tsv), plus the lifecycle. Every other system call of the
 * architecture is known by name and number as a generic event.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"
#include "condition/value.h"

/*
 * A name for a bit pattern of a FLAGS, ENUMFLAGS or MODE argument, in Falco's numbering, e.g.
 * { 2, "O_WRONLY" }. A table is in the order of printing: a name whose bits are all set is printed
 * and its bits are taken away; names are joined by "|"; a row of 0 bits names the value 0.
 */
struct flag_name {
	uint64_t bits;
	const char *name;
};

/* From the kernel's numbering to Falco's, in which evt.arg and evt.rawarg speak. */
uint64_t flags_from_native(const struct flag_name *names, uint64_t native);
/* The kernel's pattern of the name at a place of the table; false behind the last one. */
bool flags_native_at(const struct flag_name *names, size_t place, uint64_t *ret_native);

#define EVENT_ARGUMENTS_MAX 32

struct event_argument {
	const char *name; /* as in evt.arg.NAME */
	enum value_type type;
	const struct flag_name *names; /* ended by a NULL name; NULL: none */
};

struct event_type {
	const char *name; /* "openat", "execve", "procexit"; generic: the call's name */
	uint16_t id;	  /* index into the table: generic calls come after the rows */
	bool is_syscall;
	bool is_generic; /* no arguments, no result (spec/rule-language.md 3.7) */
	bool has_result;
	bool is_open;	/* the open family: evt.is_open_* can be true */
	bool is_new_fd; /* its result is a new descriptor */
	uint8_t argument_count;
	struct event_argument arguments[EVENT_ARGUMENTS_MAX];
};

/* All types; ids are 0 … count-1. */
const struct event_type *event_types(size_t *ret_count);
/* By exact name, or NULL. */
const struct event_type *event_type_find(struct text name);
/* By id, or NULL. */
const struct event_type *event_type_at(unsigned id);

/* Ids of the rows as constants: EVENT_openat, EVENT_procexit. Generic calls come behind. */
enum event_id {
#define SYSCALL(name, how, fd, rows) EVENT_##name,
#define EVENT(name, rows)	     EVENT_##name,
#include "sensor/kernel/syscalls.def"
#undef SYSCALL
#undef EVENT
	EVENT_ROW_COUNT,
};

/* A set of event types, as a rule's static analysis makes it (spec/rule-language.md 3.9). */
#define EVENT_TYPES_MAX 640
struct event_set {
	uint64_t words[EVENT_TYPES_MAX / 64];
};

static inline void event_set_add(struct event_set *set, unsigned id)
{
	set->words[id / 64] |= UINT64_C(1) << (id % 64);
}

static inline bool event_set_has(const struct event_set *set, unsigned id)
{
	return set->words[id / 64] >> (id % 64) & 1;
}
