/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store that reads. A question is answered from the counts where they are exact, and by
 * looking at alerts where they are not: along the time index, or block by block where the search
 * index can rule blocks out. Looking goes from the newest file to the oldest and ends with its
 * budget.
 */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <time.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/memory.h"
#include "dashboard/counts.h"
#include "dashboard/grams.h"
#include "dashboard/store-days.h"
#include "dashboard/values.h"

#define FILES_OPEN_MAX 40
#define CLOCK_EVERY    64 /* alerts between two looks at the clock */
#define SCRATCH_MAX    (ALERT_MAX * 5)
#define WORD_BYTES_MAX (4 * 1024 * 1024) /* of words that are remembered of one file */

enum { FITS_UNKNOWN, FITS_NOT, FITS };

/* A word of a file, remembered. */
struct known_word {
	int64_t id;
	UT_hash_handle hh;
	char text[];
};

/* A file that a reader has open. */
struct open_file {
	struct day_file *file;
	struct known_word *words;
	size_t word_bytes;
	uint64_t last_used;
};

struct store_reader {
	struct store *store;
	struct open_file files[FILES_OPEN_MAX];
	uint64_t uses;
	struct buffer scratch;
};

/* One alert while it is looked at. */
struct row {
	int64_t id, time_ns;
	enum priority priority;
	int64_t words[3], tags;
	struct text json; /* NULL data: not read yet */
};

/* One look at a file's alerts. */
struct scan {
	struct store_reader *reader;
	struct open_file *open;
	const struct day *day;
	const struct filter *filter;
	uint8_t *fits[FILTER_TERMS_MAX]; /* by word id: whether the term fits */
	size_t fits_count;
	int64_t deadline_ns; /* 0: none */
	int64_t scanned;
	unsigned until_clock;
	/* Called for each alert that fits; 1 ends the scan. */
	int (*found)(struct scan *scan, struct row *row);
	void *context;
	struct error *err;
};

/* Files and their words. */

static void forget_words(struct open_file *open)
{
	struct known_word *word, *next;

	HASH_ITER (hh, open->words, word, next) {
		HASH_DEL(open->words, word);
		free(word);
	}
	open->word_bytes = 0;
}

static void open_file_done(struct open_file *open)
{
	forget_words(open);
	day_file_free(open->file);
	*open = (struct open_file){ 0 };
}

struct store_reader *store_reader_new(struct store *store)
{
	struct store_reader *reader = NEW(struct store_reader);

	reader->store = store;
	buffer_init(&reader->scratch, SCRATCH_MAX);
	return reader;
}

void store_reader_free(struct store_reader *reader)
{
	if (!reader)
		return;
	for (size_t i = 0; i < FILES_OPEN_MAX; i++)
		open_file_done(&reader->files[i]);
	buffer_done(&reader->scratch);
	free(reader);
}

/* Files that were dropped are let go of, so that their space becomes free. */
static void close_gone(struct store_reader *reader, const struct day *days, size_t count)
{
	for (size_t i = 0; i < FILES_OPEN_MAX; i++) {
		bool is_there = !reader->files[i].file;

		for (size_t j = 0; j < count && !is_there; j++)
			is_there = !strcmp(days[j].path, reader->files[i].file->path);
		if (!is_there)
			open_file_done(&reader->files[i]);
	}
}

static int use_day(struct store_reader *reader, const struct day *day, struct open_file **ret_open,
	struct error *err)
{
	struct open_file *oldest = &reader->files[0];
	int r;

	for (size_t i = 0; i < FILES_OPEN_MAX; i++) {
		struct open_file *open = &reader->files[i];

		if (open->last_used < oldest->last_used)
			oldest = open;
		if (!open->file || strcmp(open->file->path, day->path))
			continue;
		open->last_used = ++reader->uses;
		*ret_open = open;
		return 0;
	}
	open_file_done(oldest);
	r = day_file_open(day->path, false, &oldest->file, err);
	if (r < 0)
		return r;
	oldest->last_used = ++reader->uses;
	*ret_open = oldest;
	return 0;
}

static struct known_word *read_word(struct open_file *open, int64_t id)
{
	sqlite3_stmt *statement = day_file_query(open->file, QUERY_WORD_BY_ID);
	struct text text = TEXT("");
	struct known_word *word;

