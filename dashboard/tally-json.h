/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counts as the API shows them: sorted lists, and histograms.
 */
#pragma once

#include "base/json.h"
#include "dashboard/store.h"

/* The cells from the largest count down, then by key; free() the array, not the cells. */
struct tally_cell **tally_sort(const struct tally *tally, size_t *ret_count);
/* Sum of all cells with that key. */
uint64_t tally_count(const struct tally *tally, const char *key);
/* [{"value":…,"count":N}…], at most `limit`, without "other" and without `except` (may be NULL). */
void tally_write_values(
	const struct tally *tally, size_t limit, const char *except, struct json_writer *json);
/* {"interval_ms":…,"by":…,"keys":[…],"buckets":[{"at":ms,"counts":[…]}…]} over the whole scope. */
void tally_write_histogram(
	const struct tally *tally, const struct store_scope *scope, struct json_writer *json);
