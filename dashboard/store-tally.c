/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counting alerts: from the counts of a file where they are exact, and by looking at alerts where
 * they are not, at the edges and for what nobody counted.
 */
#include <assert.h>
#include <errno.h>

#include "base/memory.h"
#include "dashboard/counts.h"
#include "dashboard/store-scan.h"
#include "dashboard/values.h"

void tally_done(struct tally *tally)
{
	struct tally_cell *cell, *next;

	HASH_ITER (hh, tally->cells, cell, next) {
		HASH_DEL(tally->cells, cell);
		free(cell);
	}
}

uint64_t tally_total(const struct tally *tally)
{
	uint64_t total = 0;

	for (const struct tally_cell *cell = tally->cells; cell; cell = cell->hh.next)
		total += cell->count;
	return total;
}

static void tally_add(struct tally *tally, int64_t bucket_ns, struct text key,
	enum priority priority, uint64_t count)
{
	struct tally_cell *wanted, *cell;
	size_t length;

	if (HASH_COUNT(tally->cells) >= TALLY_CELLS_MAX)
		key.length = 0;
	length = sizeof(bucket_ns) + key.length;
	wanted = memory_new(1, sizeof(*wanted) + key.length + 1);

	wanted->bucket_ns = bucket_ns;
	wanted->key_length = key.length;
	wanted->priority = priority;
	if (key.length)
		memcpy(wanted->key, key.data, key.length);
	HASH_FIND(hh, tally->cells, &wanted->bucket_ns, length, cell);
	if (cell) {
		free(wanted);
	} else {
		cell = wanted;
		HASH_ADD_KEYPTR(hh, tally->cells, &cell->bucket_ns, length, cell);
	}
	cell->count += count;
	cell->priority = MIN_OF(cell->priority, priority);
}

static int64_t bucket_of(const struct tally *tally, int64_t time_ns)
{
	if (!tally->interval_ns)
		return 0;
	return time_unit(time_ns, tally->interval_ns) * tally->interval_ns;
}

struct tallying {
	struct tally *tallies;
	size_t count;
	unsigned chosen; /* bit by tally: those that this scan is for */
};

static void tally_word(struct scan *scan, struct tally *tally, const struct row *row, int64_t word)
{
	tally_add(tally, bucket_of(tally, row->time_ns), text_of(open_file_word(scan->open, word)),
		row->priority, 1);
}

static void tally_tags(struct scan *scan, struct tally *tally, const struct row *row)
{
	struct text rest = text_of(open_file_word(scan->open, row->tags)), tag;

	while (text_split(&rest, '\n', &tag))
		if (tag.length)
			tally_add(tally, bucket_of(tally, row->time_ns), tag, row->priority, 1);
}

static bool is_of_field(const struct tally *tally)
{
	return tally->by == TALLY_FIELD || (tally->by == TALLY_FACET && facet_field(tally->facet));
}

static const char *field_of(const struct tally *tally)
{
	return tally->by == TALLY_FIELD ? tally->field : facet_field(tally->facet);
}

/* One value for all tallies of its field. What a facet counts in hours are strings, never "". */
static void tally_value(struct scan *scan, const struct row *row, const struct value *value)
{
	struct tallying *tallying = scan->context;
	struct text text = { 0 };

	for (size_t i = 0; i < tallying->count; i++) {
		struct tally *tally = &tallying->tallies[i];

		if (!(tallying->chosen >> i & 1) || !is_of_field(tally) ||
			!text_is(value->key, field_of(tally)) ||
			(tally->by == TALLY_FACET && !value->is_string) || !value->text.length ||
			(!value->is_string && text_is(value->text, "null")))
			continue;
		if (!text.data)
			text = value_unescape(value->text, &scan->reader->scratch);
		tally_add(tally, bucket_of(tally, row->time_ns), text, row->priority, 1);
	}
}

/* All fields in one walk over the alert. */
static int tally_fields(struct scan *scan, struct row *row)
{
	struct values values;
	struct value value;
	int r;

	r = scan_load_json(scan, row);
	if (r < 0)
		return r;
	values_begin(&values, row->json);
	while (values_next(&values, &value))
		if (value.place == VALUE_FIELD)
			tally_value(scan, row, &value);
	return 0;
}

