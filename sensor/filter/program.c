/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From an expression to a program:
 *
 *	find the slot
 *	what asks for no path, or for one as it was given
 *	look at the lexical path: as text, as a walk, or it is unknown
 *	what asks for the path of a view
 *	look at the real path, ask once more
 *
 * To look at a path is to set the marks of all tests that it fulfils (marks.h); to ask is to look
 * at marks. r6 is the slot; r7 and r8 are where a path begins and ends; r9 is 1 while the real view
 * is to come.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/memory.h"
#include "sensor/filter/marks.h"
#include "sensor/filter/matcher.h"
#include "sensor/filter/program.h"
#include "sensor/sources/decode.h"

#define SLOT	  BPF_REG_6
#define PATH	  BPF_REG_7
#define PATH_END  BPF_REG_8
#define REAL_LEFT BPF_REG_9
#define FRAME	  BPF_REG_10

#define DATA		offsetof(struct slot, data)
#define FACT(name)	((int16_t)(offsetof(struct slot, facts) + offsetof(struct facts, name)))
#define IN_RECORD(name) ((int16_t)(DATA + offsetof(struct call_record, name)))
#define LENGTH(part)	((int16_t)(IN_RECORD(lengths) + 2 * (part)))
#define MARK(word)	((int16_t)(FACT(marks) + 4 * (int)(word)))

#define STACK_CONTEXT (-8)
#define STACK_INDEX   (-12)

/* Walks that begin farther behind are unknown. */
#define WALK_AT_MAX (RECORD_MAX - 1024)

/* The kernel's own limit is a million; jumps reach 32,767. */
#define PROGRAM_MAX 30000

struct programmer {
	struct assembler assembler;
	const struct program_request *request;
	struct arena *arena;
	struct mark_table marks;
	bool has_process; /* its name and the record's numbers were looked at */
	label_t accept, reject;
};

struct answers {
	label_t yes, no, unknown;
};

/* ---- literals ---- */

static void load_place(struct programmer *programmer, int to, struct place place)
{
	struct assembler *assembler = &programmer->assembler;
	int shift = 64 - place.size * 8;

	asm_load(assembler, place.size, to, SLOT, (int16_t)(DATA + place.offset));
	if (!place.is_signed || !shift)
		return;
	asm_compute(assembler, BPF_LSH, to, shift);
	asm_compute(assembler, BPF_ARSH, to, shift);
}

static void emit_range(struct assembler *assembler, const struct range *range, label_t to)
{
	label_t next = label_new(assembler);

	if (range->low == range->high) {
		asm_jump_if(assembler, BPF_JEQ, BPF_REG_1, (uint64_t)range->low, to);
	} else if (range->high == INT64_MAX) {
		asm_jump_if(assembler, BPF_JSGE, BPF_REG_1, (uint64_t)range->low, to);
	} else {
		if (range->low != INT64_MIN)
			asm_jump_if(assembler, BPF_JSLT, BPF_REG_1, (uint64_t)range->low, next);
		asm_jump_if(assembler, BPF_JSLE, BPF_REG_1, (uint64_t)range->high, to);
	}
	label_here(assembler, next);
}

static void emit_steps(
	struct programmer *programmer, const struct decision *decision, struct answers to)
{
	struct assembler *assembler = &programmer->assembler;
	label_t labels[ANSWER_STEP + STEPS_MAX + 1] = { to.no, to.yes, to.unknown };

	for (size_t i = 0; i < decision->step_count; i++)
		labels[ANSWER_STEP + i] = label_new(assembler);
	for (size_t i = 0; i < decision->step_count; i++) {
		const struct step *step = &decision->steps[i];

		label_here(assembler, labels[ANSWER_STEP + i]);
		load_place(programmer, BPF_REG_1, step->place);
		if (step->mask) {
			asm_constant(assembler, BPF_REG_2, step->mask);
			asm_compute_register(assembler, BPF_AND, BPF_REG_1, BPF_REG_2);
		}
		for (size_t j = 0; j < step->count; j++)
			emit_range(assembler, &step->ranges[j], labels[step->ranges[j].to]);
		asm_jump(assembler, labels[step->otherwise]);
	}
}