	bind_number(statement, ":id", id);
	if (statement && sqlite3_step(statement) == SQLITE_ROW)
		text = column_text(statement, 0);
	word = memory_new(1, sizeof(*word) + text.length + 1);
	word->id = id;
	if (text.length)
		memcpy(word->text, text.data, text.length);
	sqlite3_reset(statement);
	open->word_bytes += sizeof(*word) + text.length;
	return word;
}

/* Valid until the next call. */
static const char *word_of(struct open_file *open, int64_t id)
{
	struct known_word *word;

	if (!id)
		return "";
	HASH_FIND(hh, open->words, &id, sizeof(id), word);
	if (word)
		return word->text;
	if (open->word_bytes > WORD_BYTES_MAX)
		forget_words(open);
	word = read_word(open, id);
	HASH_ADD(hh, open->words, id, sizeof(id), word);
	return word->text;
}

/* Whether a row fits. */

static bool term_fits_word(const struct term *term, const char *word)
{
	struct text rest = text_of(word), tag;

	if (term->kind != TERM_TAG)
		return term_fits(term, rest);
	while (text_split(&rest, '\n', &tag))
		if (tag.length && term_fits(term, tag))
			return true;
	return false;
}

/* Room for the answers about words up to this one. */
static void fits_grow(struct scan *scan, size_t count)
{
	count = MAX_OF(count, scan->fits_count * 2);
	for (size_t i = 0; i < scan->filter->term_count; i++) {
		scan->fits[i] = memory_resize(scan->fits[i], count, 1);
		memset(scan->fits[i] + scan->fits_count, FITS_UNKNOWN, count - scan->fits_count);
	}
	scan->fits_count = count;
}

/* Asked once per word of the file. */
static bool word_fits(struct scan *scan, size_t term, int64_t word)
{
	if (word < 0)
		return false;
	if (word >= (int64_t)scan->fits_count)
		fits_grow(scan, (size_t)word + 1);
	if (scan->fits[term][word] == FITS_UNKNOWN)
		scan->fits[term][word] =
			term_fits_word(&scan->filter->terms[term], word_of(scan->open, word))
				? FITS
				: FITS_NOT;
	return scan->fits[term][word] == FITS;
}

/* What the row alone says of a term: FITS, FITS_NOT, or FITS_UNKNOWN where its JSON must be read.
 */
static int term_on_row(struct scan *scan, size_t at, const struct row *row)
{
	const struct term *term = &scan->filter->terms[at];
	bool fits;

	switch (term->kind) {
	case TERM_RULE:
	case TERM_SOURCE:
	case TERM_HOSTNAME:
		fits = word_fits(scan, at, row->words[term->kind - TERM_RULE]);
		break;
	case TERM_TAG:
		fits = word_fits(scan, at, row->tags);
		break;
	case TERM_PRIORITY:
		fits = term->priorities >> row->priority & 1;
		break;
	default:
		return FITS_UNKNOWN;
	}
	return fits != term->is_negated ? FITS : FITS_NOT;
}

/* The same of the whole filter: it holds or fails whatever the unknown terms turn out to be. */
static int filter_on_row(struct scan *scan, const struct row *row)
{
	uint64_t sure = 0, possible = 0;

	for (size_t i = 0; i < scan->filter->term_count; i++) {
		int fits = term_on_row(scan, i, row);

		sure |= (uint64_t)(fits == FITS) << i;
		possible |= (uint64_t)(fits != FITS_NOT) << i;
	}
	if (filter_holds(scan->filter, sure))
		return FITS;
	return filter_holds(scan->filter, possible) ? FITS_UNKNOWN : FITS_NOT;
}

/* Reads the row's JSON if it was not; it lives until the next row. */
static int load_json(struct scan *scan, struct row *row)
{
	sqlite3_stmt *statement;

	if (row->json.data)
		return 0;
	statement = day_file_query(scan->open->file, QUERY_EVENT_BY_ID);
	bind_number(statement, ":id", row->id);
	if (!statement || sqlite3_step(statement) != SQLITE_ROW)
		return day_file_error(scan->open->file, scan->err);
	row->json = column_text(statement, 7);
	return 0;
}

