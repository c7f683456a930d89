/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A condition as a tree, as the parser leaves it: names are not looked up yet. Nodes live in the
 * arena of the parse; only `target` and `test` are filled in later, so that a macro's tree is
 * shared by all who name it.
 */
#pragma once

#include "base/text.h"
#include "condition/lexer.h"
#include "condition/operators.h"

enum operand_kind {
	OPERAND_VALUE,	     /* a constant */
	OPERAND_LIST,	     /* of values; in a transformer's arguments also of fields */
	OPERAND_FIELD,	     /* on the right side: val(field) */
	OPERAND_TRANSFORMER, /* NAME(parts…)[argument] */
};

struct operand {
	enum operand_kind kind;
	struct position at;
	struct text text; /* the value, the field's or the transformer's name */
	bool has_argument;
	struct text argument; /* of field[argument] */
	struct operand **parts;
	size_t count;
};

enum node_kind { NODE_AND, NODE_OR, NODE_NOT, NODE_CHECK, NODE_MACRO };

struct node {
	enum node_kind kind;
	struct position at;
	struct node **children; /* two or more; one of NODE_NOT */
	size_t count;
	/* NODE_CHECK: */
	struct operand *left;
	const struct operator_row *op;
	enum modifier modifier;
	struct operand *right; /* NULL for a unary operator */
	unsigned test;	       /* its number in the program, once compiled */
	/* NODE_MACRO: */
	struct text name;
	struct node *target; /* its tree, once resolved */
};

/* Parentheses and transformers deeper than this are refused. */
#define CONDITION_DEPTH_MAX 1000

/*
 * Parses a condition. Nodes point into `text` and live in the arena; both must outlive the tree.
 * -EINVAL with Falco's message (spec/rule-language.md 2); *ret_at is then where parsing stopped.
 */
int condition_parse(struct text text, struct arena *arena, struct node **ret_tree,
	struct position *ret_at, struct error *err);

/* The same where names of fields need no dot, and so there are no macros. */
int condition_parse_plain(struct text text, struct arena *arena, struct node **ret_tree,
	struct position *ret_at, struct error *err);

/*
 * Parses what a format may hold behind a "%": a transformer's call. Uses the longest prefix;
 * *ret_used says how much. 0, or -EINVAL when there is none.
 */
int transformer_parse(struct text text, struct arena *arena, struct operand **ret_operand,
	size_t *ret_used, struct error *err);

/* Prints a tree so that parsing it again gives the same tree; macros by name. */
void node_print(const struct node *node, struct buffer *out);
/* The same with what macros stand for in their place. */
void node_print_written_out(const struct node *node, struct buffer *out);
void operand_print(const struct operand *operand, struct buffer *out);