static void emit_marked(
	struct programmer *programmer, const struct part *part, label_t yes, label_t no)
{
	struct assembler *assembler = &programmer->assembler;
	int bit = mark_of(&programmer->marks, part);
	bool is_inverted = mark_is_inverted(part);

	asm_load(assembler, 4, BPF_REG_1, SLOT, MARK(bit / 32));
	asm_compute(assembler, BPF_AND, BPF_REG_1, (int32_t)(UINT32_C(1) << bit % 32));
	asm_jump_if(assembler, BPF_JNE, BPF_REG_1, 0, is_inverted ? no : yes);
	asm_jump(assembler, is_inverted ? yes : no);
}

static void emit_literal(
	struct programmer *programmer, const struct part *part, label_t yes, label_t no)
{
	label_t unknown = programmer->request->purpose == FILTER_MAY ? yes : no;

	if (mark_of(&programmer->marks, part) >= 0)
		emit_marked(programmer, part, yes, no);
	else if (part->decision->kind != DECISION_STEPS)
		asm_jump(&programmer->assembler, unknown);
	else if (part->is_negated)
		emit_steps(programmer, part->decision, (struct answers){ no, yes, unknown });
	else
		emit_steps(programmer, part->decision, (struct answers){ yes, no, unknown });
}

static void emit_part(
	struct programmer *programmer, const struct part *part, label_t yes, label_t no)
{
	if (part->kind == PART_TRUE || part->kind == PART_FALSE) {
		asm_jump(&programmer->assembler, part->kind == PART_TRUE ? yes : no);
		return;
	}
	if (part->kind == PART_LITERAL) {
		emit_literal(programmer, part, yes, no);
		return;
	}
	for (size_t i = 0; i < part->count; i++) {
		label_t next = label_new(&programmer->assembler);

		emit_part(programmer, part->parts[i], part->kind == PART_ALL ? next : yes,
			part->kind == PART_ALL ? no : next);
		label_here(&programmer->assembler, next);
	}
	asm_jump(&programmer->assembler, part->kind == PART_ALL ? yes : no);
}

/* Goes on when one of the marks is set. */
static void emit_any_mark(struct programmer *programmer, const struct marks *marks, label_t none)
{
	struct assembler *assembler = &programmer->assembler;
	label_t some = label_new(assembler);

	for (size_t i = 0; i < MARK_WORDS; i++) {
		if (!marks->words[i])
			continue;
		asm_load(assembler, 4, BPF_REG_1, SLOT, MARK(i));
		asm_compute(assembler, BPF_AND, BPF_REG_1, (int32_t)marks->words[i]);
		asm_jump_if(assembler, BPF_JNE, BPF_REG_1, 0, some);
	}
	asm_jump(assembler, none);
	label_here(assembler, some);
}

/* ---- the frame ---- */

static void emit_lookup(struct programmer *programmer)
{
	struct assembler *assembler = &programmer->assembler;

	asm_map(assembler, BPF_REG_1, programmer->request->maps.slots);
	asm_move(assembler, BPF_REG_2, FRAME);
	asm_compute(assembler, BPF_ADD, BPF_REG_2, STACK_INDEX);
	asm_call(assembler, BPF_FUNC_map_lookup_elem);
}

