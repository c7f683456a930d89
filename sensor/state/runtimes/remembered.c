/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pods and images that a runtime told of, by their ids.
 */
#include "base/memory.h"
#include "sensor/state/runtimes/remembered.h"

static void remembered_free(struct remembered *one)
{
	pod_release(one->pod);
	image_facts_free(one->facts);
	free(one->key);
	free(one);
}

void forget_all(struct remembered **table)
{
	struct remembered *one, *next;

	HASH_ITER (handle, *table, one, next) {
		HASH_DELETE(handle, *table, one);
		remembered_free(one);
	}
}

/* The table is in the order of adding: its head is the oldest. */
void remember(struct remembered **table, struct text key, struct remembered what)
{
	struct remembered *one, *old;

	HASH_FIND(handle, *table, key.data, key.length, old);
	if (!old && HASH_CNT(handle, *table) >= REMEMBERED_MAX)
		old = *table;
	if (old) {
		HASH_DELETE(handle, *table, old);
		remembered_free(old);
	}
	one = NEW(struct remembered);
	*one = what;
	one->key = text_to_string(key);
	HASH_ADD_KEYPTR(handle, *table, one->key, key.length, one);
}

const struct remembered *recall(const struct remembered *table, struct text key)
{
	struct remembered *one = NULL;

	if (key.length)
		HASH_FIND(handle, table, key.data, key.length, one);
	return one;
}
