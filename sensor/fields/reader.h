/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the fields' readers share: giving a value, and the event's arguments.
 */
#pragma once

#include "sensor/fields/field.h"
#include "sensor/state/users.h"

/* The text that stands for something unknown where Falco never leaves a value out. */
#define UNKNOWN_TEXT TEXT("<NA>")

#define READER(name)               \
	static enum presence name( \
		const struct event *event, const struct field_use *use, struct value *ret_value)

/* Stands neither in val() nor in a transformer. */
#define ALONE (FIELD_NO_VALUE | FIELD_NO_TRANSFORMER)

/* A slice without data is absent; an empty one is not. */
static inline enum presence give_text(struct value *ret_value, struct text text)
{
	*ret_value = value_text(text);
	return text.data ? PRESENT : ABSENT;
}

static inline enum presence give_signed(struct value *ret_value, int64_t number)
{
	*ret_value = value_signed(number);
	return PRESENT;
}

static inline enum presence give_unsigned(struct value *ret_value, uint64_t number)
{
	*ret_value = value_unsigned(number);
	return PRESENT;
}

static inline enum presence give_bool(struct value *ret_value, bool flag)
{
	*ret_value = value_bool(flag);
	return PRESENT;
}

/* A DOUBLE, of which conditions compare the whole part. */
static inline enum presence give_tenths(struct value *ret_value, uint64_t tenths)
{
	*ret_value = value_unsigned(tenths / 10);
	ret_value->tenths = (uint8_t)(tenths % 10);
	return PRESENT;
}

/* Numbers of struct process are -1 when the process has none. */
static inline enum presence give_id(struct value *ret_value, int64_t number)
{
	*ret_value = value_signed(number);
	return number < 0 ? ABSENT : PRESENT;
}

/* Position of an argument in the event's type, or -1. */
int argument_index(const struct event *event, struct text name);
/* The argument in its native type; false when the event has none or it is absent. */
bool argument_get(const struct event *event, const char *name, struct value *ret_value);
/*
 * The argument as evt.arg gives it (spec/rule-language.md 3.7): names for flags, "<f>/path" for
 * descriptors, absolute paths; or as it is where there is no such form. In the event's arena.
 */
enum presence argument_text(const struct event *event, int index, struct text *ret_text);
/* The same before it is made readable: numbers, the caller's path. */
enum presence argument_raw_text(const struct event *event, int index, struct text *ret_text);
/* Bytes as the settings want them: "." for what cannot be shown, or base64. */
void print_bytes(const struct event *event, struct text bytes, struct buffer *out);
/* "name=raw(readable)" of all arguments, joined by blanks. */
struct text arguments_text(const struct event *event);
/* Whether a FLAGS argument has all bits of the flag so named. */
bool argument_has_flag(const struct event *event, const char *name, const char *flag);
/* The names of a value's bits, joined by "|"; no data when none fits. */
struct text flag_names_text(struct arena *arena, const struct flag_name *names, uint64_t bits);
/* The symbol of an errno ("ENOENT"), "E" and the number for one without. */
struct text errno_text(struct arena *arena, int64_t code);

/* Falco's broad kind of the event: "file", "net", "process" …; never absent. */
struct text event_category(const struct event *event);

/* The letter and name of the event's descriptor (fd.typechar, fd.type), guessed when unknown. */
char event_fd_letter(const struct event *event);
/* The name in the event's view; no data when the event has no descriptor. */
struct text event_fd_name(const struct event *event);

/* fd.type of any descriptor, and the end of a socket in a role; no family: it has none. */
struct text fd_type_text(const struct event_fd *fd);
struct end {
	struct address address;
	uint16_t port;
};
enum role { CLIENT, SERVER, LOCAL, REMOTE };
struct end fd_end(const struct event_fd *fd, enum role role);

/* proc.args and proc.cmdline of any process. */
struct text process_arguments(struct arena *arena, const struct process *process);
struct text process_command_line(struct arena *arena, const struct process *process);
/* When the first process of the pid namespace began, ns since 1970; 0 when it is not known. */
uint64_t namespace_start_ns(const struct process *process);

/* Name, home or shell of an id with Falco's fallbacks: "root" for the user 0, else "<NA>". */
enum presence name_of_id(
	const struct event *event, enum name_kind kind, int64_t id, struct text *ret_name);

/*
 * What the runtimes told of the event's container: PRESENT with it, WAITS while they were asked and
 * have not answered, else ABSENT. The host has none.
 */
struct metadata;
enum presence metadata_of(const struct event *event, const struct metadata **ret_metadata);
/* A fact that may come with a fuller answer: WAITS when it is not there and one is coming. */
enum presence give_fact(struct value *ret_value, struct text text, const struct metadata *metadata);
