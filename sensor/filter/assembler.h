/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A small assembler for BPF: instructions are added in order, jumps go to labels that may be set
 * later. Only what the filter needs.
 */
#pragma once

#include <linux/bpf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"

typedef unsigned label_t;

struct assembler {
	struct bpf_insn *code;
	size_t count, capacity;
	size_t *labels; /* where each is; SIZE_MAX: not set yet */
	size_t label_count, label_capacity;
	struct pending_jump {
		size_t at;
		label_t to;
	} * jumps;
	size_t jump_count, jump_capacity;
};

void assembler_done(struct assembler *assembler);
label_t label_new(struct assembler *assembler);
/* The label is where the next instruction goes. */
void label_here(struct assembler *assembler, label_t label);
/*
 * The same for a label that a loop comes back to. What runs into it does so by a jump: of a loop
 * that closes by falling through, kernels before 6.9 say "back-edge" and refuse the program.
 */
void loop_here(struct assembler *assembler, label_t label);
/* Drops what nothing leads to, fills in the jumps. -E2BIG when one is farther than a jump goes. */
int assembler_finish(struct assembler *assembler);

void asm_move(struct assembler *assembler, int to, int from);
void asm_constant(struct assembler *assembler, int to, uint64_t constant);
/* `operation`: BPF_ADD, BPF_AND …; on 64 bits. */
void asm_compute(struct assembler *assembler, int operation, int to, int32_t constant);
void asm_compute_register(struct assembler *assembler, int operation, int to, int from);
/* `bits` (16, 32, 64) in network order become the host's. */
void asm_from_network(struct assembler *assembler, int reg, int bits);
/* `size`: 1, 2, 4 or 8 bytes at from + offset; zero-extended. */
void asm_load(struct assembler *assembler, int size, int to, int from, int16_t offset);
void asm_store(struct assembler *assembler, int size, int to, int16_t offset, int from);
void asm_store_constant(
	struct assembler *assembler, int size, int to, int16_t offset, int32_t constant);
/* A map, by its fd. */
void asm_map(struct assembler *assembler, int to, int fd);
void asm_call(struct assembler *assembler, int helper);
void asm_exit(struct assembler *assembler);
void asm_jump(struct assembler *assembler, label_t to);
/* `comparison`: BPF_JEQ, BPF_JNE, BPF_JGT, BPF_JSGT … on 64 bits, with any constant. Uses r5. */
void asm_jump_if(
	struct assembler *assembler, int comparison, int reg, uint64_t constant, label_t to);
void asm_jump_if_register(
	struct assembler *assembler, int comparison, int reg, int other, label_t to);