static void tally_row(struct scan *scan, struct tally *tally, struct row *row)
{
	if (tally->by == TALLY_PRIORITY)
		tally_add(tally, bucket_of(tally, row->time_ns),
			text_of(priority_name(row->priority)), row->priority, 1);
	else if (tally->by == TALLY_RULE)
		tally_word(scan, tally, row, row->words[WORD_RULE]);
	else if (tally->facet == FACET_TAG)
		tally_tags(scan, tally, row);
	else
		tally_word(scan, tally, row,
			row->words[tally->facet == FACET_HOSTNAME ? WORD_HOSTNAME : WORD_SOURCE]);
}

static int on_tallied(struct scan *scan, struct row *row)
{
	struct tallying *tallying = scan->context;
	bool needs_fields = false;

	for (size_t i = 0; i < tallying->count; i++) {
		if (!(tallying->chosen >> i & 1))
			continue;
		if (is_of_field(&tallying->tallies[i]))
			needs_fields = true;
		else
			tally_row(scan, &tallying->tallies[i], row);
	}
	return needs_fields ? tally_fields(scan, row) : 0;
}

/*
 * Where a tally comes from: the file's counts, those that only newer files have, or alerts one by
 * one. In this order: a scan may use up the time.
 */
enum way { WAY_COUNTED, WAY_COUNTED_BY_RULE, WAY_SCANNED, WAY_COUNT };

static enum way way_of(const struct tally *tally, const struct filter *filter)
{
	if (tally->by == TALLY_FIELD || !filter_is_rules_only(filter))
		return WAY_SCANNED;
	if (tally->by == TALLY_FACET && tally->interval_ns)
		return WAY_SCANNED;
	if (tally->by == TALLY_FACET && filter_is_empty(filter))
		return WAY_COUNTED;
	if (tally->by == TALLY_FACET)
		return facet_is_by_rule(tally->facet) ? WAY_COUNTED_BY_RULE : WAY_SCANNED;
	return tally->interval_ns % NS_PER_MINUTE ? WAY_SCANNED : WAY_COUNTED;
}

/* What a file has counted in a unit of time; the next row has it finer. */
struct level {
	int64_t unit_ns;
	enum query query;
	bool is_sum;	 /* only in files that get no more alerts */
	bool is_by_rule; /* only in files that count by rule */
	int (*count)(struct scan *scan, struct tallying *tallying, const struct level *level,
		int64_t from, int64_t to);
};

/* By priority and rule. */
static int count_rules(struct scan *scan, struct tallying *tallying, const struct level *level,
	int64_t from, int64_t to)
{
	struct statement *statement = day_file_query(scan->open->file, level->query);
	struct tally *first = &tallying->tallies[__builtin_ctz(tallying->chosen)];
	int64_t step = first->interval_ns ? first->interval_ns / level->unit_ns : INT64_MAX;
	struct row row = { 0 };
	int r;

	bind_number(statement, ":step", step);
	bind_number(statement, ":from", from);
	bind_number(statement, ":to", to);
	while ((r = statement_next(statement, scan->err)) == 1) {
		int64_t bucket_ns =
			first->interval_ns ? column_number(statement, 0) * level->unit_ns : 0;
		uint64_t count = (uint64_t)column_number(statement, 3);

		row.priority = (enum priority)column_number(statement, 1);
		row.words[WORD_RULE] = column_number(statement, 2);
		if (scan_fits_row(scan, &row) != FITS)
			continue;
		for (size_t i = 0; i < tallying->count; i++) {
			struct tally *tally = &tallying->tallies[i];

			if (!(tallying->chosen >> i & 1))
				continue;
			tally_add(tally, bucket_ns,
				text_of(tally->by == TALLY_RULE
						? open_file_word(scan->open, row.words[WORD_RULE])
						: priority_name(row.priority)),
				row.priority, count);
		}
	}
	return r;
}

static int count_facet(
	struct scan *scan, struct tally *tally, const struct level *level, int64_t from, int64_t to)
{
	struct statement *statement = day_file_query(scan->open->file, level->query);
	int r;