static int look_at(struct scan *scan, struct row *row)
{
	int fits = filter_on_row(scan, row), r;

	if (fits == FITS_NOT)
		return 0;
	if (fits == FITS_UNKNOWN) {
		r = load_json(scan, row);
		if (r < 0)
			return r;
		if (!filter_fits(scan->filter, row->json, &scan->reader->scratch))
			return 0;
	}
	return scan->found(scan, row);
}

static bool is_late(struct scan *scan)
{
	if (!scan->deadline_ns || scan->until_clock++ % CLOCK_EVERY)
		return false;
	return clock_ns(CLOCK_MONOTONIC) > scan->deadline_ns;
}

static void take_row(sqlite3_stmt *statement, struct row *ret_row)
{
	*ret_row = (struct row){
		.id = sqlite3_column_int64(statement, 0),
		.time_ns = sqlite3_column_int64(statement, 1),
		.priority = (enum priority)MIN_OF(
			(unsigned)sqlite3_column_int(statement, 2), PRIORITY_NONE),
		.words = { sqlite3_column_int64(statement, 3), sqlite3_column_int64(statement, 4),
			sqlite3_column_int64(statement, 5) },
		.tags = sqlite3_column_int64(statement, 6),
	};
	if (sqlite3_column_count(statement) > 7)
		ret_row->json = column_text(statement, 7);
}

/* Runs a statement of events over the scan; only those within the times. */
static int scan_rows(struct scan *scan, sqlite3_stmt *statement, int64_t from_ns, int64_t to_ns)
{
	struct row row;
	int r = 0, step = SQLITE_DONE;

	if (!statement)
		return day_file_error(scan->open->file, scan->err);
	while (!r && (step = sqlite3_step(statement)) == SQLITE_ROW) {
		if (is_late(scan)) {
			r = -ETIME;
			break;
		}
		scan->scanned++;
		take_row(statement, &row);
		if (row.time_ns >= from_ns && row.time_ns < to_ns)
			r = look_at(scan, &row);
	}
	if (!r && step != SQLITE_DONE)
		r = day_file_error(scan->open->file, scan->err);
	sqlite3_reset(statement);
	return r;
}

static int scan_by_time(struct scan *scan, int64_t from_ns, int64_t to_ns)
{
	sqlite3_stmt *statement = day_file_query(scan->open->file, QUERY_EVENTS_BY_TIME);

	bind_number(statement, ":from", from_ns);
	bind_number(statement, ":to", to_ns);
	return scan_rows(scan, statement, from_ns, to_ns);
}

/* The search index. */

#define TERM_GRAMS_MAX 12

/* What the index can be asked of the filter's terms: the bits that each must have in a block. */
struct grams {
	struct {
		uint32_t bits[TERM_GRAMS_MAX];
		size_t count; /* 0: the index knows nothing of the term */
	} terms[FILTER_TERMS_MAX];
};

static void add_run(struct text run, struct buffer *escaped, uint32_t *bits, size_t *count)
{
	buffer_clear(escaped);
	json_escape(escaped, run);
	if (!escaped->is_cut)
		*count += grams_find(buffer_text(escaped), bits + *count, TERM_GRAMS_MAX - *count);
}

/* False when no block can be ruled out. */
static bool grams_make(const struct filter *filter, struct grams *grams)
{
	uint64_t unknown = UINT64_MAX;
	struct buffer escaped;

	*grams = (struct grams){ 0 };
	buffer_init(&escaped, FILTER_TEXT_MAX * 6);
	for (size_t i = 0; i < filter->term_count; i++) {
		const struct term *term = &filter->terms[i];
		struct text rest, run;

		if (term->is_negated || *term->operator|| term->value_count !=
					 1 ||(term->kind != TERM_TEXT && term->kind != TERM_FIELD))
			continue;
		rest = text_of(term->values[0]);
		while (text_split(&rest, FILTER_WILDCARD, &run))
			add_run(run, &escaped, grams->terms[i].bits, &grams->terms[i].count);
		if (grams->terms[i].count)
			unknown &= ~(UINT64_C(1) << i);
	}
	buffer_done(&escaped);
	return !filter_holds(filter, unknown);
}

