/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Dead letters: alerts that an output's receiver refused, or that could not be sent in time, with
 * the receiver's words, in a database of their own beside the journal. Kept until someone looks:
 * the oldest go when there are more than DEAD_LETTERS_MAX.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
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

/* A damaged database is set aside, and said; one that cannot be opened else is an error. */
int dead_letters_open(const char *folder, struct dead_letters **ret_letters, struct error *err);
void dead_letters_close(struct dead_letters *letters);
/* Stores a list, durable when it returns. `output` is the name of the output that gave up. */
int dead_letters_add(struct dead_letters *letters, const char *output,
	const struct dead_letter *list, struct error *err);
int64_t dead_letters_count(struct dead_letters *letters);

/*
 * Those that someone wants to be sent again (dead-letters-command.c marks them, from another
 * process). The journal takes them over.
 */
struct requeued {
	int64_t id;
	char *output, *body;
};

/* Whether another process has written since the last call; true at the first. */
bool dead_letters_have_changed(struct dead_letters *letters);
/* Up to `limit` that `is_wanted` takes; returns how many. requeued_done() frees their texts. */
size_t dead_letters_requeued(struct dead_letters *letters,
	bool (*is_wanted)(const void *context, const char *output), const void *context,
	struct requeued *ret_letters, size_t limit);
void requeued_done(struct requeued *letters, size_t count);
/* They are no dead letters any more. */
void dead_letters_remove(struct dead_letters *letters, const struct requeued *list, size_t count);

/* For those who look from outside: each that is kept, the newest last. */
struct dead_letter_row {
	int64_t id, at_ms;
	const char *output, *reason, *body;
	bool is_requeued;
};
/* `seen` answers whether to go on. */
int dead_letters_each(struct dead_letters *letters,
	bool (*seen)(void *context, const struct dead_letter_row *row), void *context,
	struct error *err);
/* Marks one to be sent again; takes one away. */
int dead_letters_mark(struct dead_letters *letters, int64_t id, struct error *err);
int dead_letters_drop(struct dead_letters *letters, int64_t id, struct error *err);
int dead_letters_begin(struct dead_letters *letters, struct error *err);
int dead_letters_commit(struct dead_letters *letters, struct error *err);
/* Renames a database and its companions to PATH.damaged-SECONDS, and says so. */
void database_set_aside(const char *path, const char *why);
