/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Operators: a table made from operators.def. A row says how the operator is written, which
 * classes of values it can compare, with which function, and how its right side is prepared at
 * load so that a test at run time only compares.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/error.h"
#include "condition/value.h"

struct prefixes;
struct regex;
struct value_set;

/* How values are compared; finer than a kind, for a network is no address. */
enum operand_class {
	CLASS_TEXT,
	CLASS_BYTES,
	CLASS_SIGNED,
	CLASS_UNSIGNED,
	CLASS_BOOL,
	CLASS_ADDRESS,
	CLASS_NET,
	CLASS_COUNT,
};

enum operand_class class_of_type(enum value_type type);
/* As in "not supported for WORDS filters". */
const char *class_words(enum operand_class class);

/* The right side of a test, prepared; what its operator's row asks for is set. */
struct right {
	struct value value;
	unsigned prefix_bits; /* of a network */
	struct value_set *set;
	struct prefixes *prefixes;
	struct regex *regex;
	char *bytes; /* owned, where the value points into it */
};

typedef bool operator_test(
	const struct value *left, const struct right *right, struct arena *arena);

/* One test a class, in the order of enum operand_class; NULL: no such operator. */
struct operator_tests {
	operator_test *text, *bytes, *is_signed, *is_unsigned, *is_bool, *address, *net;
};

enum operator_syntax {
	SYNTAX_UNARY,  /* nothing on the right */
	SYNTAX_NUMBER, /* a number */
	SYNTAX_TEXT,   /* one value, or a modifier and a list */
	SYNTAX_LIST,   /* a list */
};

enum operator_prepare {
	PREPARE_NOTHING,
	PREPARE_ONE, /* a value of the field's type */
	PREPARE_HEX, /* bytes, written in hexadecimal */
	PREPARE_SET,
	PREPARE_PREFIXES,
	PREPARE_REGEX,
};

enum operator_flags {
	OPERATOR_WORD = 1 << 0,	      /* needs white space behind it */
	OPERATOR_MODIFIABLE = 1 << 1, /* exceptions take it with oneof, anyof, allof */
	OPERATOR_FIXED = 1 << 2,      /* its right side cannot be a field */
	OPERATOR_EVERY_END = 1 << 3,  /* of a field with two ends, both must pass */
	OPERATOR_EVERY_ITEM = 1 << 4, /* of a list, every item must pass */
};

struct operator_row {
	const char *name;
	enum operator_syntax syntax;
	unsigned flags;
	enum operator_prepare prepare;
	struct operator_tests tests;
};

enum operator_id {
#define OPERATOR(id, ...) OPERATOR_##id,
#include "condition/operators.def"
#undef OPERATOR
	OPERATOR_COUNT,
};

enum modifier { MODIFIER_NONE, MODIFIER_ONEOF, MODIFIER_ANYOF, MODIFIER_ALLOF, MODIFIER_COUNT };

/* The row; `id` is its place. */
const struct operator_row *operator_at(enum operator_id id);
enum operator_id operator_id(const struct operator_row *op);
/* By exact spelling, or NULL. */
const struct operator_row *operator_find(struct text name);
/* The test for a class, or NULL. */
operator_test *operator_test_for(const struct operator_row *op, enum operand_class class);
/* "" for MODIFIER_NONE. */
const char *modifier_name(enum modifier modifier);

/*
 * Prepares the right side from constants of one type. -EINVAL with Falco's message
 * (spec/rule-language.md 3.1, 3.2). What is prepared may point into `values`.
 */
int right_prepare(const struct operator_row *op, enum value_type type, const struct text *values,
	size_t count, struct right *ret_right, struct error *err);
void right_done(struct right *right);

/* A constant of a type; text and bytes point into `text`. -EINVAL with Falco's message. */
int constant_parse(
	struct text text, enum value_type type, struct right *ret_right, struct error *err);
