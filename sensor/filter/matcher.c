/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The search. Eight bytes are one number whose highest byte is the one at the anchor, so that a
 * pattern's beginning is a range of numbers.
 */
#include <linux/bpf.h>
#include <stdlib.h>

#include "base/memory.h"
#include "sensor/filter/matcher.h"

#define WORD	   BPF_REG_1
#define LEFT	   BPF_REG_2
#define WORD_BYTES 8

/* What the patterns of a search ask of the word that it looks at. */
struct span {
	uint64_t low, high;
	const struct pattern **patterns;
	size_t count;
};

static unsigned char byte_at(const struct matcher *matcher, struct text bytes, size_t at)
{
	return (unsigned char)bytes.data[matcher->is_backward ? bytes.length - 1 - at : at];
}

static struct span span_of(
	const struct matcher *matcher, const struct pattern *pattern, size_t level)
{
	size_t from = level * WORD_BYTES, count = MIN_OF(pattern->bytes.length - from, WORD_BYTES);
	struct span span = { 0 };

	for (size_t i = 0; i < count; i++)
		span.low |= (uint64_t)byte_at(matcher, pattern->bytes, from + i) << (56 - 8 * i);
	span.high = span.low | (count == WORD_BYTES ? 0 : UINT64_MAX >> (8 * count));
	return span;
}

static bool ends_here(const struct pattern *pattern, size_t level)
{
	return pattern->bytes.length <= (level + 1) * WORD_BYTES;
}

static void load_word(const struct matcher *matcher, size_t level)
{
	int at = (int)(level * WORD_BYTES);

	if (matcher->is_backward) {
		asm_load(matcher->assembler, 8, WORD, matcher->base, (int16_t)(-at - WORD_BYTES));
		return;
	}
	asm_load(matcher->assembler, 8, WORD, matcher->base, (int16_t)at);
	asm_from_network(matcher->assembler, WORD, 64);
}

/* Goes on when what is beyond the pattern is as it wants it. */
static void emit_tail(const struct matcher *matcher, const struct pattern *pattern, label_t other)
{
	struct assembler *assembler = matcher->assembler;
	size_t length = pattern->bytes.length;
	label_t right = label_new(assembler);

	if (matcher->length == MATCHER_UNBOUNDED)
		return;
	asm_load(assembler, 4, LEFT, matcher->lengths, matcher->length);
	if (pattern->tail == TAIL_NOTHING) {
		asm_jump_if(assembler, BPF_JNE, LEFT, length, other);
		return;
	}
	asm_jump_if(assembler, BPF_JLT, LEFT, length, other);
	if (pattern->tail == TAIL_ANY)
		return;
	asm_jump_if(assembler, BPF_JEQ, LEFT, length, right);
	asm_load(assembler, 1, LEFT, matcher->base,
		(int16_t)(matcher->is_backward ? -(int)length - 1 : (int)length));
	asm_jump_if(assembler, BPF_JNE, LEFT, '/', other);
	label_here(assembler, right);
}

static void emit_end(const struct matcher *matcher, const struct pattern *pattern)
{
	label_t other = label_new(matcher->assembler);

	emit_tail(matcher, pattern, other);
	matcher->found(matcher->context, pattern);
	label_here(matcher->assembler, other);
}

static void emit_outside(const struct matcher *matcher, const struct span *span, label_t to)
{
	if (span->low == span->high) {
		asm_jump_if(matcher->assembler, BPF_JNE, WORD, span->low, to);
		return;
	}
	if (span->low)
		asm_jump_if(matcher->assembler, BPF_JLT, WORD, span->low, to);
	if (span->high != UINT64_MAX)
		asm_jump_if(matcher->assembler, BPF_JGT, WORD, span->high, to);
}

/* ---- a level of the search ---- */

static int compare_spans(const void *a, const void *b)
{
	const struct span *one = a, *other = b;

	if (one->low != other->low)
		return one->low < other->low ? -1 : 1;
	return (one->high > other->high) - (one->high < other->high);
}

