/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs of four characters as bits.
 */
#include "base/memory.h"
#include "dashboard/grams.h"

static uint32_t gram_push(uint32_t gram, char c)
{
	unsigned char folded = (unsigned char)(c + ((unsigned char)(c - 'A') < 26) * 32);

	return gram << 8 | folded;
}

static uint32_t gram_bit(uint32_t gram)
{
	uint32_t mixed = (gram ^ gram >> 15) * UINT32_C(2654435761);

	return (uint32_t)((uint64_t)(mixed ^ mixed >> 13) * BLOCK_BITS >> 32);
}

void grams_add(struct text value, uint8_t bits[BLOCK_BITS / 8])
{
	uint32_t gram = 0;

	for (size_t i = 0; i < value.length; i++) {
		gram = gram_push(gram, value.data[i]);
		if (i + 1 >= GRAM_LENGTH) {
			uint32_t bit = gram_bit(gram);

			bits[bit / 8] |= (uint8_t)(1U << bit % 8);
		}
	}
}

size_t grams_find(struct text text, uint32_t *ret_bits, size_t limit)
{
	size_t grams = text.length < GRAM_LENGTH ? 0 : text.length - GRAM_LENGTH + 1, count = 0;
	size_t step = limit && grams > limit ? (grams + limit - 1) / limit : 1;

	for (size_t at = 0; at < grams && count < limit; at += step) {
		uint32_t gram = 0;

		for (size_t i = 0; i < GRAM_LENGTH; i++)
			gram = gram_push(gram, text.data[at + i]);
		ret_bits[count++] = gram_bit(gram);
	}
	return count;
}
