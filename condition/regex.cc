/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RE2 behind a C face.
 */
#include <cstdio>
#include <re2/re2.h>

#include "condition/regex.h"

struct regex {
	re2::RE2 re;

	explicit regex(re2::StringPiece pattern, const re2::RE2::Options &options)
	    : re(pattern, options)
	{
	}
};

struct regex *regex_new(const char *pattern, size_t length, char *ret_problem, size_t problem_size)
{
	re2::RE2::Options options(re2::RE2::POSIX);

	options.set_log_errors(false);
	auto *made = new struct regex(re2::StringPiece(pattern, length), options);
	if (made->re.ok())
		return made;
	snprintf(ret_problem, problem_size, "%s", made->re.error().c_str());
	delete made;
	return nullptr;
}

void regex_free(struct regex *regex)
{
	delete regex;
}

bool regex_matches(const struct regex *regex, const char *text, size_t length)
{
	return re2::RE2::FullMatch(re2::StringPiece(text, length), regex->re);
}
