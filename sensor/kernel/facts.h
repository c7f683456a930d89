/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * What the filter made from the rules reads of a record beside the record itself: where its paths
 * are and of which form. Included by both sides: the kernel programs gather the facts, tests gather
 * them again from recorded records and run the filter over them.
 *
 * A path has two forms. A text is as its caller wrote it, from the root on. A walk has the names
 * from the leaf to the root, each ended by '/'. The lexical name of an opened file is its text when
 * that is absolute and canonical; for a plain name in a folder a walk is made. What else callers
 * write (a/b below a folder, "..", doubled slashes) stays unknown to the filter.
 */
#pragma once

#include <stddef.h>

#include "wire.h"

#define FACTS_INLINE static inline __attribute__((always_inline))

/* Longer texts and folders are not looked at: the filter then says nothing about the path. */
#define FACTS_TEXT_MAX 192
#define FACTS_BASE_MAX 512
/* Words of answers, 32 in each. */
#define FACTS_MARKS 16

enum text_fact {
	FACT_SCANNED = 1 << 0,	 /* the other bits say something */
	FACT_ABSOLUTE = 1 << 1,	 /* begins with '/' */
	FACT_CANONICAL = 1 << 2, /* no empty part, no "." and "..", no '/' at the end */
	FACT_DOTS = 1 << 3,	 /* two dots in a row somewhere */
	FACT_HIDDEN = 1 << 4,	 /* a part that begins with a dot */
	FACT_PARTS = 1 << 5,	 /* has a '/' */
};

enum lexical_form {
	LEXICAL_UNKNOWN,
	LEXICAL_TEXT, /* the first text as it is */
	LEXICAL_WALK, /* lexical_at … */
};

struct facts {
	__u32 text;			  /* of the first text: enum text_fact */
	__u32 lexical;			  /* enum lexical_form */
	__u32 lexical_at, lexical_length; /* offset in the slot's data */
	/* Of a walk: the length of its first name, and where its last one begins. */
	__u32 lexical_leaf, lexical_top;
	__u32 real_leaf, real_top; /* a leaf of 0: not known */
	/* Of the making: */
	__u32 walk_top, base_top;
	/* The filter's own, of the path that it looks at: its length, the first two as above, and
	 * what it found out. In memory, where the verifier knows nothing of them. */
	__u32 length, leaf, top;
	__u32 marks[FACTS_MARKS];
};

/* What is appended last may be as long as a text or a walk's last name. */
#define SLOT_SIZE (RECORD_MAX + TEXT_MAX + 256)

/* Where a record is built; the filters made from the rules know this layout. */
struct slot {
	__u32 busy;
	__u32 used;  /* verifier: offsets are kept here, in memory; in a register a walk explodes */
	__u64 owner; /* pid and tid of who builds in it: after a tail call it finds its slot again
		      */
	__u32 loss;  /* enum loss: how it is counted when it is refused */
	struct facts facts;
	char data[SLOT_SIZE] __attribute__((aligned(8)));
};
_Static_assert(offsetof(struct slot, data) % 8 == 0, "records are aligned");

/* Words in texts lie anywhere. For BPF the compiler would take each apart into bytes, which the
 * machines that we run on do not need. */
#ifdef __bpf__
typedef __u64 __attribute__((may_alias)) facts_word;
#else
typedef __u64 __attribute__((aligned(1), may_alias)) facts_word;
#endif

#define FACTS_BYTES(byte) ((byte)*0x0101010101010101ULL)
#define FACTS_LOW	  FACTS_BYTES(0x7fULL)

/* The high bit of each byte that is zero; exact. */
FACTS_INLINE __u64 facts_zeroes(__u64 word)
{
	return ~(((word & FACTS_LOW) + FACTS_LOW) | word | FACTS_LOW);
}

/* The high bit of each byte below '0': '.', '/', the end, and some that names hardly begin with. */
FACTS_INLINE __u64 facts_marks(__u64 word)
{
	return ~(((word & FACTS_LOW) + FACTS_BYTES(0x50ULL)) | word | FACTS_LOW);
}

/*
 * Looks at a text of `length` bytes, eight at a time. (What it holds to be not canonical may be so
 * after all: then the slower way is taken.) What follows the text is zero meanwhile.
 */
