/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sets of constants.
 */
#include <stdlib.h>

#include "base/memory.h"
#include "condition/sets.h"

struct slot {
	struct text text; /* NULL data: empty */
	uint64_t hash;
};

struct value_set {
	enum operand_class class;
	size_t count;
	uint64_t lengths;     /* bit min(length, 63): some text is so long */
	size_t mask;	      /* slots - 1 */
	struct slot *slots;   /* CLASS_TEXT, CLASS_BYTES */
	uint64_t *numbers;    /* sorted; signed ones as they are in two's complement */
	struct right *rights; /* CLASS_ADDRESS, CLASS_NET */
};

static uint64_t hash_text(struct text text)
{
	uint64_t hash = text.length * UINT64_C(0x9e3779b97f4a7c15), word;
	size_t at = 0;

	for (; at + 8 <= text.length; at += 8) {
		memcpy(&word, text.data + at, 8);
		hash = (hash ^ word) * UINT64_C(0xff51afd7ed558ccd);
		hash ^= hash >> 32;
	}
	word = 0;
	if (at < text.length)
		memcpy(&word, text.data + at, text.length - at);
	hash = (hash ^ word) * UINT64_C(0xff51afd7ed558ccd);
	return hash ^ hash >> 32;
}

static uint64_t length_bit(struct text text)
{
	return UINT64_C(1) << MIN_OF(text.length, 63);
}

static struct slot *slot_of(const struct value_set *set, struct text text, uint64_t hash)
{
	size_t at = hash & set->mask;

	while (set->slots[at].text.data &&
		(set->slots[at].hash != hash || !text_equal(set->slots[at].text, text)))
		at = (at + 1) & set->mask;
	return &set->slots[at];
}

static void add_text(struct value_set *set, struct text text)
{
	uint64_t hash;

	if (!text.data)
		text.data = "";
	hash = hash_text(text);
	*slot_of(set, text, hash) = (struct slot){ text, hash };
	set->lengths |= length_bit(text);
}

static int compare_numbers(const void *a, const void *b)
{
	uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;

	return (left > right) - (left < right);
}

static uint64_t number_of(const struct value *value)
{
	return value->kind == VALUE_BOOL ? value->flag : value->size;
}

struct value_set *value_set_new(
	enum operand_class class, const struct right *constants, size_t count)
{
	struct value_set *set = NEW(struct value_set);

	set->class = class;
	set->count = count;
	switch (class) {
	case CLASS_TEXT:
	case CLASS_BYTES:
		for (set->mask = 4; set->mask < count * 2; set->mask *= 2)
			;
		set->slots = NEW_ARRAY(struct slot, set->mask);
		set->mask--;
		for (size_t i = 0; i < count; i++)
			add_text(set, constants[i].value.text);
		break;
	case CLASS_ADDRESS:
	case CLASS_NET:
		set->rights = memory_copy(constants, sizeof(*constants) * count);
		break;
	default:
		set->numbers = NEW_ARRAY(uint64_t, count);
		for (size_t i = 0; i < count; i++)
			set->numbers[i] = number_of(&constants[i].value);
		qsort(set->numbers, count, sizeof(*set->numbers), compare_numbers);
	}
	return set;
}

void value_set_free(struct value_set *set)
{
	if (!set)
		return;
	free(set->slots);
	free(set->numbers);
	free(set->rights);
	free(set);
}

static bool has_number(const struct value_set *set, uint64_t number)
{
	size_t low = 0, high = set->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (set->numbers[middle] == number)
			return true;
		if (set->numbers[middle] < number)
			low = middle + 1;
		else
			high = middle;
	}
	return false;
}

bool net_has(const struct right *net, const struct address *address)
{
	unsigned bytes = net->prefix_bits / 8, bits = net->prefix_bits % 8;
	const uint8_t *wanted = net->value.address.bytes;

	if (address->family != net->value.address.family || memcmp(wanted, address->bytes, bytes))
		return false;
	return !bits || !((wanted[bytes] ^ address->bytes[bytes]) >> (8 - bits));
}

static bool has_address(const struct value_set *set, const struct address *address)
{
	for (size_t i = 0; i < set->count; i++)
		if (net_has(&set->rights[i], address))
			return true;
	return false;
}

bool value_set_has(const struct value_set *set, const struct value *value)
{
	switch (set->class) {
	case CLASS_TEXT:
	case CLASS_BYTES:
		return (set->lengths & length_bit(value->text)) &&
		       slot_of(set, value->text, hash_text(value->text))->text.data;
	case CLASS_ADDRESS:
	case CLASS_NET:
		return has_address(set, &value->address);
	default:
		return has_number(set, number_of(value));
	}
}
