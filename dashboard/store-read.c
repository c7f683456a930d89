/* SPDX-License-Identifier: Apache-2.0 */
/* Pages of alerts, newest first; one alert; and what came after one. */
#include <errno.h>

#include "base/memory.h"
#include "dashboard/store-scan.h"

/* Pages. */

static void row_done(struct store_row *row)
{
	free(row->json);
}

void store_page_done(struct store_page *page)
{
	for (size_t i = 0; i < page->count; i++)
		row_done(&page->rows[i]);
	free(page->rows);
	*page = (struct store_page){ 0 };
}

static bool is_newer(int64_t time_a, int64_t id_a, int64_t time_b, int64_t id_b)
{
	return time_a != time_b ? time_a > time_b : id_a > id_b;
}

static int newest_first(const void *a, const void *b)
{
	const struct store_row *left = a, *right = b;

	return is_newer(left->time_ns, left->id, right->time_ns, right->id) ? -1 : 1;
}

struct listing {
	struct store_page *page;
	const struct store_cursor *cursor;
	size_t limit;	  /* rows wanted, and one more to know that there is more */
	bool is_counting; /* every match counts; else the scan may end with a full page */
};

/* Sorts, and lets go of what cannot be on the page. */
static void trim_page(struct listing *listing)
{
	struct store_page *page = listing->page;

	if (!page->count)
		return;
	qsort(page->rows, page->count, sizeof(*page->rows), newest_first);
	while (page->count > listing->limit)
		row_done(&page->rows[--page->count]);
}

static bool is_before_page(const struct store_cursor *cursor, const struct row *row)
{
	return cursor->id && !is_newer(cursor->time_ns, cursor->id, row->time_ns, row->id);
}

static bool is_after_page(const struct listing *listing, const struct row *row)
{
	const struct store_row *last;

	if (listing->page->count != listing->limit)
		return false;
	/* A full page is sorted. */
	last = &listing->page->rows[listing->page->count - 1];
	return !is_newer(row->time_ns, row->id, last->time_ns, last->id);
}

static int on_listed(struct scan *scan, struct row *row)
{
	struct listing *listing = scan->context;
	struct store_page *page = listing->page;
	int r;

	if (listing->is_counting)
		page->total++;
	if (is_before_page(listing->cursor, row))
		return 0;
	if (is_after_page(listing, row))
		return !listing->is_counting;
	r = scan_load_json(scan, row);
	if (r < 0)
		return r;
	*ARRAY_ADD(page->rows, page->count, page->capacity) = (struct store_row){ row->id,
		row->time_ns, text_to_string(row->json), row->json.length };
	if (page->count == listing->limit || page->count >= listing->limit * 2 + 1)
		trim_page(listing);
	return 0;
}

/* Whether the file can add to a page that has all its rows. */
static bool can_add(const struct listing *listing, const struct day *day)
{
	return listing->is_counting || listing->page->count < listing->limit ||
	       day->newest_ns >= listing->page->rows[listing->page->count - 1].time_ns;
}

static int list_files(struct walk *walk, struct listing *listing)
{
	int r = 0;

	for (size_t i = 0; i < walk->count && !r; i++) {
		struct scan scan;

		if (!day_overlaps(&walk->days[i], walk->scope.from_ns, walk->scope.to_ns) ||
			!can_add(listing, &walk->days[i]))
			continue;
		r = scan_begin(&scan, walk, &walk->days[i]);
		scan.found = on_listed;
		scan.context = listing;
		/* What need not be counted ends with its page, and so must come in order. */
		if (!r)
			r = listing->is_counting
				    ? scan_file(&scan, walk->scope.from_ns, walk->scope.to_ns)
				    : scan_by_time(&scan, walk->scope.from_ns, walk->scope.to_ns);
		r = walk_pass_damage(walk, &walk->days[i], r);
		if (r == 1)
			r = 0;
		listing->page->extent.scanned += scan.scanned;
		trim_page(listing);
		scan_done(&scan);
	}
	return r;
}

int store_list(struct store_reader *reader, const struct store_scope *scope,
	const struct store_cursor *cursor, size_t limit, struct store_page *ret_page,
	struct error *err)
{
	bool is_counted = filter_is_rules_only(scope->filter) || scope->skips_total;
	struct tally all = { .by = TALLY_PRIORITY };
	struct listing listing = {
		.page = ret_page, .cursor = cursor, .limit = limit + 1, .is_counting = !is_counted
	};
	struct store_extent extent = { .is_exact = true };
	struct store_scope below = *scope;
	struct walk walk;
	int r = 0;