	bind_number(statement, ":facet", tally->facet);
	bind_number(statement, ":from", from);
	bind_number(statement, ":to", to);
	while ((r = statement_next(statement, scan->err)) == 1)
		tally_add(tally, 0,
			text_of(open_file_word(scan->open, column_number(statement, 0))),
			PRIORITY_NONE, (uint64_t)column_number(statement, 1));
	return r;
}

/* Of the values that come with a rule and a priority, those that fit. */
static int count_rule_facet(
	struct scan *scan, struct tally *tally, const struct level *level, int64_t from, int64_t to)
{
	struct statement *statement = day_file_query(scan->open->file, level->query);
	struct row row = { 0 };
	int r;

	bind_number(statement, ":facet", tally->facet);
	bind_number(statement, ":from", from);
	bind_number(statement, ":to", to);
	while ((r = statement_next(statement, scan->err)) == 1) {
		row.words[WORD_RULE] = column_number(statement, 1);
		row.priority = (enum priority)column_number(statement, 2);
		if (scan_fits_row(scan, &row) == FITS)
			tally_add(tally, 0,
				text_of(open_file_word(scan->open, column_number(statement, 0))),
				row.priority, (uint64_t)column_number(statement, 3));
	}
	return r;
}

static int count_facets(struct scan *scan, struct tallying *tallying, const struct level *level,
	int64_t from, int64_t to)
{
	int r = 0;

	for (size_t i = 0; i < tallying->count && !r; i++)
		if (tallying->chosen >> i & 1)
			r = (level->is_by_rule ? count_rule_facet : count_facet)(
				scan, &tallying->tallies[i], level, from, to);
	return r;
}

#define NS_PER_DAY (24 * NS_PER_HOUR)

/* Each list ends with a row of zeros: finer than that is only the alerts themselves. */
static const struct level rule_levels[] = {
	{ NS_PER_HOUR, QUERY_HOUR_SUMS, true, false, count_rules },
	{ NS_PER_MINUTE, QUERY_MINUTES, false, false, count_rules },
	{ 0 },
};
static const struct level facet_levels[] = {
	{ NS_PER_DAY, QUERY_DAY_SUMS, true, false, count_facets },
	{ NS_PER_HOUR, QUERY_FACETS, false, false, count_facets },
	{ 0 },
};
static const struct level rule_facet_levels[] = {
	{ NS_PER_DAY, QUERY_RULE_DAY_SUMS, true, true, count_facets },
	{ NS_PER_HOUR, QUERY_RULE_FACETS, false, true, count_facets },
	{ 0 },
};

/* Whole units from the counts, the edges from finer ones, and theirs by a scan. */
static int count_level(struct scan *scan, struct tallying *tallying, const struct level *level,
	int64_t from_ns, int64_t to_ns)
{
	const struct day *day = scan->day;
	int64_t interval_ns = tallying->tallies[__builtin_ctz(tallying->chosen)].interval_ns;
	bool is_begun = day->oldest_ns >= from_ns, is_over = day->newest_ns < to_ns;
	int64_t unit_ns = level->unit_ns, from, to;
	int r = 0;

	if (!unit_ns)
		return scan_file(scan, from_ns, to_ns);
	from = time_unit(is_begun ? day->oldest_ns : from_ns - 1, unit_ns) + !is_begun;
	to = time_unit(is_over ? day->newest_ns : to_ns, unit_ns) + is_over;
	if (from >= to || (level->is_sum && !day->is_summed) ||
		(level->is_by_rule && !day->is_by_rule) || interval_ns % unit_ns)
		return count_level(scan, tallying, level + 1, from_ns, to_ns);
	if (!is_over)
		r = count_level(scan, tallying, level + 1, to * unit_ns, to_ns);
	if (!r)
		r = level->count(scan, tallying, level, from, to);
	if (!r && !is_begun)
		r = count_level(scan, tallying, level + 1, from_ns, from * unit_ns);
	return r;
}

static const struct level *levels_of(const struct tally *tally, enum way way)
{
	static const struct level only_scan[] = { { 0 } };

	if (way == WAY_SCANNED)
		return only_scan;
	if (way == WAY_COUNTED_BY_RULE)
		return rule_facet_levels;
	return tally->by == TALLY_FACET ? facet_levels : rule_levels;
}

