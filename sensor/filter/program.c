/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From an expression to a program:
 *
 *	find the slot
 *	what asks for no path
 *	what does, of the lexical view: as text, as a walk, or with an unknown path
 *	what does, of the real view: the same walk code once more
 *
 * r6 is the slot; r7 and r8 are a path and its length; r9 is 1 while the real view is to come.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/memory.h"
#include "sensor/filter/paths.h"
#include "sensor/filter/program.h"
#include "sensor/sources/decode.h"

#define SLOT	    BPF_REG_6
#define PATH	    BPF_REG_7
#define PATH_LENGTH BPF_REG_8
#define REAL_LEFT   BPF_REG_9
#define FRAME	    BPF_REG_10

#define DATA		offsetof(struct slot, data)
#define FACT(name)	((int16_t)(offsetof(struct slot, facts) + offsetof(struct facts, name)))
#define IN_RECORD(name) ((int16_t)(DATA + offsetof(struct call_record, name)))
#define LENGTH(part)	((int16_t)(IN_RECORD(lengths) + 2 * (part)))

#define STACK_CONTEXT (-8)
#define STACK_INDEX   (-12)

/* The kernel's own limit is a million; jumps reach 32,767. */
#define PROGRAM_MAX 30000

struct programmer {
	struct assembler assembler;
	const struct program_request *request;
	label_t accept, reject;
	bool is_path_known; /* PATH and PATH_LENGTH hold one */
	enum path_form form;
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
	struct programmer *programmer, const struct decision *decision, struct path_answers to)
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

static uint64_t word_at(struct text text, size_t at)
{
	uint64_t word = 0;

	if (at < text.length)
		memcpy(&word, text.data + at, MIN_OF(text.length - at, 8));
	return word;
}

/* The comm as two numbers; what is behind its end is zero. */
static void emit_name(
	struct programmer *programmer, const struct decision *decision, struct path_answers to)
{
	struct assembler *assembler = &programmer->assembler;

	asm_load(assembler, 8, BPF_REG_1, SLOT, IN_RECORD(header.comm));
	asm_load(assembler, 8, BPF_REG_2, SLOT, IN_RECORD(header.comm) + 8);
	for (size_t i = 0; i < decision->text_count; i++) {
		struct text text = decision->texts[i];
		label_t next = label_new(assembler);

		if (text.length >= COMM_LENGTH)
			continue;
		asm_jump_if(assembler, BPF_JNE, BPF_REG_1, word_at(text, 0), next);
		asm_jump_if(assembler, BPF_JEQ, BPF_REG_2, word_at(text, 8), to.yes);
		label_here(assembler, next);
	}
	asm_jump(assembler, to.no);
}

/* The first text as the caller wrote it. */
static void emit_given(
	struct programmer *programmer, const struct decision *decision, struct path_answers to)
{
	struct assembler *assembler = &programmer->assembler;
	struct path_registers path = { BPF_REG_3, BPF_REG_4 };
	bool is_hint = decision->path_operator == PATH_CONTAINS;

	asm_load(assembler, 2, BPF_REG_1, SLOT, IN_RECORD(flags));
	asm_compute(assembler, BPF_AND, BPF_REG_1, CALL_TEXT_0_FAILED);
	asm_jump_if(assembler, BPF_JNE, BPF_REG_1, 0, to.unknown);
	if (decision->needs_canonical && !is_hint) {
		asm_load(assembler, 4, BPF_REG_1, SLOT, FACT(text));
		asm_compute(assembler, BPF_AND, BPF_REG_1, FACT_SCANNED | FACT_CANONICAL);
		asm_jump_if(
			assembler, BPF_JNE, BPF_REG_1, FACT_SCANNED | FACT_CANONICAL, to.unknown);
	}
	asm_move(assembler, path.start, SLOT);
	asm_compute(assembler, BPF_ADD, path.start, (int32_t)(DATA + sizeof(struct call_record)));
	asm_load(assembler, 2, path.length, SLOT, LENGTH(CALL_TEXT_0));
	asm_jump_if(assembler, BPF_JGT, path.length, TEXT_MAX, to.unknown);
	emit_path(assembler, decision, FORM_TEXT, path, to);
}