/* A block's bits, of which only those slices are read that are asked for. */
struct block {
	int64_t id;
	int64_t oldest_ns, newest_ns;
	unsigned slices; /* bit by slice: it is here */
	bool is_missing;
	uint8_t bits[BLOCK_SLICES][BLOCK_SLICE_BYTES];
};

static void read_slice(struct scan *scan, struct block *block, unsigned slice)
{
	sqlite3_stmt *statement = day_file_query(scan->open->file, QUERY_BLOCK);

	bind_number(statement, ":id", block->id * BLOCK_SLICES + slice);
	if (statement && sqlite3_step(statement) == SQLITE_ROW &&
		sqlite3_column_bytes(statement, 2) == BLOCK_SLICE_BYTES) {
		block->oldest_ns = sqlite3_column_int64(statement, 0);
		block->newest_ns = sqlite3_column_int64(statement, 1);
		memcpy(block->bits[slice], sqlite3_column_blob(statement, 2), BLOCK_SLICE_BYTES);
		block->slices |= 1U << slice;
	} else {
		block->is_missing = true;
	}
	sqlite3_reset(statement);
}

static bool has_bit(struct scan *scan, struct block *block, uint32_t bit)
{
	unsigned slice = bit / (BLOCK_SLICE_BYTES * 8), at = bit % (BLOCK_SLICE_BYTES * 8);

	if (!(block->slices >> slice & 1))
		read_slice(scan, block, slice);
	return block->is_missing || block->bits[slice][at / 8] >> at % 8 & 1;
}

/* Whether an alert of the block may fit. */
static bool block_may_fit(struct scan *scan, const struct grams *grams, struct block *block)
{
	uint64_t possible = UINT64_MAX;

	for (size_t i = 0; i < scan->filter->term_count; i++)
		for (size_t j = 0; j < grams->terms[i].count; j++)
			if (!has_bit(scan, block, grams->terms[i].bits[j])) {
				possible &= ~(UINT64_C(1) << i);
				break;
			}
	return block->is_missing || filter_holds(scan->filter, possible);
}

static int scan_unindexed(struct scan *scan, int64_t from_ns, int64_t to_ns)
{
	sqlite3_stmt *statement = day_file_query(scan->open->file, QUERY_EVENTS_AFTER);

	bind_number(statement, ":after", MAX_OF(scan->day->indexed, scan->day->first_id - 1));
	bind_number(statement, ":limit", INT64_MAX);
	return scan_rows(scan, statement, from_ns, to_ns);
}

static int scan_block(struct scan *scan, int64_t id, int64_t from_ns, int64_t to_ns)
{
	sqlite3_stmt *statement = day_file_query(scan->open->file, QUERY_EVENTS_BETWEEN);

	bind_number(statement, ":first", id * BLOCK_EVENTS);
	/* What is not indexed was looked at before; and it went on meanwhile. */
	bind_number(statement, ":last",
		MIN_OF(id * BLOCK_EVENTS + BLOCK_EVENTS - 1, scan->day->indexed));
	return scan_rows(scan, statement, from_ns, to_ns);
}

static int scan_blocks(struct scan *scan, const struct grams *grams, int64_t from_ns, int64_t to_ns)
{
	_cleanup_(freep) struct block *block = NEW(struct block);
	const struct day *day = scan->day;
	int r = 0;

	for (int64_t id = day->indexed / BLOCK_EVENTS; id >= day->first_id / BLOCK_EVENTS && !r;
		id--) {
		int64_t first = MAX_OF(id * BLOCK_EVENTS, day->first_id);
		int64_t last = MIN_OF(id * BLOCK_EVENTS + BLOCK_EVENTS - 1, day->indexed);

		block->id = id;
		block->slices = 0;
		block->is_missing = false;
		if (is_late(scan))
			return -ETIME;
		if (block_may_fit(scan, grams, block) &&
			(block->is_missing ||
				(block->oldest_ns < to_ns && block->newest_ns >= from_ns)))
			r = scan_block(scan, id, from_ns, to_ns);
		else
			scan->scanned += MAX_OF(0, last - first + 1);
	}
	return r;
}