/* Sorted; patterns that ask for the same have one span. */
static size_t make_spans(const struct matcher *matcher, size_t level,
	const struct pattern **patterns, size_t count, struct span *spans)
{
	size_t made = 0;

	for (size_t i = 0; i < count; i++) {
		spans[i] = span_of(matcher, patterns[i], level);
		spans[i].patterns = NEW_ARRAY(const struct pattern *, count);
		spans[i].patterns[spans[i].count++] = patterns[i];
	}
	qsort(spans, count, sizeof(*spans), compare_spans);
	for (size_t i = 0; i < count; i++) {
		if (!made || compare_spans(&spans[made - 1], &spans[i])) {
			spans[made++] = spans[i];
			continue;
		}
		spans[made - 1].patterns[spans[made - 1].count++] = spans[i].patterns[0];
		free(spans[i].patterns);
	}
	return made;
}

/* It and the next one call each other: a span's longer patterns are searched for in turn. */
static void emit_level(
	const struct matcher *matcher, size_t level, const struct pattern **patterns, size_t count);

/* The word lies in the span. */
static void emit_span(const struct matcher *matcher, size_t level, const struct span *span)
{
	const struct pattern **longer = NEW_ARRAY(const struct pattern *, span->count);
	size_t count = 0;

	for (size_t i = 0; i < span->count; i++)
		if (ends_here(span->patterns[i], level))
			emit_end(matcher, span->patterns[i]);
		else
			longer[count++] = span->patterns[i];
	if (count)
		emit_level(matcher, level + 1, longer, count);
	free(longer);
}

static void emit_checked(const struct matcher *matcher, size_t level, const struct span *span)
{
	label_t outside = label_new(matcher->assembler);

	emit_outside(matcher, span, outside);
	emit_span(matcher, level, span);
	label_here(matcher->assembler, outside);
}

/* No two of them overlap. */
static void emit_search(const struct matcher *matcher, size_t level, const struct span *spans,
	size_t count, label_t done)
{
	label_t upper = label_new(matcher->assembler);

	if (count <= 1) {
		if (count) {
			emit_outside(matcher, spans, done);
			emit_span(matcher, level, spans);
		}
		asm_jump(matcher->assembler, done);
		return;
	}
	asm_jump_if(matcher->assembler, BPF_JGE, WORD, spans[count / 2].low, upper);
	emit_search(matcher, level, spans, count / 2, done);
	label_here(matcher->assembler, upper);
	emit_search(matcher, level, spans + count / 2, count - count / 2, done);
}

/* Those that others lie in come first, one by one; they are short, so they end here. */
static void emit_level(
	const struct matcher *matcher, size_t level, const struct pattern **patterns, size_t count)
{
	struct span *spans = NEW_ARRAY(struct span, count);
	size_t made = make_spans(matcher, level, patterns, count, spans), narrow = 0;
	label_t done = label_new(matcher->assembler);
	struct span *narrow_spans = NEW_ARRAY(struct span, made);

	load_word(matcher, level);
	for (size_t i = 0; i < made; i++) {
		bool is_wide = (i + 1 < made && spans[i + 1].low <= spans[i].high) ||
			       (i && spans[i - 1].low == spans[i].low);

		if (is_wide && spans[i].low != spans[i].high)
			emit_checked(matcher, level, &spans[i]);
		else
			narrow_spans[narrow++] = spans[i];
	}
	emit_search(matcher, level, narrow_spans, narrow, done);
	label_here(matcher->assembler, done);
	for (size_t i = 0; i < made; i++)
		free(spans[i].patterns);
	free(narrow_spans);
	free(spans);
}

void matcher_emit(const struct matcher *matcher, struct pattern *patterns, size_t count)
{
	const struct pattern **some = NEW_ARRAY(const struct pattern *, count + 1);
	size_t some_count = 0;

	for (size_t i = 0; i < count; i++)
		if (patterns[i].bytes.length)
			some[some_count++] = &patterns[i];
		else
			emit_end(matcher, &patterns[i]);
	if (some_count)
		emit_level(matcher, 0, some, some_count);
	free(some);
}