/* As slot_mine() of the kernel programs: of the CPU's two the one that this task builds in. */
static void emit_find_slot(struct programmer *programmer, label_t none)
{
	struct assembler *assembler = &programmer->assembler;
	label_t second = label_new(assembler), found = label_new(assembler);

	asm_store(assembler, 8, FRAME, STACK_CONTEXT, BPF_REG_1);
	asm_call(assembler, BPF_FUNC_get_smp_processor_id);
	asm_compute(assembler, BPF_LSH, BPF_REG_0, 1);
	asm_store(assembler, 4, FRAME, STACK_INDEX, BPF_REG_0);
	asm_move(assembler, PATH, BPF_REG_0);
	asm_call(assembler, BPF_FUNC_get_current_pid_tgid);
	asm_move(assembler, PATH_END, BPF_REG_0);

	emit_lookup(programmer);
	asm_jump_if(assembler, BPF_JEQ, BPF_REG_0, 0, none);
	asm_move(assembler, SLOT, BPF_REG_0);
	asm_load(assembler, 8, BPF_REG_1, SLOT, offsetof(struct slot, owner));
	asm_jump_if_register(assembler, BPF_JEQ, BPF_REG_1, PATH_END, found);

	label_here(assembler, second);
	asm_compute(assembler, BPF_ADD, PATH, 1);
	asm_store(assembler, 4, FRAME, STACK_INDEX, PATH);
	emit_lookup(programmer);
	asm_jump_if(assembler, BPF_JEQ, BPF_REG_0, 0, none);
	asm_move(assembler, SLOT, BPF_REG_0);
	asm_load(assembler, 8, BPF_REG_1, SLOT, offsetof(struct slot, owner));
	asm_jump_if_register(assembler, BPF_JNE, BPF_REG_1, PATH_END, none);
	label_here(assembler, found);
}

static void emit_ends(struct programmer *programmer, label_t none)
{
	struct assembler *assembler = &programmer->assembler;

	label_here(assembler, programmer->accept);
	asm_load(assembler, 8, BPF_REG_1, FRAME, STACK_CONTEXT);
	asm_map(assembler, BPF_REG_2, programmer->request->maps.finishers);
	asm_constant(assembler, BPF_REG_3, FINISH_SEND);
	asm_call(assembler, BPF_FUNC_tail_call);
	/* The sender is always there; what comes here was rejected. */
	label_here(assembler, programmer->reject);
	asm_store_constant(assembler, 8, SLOT, offsetof(struct slot, owner), 0);
	asm_store_constant(assembler, 4, SLOT, offsetof(struct slot, busy), 0);
	label_here(assembler, none);
	asm_constant(assembler, BPF_REG_0, 0);
	asm_exit(assembler);
}

/* ---- what a path fulfils ---- */

static void set_marks(struct programmer *programmer, const struct marks *marks)
{
	struct assembler *assembler = &programmer->assembler;

	for (size_t i = 0; i < MARK_WORDS; i++) {
		if (!marks->words[i])
			continue;
		asm_load(assembler, 4, BPF_REG_2, SLOT, MARK(i));
		asm_compute(assembler, BPF_OR, BPF_REG_2, (int32_t)marks->words[i]);
		asm_store(assembler, 4, SLOT, MARK(i), BPF_REG_2);
	}
}

static void path_found(void *context, const struct pattern *pattern)
{
	set_marks(context, &pattern->marks);
}

/* What hangs on a bit of the text's facts: it may be so unless they say that it is not. */
static void emit_hint(struct programmer *programmer, const struct marks *marks, int32_t fact)
{
	struct assembler *assembler = &programmer->assembler;
	label_t without = label_new(assembler);

	if (!marks_any(marks))
		return;
	asm_load(assembler, 4, BPF_REG_1, SLOT, FACT(text));
	asm_compute(assembler, BPF_AND, BPF_REG_1, fact | FACT_SCANNED);
	asm_jump_if(assembler, BPF_JEQ, BPF_REG_1, FACT_SCANNED, without);
	set_marks(programmer, marks);
	label_here(assembler, without);
}

static void emit_anchor(struct programmer *programmer, const struct patterns *patterns,
	enum anchor anchor, struct matcher matcher)
{
	size_t begin = 0, end;

	while (begin < patterns->count && patterns->items[begin].anchor < anchor)
		begin++;
	for (end = begin; end < patterns->count && patterns->items[end].anchor == anchor;)
		end++;
	matcher.assembler = &programmer->assembler;
	matcher.lengths = SLOT;
	matcher.found = path_found;
	matcher.context = programmer;
	matcher_emit(&matcher, patterns->items + begin, end - begin);
}

