/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the constants of a path's test to patterns. A constant that no canonical path can be or
 * begin with is left out.
 */
#include <stdlib.h>

#include "base/memory.h"
#include "sensor/filter/patterns.h"

struct maker {
	struct patterns *patterns;
	const struct marks *sure, *maybe;
};

void marks_join(struct marks *marks, const struct marks *more)
{
	for (size_t i = 0; i < MARK_WORDS; i++)
		marks->words[i] |= more->words[i];
}

bool marks_any(const struct marks *marks)
{
	for (size_t i = 0; i < MARK_WORDS; i++)
		if (marks->words[i])
			return true;
	return false;
}

static bool is_canonical(struct text path)
{
	struct text part, rest = text_slice(path, 1, SIZE_MAX);

	if (!path.length || path.data[0] != '/')
		return false;
	if (path.length == 1)
		return true;
	while (text_split(&rest, '/', &part))
		if (!part.length || text_is(part, ".") || text_is(part, ".."))
			return false;
	return true;
}

/* A constant turned round, as walks are: "/a/b" is "b/a/", "/" is nothing. False: no path is so. */
static bool turn(struct arena *arena, struct text path, struct text *ret_turned)
{
	size_t end = path.length, length = 0;
	char *bytes = ARENA_NEW(arena, char, path.length + 1);

	if (!is_canonical(path))
		return false;
	for (size_t at = path.length; at-- > 0 && path.length > 1;) {
		if (path.data[at] != '/')
			continue;
		memcpy(bytes + length, path.data + at + 1, end - at - 1);
		length += end - at - 1;
		bytes[length++] = '/';
		end = at;
	}
	*ret_turned = (struct text){ bytes, length };
	return true;
}

static struct text without_slashes(struct text text)
{
	while (text.length && text.data[text.length - 1] == '/')
		text.length--;
	return text;
}

/* Yes where it is found, or only that it may be so. */
static void add(struct maker *maker, enum anchor anchor, struct text bytes, enum tail tail,
	enum answer answer)
{
	struct patterns *patterns = maker->patterns;
	struct pattern pattern = { bytes, anchor, tail, *maker->maybe };

	if (answer == ANSWER_YES)
		marks_join(&pattern.marks, maker->sure);
	if (!bytes.length && tail == TAIL_ANY)
		marks_join(&patterns->always, &pattern.marks);
	else
		*ARRAY_ADD(patterns->items, patterns->count, patterns->capacity) = pattern;
}

static void add_unknown(struct maker *maker, struct marks *where)
{
	marks_join(where, maker->maybe);
}

static struct text with_slash(struct maker *maker, struct text text)
{
	return arena_printf(maker->patterns->arena, "/" TEXT_FORMAT, TEXT_PRINT(text));
}

/* ---- as the caller wrote it ---- */

/* What is looked for has two dots, or a name that begins with one: is there any? */
static void text_contains_hint(struct maker *maker, struct text text)
{
	struct patterns *patterns = maker->patterns;

	if (text_find(text, TEXT("..")) >= 0)
		add_unknown(maker, &patterns->dots);
	else if (text_find(text, TEXT("/.")) >= 0)
		add_unknown(maker, &patterns->hidden);
	else
		add_unknown(maker, &patterns->always);
}

static void add_text(struct maker *maker, enum path_operator operation, struct text text)
{
	switch (operation) {
	case PATH_EQUAL:
		add(maker, ANCHOR_BEGIN, text, TAIL_NOTHING, ANSWER_YES);
		break;
	case PATH_BEGINS:
		add(maker, ANCHOR_BEGIN, text, TAIL_ANY, ANSWER_YES);
		break;
	case PATH_BEGINS_SO:
		add(maker, ANCHOR_BEGIN, text, TAIL_ANY, ANSWER_UNKNOWN);
		break;
	case PATH_BELOW:
		add(maker, ANCHOR_BEGIN, without_slashes(text), TAIL_NAME, ANSWER_YES);
		break;
	case PATH_ENDS:
		add(maker, ANCHOR_END, text, TAIL_ANY, ANSWER_YES);
		break;
	case PATH_CONTAINS:
		text_contains_hint(maker, text);
		break;
	case PATH_DIRECTORY:
		/* Below it, at any depth, or the folder itself: the rest is asked in user space. */
		if (is_canonical(text))
			add(maker, ANCHOR_BEGIN, without_slashes(text), TAIL_NAME, ANSWER_UNKNOWN);
		break;
	case PATH_FILE:
		if (text_find(text, TEXT("/")) < 0)
			add(maker, ANCHOR_END, with_slash(maker, text), TAIL_ANY, ANSWER_UNKNOWN);
		break;
	}
}

/* ---- a walk ---- */

static void walk_below(struct maker *maker, struct text text, enum answer answer)
{
	struct text turned;

	text = without_slashes(text);
	if (!turn(maker->patterns->arena, text.length ? text : TEXT("/"), &turned))
		return;
	add(maker, ANCHOR_END, turned, turned.length ? TAIL_NAME : TAIL_ANY, answer);
}

