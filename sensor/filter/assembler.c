/* SPDX-License-Identifier: Apache-2.0 */
/* The assembler. Jumps to labels are kept aside until all labels are set. */
#include <errno.h>
#include <stdlib.h>

#include "base/memory.h"
#include "sensor/filter/assembler.h"

#define SCRATCH BPF_REG_5

void assembler_done(struct assembler *assembler)
{
	free(assembler->code);
	free(assembler->labels);
	free(assembler->jumps);
	*assembler = (struct assembler){ 0 };
}

label_t label_new(struct assembler *assembler)
{
	*ARRAY_ADD(assembler->labels, assembler->label_count, assembler->label_capacity) = SIZE_MAX;
	return (label_t)(assembler->label_count - 1);
}

/* A jump to what follows it anyway is taken back. */
static bool ends_with_jump_to(const struct assembler *assembler, label_t label)
{
	const struct pending_jump *last =
		assembler->jump_count ? &assembler->jumps[assembler->jump_count - 1] : NULL;

	return last && last->to == label && last->at + 1 == assembler->count &&
	       assembler->code[last->at].code == (BPF_JMP | BPF_JA);
}

void label_here(struct assembler *assembler, label_t label)
{
	while (ends_with_jump_to(assembler, label)) {
		for (size_t i = 0; i < assembler->label_count; i++)
			if (assembler->labels[i] == assembler->count)
				assembler->labels[i]--;
		assembler->jump_count--;
		assembler->count--;
	}
	assembler->labels[label] = assembler->count;
}

