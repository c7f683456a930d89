/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Regular expressions: RE2 in POSIX syntax on whole values, as Falco compiles them. regex.cc is
 * the only C++ of the tree.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

struct regex;

/* NULL with RE2's words in `ret_problem` when the pattern is bad. */
struct regex *regex_new(const char *pattern, size_t length, char *ret_problem, size_t problem_size);
void regex_free(struct regex *regex);
/* Does the whole of `text`, which must be valid UTF-8, match? */
bool regex_matches(const struct regex *regex, const char *text, size_t length);

#ifdef __cplusplus
}
#endif