static void emit_literal(
	struct programmer *programmer, const struct part *part, label_t yes, label_t no)
{
	const struct decision *decision = part->decision;
	bool is_inverted = part->is_negated != decision->is_inverted;
	struct path_answers to = { .yes = is_inverted ? no : yes,
		.no = is_inverted ? yes : no,
		.unknown = programmer->request->purpose == FILTER_MAY ? yes : no };

	if (decision->kind == DECISION_STEPS)
		emit_steps(programmer, decision, to);
	else if (decision->kind == DECISION_NAME)
		emit_name(programmer, decision, to);
	else if (decision->path_kind == PATH_AS_GIVEN)
		emit_given(programmer, decision, to);
	else if (programmer->is_path_known)
		emit_path(&programmer->assembler, decision, programmer->form,
			(struct path_registers){ PATH, PATH_LENGTH }, to);
	else
		asm_jump(&programmer->assembler, to.unknown);
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
	asm_move(assembler, PATH_LENGTH, BPF_REG_0);

	emit_lookup(programmer);
	asm_jump_if(assembler, BPF_JEQ, BPF_REG_0, 0, none);
	asm_move(assembler, SLOT, BPF_REG_0);
	asm_load(assembler, 8, BPF_REG_1, SLOT, offsetof(struct slot, owner));
	asm_jump_if_register(assembler, BPF_JEQ, BPF_REG_1, PATH_LENGTH, found);