/* Tallies with the same levels and interval go together, so that the edges are scanned once. */
static unsigned choose_next(const struct tallying *all, unsigned left, enum way way)
{
	const struct tally *first = &all->tallies[__builtin_ctz(left)];
	unsigned chosen = 0;

	for (size_t i = 0; i < all->count; i++) {
		const struct tally *tally = &all->tallies[i];
		bool is_alike =
			way == WAY_SCANNED || (levels_of(tally, way) == levels_of(first, way) &&
						      tally->interval_ns == first->interval_ns);

		if (left >> i & 1 && is_alike)
			chosen |= 1U << i;
	}
	return chosen;
}

/* Those of the tallies that go this way. */
static unsigned choose_way(const struct tallying *all, const struct filter *filter, enum way way)
{
	unsigned chosen = 0;

	for (size_t i = 0; i < all->count; i++)
		if (way_of(&all->tallies[i], filter) == way)
			chosen |= 1U << i;
	return chosen;
}

static int tally_file(
	struct scan *scan, struct tallying *tallying, const struct store_scope *scope, enum way way)
{
	unsigned left = choose_way(tallying, scan->filter, way);
	int r = 0;

	while (left && !r) {
		const struct tally *first = &tallying->tallies[__builtin_ctz(left)];

		tallying->chosen = choose_next(tallying, left, way);
		left &= ~tallying->chosen;
		r = count_level(
			scan, tallying, levels_of(first, way), scope->from_ns, scope->to_ns);
	}
	return r;
}

static int tally_files(
	struct walk *walk, struct tallying *tallying, enum way way, struct store_extent *extent)
{
	int r = 0;

	for (size_t i = 0; i < walk->count && !r; i++) {
		struct scan scan;

		if (!day_overlaps(&walk->days[i], walk->scope.from_ns, walk->scope.to_ns))
			continue;
		r = scan_begin(&scan, walk, &walk->days[i]);
		scan.found = on_tallied;
		scan.context = tallying;
		if (!r)
			r = tally_file(&scan, tallying, &walk->scope, way);
		r = walk_pass_damage(walk, &walk->days[i], r);
		extent->scanned += scan.scanned;
		scan_done(&scan);
	}
	return r;
}

static void note_exact(
	struct tallying *tallying, const struct filter *filter, enum way way, bool is_exact)
{
	unsigned chosen = choose_way(tallying, filter, way);

	for (size_t i = 0; i < tallying->count; i++)
		if (chosen >> i & 1)
			tallying->tallies[i].is_exact = is_exact;
}

struct tally tally_of_field(const char *name)
{
	enum facet facet = facet_of_field(name);

	if (!strcmp(name, "priority"))
		return (struct tally){ .by = TALLY_PRIORITY };
	if (!strcmp(name, "rule"))
		return (struct tally){ .by = TALLY_RULE };
	if (!strcmp(name, "hostname"))
		facet = FACET_HOSTNAME;
	else if (!strcmp(name, "source"))
		facet = FACET_SOURCE;
	else if (!strcmp(name, "tags"))
		facet = FACET_TAG;
	if (facet)
		return (struct tally){ .by = TALLY_FACET, .facet = facet };
	return (struct tally){ .by = TALLY_FIELD, .field = name };
}

int store_tally(struct store_reader *reader, const struct store_scope *scope, struct tally *tallies,
	size_t count, struct store_extent *ret_extent, struct error *err)
{
	struct tallying tallying = { .tallies = tallies, .count = count };
	struct walk walk;
	int r = 0;

	assert(count && count < 32);
	walk_begin(&walk, reader, scope, err);
	*ret_extent = (struct store_extent){ .is_exact = true };
	for (int way = 0; way < WAY_COUNT; way++) {
		if (!r && choose_way(&tallying, scope->filter, (enum way)way))
			r = tally_files(&walk, &tallying, (enum way)way, ret_extent);
		note_exact(&tallying, scope->filter, (enum way)way, r != -ETIME);
	}
	walk_end(&walk);
	ret_extent->is_exact = r != -ETIME;
	return r == -ETIME ? 0 : r;
}
