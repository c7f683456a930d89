/* SPDX-License-Identifier: Apache-2.0 */
/* The search index: blocks of alerts, made behind the alerts; and the sums of a file that is full.
 */
#include <errno.h>

#include "base/log.h"
#include "base/memory.h"
#include "dashboard/grams.h"
#include "dashboard/store-inside.h"
#include "dashboard/values.h"

#define INDEX_STEP 16 /* blocks per step */

static bool is_searched(const struct value *value)
{
	return value->place != VALUE_TOP ||
	       !(text_is(value->key, "uuid") || text_is(value->key, "time") ||
		       text_is(value->key, "verified"));
}

static void add_to_block(struct text json, uint8_t bits[BLOCK_BITS / 8])
{
	struct values values;
	struct value value;

	values_begin(&values, json);
	while (values_next(&values, &value))
		if (is_searched(&value))
			grams_add(value.text, bits);
}

struct block {
	int64_t first_id, last_id; /* of the alerts in it */
	int64_t oldest_ns, newest_ns;
	uint8_t bits[BLOCK_BITS / 8];
};

static int read_block(struct day_file *file, struct block *block, struct error *err)
{
	struct statement *rows = day_file_query(file, QUERY_EVENTS_BETWEEN);
	int r;

	block->oldest_ns = INT64_MAX;
	block->newest_ns = INT64_MIN;
	memset(block->bits, 0, sizeof(block->bits));
	bind_number(rows, ":first", block->first_id);
	bind_number(rows, ":last", block->last_id);
	while ((r = statement_next(rows, err)) == 1) {
		int64_t time_ns = column_number(rows, 1);

		block->oldest_ns = MIN_OF(block->oldest_ns, time_ns);
		block->newest_ns = MAX_OF(block->newest_ns, time_ns);
		add_to_block(column_text(rows, 7), block->bits);
	}
	return r;
}

static int write_block(struct day_file *file, const struct block *block, struct error *err)
{
	int r = 0;

	for (int slice = 0; slice < BLOCK_SLICES && !r; slice++) {
		struct statement *statement = day_file_query(file, QUERY_BLOCK_ADD);

		bind_number(
			statement, ":id", block->first_id / BLOCK_EVENTS * BLOCK_SLICES + slice);
		bind_number(statement, ":oldest", block->oldest_ns);
		bind_number(statement, ":newest", block->newest_ns);
		bind_bytes(statement, ":bits", block->bits + slice * BLOCK_SLICE_BYTES,
			BLOCK_SLICE_BYTES);
		r = statement_run(statement, err);
	}
	return r;
}

/* The file's next block that is whole; the last one of a file that gets no more is, too. */
static bool next_block(const struct day *day, bool is_current, int64_t indexed, int64_t *ret_first,
	int64_t *ret_last)
{
	int64_t first = MAX_OF(indexed + 1, day->first_id), last = first | (BLOCK_EVENTS - 1);

	if (!day_events(day) || first > day->last_id || (is_current && last > day->last_id))
		return false;
	*ret_first = first;
	*ret_last = MIN_OF(last, day->last_id);
	return true;
}

static int index_blocks(struct day_file *file, const struct day *day, bool is_now,
	int64_t *ret_last, struct error *err)
{
	_cleanup_(freep) struct block *block = NEW(struct block);
	int r = 0;

	for (int i = 0; i < INDEX_STEP && !r; i++) {
		if (!next_block(day, is_now, *ret_last, &block->first_id, &block->last_id))
			break;
		r = read_block(file, block, err);
		if (!r)
			r = write_block(file, block, err);
		*ret_last = block->last_id;
	}
	return r;
}

static int set_meta(struct day_file *file, const char *key, int64_t value, struct error *err)
{
	struct statement *statement = day_file_query(file, QUERY_META_SET);

	bind_text(statement, ":key", text_of(key));
	bind_number(statement, ":value", value);
	return statement_run(statement, err);
}

