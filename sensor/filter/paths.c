/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Comparisons of paths. A constant that no canonical path can be or begin with is left out. Of a
 * walk, a beginning is an end and the other way round; where that is not the same, the answer is
 * unknown rather than wrong.
 */
#include <stddef.h>

#include "sensor/filter/paths.h"
#include "sensor/kernel/facts.h"

#define SLOT	   BPF_REG_6
#define FACT(name) ((int16_t)(offsetof(struct slot, facts) + offsetof(struct facts, name)))

struct emitter {
	struct assembler *assembler;
	const struct decision *decision;
	struct path_registers path;
	struct path_answers to;
};

/* A constant turned round, as walks are: "/a/b" is "b/a/". */
struct turned {
	char bytes[PATH_CONSTANT_MAX + 2];
	size_t length;
};

static bool is_canonical(struct text path)
{
	struct text part, rest = text_slice(path, 1, SIZE_MAX);

	if (!path.length || path.data[0] != '/' || path.length > PATH_CONSTANT_MAX)
		return false;
	if (path.length == 1)
		return true;
	while (text_split(&rest, '/', &part))
		if (!part.length || text_is(part, ".") || text_is(part, ".."))
			return false;
	return true;
}

/* False when no path is so. */
static bool turn(struct text path, struct turned *ret_turned)
{
	size_t end = path.length;

	if (!is_canonical(path))
		return false;
	ret_turned->length = 0;
	for (size_t at = path.length; at-- > 0 && path.length > 1;) {
		if (path.data[at] != '/')
			continue;
		memcpy(ret_turned->bytes + ret_turned->length, path.data + at + 1, end - at - 1);
		ret_turned->length += end - at - 1;
		ret_turned->bytes[ret_turned->length++] = '/';
		end = at;
	}
	return true;
}

/* Bytes at register + offset, eight at a time; goes on when they are the same. */
static void emit_same(
	struct emitter *emitter, int at, size_t offset, struct text bytes, label_t other)
{
	static const int sizes[] = { 8, 4, 2, 1 };
	size_t done = 0;

	while (done < bytes.length) {
		uint64_t word = 0;
		int size = 8;

		for (size_t i = 0; i < 4; i++) {
			size = sizes[i];
			if ((size_t)size <= bytes.length - done)
				break;
		}
		memcpy(&word, bytes.data + done, (size_t)size);
		asm_load(emitter->assembler, size, BPF_REG_1, at, (int16_t)(offset + done));
		asm_jump_if(emitter->assembler, BPF_JNE, BPF_REG_1, word, other);
		done += (size_t)size;
	}
}

/* The last bytes; the path is at least as long. */
static void emit_same_end(struct emitter *emitter, struct text bytes, label_t other)
{
	asm_move(emitter->assembler, BPF_REG_2, emitter->path.length);
	asm_compute(emitter->assembler, BPF_SUB, BPF_REG_2, (int32_t)bytes.length);
	asm_compute_register(emitter->assembler, BPF_ADD, BPF_REG_2, emitter->path.start);
	emit_same(emitter, BPF_REG_2, 0, bytes, other);
}

static void emit_shorter(struct emitter *emitter, size_t length, label_t to)
{
	if (length)
		asm_jump_if(emitter->assembler, BPF_JLT, emitter->path.length, length, to);
}

static void emit_other_length(struct emitter *emitter, size_t length, label_t to)
{
	asm_jump_if(emitter->assembler, BPF_JNE, emitter->path.length, length, to);
}

static bool is_too_long(struct text text)
{
	return text.length > PATH_CONSTANT_MAX;
}

/* ---- as the caller wrote it ---- */

static void text_equal_to(struct emitter *emitter, struct text text, label_t next)
{
	emit_other_length(emitter, text.length, next);
	emit_same(emitter, emitter->path.start, 0, text, next);
	asm_jump(emitter->assembler, emitter->to.yes);
}

static void text_begins(struct emitter *emitter, struct text text, label_t next, label_t found)
{
	emit_shorter(emitter, text.length, next);
	emit_same(emitter, emitter->path.start, 0, text, next);
	asm_jump(emitter->assembler, found);
}

static struct text without_slashes(struct text text)
{
	while (text.length && text.data[text.length - 1] == '/')
		text.length--;
	return text;
}

static void text_below(struct emitter *emitter, struct text text, label_t next, label_t found)
{
	text = without_slashes(text);
	emit_shorter(emitter, text.length, next);
	emit_same(emitter, emitter->path.start, 0, text, next);
	asm_jump_if(emitter->assembler, BPF_JEQ, emitter->path.length, text.length, found);
	asm_load(emitter->assembler, 1, BPF_REG_1, emitter->path.start, (int16_t)text.length);
	asm_jump_if(emitter->assembler, BPF_JEQ, BPF_REG_1, '/', found);
}

