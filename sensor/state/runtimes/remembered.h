/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What one runtime told before: its pods and images, so that it is asked about each once. A table
 * holds the last REMEMBERED_MAX; the oldest makes room. Belongs to the metadata thread.
 */
#pragma once

#include <uthash.h>

#include "sensor/state/runtimes/runtime.h"

#define REMEMBERED_MAX 512

struct remembered {
	const struct pod *pod; /* one of the two */
	struct image_facts *facts;
	char *key;
	UT_hash_handle handle;
};

/* Takes over what `what` holds; of two with one key the later stays. */
void remember(struct remembered **table, struct text key, struct remembered what);
/* NULL when there is none; borrowed until the next remember(). */
const struct remembered *recall(const struct remembered *table, struct text key);
void forget_all(struct remembered **table);
