/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs a filter's program as the kernel would, over a slot in our memory: every instruction that
 * the assembler makes, and the helpers that it calls. Every access is checked.
 */
#pragma once

#include <linux/bpf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sensor/kernel/facts.h"

/* True: it handed the record over to the sender. Ends the program on a wrong instruction. */
bool interpret(const struct bpf_insn *code, size_t count, struct slot *slot);
/*
 * Puts a record of a call into the slot, with its facts as the kernel programs gather them, as far
 * as the record tells them.
 */
void slot_fill(struct slot *slot, const struct call_record *record);