static bool has_anchor(const struct patterns *patterns, enum anchor anchor)
{
	for (size_t i = 0; i < patterns->count; i++)
		if (patterns->items[i].anchor == anchor)
			return true;
	return false;
}

/* verifier: the facts' places are bounded */
static void emit_inner_anchors(struct programmer *programmer, const struct patterns *patterns)
{
	struct assembler *assembler = &programmer->assembler;
	label_t no_leaf = label_new(assembler), no_top = label_new(assembler);

	if (has_anchor(patterns, ANCHOR_LEAF)) {
		label_t known = label_new(assembler);

		asm_load(assembler, 4, BPF_REG_3, SLOT, FACT(leaf));
		asm_jump_if(assembler, BPF_JNE, BPF_REG_3, 0, known);
		set_marks(programmer, &patterns->leafless);
		asm_jump(assembler, no_leaf);
		label_here(assembler, known);
		asm_compute(assembler, BPF_AND, BPF_REG_3, 511);
		asm_compute_register(assembler, BPF_ADD, BPF_REG_3, PATH);
		emit_anchor(programmer, patterns, ANCHOR_LEAF,
			(struct matcher){
				.base = BPF_REG_3, .is_backward = true, .length = FACT(leaf) });
	}
	label_here(assembler, no_leaf);
	if (!has_anchor(patterns, ANCHOR_TOP))
		return;
	asm_load(assembler, 4, BPF_REG_3, SLOT, FACT(top));
	asm_jump_if(assembler, BPF_JGE, BPF_REG_3, WALK_MAX - 256, no_top);
	asm_compute_register(assembler, BPF_ADD, BPF_REG_3, PATH);
	emit_anchor(programmer, patterns, ANCHOR_TOP,
		(struct matcher){ .base = BPF_REG_3, .length = MATCHER_UNBOUNDED });
	label_here(assembler, no_top);
}

static void emit_patterns(struct programmer *programmer, struct patterns *patterns)
{
	patterns_merge(patterns);
	set_marks(programmer, &patterns->always);
	emit_hint(programmer, &patterns->dots, FACT_DOTS);
	emit_hint(programmer, &patterns->hidden, FACT_HIDDEN);
	emit_anchor(programmer, patterns, ANCHOR_BEGIN,
		(struct matcher){ .base = PATH, .length = FACT(length) });
	emit_anchor(programmer, patterns, ANCHOR_END,
		(struct matcher){ .base = PATH_END, .is_backward = true, .length = FACT(length) });
	emit_inner_anchors(programmer, patterns);
	patterns_done(patterns);
}

/* Of a text as it was given some fields say something only when it is canonical. */
static bool wants_canonical(const struct mark *mark)
{
	return mark->decision->needs_canonical && mark->decision->path_operator != PATH_CONTAINS;
}

enum mark_group { GROUP_VIEW, GROUP_GIVEN, GROUP_CANONICAL };

static bool is_of(const struct mark_table *table, size_t bit, enum mark_subject subject)
{
	return bit >= marks_begin(table, subject) * 32 && bit < table->ends[subject] * 32 &&
	       table->items[bit].decision;
}

static bool is_in(const struct mark_table *table, size_t bit, enum mark_group group)
{
	const struct mark *mark = &table->items[bit];

	if (!is_of(table, bit, group == GROUP_VIEW ? MARK_VIEW : MARK_GIVEN))
		return false;
	return group == GROUP_VIEW || wants_canonical(mark) == (group == GROUP_CANONICAL);
}

static struct patterns patterns_of(
	struct programmer *programmer, enum mark_group group, enum path_form form)
{
	const struct mark_table *table = &programmer->marks;
	struct patterns patterns = { .arena = programmer->arena };

	for (size_t i = 0; i < COUNT_OF(table->items); i++) {
		const struct decision *decision = table->items[i].decision;
		struct marks sure, maybe;

		if (!is_in(table, i, group) || (i && table->items[i - 1].decision == decision))
			continue;
		sure = marks_of(table, decision, true);
		maybe = marks_of(table, decision, false);
		patterns_add(&patterns, decision, form, &sure, &maybe);
	}
	return patterns;
}

