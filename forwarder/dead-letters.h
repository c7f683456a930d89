/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Dead letters: alerts that an output's receiver refused, or that could not be sent in time, with
 * the receiver's words, in a database of their own beside the journal. Kept until someone looks:
 * the oldest go when there are more than DEAD_LETTERS_MAX.
 */
#pragma once

#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/text.h"

#define DEAD_LETTERS_MAX 100000

struct dead_letter {
	struct dead_letter *next;
	int64_t sequence;
	char *reason; /* for a person */
	char *body;   /* the alert's JSON */
};

/* Owns its texts. */
struct dead_letter *dead_letter_new(int64_t sequence, const char *reason, struct text body);
/* Frees a whole list. */
void dead_letters_free(struct dead_letter *letters);

struct dead_letters;

/* A damaged database is set aside, and said. */
int dead_letters_open(const char *folder, struct dead_letters **ret_letters, struct error *err);
void dead_letters_close(struct dead_letters *letters);
/* Stores a list, durable when it returns. `output` is the name of the output that gave up. */
int dead_letters_add(struct dead_letters *letters, const char *output,
	const struct dead_letter *list, struct error *err);
int64_t dead_letters_count(struct dead_letters *letters);
/* Renames a database and its companions to PATH.damaged-SECONDS, and says so. */
void database_set_aside(const char *path, const char *why);
