/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What came out of tests of rules, and the reports that can be made of it.
 */
#pragma once

#include <stdbool.h>

#include "base/text.h"

struct outcome {
	char *file; /* "" and line 0: of no file */
	size_t line;
	char *name;    /* "RULE: fires where it must" */
	char *message; /* why it failed, a line each; NULL: it passed */
};

struct outcomes {
	struct outcome *items;
	size_t count, capacity;
	size_t failed;
};

/* Takes the message. */
void outcomes_add(
	struct outcomes *outcomes, const char *file, size_t line, char *name, char *message);
void outcomes_done(struct outcomes *outcomes);

/* What failed, and a line that counts. */
void outcomes_write_text(const struct outcomes *outcomes, struct buffer *out);
void outcomes_write_tap(const struct outcomes *outcomes, struct buffer *out);
void outcomes_write_json(const struct outcomes *outcomes, struct buffer *out);
/* The form that CI systems read; https://github.com/testmoapp/junitxml describes it. */
void outcomes_write_junit(const struct outcomes *outcomes, struct buffer *out);
