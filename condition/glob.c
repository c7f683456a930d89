/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shell patterns. Only the last star is ever gone back to: what an earlier one took is the least
 * that could be, and a later star can take whatever else there is.
 */
#include <ctype.h>

#include "base/memory.h"
#include "condition/glob.h"

static unsigned char fold(char c, bool ignores_case)
{
	return (unsigned char)(ignores_case && c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

static bool in_class(struct text name, unsigned char c)
{
	static const struct {
		const char *name;
		int (*has)(int c);
	} classes[] = {
		{ "alnum", isalnum },
		{ "alpha", isalpha },
		{ "blank", isblank },
		{ "cntrl", iscntrl },
		{ "digit", isdigit },
		{ "graph", isgraph },
		{ "lower", islower },
		{ "print", isprint },
		{ "punct", ispunct },
		{ "space", isspace },
		{ "upper", isupper },
		{ "xdigit", isxdigit },
	};

	for (size_t i = 0; i < COUNT_OF(classes); i++)
		if (text_is(name, classes[i].name))
			return c < 0x80 && classes[i].has(c);
	return false;
}

/* One byte of a bracket, a backslash before it taken off; moves *at behind it. */
static char bracket_byte(struct text pattern, size_t *at)
{
	if (pattern.data[*at] == '\\' && *at + 1 < pattern.length)
		++*at;
	return pattern.data[(*at)++];
}

/* The name of "[:name:]" at `at`, length 0 when none stands there. */
static struct text class_at(struct text pattern, size_t at)
{
	struct text rest = text_slice(pattern, at, pattern.length);
	ptrdiff_t end;

	if (!text_starts_with(rest, TEXT("[:")))
		return (struct text){ 0 };
	end = text_find(rest, TEXT(":]"));
	return end < 2 ? (struct text){ 0 } : text_slice(rest, 2, (size_t)end - 2);
}

/*
 * `pattern` begins with "[". Length of the bracket expression, 0 when it is never closed and so
 * stands for itself.
 */
static size_t bracket_matches(struct text pattern, char c, bool ignores_case, bool *ret_matches)
{
	unsigned char wanted = fold(c, ignores_case), from, to;
	size_t at = 1;
	bool is_negated, matches = false;

	is_negated = pattern.length > 1 && (pattern.data[1] == '!' || pattern.data[1] == '^');
	at += is_negated;
	for (size_t first = at; at < pattern.length;) {
		struct text class = class_at(pattern, at);

		if (pattern.data[at] == ']' && at > first) {
			*ret_matches = matches != is_negated;
			return at + 1;
		}
		if (class.length) {
			matches |=
				in_class(class, wanted) ||
				(ignores_case && in_class(class, (unsigned char)toupper(wanted)));
			at += class.length + 4;
			continue;
		}
		from = to = fold(bracket_byte(pattern, &at), ignores_case);
		if (at + 1 < pattern.length && pattern.data[at] == '-' &&
			pattern.data[at + 1] != ']') {
			at++;
			to = fold(bracket_byte(pattern, &at), ignores_case);
		}
		matches |= wanted >= from && wanted <= to;
	}
	return 0;
}

/* Length of the pattern's first element when it matches this byte, else 0. */
static size_t element_matches(struct text pattern, char c, bool ignores_case)
{
	char want = pattern.data[0];
	bool matches;
	size_t length;

	if (want == '?')
		return 1;
	if (want == '[') {
		length = bracket_matches(pattern, c, ignores_case, &matches);
		if (length)
			return matches ? length : 0;
	}
	if (want == '\\' && pattern.length > 1)
		return fold(pattern.data[1], ignores_case) == fold(c, ignores_case) ? 2 : 0;
	return fold(want, ignores_case) == fold(c, ignores_case);
}

bool glob_matches(struct text pattern, struct text text, bool ignores_case)
{
	size_t at = 0, in = 0, star = SIZE_MAX, resume = 0, length;

	while (in < text.length) {
		if (at < pattern.length && pattern.data[at] == '*') {
			star = ++at;
			resume = in;
			continue;
		}
		length = at < pattern.length
				 ? element_matches(text_slice(pattern, at, pattern.length),
					   text.data[in], ignores_case)
				 : 0;
		if (length) {
			at += length;
			in++;
			continue;
		}
		if (star == SIZE_MAX)
			return false;
		at = star;
		in = ++resume;
	}
	while (at < pattern.length && pattern.data[at] == '*')
		at++;
	return at == pattern.length;
}

bool glob_is_pattern(struct text text)
{
	for (size_t i = 0; i < text.length; i++)
		if (strchr("?*[", text.data[i]) && text.data[i])
			return true;
	return false;
}