static int make_sums(struct day_file *file, struct error *err)
{
	int r;

	r = statement_run(day_file_query(file, QUERY_HOUR_SUMS_MAKE), err);
	if (!r)
		r = statement_run(day_file_query(file, QUERY_DAY_SUMS_MAKE), err);
	if (!r)
		r = statement_run(day_file_query(file, QUERY_RULE_DAY_SUMS_MAKE), err);
	return r < 0 ? r : set_meta(file, "summed", 1, err);
}

/* Some blocks; and the sums, once there is no block left in a file that gets no more alerts. */
static int index_step(struct day_file *file, struct day *day, bool is_now, struct error *err)
{
	int64_t last = day->indexed, ignored;
	bool sums = false;
	int r;

	r = day_file_begin(file, err);
	if (!r)
		r = index_blocks(file, day, is_now, &last, err);
	if (!r)
		r = set_meta(file, "indexed", last, err);
	sums = !is_now && !day->is_summed && !next_block(day, is_now, last, &ignored, &ignored);
	if (!r && sums)
		r = make_sums(file, err);
	if (!r)
		r = day_file_commit(file, err);
	if (r < 0) {
		day_file_rollback(file);
		return r;
	}
	day->indexed = last;
	day->is_summed |= sums;
	return 0;
}

static bool has_work(const struct store *store, const struct day *day)
{
	bool is_now = store_is_current(store, day->path);
	int64_t first, last;

	return next_block(day, is_now, day->indexed, &first, &last) || (!is_now && !day->is_summed);
}

/* A file that lags behind, the oldest first. Its path is a copy. */
static bool find_unindexed(struct store *store, struct day *ret_day)
{
	bool is_found = false;

	pthread_mutex_lock(&store->days.lock);
	for (size_t i = 0; i < store->days.count && !is_found; i++) {
		*ret_day = store->days.items[i];
		is_found = has_work(store, ret_day);
	}
	if (is_found)
		ret_day->path = string_copy(ret_day->path);
	pthread_mutex_unlock(&store->days.lock);
	return is_found;
}

static void note_indexed(struct store *store, const struct day *indexed)
{
	pthread_mutex_lock(&store->days.lock);
	for (size_t i = 0; i < store->days.count; i++)
		if (!strcmp(store->days.items[i].path, indexed->path)) {
			store->days.items[i].indexed = indexed->indexed;
			store->days.items[i].is_summed = indexed->is_summed;
		}
	pthread_mutex_unlock(&store->days.lock);
}

static void note_all_indexed(struct store *store)
{
	pthread_mutex_lock(&store->lock);
	store->is_all_indexed = true;
	pthread_cond_broadcast(&store->has_indexed);
	pthread_mutex_unlock(&store->lock);
}

static int index_file(struct store *store, struct day *day, struct error *err)
{
	_cleanup_(day_file_freep) struct day_file *opened = NULL;
	struct day_file *file = NULL;
	int r;

	if (store->file && !strcmp(day_file_path(store->file), day->path))
		file = store->file;
	else if (store->previous && !strcmp(day_file_path(store->previous), day->path))
		file = store->previous;
	if (file)
		return index_step(file, day, store_is_current(store, day->path), err);
	r = day_file_open(day->path, true, &opened, err);
	return r < 0 ? r : index_step(opened, day, false, err);
}

bool store_index_step(struct store *store)
{
	struct error err = { 0 };
	struct day day;
	int r;

	if (!find_unindexed(store, &day)) {
		note_all_indexed(store);
		return false;
	}
	r = index_file(store, &day, &err);
	if (!r)
		note_indexed(store, &day);
	else if (r == -EBADMSG)
		store_report_damage(store, day.path);
	else
		log_warning("the search index lags behind: %s", err.message);
	free(day.path);
	return !r;
}

static int64_t behind(struct store *store)
{
	struct day day = store_current_day(store);

	return day_events(&day) ? day.last_id - MAX_OF(day.indexed, day.first_id - 1) : 0;
}

void store_index_whole(struct store *store)
{
	while (behind(store) >= INDEX_STEP * BLOCK_EVENTS && store_index_step(store))
		;
}
