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
#include "sensor/value.h"

/* A name for a bit pattern of a FLAGS or ENUMFLAGS argument, e.g. { 0x1, "O_WRONLY" }. */
struct flag_name {
	uint64_t bits;
	const char *name;
};

#define EVENT_ARGUMENTS_MAX 16

struct event_argument {
	const char *name; /* as in evt.arg.NAME */
	enum value_type type;
	const struct flag_name *names; /* ended by a NULL name; NULL: none */
};

struct event_type {
	const char *name;        /* "openat", "execve", "procexit"; generic: the call's name */
	uint16_t id;             /* index into the table: generic calls come after the rows */
	bool is_syscall;
	bool is_generic;         /* no arguments, no result (spec/rule-language.md 3.7) */
	bool has_result;
	bool is_open;            /* the open family: evt.is_open_* can be true */
	bool is_new_fd;          /* its result is a new descriptor */
	uint8_t argument_count;
	struct event_argument arguments[EVENT_ARGUMENTS_MAX];
};

/* All types; ids are 0 … count-1. */
const struct event_type *event_types(size_t *ret_count);
/* By exact name, or NULL. */
const struct event_type *event_type_find(struct text name);

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
