/* SPDX-License-Identifier: Apache-2.0 */
/* The interpreter: a register machine of twelve operations. */
#include <endian.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sensor/filter/tests/interpreter.h"

#define STACK_SIZE 512
#define STEPS_MAX  100000
/* Who the slot belongs to, and as which number it is asked for: the second of its CPU. */
#define OWNER UINT64_C(0x1234500012345)
#define CPU   3

struct machine {
	uint64_t registers[11];
	char stack[STACK_SIZE];
	struct slot *slot;
	bool has_passed;
};

static void refuse(const char *why, const struct bpf_insn *one)
{
	printf("Bail out! interpreter: %s (code %#x)\n", why, one->code);
	abort();
}

static void *memory(
	struct machine *machine, uint64_t address, size_t size, const struct bpf_insn *one)
{
	char *at = (char *)(uintptr_t)address, *slot = (char *)machine->slot;

	if (at >= machine->stack && at + size <= machine->stack + STACK_SIZE)
		return at;
	if (at >= slot && at + size <= slot + sizeof(*machine->slot))
		return at;
	refuse("an access outside of stack and slot", one);
	return NULL;
}

static size_t size_of(const struct bpf_insn *one)
{
	switch (BPF_SIZE(one->code)) {
	case BPF_B:
		return 1;
	case BPF_H:
		return 2;
	case BPF_W:
		return 4;
	default:
		return 8;
	}
}

static void compute(struct machine *machine, const struct bpf_insn *one)
{
	uint64_t *to = &machine->registers[one->dst_reg];
	uint64_t from = BPF_SRC(one->code) == BPF_X ? machine->registers[one->src_reg]
						    : (uint64_t)(int64_t)one->imm;

	switch (BPF_OP(one->code)) {
	case BPF_MOV:
		*to = from;
		break;
	case BPF_ADD:
		*to += from;
		break;
	case BPF_SUB:
		*to -= from;
		break;
	case BPF_OR:
		*to |= from;
		break;
	case BPF_AND:
		*to &= from;
		break;
	case BPF_LSH:
		*to <<= from;
		break;
	case BPF_ARSH:
		*to = (uint64_t)((int64_t)*to >> from);
		break;
	default:
		refuse("an operation that is not known", one);
	}
}

/* The one operation of this class: from network order, of 64 bits. */
static void swap(struct machine *machine, const struct bpf_insn *one)
{
	uint64_t *to = &machine->registers[one->dst_reg];

	if (one->code != (BPF_ALU | BPF_END | BPF_TO_BE) || one->imm != 64)
		refuse("an operation on 32 bits", one);
	*to = be64toh(*to);
}

static bool jumps(const struct machine *machine, const struct bpf_insn *one)
{
	uint64_t left = machine->registers[one->dst_reg];
	uint64_t right = BPF_SRC(one->code) == BPF_X ? machine->registers[one->src_reg]
						     : (uint64_t)(int64_t)one->imm;

	switch (BPF_OP(one->code)) {
	case BPF_JA:
		return true;
	case BPF_JEQ:
		return left == right;
	case BPF_JNE:
		return left != right;
	case BPF_JGT:
		return left > right;
	case BPF_JLT:
		return left < right;
	case BPF_JGE:
		return left >= right;
	case BPF_JSGE:
		return (int64_t)left >= (int64_t)right;
	case BPF_JSLT:
		return (int64_t)left < (int64_t)right;
	case BPF_JSLE:
		return (int64_t)left <= (int64_t)right;
	default:
		refuse("a comparison that is not known", one);
		return false;
	}
}