	*ret_page = (struct store_page){ .extent = { .is_exact = true } };
	if (is_counted && !scope->skips_total) {
		r = store_tally(reader, scope, &all, 1, &extent, err);
		ret_page->total = tally_total(&all);
		tally_done(&all);
	}
	if (is_counted) {
		if (cursor->id && cursor->time_ns < INT64_MAX)
			below.to_ns = MIN_OF(below.to_ns, cursor->time_ns + 1);
	}
	walk_begin(&walk, reader, &below, err);
	if (!r)
		r = list_files(&walk, &listing);
	walk_end(&walk);
	ret_page->extent.is_exact = extent.is_exact && r != -ETIME;
	if (ret_page->count > limit) {
		row_done(&ret_page->rows[--ret_page->count]);
		ret_page->has_more = true;
	}
	/* What was not looked at may hold more. */
	ret_page->has_more |= r == -ETIME && ret_page->count;
	return r == -ETIME ? 0 : r;
}

/* One alert, and what came after one. */

static void take_found(struct statement *statement, struct store_row *ret_row)
{
	struct text json = column_text(statement, 7);

	*ret_row = (struct store_row){ column_number(statement, 0), column_number(statement, 1),
		text_to_string(json), json.length };
}

static int uuid_to_bytes(const char *uuid, unsigned char bytes[16])
{
	int at = 0;

	if (!uuid_is_valid(text_of(uuid)))
		return -EINVAL;
	for (const char *c = uuid; *c; c++) {
		int digit = *c >= '0' && *c <= '9' ? *c - '0' : (*c | 32) - 'a' + 10;

		if (*c == '-')
			continue;
		bytes[at / 2] = (unsigned char)(at % 2 ? bytes[at / 2] | digit : digit << 4);
		at++;
	}
	return 0;
}

int store_find(
	struct store_reader *reader, const char *uuid, struct store_row *ret_row, struct error *err)
{
	struct store_scope scope = { .from_ns = INT64_MIN, .to_ns = INT64_MAX };
	unsigned char bytes[16] = { 0 };
	struct walk walk;
	int r = 0;

	if (uuid_to_bytes(uuid, bytes) < 0)
		return error_set(err, -ENOENT, "\"%s\" is no uuid", uuid);
	walk_begin(&walk, reader, &scope, err);
	for (size_t i = 0; i < walk.count && !r; i++) {
		struct statement *statement;
		struct open_file *open;

		r = reader_use_day(reader, &walk.days[i], &open, err);
		if (!r) {
			statement = day_file_query(open->file, QUERY_EVENT_BY_UUID);
			bind_bytes(statement, ":uuid", bytes, sizeof(bytes));
			r = statement_next(statement, err);
			if (r == 1)
				take_found(statement, ret_row);
			statement_reset(statement);
		}
		r = walk_pass_damage(&walk, &walk.days[i], r);
	}
	if (r == 1 && ret_row->time_ns < walk.scope.from_ns) {
		row_done(ret_row);
		r = 0;
	}
	walk_end(&walk);
	if (!r)
		return error_set(err, -ENOENT, "there is no alert %s", uuid);
	return r < 0 ? r : 0;
}

static int rows_after(struct open_file *open, int64_t id, size_t limit, struct store_page *page,
	struct error *err)
{
	struct statement *statement = day_file_query(open->file, QUERY_EVENTS_AFTER);
	int r;

	bind_number(statement, ":after", id);
	bind_number(statement, ":limit", (int64_t)(limit - page->count));
	while ((r = statement_next(statement, err)) == 1)
		take_found(statement, ARRAY_ADD(page->rows, page->count, page->capacity));
	return r;
}

int store_after(struct store_reader *reader, int64_t id, size_t limit, struct store_page *ret_page,
	struct error *err)
{
	struct store_scope scope = { .from_ns = INT64_MIN, .to_ns = INT64_MAX };
	struct walk walk;
	int r = 0;

	*ret_page = (struct store_page){ .extent = { .is_exact = true } };
	walk_begin(&walk, reader, &scope, err);
	for (size_t i = walk.count; i-- > 0 && !r && ret_page->count < limit;) {
		struct open_file *open;

		if (walk.days[i].last_id <= id)
			continue;
		r = reader_use_day(reader, &walk.days[i], &open, err);
		if (!r)
			r = rows_after(open, id, limit, ret_page, err);
		r = walk_pass_damage(&walk, &walk.days[i], r);
	}
	walk_end(&walk);
	return r;
}