static struct marks unknown_marks(const struct programmer *programmer, enum mark_group group)
{
	const struct mark_table *table = &programmer->marks;
	struct marks marks = { 0 };

	for (size_t i = 0; i < COUNT_OF(table->items); i++)
		if (is_in(table, i, group) && !table->items[i].is_sure)
			marks.words[i / 32] |= UINT32_C(1) << i % 32;
	return marks;
}

static void clear_marks(struct programmer *programmer, enum mark_subject subject)
{
	const struct mark_table *table = &programmer->marks;

	for (size_t i = marks_begin(table, subject); i < table->ends[subject]; i++)
		asm_store_constant(&programmer->assembler, 4, SLOT, MARK(i), 0);
}

/* The text begins behind the record; r2 is its length. */
static void emit_text_ends(struct programmer *programmer)
{
	struct assembler *assembler = &programmer->assembler;

	asm_store(assembler, 4, SLOT, FACT(length), BPF_REG_2);
	asm_move(assembler, PATH, SLOT);
	asm_compute(assembler, BPF_ADD, PATH, (int32_t)(DATA + sizeof(struct call_record)));
	asm_move(assembler, PATH_END, PATH);
	asm_compute_register(assembler, BPF_ADD, PATH_END, BPF_REG_2);
}

/* The first text as the caller wrote it. */
static void emit_given(struct programmer *programmer)
{
	struct assembler *assembler = &programmer->assembler;
	struct marks unknown = unknown_marks(programmer, GROUP_GIVEN);
	struct marks not_canonical = unknown_marks(programmer, GROUP_CANONICAL);
	label_t failed = label_new(assembler), done = label_new(assembler);
	label_t canonical = label_new(assembler);
	struct patterns patterns;

	if (marks_begin(&programmer->marks, MARK_GIVEN) == programmer->marks.ends[MARK_GIVEN])
		return;
	clear_marks(programmer, MARK_GIVEN);
	asm_load(assembler, 2, BPF_REG_1, SLOT, IN_RECORD(flags));
	asm_compute(assembler, BPF_AND, BPF_REG_1, CALL_TEXT_0_FAILED);
	asm_jump_if(assembler, BPF_JNE, BPF_REG_1, 0, failed);
	asm_load(assembler, 2, BPF_REG_2, SLOT, LENGTH(CALL_TEXT_0));
	asm_jump_if(assembler, BPF_JGT, BPF_REG_2, TEXT_MAX, failed);
	emit_text_ends(programmer);
	patterns = patterns_of(programmer, GROUP_GIVEN, FORM_TEXT);
	emit_patterns(programmer, &patterns);
	patterns = patterns_of(programmer, GROUP_CANONICAL, FORM_TEXT);
	if (patterns.count || marks_any(&not_canonical)) {
		asm_load(assembler, 4, BPF_REG_1, SLOT, FACT(text));
		asm_compute(assembler, BPF_AND, BPF_REG_1, FACT_SCANNED | FACT_CANONICAL);
		asm_jump_if(
			assembler, BPF_JEQ, BPF_REG_1, FACT_SCANNED | FACT_CANONICAL, canonical);
		set_marks(programmer, &not_canonical);
		asm_jump(assembler, done);
		label_here(assembler, canonical);
	}
	emit_patterns(programmer, &patterns);
	asm_jump(assembler, done);
	label_here(assembler, failed);
	set_marks(programmer, &unknown);
	set_marks(programmer, &not_canonical);
	label_here(assembler, done);
}

/* ---- the process and the numbers ---- */

