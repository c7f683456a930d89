/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which runs of four characters come in a block of alerts: a Bloom filter of one hash. Asking
 * whether a word can be in the block costs a few bits; what it says no to need not be read. It
 * knows nothing of words of fewer than four characters.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"

#define GRAM_LENGTH	  4
#define BLOCK_EVENTS	  256  /* alerts of a block; a power of two */
#define BLOCK_SLICES	  4    /* rows that its bits are kept in: a question reads few of them */
#define BLOCK_SLICE_BYTES 4000 /* so that a row fits into one page of the file */
#define BLOCK_BITS	  (BLOCK_SLICES * BLOCK_SLICE_BYTES * 8)

/* Sets the bits of a value as it stands in JSON; ASCII case is folded. */
void grams_add(struct text value, uint8_t bits[BLOCK_BITS / 8]);
/* The bits that a text as it stands in JSON has, at most `limit` of them, spread over it. */
size_t grams_find(struct text text, uint32_t *ret_bits, size_t limit);