/* All alerts of a file within the times that fit. 1 when `found` had enough, -ETIME. */
static int scan_file(struct scan *scan, int64_t from_ns, int64_t to_ns)
{
	_cleanup_(freep) struct grams *grams = NEW(struct grams);
	int r;

	if (scan->day->indexed < scan->day->first_id || !grams_make(scan->filter, grams))
		return scan_by_time(scan, from_ns, to_ns);
	r = scan_unindexed(scan, from_ns, to_ns);
	if (!r)
		r = scan_blocks(scan, grams, from_ns, to_ns);
	return r;
}

static void scan_done(struct scan *scan)
{
	/* load_json() leaves its row open, and with it a snapshot of the file. */
	if (scan->open && scan->open->file)
		day_file_query(scan->open->file, QUERY_EVENT_BY_ID);
	for (size_t i = 0; i < FILTER_TERMS_MAX; i++)
		free(scan->fits[i]);
}

/* Tallies. */

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
	tally_add(tally, bucket_of(tally, row->time_ns), text_of(word_of(scan->open, word)),
		row->priority, 1);
}

static void tally_tags(struct scan *scan, struct tally *tally, const struct row *row)
{
	struct text rest = text_of(word_of(scan->open, row->tags)), tag;

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

	r = load_json(scan, row);
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

/* The unit that the tally can be counted in from the file's counts; 0: only by scanning. */
static int64_t counted_unit(const struct tally *tally, const struct filter *filter)
{
	if (tally->by == TALLY_FIELD)
		return 0;
	if (tally->by == TALLY_FACET)
		return filter_is_empty(filter) && !tally->interval_ns ? NS_PER_HOUR : 0;
	return filter_is_rules_only(filter) && tally->interval_ns % NS_PER_MINUTE == 0
		       ? NS_PER_MINUTE
		       : 0;
}

/* What a file has counted in a unit of time; the next row has it finer. */
struct level {
	int64_t unit_ns;
	enum query query;
	bool is_sum; /* only in files that get no more alerts */
	int (*count)(struct scan *scan, struct tallying *tallying, const struct level *level,
		int64_t from, int64_t to);
};

/* By priority and rule. */
static int count_rules(struct scan *scan, struct tallying *tallying, const struct level *level,
	int64_t from, int64_t to)
{
	sqlite3_stmt *statement = day_file_query(scan->open->file, level->query);
	struct tally *first = &tallying->tallies[__builtin_ctz(tallying->chosen)];
	int64_t step = first->interval_ns ? first->interval_ns / level->unit_ns : INT64_MAX;
	struct row row = { 0 };
	int code = SQLITE_ERROR;

	bind_number(statement, ":step", step);
	bind_number(statement, ":from", from);
	bind_number(statement, ":to", to);
	while (statement && (code = sqlite3_step(statement)) == SQLITE_ROW) {
		int64_t bucket_ns =
			first->interval_ns ? sqlite3_column_int64(statement, 0) * first->interval_ns
					   : 0;
		uint64_t count = (uint64_t)sqlite3_column_int64(statement, 3);

		row.priority = (enum priority)sqlite3_column_int(statement, 1);
		row.words[WORD_RULE] = sqlite3_column_int64(statement, 2);
		if (filter_on_row(scan, &row) != FITS)
			continue;
		for (size_t i = 0; i < tallying->count; i++) {
			struct tally *tally = &tallying->tallies[i];

			if (!(tallying->chosen >> i & 1))
				continue;
			tally_add(tally, bucket_ns,
				text_of(tally->by == TALLY_RULE
						? word_of(scan->open, row.words[WORD_RULE])
						: priority_name(row.priority)),
				row.priority, count);
		}
	}
	sqlite3_reset(statement);
	return code == SQLITE_DONE ? 0 : day_file_error(scan->open->file, scan->err);
}

static int count_facet(
	struct scan *scan, struct tally *tally, const struct level *level, int64_t from, int64_t to)
{
	sqlite3_stmt *statement = day_file_query(scan->open->file, level->query);
	int code = SQLITE_ERROR;

	bind_number(statement, ":facet", tally->facet);
	bind_number(statement, ":from", from);
	bind_number(statement, ":to", to);
	while (statement && (code = sqlite3_step(statement)) == SQLITE_ROW)
		tally_add(tally, 0,
			text_of(word_of(scan->open, sqlite3_column_int64(statement, 0))),
			PRIORITY_NONE, (uint64_t)sqlite3_column_int64(statement, 1));
	sqlite3_reset(statement);
	return code == SQLITE_DONE ? 0 : day_file_error(scan->open->file, scan->err);
}

static int count_facets(struct scan *scan, struct tallying *tallying, const struct level *level,
	int64_t from, int64_t to)
{
	int r = 0;

	for (size_t i = 0; i < tallying->count && !r; i++)
		if (tallying->chosen >> i & 1)
			r = count_facet(scan, &tallying->tallies[i], level, from, to);
	return r;
}

#define NS_PER_DAY (24 * NS_PER_HOUR)

/* Each list ends with a row of zeros: finer than that is only the alerts themselves. */
static const struct level rule_levels[] = {
	{ NS_PER_HOUR, QUERY_HOUR_SUMS, true, count_rules },
	{ NS_PER_MINUTE, QUERY_MINUTES, false, count_rules },
	{ 0 },
};
static const struct level facet_levels[] = {
	{ NS_PER_DAY, QUERY_DAY_SUMS, true, count_facets },
	{ NS_PER_HOUR, QUERY_FACETS, false, count_facets },
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
	if (from >= to || (level->is_sum && !day->is_summed) || interval_ns % unit_ns)
		return count_level(scan, tallying, level + 1, from_ns, to_ns);
	if (!is_over)
		r = count_level(scan, tallying, level + 1, to * unit_ns, to_ns);
	if (!r)
		r = level->count(scan, tallying, level, from, to);
	if (!r && !is_begun)
		r = count_level(scan, tallying, level + 1, from_ns, from * unit_ns);
	return r;
}

static int count_file(struct scan *scan, struct tallying *tallying, const struct store_scope *scope)
{
	const struct tally *first = &tallying->tallies[__builtin_ctz(tallying->chosen)];

	return count_level(scan, tallying, first->by == TALLY_FACET ? facet_levels : rule_levels,
		scope->from_ns, scope->to_ns);
}

/* Tallies with the same unit and interval go together, so that the edges are scanned once. */
static unsigned choose_next(
	const struct tallying *all, const struct filter *filter, unsigned left, int64_t *ret_unit)
{
	size_t first = (size_t)__builtin_ctz(left);
	unsigned chosen = 1U << first;

	*ret_unit = counted_unit(&all->tallies[first], filter);
	for (size_t i = first + 1; i < all->count; i++) {
		int64_t unit = counted_unit(&all->tallies[i], filter);
		bool is_alike =
			unit == *ret_unit &&
			(!unit || all->tallies[i].interval_ns == all->tallies[first].interval_ns);

		if (left >> i & 1 && is_alike)
			chosen |= 1U << i;
	}
	return chosen;
}

/* Those of the tallies that the counts can answer, or those that they cannot. */
static unsigned choose_kind(
	const struct tallying *all, const struct filter *filter, bool is_counted)
{
	unsigned chosen = 0;

	for (size_t i = 0; i < all->count; i++)
		if ((counted_unit(&all->tallies[i], filter) != 0) == is_counted)
			chosen |= 1U << i;
	return chosen;
}

static int tally_file(struct scan *scan, struct tallying *tallying, const struct store_scope *scope,
	bool is_counted)
{
	unsigned left = choose_kind(tallying, scan->filter, is_counted);
	int r = 0;

	while (left && !r) {
		int64_t unit_ns;

		tallying->chosen = choose_next(tallying, scan->filter, left, &unit_ns);
		left &= ~tallying->chosen;
		r = unit_ns ? count_file(scan, tallying, scope)
			    : scan_file(scan, scope->from_ns, scope->to_ns);
	}
	return r;
}

/* Reads over files. */

struct walk {
	struct store_reader *reader;
	struct store_scope scope;
	struct day *days; /* newest first */
	size_t count;
	int64_t deadline_ns;
	struct error *err;
};

static void walk_begin(struct walk *walk, struct store_reader *reader,
	const struct store_scope *scope, struct error *err)
{
	*walk = (struct walk){ .reader = reader, .scope = *scope, .err = err };
	walk->scope.from_ns = MAX_OF(scope->from_ns, store_oldest_shown_ns(reader->store));
	walk->days = days_copy(store_days(reader->store), &walk->count);
	walk->deadline_ns =
		scope->budget_ms ? clock_ns(CLOCK_MONOTONIC) + scope->budget_ms * 1000000 : 0;
	close_gone(reader, walk->days, walk->count);
}

static void walk_end(struct walk *walk)
{
	days_copy_free(walk->days, walk->count);
}

/* A file that is damaged or was dropped meanwhile takes only its own alerts away. */
static int pass_damage(struct walk *walk, const struct day *day, int r)
{
	if (r == -EBADMSG)
		store_report_damage(walk->reader->store, day->path);
	if (r == -EBADMSG || r == -ENOENT)
		close_gone(walk->reader, NULL, 0);
	return r == -EBADMSG || r == -ENOENT ? 0 : r;
}

static int scan_begin(struct scan *scan, struct walk *walk, const struct day *day)
{
	*scan = (struct scan){ .reader = walk->reader,
		.day = day,
		.filter = walk->scope.filter,
		.deadline_ns = walk->deadline_ns,
		.err = walk->err };
	return use_day(walk->reader, day, &scan->open, walk->err);
}

static int tally_files(
	struct walk *walk, struct tallying *tallying, bool is_counted, struct store_extent *extent)
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
			r = tally_file(&scan, tallying, &walk->scope, is_counted);
		r = pass_damage(walk, &walk->days[i], r);
		extent->scanned += scan.scanned;
		scan_done(&scan);
	}
	return r;
}