/* False: a tail call does not come back. */
static bool call(struct machine *machine, const struct bpf_insn *one)
{
	uint64_t *result = &machine->registers[0];
	uint32_t index;

	switch (one->imm) {
	case BPF_FUNC_get_smp_processor_id:
		*result = CPU;
		return true;
	case BPF_FUNC_get_current_pid_tgid:
		*result = OWNER;
		return true;
	case BPF_FUNC_map_lookup_elem:
		memcpy(&index, memory(machine, machine->registers[2], 4, one), 4);
		/* The first one is somebody else's; reading its owner needs a slot, too. */
		machine->slot->owner = index == CPU * 2 + 1 ? OWNER : OWNER + 1;
		*result = (uint64_t)(uintptr_t)machine->slot;
		return true;
	case BPF_FUNC_tail_call:
		machine->has_passed = machine->registers[3] == FINISH_SEND;
		return false;
	default:
		refuse("a helper that is not known", one);
		return false;
	}
}

static void load_or_store(struct machine *machine, const struct bpf_insn *one)
{
	size_t size = size_of(one);
	uint64_t value = 0;
	bool is_load = BPF_CLASS(one->code) == BPF_LDX;
	uint64_t base = machine->registers[is_load ? one->src_reg : one->dst_reg];
	void *at = memory(machine, base + (uint64_t)(int64_t)one->off, size, one);

	if (is_load) {
		memcpy(&value, at, size);
		machine->registers[one->dst_reg] = value;
		return;
	}
	value = BPF_CLASS(one->code) == BPF_STX ? machine->registers[one->src_reg]
						: (uint64_t)(int64_t)one->imm;
	memcpy(at, &value, size);
}

bool interpret(const struct bpf_insn *code, size_t count, struct slot *slot)
{
	struct machine machine = { .slot = slot };
	size_t at = 0;

	machine.registers[10] = (uint64_t)(uintptr_t)(machine.stack + STACK_SIZE);
	for (int step = 0; step < STEPS_MAX && at < count; step++) {
		const struct bpf_insn *one = &code[at++];

		switch (BPF_CLASS(one->code)) {
		case BPF_LD:
			machine.registers[one->dst_reg] =
				(uint32_t)one->imm | (uint64_t)(uint32_t)code[at].imm << 32;
			at++;
			break;
		case BPF_LDX:
		case BPF_ST:
		case BPF_STX:
			load_or_store(&machine, one);
			break;
		case BPF_ALU64:
			compute(&machine, one);
			break;
		case BPF_ALU:
			swap(&machine, one);
			break;
		case BPF_JMP:
			if (BPF_OP(one->code) == BPF_EXIT)
				return machine.has_passed;
			if (BPF_OP(one->code) != BPF_CALL)
				at += jumps(&machine, one) ? (size_t)one->off : 0;
			else if (!call(&machine, one))
				return machine.has_passed;
			break;
		default:
			refuse("an instruction that is not known", one);
		}
	}
	printf("Bail out! interpreter: no end after %d instructions\n", STEPS_MAX);
	abort();
}

/* Where the last name of a walk begins, and how long its first one is. */
static void facts_of_walk(const char *walk, size_t length, __u32 *ret_leaf, __u32 *ret_top)
{
	*ret_leaf = *ret_top = 0;
	for (size_t i = 0; i < length; i++) {
		if (walk[i] != '/')
			continue;
		if (!*ret_leaf)
			*ret_leaf = (__u32)i;
		if (i + 1 < length)
			*ret_top = (__u32)i + 1;
	}
}

void slot_fill(struct slot *slot, const struct call_record *record)
{
	const char *at = slot->data + sizeof(*record);
	__u32 leaf, size = record->header.size;

	memset(slot, 0, offsetof(struct slot, data));
	memset(slot->data, 'x', sizeof(slot->data));
	memcpy(slot->data, record, size);
	slot->busy = 1;
	slot->used = size;
	for (int part = 0; part < CALL_REAL_PATH; part++) {
		if (part == CALL_BASE_0)
			facts_of_walk(at, record->lengths[part], &leaf, &slot->facts.base_top);
		at += record->lengths[part];
	}
	facts_of_walk(
		at, record->lengths[CALL_REAL_PATH], &slot->facts.real_leaf, &slot->facts.real_top);
	facts_of_call(slot->data, &slot->facts, size, RECORD_MAX - 1);
}
