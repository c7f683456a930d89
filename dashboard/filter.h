/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What alerts are asked for: the query language of the page, and the parameters of the old API.
 *
 *	shell "was spawned" -rule:"Write below*" priority>=notice container.id:3f8ab2c41d07
 *
 * Terms are joined by AND; "-" before one negates it. A word or phrase is an infix of any value,
 * ASCII case aside. FIELD:VALUE is the exact value as text, "*" stands for anything ("\*" within
 * quotes for itself). "priority" alone can be compared.
 */
#pragma once

#include <stdbool.h>

#include "alert/alert.h"
#include "base/error.h"
#include "base/text.h"

#define FILTER_TERMS_MAX 32
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
};

struct term {
	enum term_kind kind;
	bool is_negated;
	char *field;   /* TERM_FIELD: "proc.name"; else NULL */
	char **values; /* any of them; TERM_TEXT: lower case, without escapes */
	size_t value_count;
	char *needle; /* TERM_TEXT without wildcard, not negated: as it stands in JSON, else NULL */
};

struct filter {
	unsigned priorities; /* bit by enum priority */
	struct term terms[FILTER_TERMS_MAX];
	size_t term_count;
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

/* Nothing is asked for: all alerts. */
bool filter_is_empty(const struct filter *filter);
/* Only priorities and rules are asked for. */
bool filter_is_rules_only(const struct filter *filter);
/* Whether the alert's JSON must be read to know. */
bool filter_needs_json(const struct filter *filter);

/* Whether one value of the term fits (without its sign). */
bool term_fits(const struct term *term, struct text value);
/* The whole filter on a stored alert. `scratch` is emptied and used. */
bool filter_fits(const struct filter *filter, struct text json, struct buffer *scratch);

/* "*" is any run of characters, FILTER_WILDCARD in the pattern. */
bool text_fits_pattern(struct text pattern, struct text text);