static void note_exact(
	struct tallying *tallying, const struct filter *filter, bool is_counted, bool is_exact)
{
	unsigned chosen = choose_kind(tallying, filter, is_counted);

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
	int r;

	assert(count && count < 32);
	walk_begin(&walk, reader, scope, err);
	*ret_extent = (struct store_extent){ .is_exact = true };
	/* First what is counted, for all files: a scan may use up the time. */
	r = tally_files(&walk, &tallying, true, ret_extent);
	note_exact(&tallying, scope->filter, true, r != -ETIME);
	if (!r)
		r = tally_files(&walk, &tallying, false, ret_extent);
	note_exact(&tallying, scope->filter, false, r != -ETIME);
	walk_end(&walk);
	ret_extent->is_exact = r != -ETIME;
	return r == -ETIME ? 0 : r;
}

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
	r = load_json(scan, row);
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
		r = pass_damage(walk, &walk->days[i], r);
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

static int take_found(struct open_file *open, sqlite3_stmt *statement, struct store_row *ret_row)
{
	struct text json = column_text(statement, 7);

	*ret_row = (struct store_row){ sqlite3_column_int64(statement, 0),
		sqlite3_column_int64(statement, 1), text_to_string(json), json.length };
	return 1;
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
		sqlite3_stmt *statement = NULL;
		struct open_file *open;

		r = use_day(reader, &walk.days[i], &open, err);
		if (!r) {
			statement = day_file_query(open->file, QUERY_EVENT_BY_UUID);
			bind_bytes(statement, ":uuid", bytes, sizeof(bytes));
			if (statement && sqlite3_step(statement) == SQLITE_ROW)
				r = take_found(open, statement, ret_row);
			sqlite3_reset(statement);
		}
		r = pass_damage(&walk, &walk.days[i], r);
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
	sqlite3_stmt *statement = day_file_query(open->file, QUERY_EVENTS_AFTER);
	int code = SQLITE_ERROR;

	bind_number(statement, ":after", id);
	bind_number(statement, ":limit", (int64_t)(limit - page->count));
	while (statement && (code = sqlite3_step(statement)) == SQLITE_ROW)
		take_found(open, statement, ARRAY_ADD(page->rows, page->count, page->capacity));
	sqlite3_reset(statement);
	return code == SQLITE_DONE ? 0 : day_file_error(open->file, err);
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
		r = use_day(reader, &walk.days[i], &open, err);
		if (!r)
			r = rows_after(open, id, limit, ret_page, err);
		r = pass_damage(&walk, &walk.days[i], r);
	}
	walk_end(&walk);
	return r;
}