/* The comm; what is behind its end is zero. */
static void add_names(struct programmer *programmer, struct patterns *patterns,
	const struct decision *decision, const struct marks *marks)
{
	for (size_t i = 0; i < decision->text_count; i++) {
		struct text text = decision->texts[i];
		char *bytes = ARENA_NEW(programmer->arena, char, COMM_LENGTH);

		if (text.length >= COMM_LENGTH)
			continue;
		memset(bytes, 0, COMM_LENGTH);
		memcpy(bytes, text.data, text.length);
		*ARRAY_ADD(patterns->items, patterns->count, patterns->capacity) =
			(struct pattern){ .bytes = { bytes, COMM_LENGTH }, .marks = *marks };
	}
}

static void emit_names(struct programmer *programmer)
{
	struct assembler *assembler = &programmer->assembler;
	const struct mark_table *table = &programmer->marks;
	struct patterns patterns = { .arena = programmer->arena };

	clear_marks(programmer, MARK_NAME);
	for (size_t i = 0; i < COUNT_OF(table->items); i++) {
		const struct decision *decision = table->items[i].decision;
		struct marks marks;

		if (!is_of(table, i, MARK_NAME))
			continue;
		marks = marks_of(table, decision, true);
		add_names(programmer, &patterns, decision, &marks);
	}
	patterns_merge(&patterns);
	asm_move(assembler, BPF_REG_3, SLOT);
	asm_compute(assembler, BPF_ADD, BPF_REG_3, IN_RECORD(header.comm));
	emit_anchor(programmer, &patterns, ANCHOR_BEGIN,
		(struct matcher){ .base = BPF_REG_3, .length = MATCHER_UNBOUNDED });
	patterns_done(&patterns);
}

static void emit_number(struct programmer *programmer, const struct decision *decision)
{
	struct assembler *assembler = &programmer->assembler;
	struct answers to = { label_new(assembler), label_new(assembler), label_new(assembler) };
	struct marks sure = marks_of(&programmer->marks, decision, true);
	struct marks maybe = marks_of(&programmer->marks, decision, false);

	emit_steps(programmer, decision, to);
	label_here(assembler, to.yes);
	set_marks(programmer, &sure);
	asm_jump(assembler, to.no);
	label_here(assembler, to.unknown);
	set_marks(programmer, &maybe);
	label_here(assembler, to.no);
}

static void emit_numbers(struct programmer *programmer)
{
	const struct mark_table *table = &programmer->marks;

	clear_marks(programmer, MARK_NUMBERS);
	for (size_t i = 0; i < COUNT_OF(table->items); i++)
		if (is_of(table, i, MARK_NUMBERS) &&
			(!i || table->items[i - 1].decision != table->items[i].decision))
			emit_number(programmer, table->items[i].decision);
}

/* Once in a program; what comes later finds the marks set. */
static void emit_process(struct programmer *programmer)
{
	if (programmer->has_process)
		return;
	programmer->has_process = true;
	emit_numbers(programmer);
	emit_names(programmer);
}

/* ---- the rules ---- */

static bool uses_process(const struct part *part)
{
	return marks_use(part, MARK_NAME) || marks_use(part, MARK_NUMBERS);
}

/*
 * Of many parts those that need a mark of a path are asked only when there is one of theirs. The
 * process and the numbers are looked at when the first part that may need them is asked.
 */
static void emit_rules(struct programmer *programmer, const struct part *part, label_t no)
{
	struct assembler *assembler = &programmer->assembler;
	struct marks all = { 0 }, one;
	label_t others = label_new(assembler);
	bool others_use_process = false;

	if (part->kind != PART_ANY)
		part = part_alone(programmer->arena, part);
	for (size_t i = 0; i < part->count; i++)
		if (marks_needed(&programmer->marks, part->parts[i], &one))
			marks_join(&all, &one);
		else
			others_use_process |= uses_process(part->parts[i]);
	if (others_use_process)
		emit_process(programmer);
	emit_any_mark(programmer, &all, others);
	if (uses_process(part))
		emit_process(programmer);
	for (int needs_mark = 1; needs_mark >= 0; needs_mark--) {
		for (size_t i = 0; i < part->count; i++) {
			label_t next = label_new(assembler);

			if (marks_needed(&programmer->marks, part->parts[i], &one) != needs_mark)
				continue;
			emit_part(programmer, part->parts[i], programmer->accept, next);
			label_here(assembler, next);
		}
		if (needs_mark)
			label_here(assembler, others);
	}
	asm_jump(assembler, no);
}

