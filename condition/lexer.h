/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The words of a condition. The language decides by context what a word is (a bare value may hold
 * nearly anything), so the parser asks for the kind of token that may stand there, and the lexer
 * takes it or leaves the text alone.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/text.h"

/* Line and column are 1-based, as Falco's parser counts; `offset` is 0-based, in bytes. */
struct position {
	size_t line, column, offset;
};

struct lexer {
	struct text text;
	struct position at;
	struct text last_token; /* for messages; blanks do not count */
	struct arena *arena;	/* unescaped strings are made here */
	bool has_plain_fields;	/* a field's name needs no dot */
};

void lexer_init(struct lexer *lexer, struct text text, struct arena *arena);

/* Each takes its token when it stands at `at`, and says so; *ret_text is a slice of the text. */
bool lexer_blank(struct lexer *lexer);
/* Exactly these bytes, whatever follows. */
bool lexer_exact(struct lexer *lexer, const char *word);
/* A word with white space behind it, which is not taken. */
bool lexer_word(struct lexer *lexer, const char *word);
bool lexer_field_name(struct lexer *lexer, struct text *ret_text);
bool lexer_identifier(struct lexer *lexer, struct text *ret_text);
/* NAME with "(" right behind it; the parenthesis is not taken. */
bool lexer_call(struct lexer *lexer, const char *name);
bool lexer_number(struct lexer *lexer, struct text *ret_text);
bool lexer_bare_string(struct lexer *lexer, struct text *ret_text);
bool lexer_bare_argument(struct lexer *lexer, struct text *ret_text);
/*
 * A string in quotes, its escapes undone: 1 when taken, 0 when none stands there (also one that
 * is never closed), -EINVAL with a message for a wrong escape.
 */
int lexer_quoted_string(struct lexer *lexer, struct text *ret_text, struct error *err);

bool lexer_is_at_end(const struct lexer *lexer);
/* Is `text` an identifier, and nothing else? (Names of macros.) */
bool lexer_is_identifier(struct text text);
/* Can every byte of `text` stand in a bare string? (Names of lists.) */
bool lexer_is_bare(struct text text);
