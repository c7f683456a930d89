/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What alerts are asked for: the query language of the page, and the parameters of the old API.
 *
 *	shell "was spawned" -rule:"Write below*" (priority>=warning OR user.name:(root OR mail))
 *
 * Blanks and AND join, OR separates and binds less, parentheses group; "-" or NOT before a term or
 * a group negates it. A word or phrase is an infix of any value, ASCII case aside. FIELD:VALUE is
 * the exact value as text, "*" stands for anything ("\*" within quotes for itself), FIELD:(A OR B)
 * is one of several. "priority" is compared by gravity, other fields as numbers.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "alert/alert.h"
#include "base/error.h"
#include "base/text.h"

#define FILTER_TERMS_MAX 64
#define FILTER_NODES_MAX 250
#define FILTER_DEPTH_MAX 16
#define FILTER_TEXT_MAX	 4096

/* Stands for "*" in a value. */
#define FILTER_WILDCARD '\x01'

enum term_kind {
	TERM_TEXT, /* infix of any value */
	TERM_RULE,
	TERM_SOURCE,
	TERM_HOSTNAME,
	TERM_TAG,
	TERM_UUID,
	TERM_FIELD,
	TERM_PRIORITY,
};

struct term {
	enum term_kind kind;
	bool is_negated;
	bool is_required;    /* no alert fits without it: no OR is above it */
	unsigned priorities; /* TERM_PRIORITY: those that fit, bit by enum priority */
	/* TERM_FIELD: compared as a number; "": the value as text. */
	char operator[3];
	char *field;   /* TERM_FIELD: "proc.name"; else NULL */
	char **values; /* any of them; TERM_TEXT: lower case, without escapes */
	size_t value_count;
	char *needle; /* TERM_TEXT without wildcard, not negated: as it stands in JSON, else NULL */
};

/* A place of the expression: a term, or what holds when all or any of its children do. */
struct filter_node {
	enum { NODE_ALL, NODE_ANY, NODE_TERM } kind;
	uint8_t term;
	uint8_t first, next; /* first child, next sibling; 0: none */
};

/* Signs stand at the terms alone: the parser turns "-(a b)" into "-a OR -b". */
struct filter {
	struct term terms[FILTER_TERMS_MAX];
	size_t term_count;
	struct filter_node nodes[FILTER_NODES_MAX]; /* 0: the root, NODE_ALL */
	size_t node_count;
};

/* Lets everything through. */
struct filter *filter_new(void);
void filter_free(struct filter *filter);
DEFINE_CLEANUP(struct filter *, filter_free)

/* On a mistake: -EINVAL, and the place as a character counted from 1. */
int filter_parse(
	struct text query, struct filter **ret_filter, size_t *ret_column, struct error *err);
/* Adds one term of the old API: comma separated values of which any may be. "" and "null": none. */
int filter_add_list(struct filter *filter, const char *name, struct text values, struct error *err);
/* Adds an infix, taken literally. */
int filter_add_text(struct filter *filter, struct text text, struct error *err);
/* Adds "NAME:VALUE", taken literally. */
int filter_add_value(struct filter *filter, const char *name, struct text value, struct error *err);

/* For the parser: a term that is now the filter's, a node, a child at the end of its siblings. */
int filter_add_term(
	struct filter *filter, const struct term *term, uint8_t *ret_node, struct error *err);
int filter_add_node(struct filter *filter, int kind, uint8_t *ret_node, struct error *err);
void filter_add_child(struct filter *filter, uint8_t parent, uint8_t child);
/* Fills is_required, after the last change. */
void filter_finish(struct filter *filter);
enum term_kind term_kind_of(struct text name);
/* Copies; lower case where case is of no account. */
void term_add_value(struct term *term, struct text value);
void term_done(struct term *term);

/* Nothing is asked for: all alerts. */
bool filter_is_empty(const struct filter *filter);
/* Only priorities and rules are asked for. */
bool filter_is_rules_only(const struct filter *filter);
/* Whether the alert's JSON must be read to know. */
bool filter_needs_json(const struct filter *filter);

/* Whether one value of the term fits (without its sign). */
bool term_fits(const struct term *term, struct text value);
/* Whether the expression holds; a bit by term that says whether it, with its sign, does. */
bool filter_holds(const struct filter *filter, uint64_t terms);
/* The whole filter on a stored alert. `scratch` is emptied and used. */
bool filter_fits(const struct filter *filter, struct text json, struct buffer *scratch);

/* "*" is any run of characters, FILTER_WILDCARD in the pattern. */
bool text_fits_pattern(struct text pattern, struct text text);