static const struct pending_jump *jump_at(const struct assembler *assembler, size_t at)
{
	for (size_t low = 0, high = assembler->jump_count; low < high;) {
		size_t middle = low + (high - low) / 2;

		if (assembler->jumps[middle].at == at)
			return &assembler->jumps[middle];
		if (assembler->jumps[middle].at < at)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

static bool is_end(const struct bpf_insn *one)
{
	return one->code == (BPF_JMP | BPF_EXIT) || one->code == (BPF_JMP | BPF_JA);
}

/* The kernel refuses programs with instructions that nothing leads to. */
static void mark_reached(const struct assembler *assembler, bool *is_reached)
{
	_cleanup_(freep) size_t *stack = NEW_ARRAY(size_t, assembler->count + 1);
	size_t depth = 0;

	stack[depth++] = 0;
	while (depth) {
		for (size_t at = stack[--depth]; at < assembler->count && !is_reached[at]; at++) {
			const struct pending_jump *jump = jump_at(assembler, at);

			is_reached[at] = true;
			if (jump && !is_reached[assembler->labels[jump->to]])
				stack[depth++] = assembler->labels[jump->to];
			if (assembler->code[at].code == (BPF_LD | BPF_DW | BPF_IMM))
				is_reached[++at] = true;
			else if (is_end(&assembler->code[at]))
				break;
		}
	}
}

/* Takes the others out; ret_places: where each instruction is now. */
static void keep_reached(struct assembler *assembler, const bool *is_reached, size_t *ret_places)
{
	size_t kept = 0, count = assembler->count;

	for (size_t at = 0; at < count; at++) {
		ret_places[at] = kept;
		if (is_reached[at])
			assembler->code[kept++] = assembler->code[at];
	}
	ret_places[count] = assembler->count = kept;
}

int assembler_finish(struct assembler *assembler)
{
	_cleanup_(freep) bool *is_reached = NEW_ARRAY(bool, assembler->count + 1);
	_cleanup_(freep) size_t *places = NEW_ARRAY(size_t, assembler->count + 1);

	mark_reached(assembler, is_reached);
	keep_reached(assembler, is_reached, places);
	for (size_t i = 0; i < assembler->jump_count; i++) {
		const struct pending_jump *jump = &assembler->jumps[i];
		size_t from = places[jump->at], to = places[assembler->labels[jump->to]];
		ptrdiff_t distance = (ptrdiff_t)to - (ptrdiff_t)from - 1;

		if (!is_reached[jump->at])
			continue;
		if (distance < INT16_MIN || distance > INT16_MAX)
			return -E2BIG;
		assembler->code[from].off = (int16_t)distance;
	}
	return 0;
}

static void add(
	struct assembler *assembler, int code, int to, int from, int16_t offset, int32_t constant)
{
	*ARRAY_ADD(assembler->code, assembler->count, assembler->capacity) =
		(struct bpf_insn){ .code = (uint8_t)code,
			.dst_reg = (uint8_t)(to & 15),
			.src_reg = (uint8_t)(from & 15),
			.off = offset,
			.imm = constant };
}

static int size_bits(int size)
{
	return size == 1 ? BPF_B : size == 2 ? BPF_H : size == 4 ? BPF_W : BPF_DW;
}

void asm_move(struct assembler *assembler, int to, int from)
{
	add(assembler, BPF_ALU64 | BPF_MOV | BPF_X, to, from, 0, 0);
}

static bool fits(uint64_t constant)
{
	return (int64_t)constant == (int32_t)constant;
}

void asm_constant(struct assembler *assembler, int to, uint64_t constant)
{
	if (fits(constant)) {
		add(assembler, BPF_ALU64 | BPF_MOV | BPF_K, to, 0, 0, (int32_t)constant);
		return;
	}
	add(assembler, BPF_LD | BPF_DW | BPF_IMM, to, 0, 0, (int32_t)constant);
	add(assembler, 0, 0, 0, 0, (int32_t)(constant >> 32));
}

void asm_compute(struct assembler *assembler, int operation, int to, int32_t constant)
{
	add(assembler, BPF_ALU64 | operation | BPF_K, to, 0, 0, constant);
}

void asm_compute_register(struct assembler *assembler, int operation, int to, int from)
{
	add(assembler, BPF_ALU64 | operation | BPF_X, to, from, 0, 0);
}

void asm_from_network(struct assembler *assembler, int reg, int bits)
{
	add(assembler, BPF_ALU | BPF_END | BPF_TO_BE, reg, 0, 0, bits);
}

void asm_load(struct assembler *assembler, int size, int to, int from, int16_t offset)
{
	add(assembler, BPF_LDX | BPF_MEM | size_bits(size), to, from, offset, 0);
}

void asm_store(struct assembler *assembler, int size, int to, int16_t offset, int from)
{
	add(assembler, BPF_STX | BPF_MEM | size_bits(size), to, from, offset, 0);
}

void asm_store_constant(
	struct assembler *assembler, int size, int to, int16_t offset, int32_t constant)
{
	add(assembler, BPF_ST | BPF_MEM | size_bits(size), to, 0, offset, constant);
}

void asm_map(struct assembler *assembler, int to, int fd)
{
	add(assembler, BPF_LD | BPF_DW | BPF_IMM, to, BPF_PSEUDO_MAP_FD, 0, fd);
	add(assembler, 0, 0, 0, 0, 0);
}

void asm_call(struct assembler *assembler, int helper)
{
	add(assembler, BPF_JMP | BPF_CALL, 0, 0, 0, helper);
}

void asm_exit(struct assembler *assembler)
{
	add(assembler, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
}

static void add_jump(
	struct assembler *assembler, int code, int reg, int other, int32_t constant, label_t to)
{
	*ARRAY_ADD(assembler->jumps, assembler->jump_count, assembler->jump_capacity) =
		(struct pending_jump){ assembler->count, to };
	add(assembler, BPF_JMP | code, reg, other, 0, constant);
}

void asm_jump(struct assembler *assembler, label_t to)
{
	add_jump(assembler, BPF_JA, 0, 0, 0, to);
}

void loop_here(struct assembler *assembler, label_t label)
{
	asm_jump(assembler, label);
	assembler->labels[label] = assembler->count;
}

void asm_jump_if(
	struct assembler *assembler, int comparison, int reg, uint64_t constant, label_t to)
{
	if (fits(constant)) {
		add_jump(assembler, comparison | BPF_K, reg, 0, (int32_t)constant, to);
		return;
	}
	asm_constant(assembler, SCRATCH, constant);
	add_jump(assembler, comparison | BPF_X, reg, SCRATCH, 0, to);
}

void asm_jump_if_register(
	struct assembler *assembler, int comparison, int reg, int other, label_t to)
{
	add_jump(assembler, comparison | BPF_X, reg, other, 0, to);
}