	label_here(assembler, second);
	asm_compute(assembler, BPF_ADD, PATH, 1);
	asm_store(assembler, 4, FRAME, STACK_INDEX, PATH);
	emit_lookup(programmer);
	asm_jump_if(assembler, BPF_JEQ, BPF_REG_0, 0, none);
	asm_move(assembler, SLOT, BPF_REG_0);
	asm_load(assembler, 8, BPF_REG_1, SLOT, offsetof(struct slot, owner));
	asm_jump_if_register(assembler, BPF_JNE, BPF_REG_1, PATH_LENGTH, none);
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

/* ---- the views ---- */

static void emit_view(struct programmer *programmer, const struct part *part, bool is_path_known,
	enum path_form form, label_t no)
{
	programmer->is_path_known = is_path_known;
	programmer->form = form;
	emit_part(programmer, part, programmer->accept, no);
}

static void emit_text_start(struct programmer *programmer)
{
	struct assembler *assembler = &programmer->assembler;

	asm_move(assembler, PATH, SLOT);
	asm_compute(assembler, BPF_ADD, PATH, (int32_t)(DATA + sizeof(struct call_record)));
	asm_load(assembler, 2, PATH_LENGTH, SLOT, LENGTH(CALL_TEXT_0));
	asm_jump_if(assembler, BPF_JGT, PATH_LENGTH, FACTS_TEXT_MAX, programmer->accept);
}

/* r2 holds the walk's offset in the data; the facts' places follow. verifier: all are bounded. */
static void emit_walk_start(struct programmer *programmer, int16_t leaf, int16_t top)
{
	struct assembler *assembler = &programmer->assembler;

	asm_compute(assembler, BPF_AND, BPF_REG_2, RECORD_MAX - 1);
	asm_move(assembler, PATH, SLOT);
	asm_compute(assembler, BPF_ADD, PATH, (int32_t)DATA);
	asm_compute_register(assembler, BPF_ADD, PATH, BPF_REG_2);
	asm_jump_if(assembler, BPF_JGT, PATH_LENGTH, WALK_MAX, programmer->accept);
	asm_load(assembler, 4, BPF_REG_1, SLOT, leaf);
	asm_jump_if(assembler, BPF_JGT, BPF_REG_1, 255, programmer->accept);
	asm_store(assembler, 8, FRAME, STACK_LEAF, BPF_REG_1);
	asm_load(assembler, 4, BPF_REG_1, SLOT, top);
	asm_jump_if(assembler, BPF_JGT, BPF_REG_1, WALK_MAX - 256, programmer->accept);
	asm_store(assembler, 8, FRAME, STACK_TOP, BPF_REG_1);
}

static void emit_lexical_walk_start(struct programmer *programmer)
{
	asm_load(&programmer->assembler, 4, BPF_REG_2, SLOT, FACT(lexical_at));
	asm_load(&programmer->assembler, 4, PATH_LENGTH, SLOT, FACT(lexical_length));
	emit_walk_start(programmer, FACT(lexical_leaf), FACT(lexical_top));
}

/* Nothing was opened: there is no such view. What has no place in the tree may be anything. */
static void emit_real_walk_start(struct programmer *programmer)
{
	struct assembler *assembler = &programmer->assembler;

	asm_load(assembler, 2, BPF_REG_1, SLOT, IN_RECORD(flags));
	asm_move(assembler, BPF_REG_2, BPF_REG_1);
	asm_compute(assembler, BPF_AND, BPF_REG_2, CALL_HAS_FILE);
	asm_jump_if(assembler, BPF_JEQ, BPF_REG_2, 0, programmer->reject);
	asm_compute(assembler, BPF_AND, BPF_REG_1, CALL_REAL_PATH_CUT | CALL_REAL_PATH_DETACHED);
	asm_jump_if(assembler, BPF_JNE, BPF_REG_1, 0, programmer->accept);
	asm_constant(assembler, BPF_REG_2, sizeof(struct call_record));
	for (int part = 0; part < CALL_REAL_PATH; part++) {
		asm_load(assembler, 2, BPF_REG_1, SLOT, LENGTH(part));
		asm_compute_register(assembler, BPF_ADD, BPF_REG_2, BPF_REG_1);
	}
	asm_load(assembler, 2, PATH_LENGTH, SLOT, LENGTH(CALL_REAL_PATH));
	emit_walk_start(programmer, FACT(real_leaf), FACT(real_top));
}

static void emit_views(struct programmer *programmer, const struct part *part)
{
	struct assembler *assembler = &programmer->assembler;
	label_t text = label_new(assembler), lexical_walk = label_new(assembler);
	label_t walk = label_new(assembler), walked = label_new(assembler);
	label_t real = label_new(assembler);
	bool has_real = programmer->request->type->is_open;

	if (programmer->request->has_text) {
		asm_load(assembler, 4, BPF_REG_1, SLOT, FACT(lexical));
		asm_jump_if(assembler, BPF_JEQ, BPF_REG_1, LEXICAL_TEXT, text);
		asm_jump_if(assembler, BPF_JEQ, BPF_REG_1, LEXICAL_WALK, lexical_walk);
	}
	emit_view(programmer, part, false, FORM_TEXT, has_real ? real : programmer->reject);
	if (programmer->request->has_text) {
		label_here(assembler, text);
		emit_text_start(programmer);
		emit_view(programmer, part, true, FORM_TEXT, has_real ? real : programmer->reject);
		label_here(assembler, lexical_walk);
		emit_lexical_walk_start(programmer);
		asm_constant(assembler, REAL_LEFT, has_real);
		asm_jump(assembler, walk);
	}
	label_here(assembler, real);
	if (has_real) {
		emit_real_walk_start(programmer);
		asm_constant(assembler, REAL_LEFT, 0);
	}
	label_here(assembler, walk);
	if (has_real || programmer->request->has_text)
		emit_view(programmer, part, true, FORM_WALK, walked);
	label_here(assembler, walked);
	if (has_real && programmer->request->has_text)
		asm_jump_if(assembler, BPF_JEQ, REAL_LEFT, 1, real);
	asm_jump(assembler, programmer->reject);
}

int program_write(
	const struct program_request *request, struct bpf_insn **ret_code, size_t *ret_count)
{
	struct programmer programmer = { .request = request };
	struct assembler *assembler = &programmer.assembler;
	label_t none = label_new(assembler), viewed = label_new(assembler);
	int r;

	programmer.accept = label_new(assembler);
	programmer.reject = label_new(assembler);
	emit_find_slot(&programmer, none);
	emit_part(&programmer, request->without_view, programmer.accept, viewed);
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
	return r;
}