static void text_ends(struct emitter *emitter, struct text text, label_t next)
{
	emit_shorter(emitter, text.length, next);
	emit_same_end(emitter, text, next);
	asm_jump(emitter->assembler, emitter->to.yes);
}

/* What is looked for has two dots, or a name that begins with one: is there any? */
static void text_contains_hint(struct emitter *emitter, struct text text)
{
	int32_t hint = text_find(text, TEXT("..")) >= 0	  ? FACT_DOTS
		       : text_find(text, TEXT("/.")) >= 0 ? FACT_HIDDEN
							  : 0;

	if (hint) {
		asm_load(emitter->assembler, 4, BPF_REG_1, SLOT, FACT(text));
		asm_compute(emitter->assembler, BPF_AND, BPF_REG_1, hint | FACT_SCANNED);
		asm_jump_if(
			emitter->assembler, BPF_JNE, BPF_REG_1, FACT_SCANNED, emitter->to.unknown);
		return;
	}
	asm_jump(emitter->assembler, emitter->to.unknown);
}

/* Below it, at any depth, or the folder itself: the rest is asked in user space. */
static void text_directory(struct emitter *emitter, struct text text, label_t next)
{
	if (is_canonical(text))
		text_below(emitter, text, next, emitter->to.unknown);
}

static void text_file(struct emitter *emitter, struct text text, label_t next)
{
	if (text_find(text, TEXT("/")) >= 0)
		return;
	emit_shorter(emitter, text.length + 1, next);
	emit_same_end(emitter, text, next);
	asm_jump(emitter->assembler, emitter->to.unknown);
}

static void emit_text(struct emitter *emitter, struct text text, label_t next)
{
	switch (emitter->decision->path_operator) {
	case PATH_EQUAL:
		text_equal_to(emitter, text, next);
		break;
	case PATH_BEGINS:
		text_begins(emitter, text, next, emitter->to.yes);
		break;
	case PATH_BEGINS_SO:
		text_begins(emitter, text, next, emitter->to.unknown);
		break;
	case PATH_BELOW:
		text_below(emitter, text, next, emitter->to.yes);
		break;
	case PATH_ENDS:
		text_ends(emitter, text, next);
		break;
	case PATH_CONTAINS:
		text_contains_hint(emitter, text);
		break;
	case PATH_DIRECTORY:
		text_directory(emitter, text, next);
		break;
	case PATH_FILE:
		text_file(emitter, text, next);
		break;
	}
}

/* ---- a walk ---- */

static void walk_equal(struct emitter *emitter, struct text text, label_t next)
{
	struct turned turned;

	if (!turn(text, &turned))
		return;
	emit_other_length(emitter, turned.length, next);
	emit_same(emitter, emitter->path.start, 0, (struct text){ turned.bytes, turned.length },
		next);
	asm_jump(emitter->assembler, emitter->to.yes);
}

/* Something lies below the folder `turned` (of at least one name). */
static void walk_inside(
	struct emitter *emitter, const struct turned *turned, label_t next, label_t found)
{
	char bytes[PATH_CONSTANT_MAX + 3] = "/";

	memcpy(bytes + 1, turned->bytes, turned->length);
	emit_shorter(emitter, turned->length + 1, next);
	emit_same_end(emitter, (struct text){ bytes, turned->length + 1 }, next);
	asm_jump(emitter->assembler, found);
}

/* The name next to the root begins so. */
static void walk_top(struct emitter *emitter, struct text begin, label_t next, label_t found)
{
	asm_load(emitter->assembler, 8, BPF_REG_2, BPF_REG_10, STACK_TOP);
	asm_compute_register(emitter->assembler, BPF_ADD, BPF_REG_2, emitter->path.start);
	emit_same(emitter, BPF_REG_2, 0, begin, next);
	asm_jump(emitter->assembler, found);
}

static void walk_begins(struct emitter *emitter, struct text text, label_t next, label_t found)
{
	size_t slash = text.length;
	struct turned turned;

	if (!text.length) {
		asm_jump(emitter->assembler, found);
		return;
	}
	while (slash && text.data[slash - 1] != '/')
		slash--;
	if (!slash)
		return; /* paths begin with a slash */
	/* The folder, and the beginning of a name in it. */
	if (!turn(slash == 1 ? TEXT("/") : text_slice(text, 0, slash - 1), &turned))
		return;
	if (turned.length)
		walk_inside(
			emitter, &turned, next, slash == text.length ? found : emitter->to.unknown);
	else if (slash == text.length)
		asm_jump(emitter->assembler, found);
	else
		walk_top(emitter, text_slice(text, slash, SIZE_MAX), next, found);
}

