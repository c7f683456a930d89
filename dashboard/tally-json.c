/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counts as the API shows them.
 */
#include "base/memory.h"
#include "dashboard/counts.h"
#include "dashboard/tally-json.h"

#define RULES_SHOWN 8 /* in a histogram by rule; the rest is "other" */
#define BUCKETS_MAX 2000

static int largest_first(const void *a, const void *b)
{
	const struct tally_cell *left = *(struct tally_cell *const *)a;
	const struct tally_cell *right = *(struct tally_cell *const *)b;

	if (left->count != right->count)
		return left->count > right->count ? -1 : 1;
	return strcmp(left->key, right->key);
}

struct tally_cell **tally_sort(const struct tally *tally, size_t *ret_count)
{
	size_t count = HASH_COUNT(tally->cells), at = 0;
	struct tally_cell **cells = NEW_ARRAY(struct tally_cell *, count);

	for (struct tally_cell *cell = tally->cells; cell; cell = cell->hh.next)
		cells[at++] = cell;
	qsort(cells, count, sizeof(*cells), largest_first);
	*ret_count = count;
	return cells;
}

uint64_t tally_count(const struct tally *tally, const char *key)
{
	uint64_t count = 0;

	for (const struct tally_cell *cell = tally->cells; cell; cell = cell->hh.next)
		if (!strcmp(cell->key, key))
			count += cell->count;
	return count;
}

void tally_write_values(
	const struct tally *tally, size_t limit, const char *except, struct json_writer *json)
{
	size_t count, shown = 0;
	_cleanup_(freep) struct tally_cell **cells = tally_sort(tally, &count);

	json_begin_array(json);
	for (size_t i = 0; i < count && shown < limit; i++) {
		if (!*cells[i]->key || (except && !strcmp(cells[i]->key, except)))
			continue;
		shown++;
		json_begin_object(json);
		json_key(json, "value");
		json_add_string(json, cells[i]->key);
		json_key(json, "count");
		json_add_u64(json, cells[i]->count);
		json_end(json);
	}
	json_end(json);
}

/* The series of a histogram: all priorities, or the largest rules and "other". */
struct series {
	char *keys[PRIORITY_NONE + RULES_SHOWN + 1];
	size_t count;
	bool has_other;
};

static void add_rules(const struct tally *tally, struct series *series)
{
	struct tally sums = { 0 };
	size_t count;
	struct tally_cell **cells;

	for (const struct tally_cell *cell = tally->cells; cell; cell = cell->hh.next) {
		struct tally_cell *sum;
		size_t length = strlen(cell->key);

		HASH_FIND(hh, sums.cells, cell->key, length, sum);
		if (!sum) {
			sum = memory_new(1, sizeof(*sum) + length + 1);
			memcpy(sum->key, cell->key, length);
			HASH_ADD_KEYPTR(hh, sums.cells, sum->key, length, sum);
		}
		sum->count += cell->count;
	}
	cells = tally_sort(&sums, &count);
	for (size_t i = 0; i < count && i < RULES_SHOWN; i++)
		series->keys[series->count++] = string_copy(cells[i]->key);
	series->has_other = count > RULES_SHOWN;
	free(cells);
	tally_done(&sums);
}

static void series_make(const struct tally *tally, struct series *series)
{
	*series = (struct series){ 0 };
	if (tally->by == TALLY_PRIORITY)
		for (int priority = 0; priority < PRIORITY_NONE; priority++)
			series->keys[series->count++] =
				string_copy(priority_name((enum priority)priority));
	else
		add_rules(tally, series);
	if (series->has_other)
		series->keys[series->count++] = string_copy("other");
}

static size_t series_of(const struct series *series, const char *key)
{
	for (size_t i = 0; i < series->count; i++)
		if (!strcmp(series->keys[i], key))
			return i;
	return series->has_other ? series->count - 1 : series->count;
}

static void write_buckets(const uint64_t *counts, size_t buckets, int64_t first_ns,
	const struct tally *tally, const struct series *series, struct json_writer *json)
{
	json_begin_array(json);
	for (size_t i = 0; i < buckets; i++) {
		json_begin_object(json);
		json_key(json, "at");
		json_add_i64(json, (first_ns + (int64_t)i * tally->interval_ns) / 1000000);
		json_key(json, "counts");
		json_begin_array(json);
		for (size_t j = 0; j < series->count; j++)
			json_add_u64(json, counts[i * series->count + j]);
		json_end(json);
		json_end(json);
	}
	json_end(json);
}

void tally_write_histogram(
	const struct tally *tally, const struct store_scope *scope, struct json_writer *json)
{
	int64_t first = time_unit(scope->from_ns, tally->interval_ns);
	int64_t last = time_unit(scope->to_ns - 1, tally->interval_ns);
	size_t buckets = (size_t)MIN_OF(last - first + 1, BUCKETS_MAX);
	_cleanup_(freep) uint64_t *counts = NULL;
	struct series series;

	series_make(tally, &series);
	counts = NEW_ARRAY(uint64_t, buckets * (series.count + 1));
	for (const struct tally_cell *cell = tally->cells; cell; cell = cell->hh.next) {
		int64_t bucket = cell->bucket_ns / tally->interval_ns - first;
		size_t key = series_of(&series, cell->key);

		if (bucket >= 0 && bucket < (int64_t)buckets && key < series.count)
			counts[(size_t)bucket * series.count + key] += cell->count;
	}

	json_begin_object(json);
	json_key(json, "interval_ms");
	json_add_i64(json, tally->interval_ns / 1000000);
	json_key(json, "by");
	json_add_string(json, tally->by == TALLY_PRIORITY ? "priority" : "rule");
	json_key(json, "keys");
	json_begin_array(json);
	for (size_t i = 0; i < series.count; i++)
		json_add_string(json, series.keys[i]);
	json_end(json);
	json_key(json, "buckets");
	write_buckets(counts, buckets, first * tally->interval_ns, tally, &series, json);
	json_end(json);
	for (size_t i = 0; i < series.count; i++)
		free(series.keys[i]);
}