/* The folder, and the beginning of a name in it, of which only the top one's place is known. */
static void walk_begins(struct maker *maker, struct text text, enum answer answer)
{
	size_t slash = text.length;
	struct text turned;

	while (slash && text.data[slash - 1] != '/')
		slash--;
	if (!text.length) {
		add(maker, ANCHOR_BEGIN, text, TAIL_ANY, answer);
		return;
	}
	if (!slash || !turn(maker->patterns->arena,
			      slash == 1 ? TEXT("/") : text_slice(text, 0, slash - 1), &turned))
		return; /* paths begin with a slash */
	if (slash != text.length && !turned.length)
		add(maker, ANCHOR_TOP, text_slice(text, slash, SIZE_MAX), TAIL_ANY, answer);
	else if (!turned.length)
		add(maker, ANCHOR_BEGIN, turned, TAIL_ANY, answer);
	else
		add(maker, ANCHOR_END, with_slash(maker, turned), TAIL_ANY,
			slash == text.length ? answer : ANSWER_UNKNOWN);
}

static void walk_ends(struct maker *maker, struct text text)
{
	ptrdiff_t slash = text_find(text, TEXT("/"));
	struct text turned;

	if (!text.length || text_is(text, "/")) {
		add_unknown(maker, &maker->patterns->always);
		return;
	}
	if (slash < 0) {
		add(maker, ANCHOR_LEAF, text, TAIL_ANY, ANSWER_YES);
		add_unknown(maker, &maker->patterns->leafless);
		return;
	}
	/* Whole names at its beginning; a part of a name before them is asked in user space. */
	if (turn(maker->patterns->arena, text_slice(text, (size_t)slash, SIZE_MAX), &turned))
		add(maker, ANCHOR_BEGIN, turned, TAIL_ANY, slash ? ANSWER_UNKNOWN : ANSWER_YES);
}

static void add_walk(struct maker *maker, enum path_operator operation, struct text text)
{
	struct text turned;

	switch (operation) {
	case PATH_EQUAL:
		if (turn(maker->patterns->arena, text, &turned))
			add(maker, ANCHOR_BEGIN, turned, TAIL_NOTHING, ANSWER_YES);
		break;
	case PATH_BEGINS:
		walk_begins(maker, text, ANSWER_YES);
		break;
	case PATH_BEGINS_SO:
		walk_begins(maker, text, ANSWER_UNKNOWN);
		break;
	case PATH_BELOW:
		walk_below(maker, text, ANSWER_YES);
		break;
	case PATH_ENDS:
		walk_ends(maker, text);
		break;
	case PATH_CONTAINS:
		add_unknown(maker, &maker->patterns->always);
		break;
	case PATH_DIRECTORY:
		if (is_canonical(text))
			walk_below(maker, text, ANSWER_UNKNOWN);
		break;
	case PATH_FILE:
		if (!text.length) /* the root has no name */
			add(maker, ANCHOR_BEGIN, text, TAIL_NOTHING, ANSWER_UNKNOWN);
		else if (text_find(text, TEXT("/")) < 0)
			add(maker, ANCHOR_BEGIN,
				arena_printf(
					maker->patterns->arena, TEXT_FORMAT "/", TEXT_PRINT(text)),
				TAIL_ANY, ANSWER_UNKNOWN);
		break;
	}
}

void patterns_add(struct patterns *patterns, const struct decision *decision, enum path_form form,
	const struct marks *sure, const struct marks *maybe)
{
	struct maker maker = { patterns, sure, maybe };

	for (size_t i = 0; i < decision->text_count; i++) {
		if (decision->texts[i].length > PATH_CONSTANT_MAX)
			add_unknown(&maker, &patterns->always);
		else if (form == FORM_TEXT)
			add_text(&maker, decision->path_operator, decision->texts[i]);
		else
			add_walk(&maker, decision->path_operator, decision->texts[i]);
	}
}

static int compare(const void *a, const void *b)
{
	const struct pattern *one = a, *other = b;

	if (one->anchor != other->anchor)
		return one->anchor < other->anchor ? -1 : 1;
	if (one->tail != other->tail)
		return one->tail < other->tail ? -1 : 1;
	return text_compare(one->bytes, other->bytes);
}

void patterns_merge(struct patterns *patterns)
{
	struct pattern *items = patterns->items;
	size_t kept = 0;

	if (patterns->count)
		qsort(items, patterns->count, sizeof(*items), compare);
	for (size_t i = 0; i < patterns->count; i++)
		if (kept && !compare(&items[kept - 1], &items[i]))
			marks_join(&items[kept - 1].marks, &items[i].marks);
		else
			items[kept++] = items[i];
	patterns->count = kept;
}

void patterns_done(struct patterns *patterns)
{
	free(patterns->items);
	*patterns = (struct patterns){ 0 };
}
