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
		int64_t kind;  /* priority or facet */
		int64_t value; /* words.id */
	} key;
	int64_t count;
	UT_hash_handle hh;
};

struct hour {
	struct {
		int64_t facet;
		int64_t hour;
	} key;
	int64_t values;
	UT_hash_handle hh;
};

struct counts {
	struct cell *minutes, *facets;
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
	cells_clear(&counts->facets);
	hours_clear(counts);
}

void counts_free(struct counts *counts)
{
	if (!counts)
		return;
	counts_forget(counts);
	free(counts);
}

static void cells_add(struct cell **cells, int64_t unit, int64_t kind, int64_t value)
{
	struct cell wanted = { .key = { unit, kind, value } }, *cell;

	HASH_FIND(hh, *cells, &wanted.key, sizeof(wanted.key), cell);
	if (!cell) {
		cell = NEW(struct cell);
		cell->key = wanted.key;
		HASH_ADD(hh, *cells, key, sizeof(cell->key), cell);
	}
	cell->count++;
}

void counts_add_minute(struct counts *counts, int64_t time_ns, enum priority priority, int64_t rule)
{
	cells_add(&counts->minutes, time_unit(time_ns, NS_PER_MINUTE), priority, rule);
}

void counts_add_facet(struct counts *counts, enum facet facet, int64_t time_ns, int64_t value)
{
	cells_add(&counts->facets, time_unit(time_ns, NS_PER_HOUR), facet, value);
}

static int write_minute(const struct cell *cell, struct day_file *file, struct error *err)
{
	struct statement *statement = day_file_query(file, QUERY_MINUTE_ADD);

	bind_number(statement, ":minute", cell->key.unit);
	bind_number(statement, ":priority", cell->key.kind);
	bind_number(statement, ":rule", cell->key.value);
	bind_number(statement, ":count", cell->count);
	return statement_run(statement, err);
}

static int write_facet(const struct cell *cell, enum query query, int64_t value,
	struct day_file *file, struct error *err)
{
	struct statement *statement = day_file_query(file, query);

	bind_number(statement, ":facet", cell->key.kind);
	bind_number(statement, ":hour", cell->key.unit);
	bind_number(statement, ":value", value);
	bind_number(statement, ":count", cell->count);
	return statement_run(statement, err);
}

static struct hour *hour_of(struct counts *counts, const struct cell *cell, struct day_file *file)
{
	struct hour wanted = { .key = { cell->key.kind, cell->key.unit } }, *hour;
	struct statement *statement;

	HASH_FIND(hh, counts->hours, &wanted.key, sizeof(wanted.key), hour);
	if (hour)
		return hour;
	if (HASH_COUNT(counts->hours) >= HOURS_MAX)
		hours_clear(counts);
	hour = NEW(struct hour);
	hour->key = wanted.key;
	statement = day_file_query(file, QUERY_FACET_VALUES);
	bind_number(statement, ":facet", cell->key.kind);
	bind_number(statement, ":hour", cell->key.unit);
	if (statement_next(statement, NULL) == 1)
		hour->values = column_number(statement, 0);
	statement_reset(statement);
	HASH_ADD(hh, counts->hours, key, sizeof(hour->key), hour);
	return hour;
}

/* A value that is counted already grows; a new one is told apart while there is room for it. */
static int add_facet(
	struct counts *counts, const struct cell *cell, struct day_file *file, struct error *err)
{
	struct hour *hour;
	int r;

	r = write_facet(cell, QUERY_FACET_GROW, cell->key.value, file, err);
	if (r < 0 || day_file_has_changed(file))
		return r;
	hour = hour_of(counts, cell, file);
	if (cell->key.value && hour->values >= FACET_VALUES_MAX)
		return write_facet(cell, QUERY_FACET_ADD, 0, file, err);
	hour->values++;
	return write_facet(cell, QUERY_FACET_ADD, cell->key.value, file, err);
}

int counts_write(struct counts *counts, struct day_file *file, struct error *err)
{
	struct cell *cell, *next;
	int r = 0;

	HASH_ITER (hh, counts->minutes, cell, next)
		if (!r)
			r = write_minute(cell, file, err);
	HASH_ITER (hh, counts->facets, cell, next)
		if (!r)
			r = add_facet(counts, cell, file, err);
	cells_clear(&counts->minutes);
	cells_clear(&counts->facets);
	return r;
}
