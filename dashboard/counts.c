/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a group of commits adds to the counts of a day's file.
 */
#include "base/memory.h"
#include "dashboard/counts.h"

/* How many hours' value counts are remembered; the file knows them all. */
#define HOURS_MAX 10000

struct cell {
	struct {
		int64_t unit;  /* minute or hour */
		int64_t kind;  /* facet; 0 of a minute */
		int64_t value; /* words.id; 0 of a minute */
		int64_t rule;  /* and the next: 0 of a facet that is not counted by rule */
		int64_t priority;
	} key;
	int64_t count;
	UT_hash_handle hh;
};

struct hour {
	struct {
		int64_t facet;
		int64_t hour;
		int64_t table;
	} key;
	int64_t values;
	UT_hash_handle hh;
};

/* The tables that count values of facets, and how. */
enum { BY_VALUE, BY_RULE, TABLE_COUNT };

static const struct {
	enum query add, grow, values;
	int64_t limit; /* values of an hour that are told apart */
	bool is_by_rule;
} tables[TABLE_COUNT] = {
	[BY_VALUE] = { QUERY_FACET_ADD, QUERY_FACET_GROW, QUERY_FACET_VALUES, FACET_VALUES_MAX,
		false },
	[BY_RULE] = { QUERY_RULE_FACET_ADD, QUERY_RULE_FACET_GROW, QUERY_RULE_FACET_VALUES,
		RULE_VALUES_MAX, true },
};

struct counts {
	struct cell *minutes, *facets[TABLE_COUNT];
	struct hour *hours; /* how many values each hour of each facet has in the file */
};

int64_t time_unit(int64_t time_ns, int64_t unit_ns)
{
	return time_ns / unit_ns - (time_ns % unit_ns < 0);
}

struct counts *counts_new(void)
{
	return NEW(struct counts);
}

static void cells_clear(struct cell **cells)
{
	struct cell *cell, *next;

	HASH_ITER (hh, *cells, cell, next) {
		HASH_DEL(*cells, cell);
		free(cell);
	}
}

static void facets_clear(struct counts *counts)
{
	for (int table = 0; table < TABLE_COUNT; table++)
		cells_clear(&counts->facets[table]);
}

static void hours_clear(struct counts *counts)
{
	struct hour *hour, *next;

	HASH_ITER (hh, counts->hours, hour, next) {
		HASH_DEL(counts->hours, hour);
		free(hour);
	}
}

void counts_forget(struct counts *counts)
{
	cells_clear(&counts->minutes);
	facets_clear(counts);
	hours_clear(counts);
}

void counts_free(struct counts *counts)
{
	if (!counts)
		return;
	counts_forget(counts);
	free(counts);
}

static void cells_add(struct cell **cells, const struct cell *added)
{
	struct cell *cell;

	HASH_FIND(hh, *cells, &added->key, sizeof(added->key), cell);
	if (!cell) {
		cell = NEW(struct cell);
		cell->key = added->key;
		HASH_ADD(hh, *cells, key, sizeof(cell->key), cell);
	}
	cell->count += added->count;
}

void counts_add_minute(struct counts *counts, int64_t time_ns, const struct counted *counted)
{
	struct cell cell = { .key = { time_unit(time_ns, NS_PER_MINUTE), 0, 0, counted->rule,
				     counted->priority },
		.count = 1 };

	cells_add(&counts->minutes, &cell);
}

bool facet_is_by_rule(enum facet facet)
{
	static const unsigned wanted =
		1U << FACET_HOSTNAME | 1U << FACET_TAG | 1U << FACET_NAMESPACE | 1U << FACET_POD;

	return wanted >> facet & 1;
}

void counts_add_facet(struct counts *counts, enum facet facet, int64_t time_ns, int64_t value,
	const struct counted *counted)
{
	struct cell cell = { .key = { time_unit(time_ns, NS_PER_HOUR), facet, value }, .count = 1 };

	if (facet_is_by_rule(facet)) {
		cell.key.rule = counted->rule;
		cell.key.priority = counted->priority;
	}
	cells_add(&counts->facets[facet_is_by_rule(facet) ? BY_RULE : BY_VALUE], &cell);
}

/* What was counted by rule, also without. */
static void sum_by_value(struct counts *counts)
{
	for (const struct cell *cell = counts->facets[BY_RULE]; cell; cell = cell->hh.next) {
		struct cell sum = { .key = { cell->key.unit, cell->key.kind, cell->key.value },
			.count = cell->count };

		cells_add(&counts->facets[BY_VALUE], &sum);
	}
}

static int write_minute(const struct cell *cell, struct day_file *file, struct error *err)
{
	struct statement *statement = day_file_query(file, QUERY_MINUTE_ADD);

	bind_number(statement, ":minute", cell->key.unit);
	bind_number(statement, ":priority", cell->key.priority);
	bind_number(statement, ":rule", cell->key.rule);
	bind_number(statement, ":count", cell->count);
	return statement_run(statement, err);
}

static int write_facet(const struct cell *cell, int table, enum query query, int64_t value,
	struct day_file *file, struct error *err)
{
	struct statement *statement = day_file_query(file, query);

	bind_number(statement, ":facet", cell->key.kind);
	bind_number(statement, ":hour", cell->key.unit);
	bind_number(statement, ":value", value);
	bind_number(statement, ":count", cell->count);
	if (tables[table].is_by_rule) {
		bind_number(statement, ":rule", cell->key.rule);
		bind_number(statement, ":priority", cell->key.priority);
	}
	return statement_run(statement, err);
}

static struct hour *hour_of(
	struct counts *counts, const struct cell *cell, int table, struct day_file *file)
{
	struct hour wanted = { .key = { cell->key.kind, cell->key.unit, table } }, *hour;
	struct statement *statement;

	HASH_FIND(hh, counts->hours, &wanted.key, sizeof(wanted.key), hour);
	if (hour)
		return hour;
	if (HASH_COUNT(counts->hours) >= HOURS_MAX)
		hours_clear(counts);
	hour = NEW(struct hour);
	hour->key = wanted.key;
	statement = day_file_query(file, tables[table].values);
	bind_number(statement, ":facet", cell->key.kind);
	bind_number(statement, ":hour", cell->key.unit);
	if (statement_next(statement, NULL) == 1)
		hour->values = column_number(statement, 0);
	statement_reset(statement);
	HASH_ADD(hh, counts->hours, key, sizeof(hour->key), hour);
	return hour;
}

/* A value that is counted already grows; a new one is told apart while there is room for it. */
static int add_facet(struct counts *counts, const struct cell *cell, int table,
	struct day_file *file, struct error *err)
{
	struct hour *hour;
	int r;

	r = write_facet(cell, table, tables[table].grow, cell->key.value, file, err);
	if (r < 0 || day_file_has_changed(file))
		return r;
	hour = hour_of(counts, cell, table, file);
	if (cell->key.value && hour->values >= tables[table].limit)
		return write_facet(cell, table, tables[table].add, 0, file, err);
	hour->values++;
	return write_facet(cell, table, tables[table].add, cell->key.value, file, err);
}

int counts_write(struct counts *counts, struct day_file *file, struct error *err)
{
	struct cell *cell, *next;
	int r = 0;

	sum_by_value(counts);
	HASH_ITER (hh, counts->minutes, cell, next)
		if (!r)
			r = write_minute(cell, file, err);
	for (int table = 0; table < TABLE_COUNT; table++)
		HASH_ITER (hh, counts->facets[table], cell, next)
			if (!r)
				r = add_facet(counts, cell, table, file, err);
	cells_clear(&counts->minutes);
	facets_clear(counts);
	return r;
}
