/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tests that register themselves. A test program includes this once, writes
 *
 *	TEST(a_full_queue_drops_the_newest) { CHECK_TEXT(got, want); }
 *
 * and has a main() already. It prints TAP; arguments choose tests whose name contains them.
 * A failed check prints both sides and the test goes on, so that one run shows everything.
 */
#pragma once

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct test_case {
	const char *name;
	void (*run)(void);
	struct test_case *next;
};

static struct test_case *test_list, **test_end = &test_list;
static int test_failures;
static const char *test_skip_reason;

#define TEST(title)                                                            \
	static void test_##title(void);                                        \
	__attribute__((constructor)) static void register_##title(void)        \
	{                                                                      \
		static struct test_case test = { #title, test_##title, NULL }; \
		*test_end = &test;                                             \
		test_end = &test.next;                                         \
	}                                                                      \
	static void test_##title(void)

#define CHECK(claim)                                                                   \
	do {                                                                           \
		if (!(claim)) {                                                        \
			test_failures++;                                               \
			printf("# %s:%d: not true: %s\n", __FILE__, __LINE__, #claim); \
		}                                                                      \
	} while (0)

#define CHECK_NUMBER(got, want)                                                           \
	do {                                                                              \
		int64_t got_ = (int64_t)(got), want_ = (int64_t)(want);                   \
		if (got_ != want_) {                                                      \
			test_failures++;                                                  \
			printf("# %s:%d: %s is %" PRId64 ", not %" PRId64 "\n", __FILE__, \
				__LINE__, #got, got_, want_);                             \
		}                                                                         \
	} while (0)

/* Both are C strings; NULL equals NULL alone. */
#define CHECK_TEXT(got, want)                                                                   \
	do {                                                                                    \
		const char *got_ = (got), *want_ = (want);                                      \
		if (got_ != want_ && (!got_ || !want_ || strcmp(got_, want_))) {                \
			test_failures++;                                                        \
			printf("# %s:%d: %s\n#   is  |%s|\n#   not |%s|\n", __FILE__, __LINE__, \
				#got, got_ ? got_ : "(null)", want_ ? want_ : "(null)");        \
		}                                                                               \
	} while (0)

/* Leaves the test, which then counts as skipped. */
#define SKIP(reason)                         \
	do {                                 \
		test_skip_reason = (reason); \
		return;                      \
	} while (0)

static bool test_is_chosen(const char *name, int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (strstr(name, argv[i]))
			return true;
	return argc < 2;
}

int main(int argc, char **argv)
{
	int number = 0, failed = 0;

	setvbuf(stdout, NULL, _IOLBF, 0);
	for (struct test_case *test = test_list; test; test = test->next) {
		if (!test_is_chosen(test->name, argc, argv))
			continue;
		test_failures = 0;
		test_skip_reason = NULL;
		test->run();
		failed += test_failures > 0;
		printf("%sok %d - %s%s%s\n", test_failures ? "not " : "", ++number, test->name,
			test_skip_reason ? " # SKIP " : "",
			test_skip_reason ? test_skip_reason : "");
	}
	printf("1..%d\n", number);
	return failed > 0;
}
