/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fields: everything that a condition or an output can name. A field is a row in its family's
 * file and a small function that reads it from an event; spec/fields.tsv lists what must be there.
 */
#pragma once

#include "base/error.h"
#include "sensor/event.h"

enum field_argument_kind {
	ARGUMENT_NONE,
	ARGUMENT_INDEX,		 /* proc.aname[2] */
	ARGUMENT_INDEX_OPTIONAL, /* and bare proc.aname */
	ARGUMENT_KEY,		 /* proc.env[HOME] */
	ARGUMENT_KEY_OPTIONAL,
	ARGUMENT_SUFFIX,	/* evt.arg.NAME, thread.cgroup.SUBSYSTEM */
	ARGUMENT_NAME_OR_INDEX, /* evt.arg.NAME and evt.arg[0] */
};

enum field_flags {
	FIELD_LIST = 1 << 0,	 /* its value is a VALUE_LIST of its type; with an argument, one */
	FIELD_NO_VALUE = 1 << 1, /* cannot stand in val() */
	FIELD_NO_TRANSFORMER = 1 << 2,
	FIELD_FILTER_ONLY = 1 << 3, /* prints <NA> */
	FIELD_PRINT_ONLY = 1 << 4,  /* refused in conditions */
	FIELD_DEPRECATED = 1 << 5,
	FIELD_HIDDEN = 1 << 6,	      /* not listed */
	FIELD_EITHER_END = 1 << 7,    /* fd.ip, fd.port …: the list holds both ends, see 3.8 */
	FIELD_ANY_ANCESTOR = 1 << 8,  /* bare: some strict ancestor satisfies the check */
	FIELD_PATH_VIEW = 1 << 9,     /* differs between the two views of a path */
	FIELD_METADATA = 1 << 10,     /* may answer WAITS */
	FIELD_DOTTED_KEY = 1 << 11,   /* a key may also follow a dot: container.label.app */
	FIELD_TIME_JSON = 1 << 12,    /* a text that JSON gives as the event's time in ns */
	FIELD_HEX = 1 << 13,	      /* text form: upper-case hexadecimal */
	FIELD_DOMAIN_NAMES = 1 << 15, /* compared with domain names, which must be looked up */
	FIELD_NINE_DIGITS = 1 << 14,  /* text form: padded with zeros to nine digits */
	FIELD_LOOK = 1 << 17,	      /* read from /proc when asked for (sources/look.h) */
	/* Read from the process' snapshot, its ancestors' and its container alone … */
	FIELD_OF_PROCESS = 1 << 16,
	/* … from what is in event->shape … */
	FIELD_OF_CALL = 1 << 18,
	/* … of which a number is there as far as it is small (event_small()). */
	FIELD_SMALL_OF_CALL = 1 << 19,
};

/* A field as a condition or a format uses it. */
struct field_use {
	const struct field *field;
	enum value_type type; /* the field's; for evt.rawarg.NAME that of the argument */
	struct text name;     /* as written, with argument: "proc.aname[2]" (NUL-ended, owned) */
	bool has_argument;
	int64_t index;	 /* the argument where it is a number; -1: none */
	struct text key; /* the argument as text, without quotes; points into name */
};

typedef enum presence field_reader(
	const struct event *event, const struct field_use *use, struct value *ret_value);

struct field {
	const char *name; /* without argument: "evt.arg" */
	enum value_type type;
	enum field_argument_kind argument;
	unsigned flags;
	const char *about; /* one sentence; our own words */
	field_reader
		*read; /* NULL: known, but its values come with a later issue; reads as absent */
	const char *needs; /* names of events that keep it true, blank separated; NULL: none */
};

struct field_family {
	const char *name; /* "evt" */
	const char *about;
	const struct field *fields;
	size_t count;
};

/* All families, in the order of name resolution. */
const struct field_family *const *field_families(size_t *ret_count);

/*
 * Finds what `text` names: the longest field name that fits, then its argument. The whole text
 * must be used unless `ret_used` is given (formats: "%proc.name:" uses 9 bytes).
 * -ENOENT with "no field …; did you mean …?", -EINVAL for an argument that is missing or wrong.
 * On failure nothing is left to be freed.
 */
int field_resolve(struct text text, size_t *ret_used, struct field_use *ret_use, struct error *err);
void field_use_done(struct field_use *use);
/* The name nearest to what was meant, or NULL. */
const char *field_nearest(struct text text);

/* Reads it: from event->given in rule tests, else by the field's own function. */
enum presence field_read(
	const struct event *event, const struct field_use *use, struct value *ret_value);

/* Printing as outputs do (spec/rule-language.md 4.1): text, and typed JSON. */
struct json_writer;
void field_print(const struct event *event, const struct field_use *use, struct buffer *out);
void field_print_json(
	const struct event *event, const struct field_use *use, struct json_writer *json);

/* The reference, from the rows: for --list and `tercel fields`. Hidden fields are left out. */
enum fields_format {
	FIELDS_TEXT,
	FIELDS_DETAILED_TEXT,
	FIELDS_NAMES,
	FIELDS_MARKDOWN,
	FIELDS_JSON
};
void fields_print(enum fields_format format, struct buffer *out);