FACTS_INLINE __u32 facts_of_text(char *data, __u32 at, const volatile __u16 *length_at, __u32 mask)
{
	/* verifier: read twice, so that what the loop finds of the one is not known of the other */
	__u32 length = *length_at, limit = *length_at;
	__u64 bad = 0, dots = 0, hidden = 0, slashes = 0, behind[2];
	facts_word *end = (facts_word *)(data + ((at + length) & mask));
	const char *first = data + (at & mask);
	__u32 facts = FACT_SCANNED;

	if (!length || length > FACTS_TEXT_MAX)
		return 0;
	behind[0] = end[0];
	behind[1] = end[1];
	end[0] = end[1] = 0;
	for (__u32 i = 0; i < FACTS_TEXT_MAX; i += 8) {
		const char *here = data + ((at + i) & mask);
		__u64 word, next, third, slash, dot_next;

		if (i >= limit)
			break;
		word = *(const facts_word *)here;
		next = *(const facts_word *)(here + 1);
		third = *(const facts_word *)(here + 2);
		slash = facts_zeroes(word ^ FACTS_BYTES(0x2fULL));
		dot_next = facts_zeroes(next ^ FACTS_BYTES(0x2eULL));
		bad |= slash & facts_marks(next) & (~dot_next | facts_marks(third));
		hidden |= slash & dot_next;
		slashes |= slash;
		dots |= facts_zeroes(word ^ FACTS_BYTES(0x2eULL)) & dot_next;
	}
	if (*first == '/')
		facts |= FACT_ABSOLUTE;
	if (*first == '.') {
		hidden = 1;
		bad |= first[1] < '0';
	}
	end[0] = behind[0];
	end[1] = behind[1];
	return facts | (bad ? 0 : FACT_CANONICAL) | (dots ? FACT_DOTS : 0) |
	       (hidden ? FACT_HIDDEN : 0) | (slashes ? FACT_PARTS : 0);
}

#ifndef FACTS_COPY
#include <string.h>
#define FACTS_COPY(to, size, from) memmove(to, from, size)
#endif

/* Appends to the lexical walk; offsets in the data are masked with `mask`. */
FACTS_INLINE void facts_add(char *data, struct facts *facts, __u32 from, __u32 size, __u32 mask)
{
	__u32 to = (facts->lexical_at + facts->lexical_length) & mask;

	FACTS_COPY(data + to, size, data + (from & mask));
	facts->lexical_length += size;
}

/*
 * All facts of a call whose record is complete; `end` is the record's size. The lexical name is
 * made behind it, where nothing is kept.
 */
FACTS_INLINE void facts_of_call(char *data, struct facts *facts, __u32 end, __u32 mask)
{
	const struct call_record *record = (const struct call_record *)data;
	__u32 length = record->lengths[CALL_TEXT_0], base = record->lengths[CALL_BASE_0];
	__u32 second = record->lengths[CALL_TEXT_1], third = record->lengths[CALL_TEXT_2];
	__u32 at = sizeof(*record);
	__u32 wanted = FACT_SCANNED | FACT_ABSOLUTE | FACT_CANONICAL;

	facts->text = facts_of_text(data, at, &record->lengths[CALL_TEXT_0], mask);
	facts->lexical = LEXICAL_UNKNOWN;
	if ((facts->text & wanted) == wanted) {
		facts->lexical = LEXICAL_TEXT;
		return;
	}
	if ((facts->text & (wanted | FACT_PARTS)) != (FACT_SCANNED | FACT_CANONICAL) ||
		base > FACTS_BASE_MAX || record->flags & CALL_BASE_0_CUT)
		return;
	facts->lexical_at = end;
	facts->lexical_length = 0;
	facts->lexical_leaf = length;
	facts->lexical_top = 0;
	/* verifier: bounded */
	facts_add(data, facts, at, length & 511, mask);
	data[(end + length) & mask] = '/';
	facts->lexical_length++;
	if (base) {
		/* verifier: the compiler takes the mask away that it knows to be of no effect */
		__asm__ volatile("" : "+r"(base));
		facts->lexical_top = facts->lexical_length + facts->base_top;
		facts_add(data, facts, at + length + second + third, base & 1023, mask);
	}
	facts->lexical = LEXICAL_WALK;
}