static void walk_below(struct emitter *emitter, struct text text, label_t next, label_t found)
{
	struct turned turned;
	label_t inside = label_new(emitter->assembler);

	text = without_slashes(text);
	if (!turn(text.length ? text : TEXT("/"), &turned))
		return;
	if (!turned.length) {
		asm_jump(emitter->assembler, found);
		return;
	}
	emit_other_length(emitter, turned.length, inside);
	emit_same(emitter, emitter->path.start, 0, (struct text){ turned.bytes, turned.length },
		inside);
	asm_jump(emitter->assembler, found);
	label_here(emitter->assembler, inside);
	walk_inside(emitter, &turned, next, found);
}

/* The end of the first name. */
static void walk_leaf_ends(struct emitter *emitter, struct text text, label_t next)
{
	asm_load(emitter->assembler, 8, BPF_REG_2, BPF_REG_10, STACK_LEAF);
	asm_jump_if(emitter->assembler, BPF_JEQ, BPF_REG_2, 0, emitter->to.unknown);
	asm_jump_if(emitter->assembler, BPF_JLT, BPF_REG_2, text.length, next);
	asm_compute(emitter->assembler, BPF_SUB, BPF_REG_2, (int32_t)text.length);
	asm_compute_register(emitter->assembler, BPF_ADD, BPF_REG_2, emitter->path.start);
	emit_same(emitter, BPF_REG_2, 0, text, next);
	asm_jump(emitter->assembler, emitter->to.yes);
}

static void walk_ends(struct emitter *emitter, struct text text, label_t next)
{
	ptrdiff_t slash = text_find(text, TEXT("/"));
	struct turned turned;

	if (!text.length || text_is(text, "/")) {
		asm_jump(emitter->assembler, emitter->to.unknown);
		return;
	}
	if (slash < 0) {
		walk_leaf_ends(emitter, text, next);
		return;
	}
	/* Whole names at its beginning; a part of a name before them is asked in user space. */
	if (!turn(text_slice(text, (size_t)slash, SIZE_MAX), &turned))
		return;
	emit_shorter(emitter, turned.length, next);
	emit_same(emitter, emitter->path.start, 0, (struct text){ turned.bytes, turned.length },
		next);
	asm_jump(emitter->assembler, slash ? emitter->to.unknown : emitter->to.yes);
}

static void walk_directory(struct emitter *emitter, struct text text, label_t next)
{
	if (is_canonical(text))
		walk_below(emitter, text, next, emitter->to.unknown);
}

static void walk_file(struct emitter *emitter, struct text text, label_t next)
{
	if (text_find(text, TEXT("/")) >= 0 || !text.length)
		return;
	emit_shorter(emitter, text.length + 1, next);
	emit_same(emitter, emitter->path.start, 0, text, next);
	asm_load(emitter->assembler, 1, BPF_REG_1, emitter->path.start, (int16_t)text.length);
	asm_jump_if(emitter->assembler, BPF_JEQ, BPF_REG_1, '/', emitter->to.unknown);
}

static void emit_walk(struct emitter *emitter, struct text text, label_t next)
{
	switch (emitter->decision->path_operator) {
	case PATH_EQUAL:
		walk_equal(emitter, text, next);
		break;
	case PATH_BEGINS:
		walk_begins(emitter, text, next, emitter->to.yes);
		break;
	case PATH_BEGINS_SO:
		walk_begins(emitter, text, next, emitter->to.unknown);
		break;
	case PATH_BELOW:
		walk_below(emitter, text, next, emitter->to.yes);
		break;
	case PATH_ENDS:
		walk_ends(emitter, text, next);
		break;
	case PATH_CONTAINS:
		asm_jump(emitter->assembler, emitter->to.unknown);
		break;
	case PATH_DIRECTORY:
		walk_directory(emitter, text, next);
		break;
	case PATH_FILE:
		walk_file(emitter, text, next);
		break;
	}
}

void emit_path(struct assembler *assembler, const struct decision *decision, enum path_form form,
	struct path_registers path, struct path_answers to)
{
	struct emitter emitter = { assembler, decision, path, to };

	for (size_t i = 0; i < decision->text_count; i++) {
		label_t next = label_new(assembler);

		if (is_too_long(decision->texts[i]))
			asm_jump(assembler, to.unknown);
		else if (form == FORM_TEXT)
			emit_text(&emitter, decision->texts[i], next);
		else
			emit_walk(&emitter, decision->texts[i], next);
		label_here(assembler, next);
	}
	asm_jump(assembler, to.no);
}