/* ---- the views ---- */

struct view_labels {
	label_t text, lexical_walk, real, walk, unknown, ask;
};

static void emit_text(struct programmer *programmer, const struct view_labels *to)
{
	struct assembler *assembler = &programmer->assembler;
	struct patterns patterns = patterns_of(programmer, GROUP_VIEW, FORM_TEXT);

	label_here(assembler, to->text);
	asm_load(assembler, 2, BPF_REG_2, SLOT, LENGTH(CALL_TEXT_0));
	asm_jump_if(assembler, BPF_JGT, BPF_REG_2, FACTS_TEXT_MAX, to->unknown);
	emit_text_ends(programmer);
	emit_patterns(programmer, &patterns);
	asm_jump(assembler, to->ask);
}

/* Where the facts of a walk are. */
struct walk_places {
	int length_size;
	int16_t length, leaf, top;
};

static const struct walk_places lexical_places = { 4, FACT(lexical_length), FACT(lexical_leaf),
	FACT(lexical_top) };
static const struct walk_places real_places = { 2, LENGTH(CALL_REAL_PATH), FACT(real_leaf),
	FACT(real_top) };

/* Of the walk that r2 is behind the record's fixed part: the length, the leaf, the top. */
static void emit_walk_start(struct programmer *programmer, const struct walk_places *places,
	const struct view_labels *to)
{
	struct assembler *assembler = &programmer->assembler;

	/* verifier: a place in the data, with room for a longest pattern on both sides */
	asm_jump_if(assembler, BPF_JGT, BPF_REG_2, WALK_AT_MAX, to->unknown);
	asm_move(assembler, PATH, SLOT);
	asm_compute(assembler, BPF_ADD, PATH, (int32_t)(DATA + sizeof(struct call_record)));
	asm_compute_register(assembler, BPF_ADD, PATH, BPF_REG_2);
	asm_load(assembler, places->length_size, BPF_REG_2, SLOT, places->length);
	asm_store(assembler, 4, SLOT, FACT(length), BPF_REG_2);
	asm_load(assembler, 4, BPF_REG_1, SLOT, places->leaf);
	asm_store(assembler, 4, SLOT, FACT(leaf), BPF_REG_1);
	asm_load(assembler, 4, BPF_REG_1, SLOT, places->top);
	asm_store(assembler, 4, SLOT, FACT(top), BPF_REG_1);
}

static void emit_lexical_walk_start(struct programmer *programmer, const struct view_labels *to)
{
	struct assembler *assembler = &programmer->assembler;

	label_here(assembler, to->lexical_walk);
	asm_load(assembler, 4, BPF_REG_2, SLOT, FACT(lexical_at));
	asm_compute(assembler, BPF_SUB, BPF_REG_2, sizeof(struct call_record));
	emit_walk_start(programmer, &lexical_places, to);
	asm_jump(assembler, to->walk);
}

/* Nothing was opened: there is no such view. What has no place in the tree may be anything. */
static void emit_real_walk_start(struct programmer *programmer, const struct view_labels *to)
{
	struct assembler *assembler = &programmer->assembler;

	label_here(assembler, to->real);
	asm_constant(assembler, REAL_LEFT, 0);
	clear_marks(programmer, MARK_VIEW);
	asm_load(assembler, 2, BPF_REG_1, SLOT, IN_RECORD(flags));
	asm_move(assembler, BPF_REG_2, BPF_REG_1);
	asm_compute(assembler, BPF_AND, BPF_REG_2, CALL_HAS_FILE);
	asm_jump_if(assembler, BPF_JEQ, BPF_REG_2, 0, programmer->reject);
	asm_compute(assembler, BPF_AND, BPF_REG_1, CALL_REAL_PATH_CUT | CALL_REAL_PATH_DETACHED);
	asm_jump_if(assembler, BPF_JNE, BPF_REG_1, 0, to->unknown);
	asm_constant(assembler, BPF_REG_2, 0);
	for (int part = 0; part < CALL_REAL_PATH; part++) {
		asm_load(assembler, 2, BPF_REG_1, SLOT, LENGTH(part));
		asm_compute_register(assembler, BPF_ADD, BPF_REG_2, BPF_REG_1);
	}
	emit_walk_start(programmer, &real_places, to);
}

