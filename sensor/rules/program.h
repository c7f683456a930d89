/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What conditions compile to. Every comparison is a test, kept once however many rules use it. A
 * condition is a chain of one single instruction: ask a test, go on at one place or another.
 * Instructions, too, are kept once, so equal ends of chains are the same chain.
 *
 *	fd.num >= 0 and (proc.name = a or proc.name = b)
 *
 *	5: fd.num >= 0    true -> 4      false -> FALSE
 *	4: proc.name = a  true -> TRUE   false -> 3
 *	3: proc.name = b  true -> TRUE   false -> FALSE
 */
#pragma once

#include "base/cleanup.h"
#include "sensor/rules/readings.h"

/* What a test's answer depends on: where answers may be remembered. */
enum scope {
	SCOPE_EVENT,   /* the event; nowhere */
	SCOPE_PROCESS, /* the process as it is */
	SCOPE_CALL,    /* the event's shape */
	SCOPE_OPEN,    /* the same, if it is an open's */
	SCOPE_COUNT,
};

struct test {
	const struct operator_row *op;
	operator_test *ask; /* NULL: exists */
	enum modifier modifier;
	bool wants_every; /* of a list: every item must pass, else one is enough */
	bool has_views;	  /* its answer differs between the two views of a path */
	bool may_wait;
	enum scope scope;
	uint32_t place;	      /* among the tests of its scope; of calls and opens together */
	unsigned left;	      /* readings */
	int right_reading;    /* -1: constants */
	struct right *rights; /* one, or with a modifier as many as the list has */
	size_t right_count;
	const struct text *constants; /* what `rights` was made of */
	size_t constant_count;
	unsigned uses; /* how many checks of all conditions it stands for */
	char *text;    /* the check, printed */
};

struct instruction {
	uint32_t test, if_true, if_false;
};

/* Where chains end; every other place is an instruction. */
enum { CHAIN_FALSE, CHAIN_TRUE, CHAIN_FIRST };

/* A condition with more instructions (macros written out) is refused. */
#define CHAIN_MAX 200000

struct program {
	struct readings readings;
	struct test *tests;
	size_t test_count, test_capacity;
	size_t process_test_count, call_test_count;
	struct instruction *code; /* the first two are the ends */
	size_t code_count, code_capacity;
	unsigned *test_index; /* hash tables: place + 1 */
	size_t test_index_size;
	unsigned *code_index;
	size_t code_index_size;
	struct text *domain_names; /* that fields are compared with (FIELD_DOMAIN_NAMES) */
	size_t domain_name_count, domain_name_capacity;
	struct arena *constants; /* what the tests' right sides point into */
};

struct program *program_new(void);
void program_free(struct program *program);
DEFINE_CLEANUP(struct program *, program_free)

/*
 * Looks up and checks everything that a tree names (macros must be resolved), and makes its tests.
 * On failure the message is Falco's, *ret_at the check that is wrong: -ENOENT for an unknown
 * field or event type, else -EINVAL.
 */
int program_add_tests(
	struct program *program, struct node *tree, struct position *ret_at, struct error *err);
/*
 * Makes the chain of a tree whose tests were added. With an event type, tests that it decides
 * (evt.type) are left out. -E2BIG when it is too long.
 */
int program_add_chain(struct program *program, const struct node *tree,
	const struct event_type *type, uint32_t *ret_chain, struct error *err);
/* Does the chain depend on which event type it is made for? */
bool program_asks_type(const struct program *program, const struct node *tree);
/* Instructions that can be reached from there. */
size_t program_chain_length(const struct program *program, uint32_t chain);
