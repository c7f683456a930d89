/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The uuids that came in lately: two open-addressed tables of 16-byte keys, never more than half
 * full. The all-zero uuid marks a free slot and is never remembered.
 */
#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "forwarder/recent.h"

#define SLOTS (RECENT_MAX * 2)

struct key {
	uint64_t high, low;
};

struct generation {
	size_t count;
	struct key slots[SLOTS];
};

struct recent {
	struct generation *young, *old;
};

struct recent *recent_new(void)
{
	struct recent *recent = NEW(struct recent);

	recent->young = NEW(struct generation);
	recent->old = NEW(struct generation);
	return recent;
}

void recent_free(struct recent *recent)
{
	if (!recent)
		return;
	free(recent->young);
	free(recent->old);
	free(recent);
}

static struct key key_of(const char *uuid)
{
	struct key key = { 0 };

	for (; *uuid; uuid++) {
		if (*uuid == '-')
			continue;
		key.high = key.high << 4 | key.low >> 60;
		key.low = key.low << 4 |
			  (uint64_t)(isdigit((unsigned char)*uuid) ? *uuid - '0'
								   : (*uuid | 0x20) - 'a' + 10);
	}
	return key;
}

static bool is_free(const struct key *slot)
{
	return !slot->high && !slot->low;
}

static size_t home_of(struct key key)
{
	return (((key.high ^ key.low) * 0x9e3779b97f4a7c15) >> 40) % SLOTS;
}

/* The slot that holds the key, or the free one where it belongs. */
static struct key *slot_of(struct generation *generation, struct key key)
{
	for (size_t at = home_of(key);; at++) {
		struct key *slot = &generation->slots[at % SLOTS];

		if (is_free(slot) || (slot->high == key.high && slot->low == key.low))
			return slot;
	}
}

/* Empties a slot, and moves up those behind it that would no longer be found. */
static void free_slot(struct generation *generation, struct key *slot)
{
	size_t hole = (size_t)(slot - generation->slots);

	for (size_t at = (hole + 1) % SLOTS; !is_free(&generation->slots[at]);
		at = (at + 1) % SLOTS) {
		size_t home = home_of(generation->slots[at]);

		if ((at + SLOTS - home) % SLOTS < (at + SLOTS - hole) % SLOTS)
			continue;
		generation->slots[hole] = generation->slots[at];
		hole = at;
	}
	generation->slots[hole] = (struct key){ 0 };
	generation->count--;
}

static void grow_old(struct recent *recent)
{
	struct generation *spare = recent->old;

	recent->old = recent->young;
	recent->young = memset(spare, 0, sizeof(*spare));
}

bool recent_add(struct recent *recent, const char *uuid)
{
	struct key key = key_of(uuid), *slot;

	if (is_free(&key))
		return true;
	if (!is_free(slot_of(recent->old, key)))
		return false;
	slot = slot_of(recent->young, key);
	if (!is_free(slot))
		return false;
	*slot = key;
	if (++recent->young->count == RECENT_MAX)
		grow_old(recent);
	return true;
}

void recent_remove(struct recent *recent, const char *uuid)
{
	struct generation *generations[] = { recent->young, recent->old };
	struct key key = key_of(uuid);

	for (size_t i = 0; i < COUNT_OF(generations); i++) {
		struct key *slot = slot_of(generations[i], key);

		if (!is_free(slot))
			free_slot(generations[i], slot);
	}
}