static void emit_walk(struct programmer *programmer, const struct view_labels *to)
{
	struct assembler *assembler = &programmer->assembler;
	struct patterns patterns = patterns_of(programmer, GROUP_VIEW, FORM_WALK);

	loop_here(assembler, to->walk);
	asm_load(assembler, 4, BPF_REG_2, SLOT, FACT(length));
	asm_jump_if(assembler, BPF_JGT, BPF_REG_2, WALK_MAX, to->unknown);
	asm_move(assembler, PATH_END, PATH);
	asm_compute_register(assembler, BPF_ADD, PATH_END, BPF_REG_2);
	emit_patterns(programmer, &patterns);
}

static void emit_views(struct programmer *programmer, const struct part *part)
{
	struct assembler *assembler = &programmer->assembler;
	const struct view_labels to = { label_new(assembler), label_new(assembler),
		label_new(assembler), label_new(assembler), label_new(assembler),
		label_new(assembler) };
	struct marks unknown = unknown_marks(programmer, GROUP_VIEW);
	bool has_real = programmer->request->type->is_open;
	bool has_text = programmer->request->has_text;
	label_t asked = label_new(assembler);

	clear_marks(programmer, MARK_VIEW);
	asm_constant(assembler, REAL_LEFT, has_real);
	if (has_text) {
		asm_load(assembler, 4, BPF_REG_1, SLOT, FACT(lexical));
		asm_jump_if(assembler, BPF_JEQ, BPF_REG_1, LEXICAL_TEXT, to.text);
		asm_jump_if(assembler, BPF_JEQ, BPF_REG_1, LEXICAL_WALK, to.lexical_walk);
	}
	label_here(assembler, to.unknown);
	set_marks(programmer, &unknown);
	asm_jump(assembler, to.ask);
	if (has_text) {
		emit_text(programmer, &to);
		emit_lexical_walk_start(programmer, &to);
	}
	if (has_real)
		emit_real_walk_start(programmer, &to);
	if (has_real || has_text)
		emit_walk(programmer, &to);
	loop_here(assembler, to.ask);
	emit_rules(programmer, part, asked);
	label_here(assembler, asked);
	if (has_real)
		asm_jump_if(assembler, BPF_JEQ, REAL_LEFT, 1, to.real);
	asm_jump(assembler, programmer->reject);
}

int program_write(
	const struct program_request *request, struct bpf_insn **ret_code, size_t *ret_count)
{
	struct programmer programmer = { .request = request, .arena = arena_new(SIZE_MAX / 2) };
	struct assembler *assembler = &programmer.assembler;
	label_t none = label_new(assembler), viewed = label_new(assembler);
	int r;

	programmer.accept = label_new(assembler);
	programmer.reject = label_new(assembler);
	marks_collect(
		&programmer.marks, request->purpose, request->without_view, request->with_view);
	emit_find_slot(&programmer, none);
	emit_given(&programmer);
	if (uses_process(request->without_view))
		emit_process(&programmer);
	emit_rules(&programmer, request->without_view, viewed);
	label_here(assembler, viewed);
	if (request->with_view->kind != PART_FALSE)
		emit_views(&programmer, request->with_view);
	else
		asm_jump(assembler, programmer.reject);
	emit_ends(&programmer, none);
	r = assembler->count > PROGRAM_MAX ? -E2BIG : assembler_finish(assembler);
	if (r == 0) {
		*ret_count = assembler->count;
		*ret_code = TAKE(assembler->code);
	}
	assembler_done(assembler);
	arena_free(programmer.arena);
	return r;
}
