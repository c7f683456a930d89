/* SPDX-License-Identifier: Apache-2.0 */
/* Looking at alerts: files and their words, what fits a filter, the search index, the budget. */
#include <errno.h>
#include <stdio.h>
#include <time.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/memory.h"
#include "dashboard/grams.h"
#include "dashboard/store-scan.h"
#include "dashboard/values.h"

#define CLOCK_EVERY    64 /* alerts between two looks at the clock */
#define SCRATCH_MAX    (ALERT_MAX * 5)
#define WORD_BYTES_MAX (4 * 1024 * 1024) /* of words that are remembered of one file */

/* A word of a file, remembered. */
struct known_word {
	int64_t id;
	UT_hash_handle hh;
	char text[];
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
			is_there = !strcmp(days[j].path, day_file_path(reader->files[i].file));
		if (!is_there)
			open_file_done(&reader->files[i]);
	}
}

int reader_use_day(struct store_reader *reader, const struct day *day, struct open_file **ret_open,
	struct error *err)
{
	struct open_file *oldest = &reader->files[0];
	int r;

	for (size_t i = 0; i < FILES_OPEN_MAX; i++) {
		struct open_file *open = &reader->files[i];

		if (open->last_used < oldest->last_used)
			oldest = open;
		if (!open->file || strcmp(day_file_path(open->file), day->path))
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
	struct statement *statement = day_file_query(open->file, QUERY_WORD_BY_ID);
	struct text text = TEXT("");
	struct known_word *word;

	bind_number(statement, ":id", id);
	if (statement_next(statement, NULL) == 1)
		text = column_text(statement, 0);
	word = memory_new(1, sizeof(*word) + text.length + 1);
	word->id = id;
	if (text.length)
		memcpy(word->text, text.data, text.length);
	statement_reset(statement);
	open->word_bytes += sizeof(*word) + text.length;
	return word;
}

/* Valid until the next call. */
const char *open_file_word(struct open_file *open, int64_t id)
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
			term_fits_word(&scan->filter->terms[term], open_file_word(scan->open, word))
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
int scan_fits_row(struct scan *scan, const struct row *row)
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
int scan_load_json(struct scan *scan, struct row *row)
{
	struct statement *statement;
	int r;

	if (row->json.data)
		return 0;
	statement = day_file_query(scan->open->file, QUERY_EVENT_BY_ID);
	bind_number(statement, ":id", row->id);
	r = statement_next(statement, scan->err);
	if (r == 1)
		row->json = column_text(statement, 7);
	if (!r)
		return error_set(scan->err, -EIO, "%s: an alert of the index is not there",
			day_file_path(scan->open->file));
	return MIN_OF(r, 0);
}

static int look_at(struct scan *scan, struct row *row)
{
	int fits = scan_fits_row(scan, row), r;

	if (fits == FITS_NOT)
		return 0;
	if (fits == FITS_UNKNOWN) {
		r = scan_load_json(scan, row);
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

static void take_row(struct statement *statement, struct row *ret_row)
{
	*ret_row = (struct row){
		.id = column_number(statement, 0),
		.time_ns = column_number(statement, 1),
		.priority =
			(enum priority)MIN_OF((uint64_t)column_number(statement, 2), PRIORITY_NONE),
		.words = { column_number(statement, 3), column_number(statement, 4),
			column_number(statement, 5) },
		.tags = column_number(statement, 6),
	};
	if (column_count(statement) > 7)
		ret_row->json = column_text(statement, 7);
}

/* Runs a statement of events over the scan; only those within the times. */
static int scan_rows(struct scan *scan, struct statement *statement, int64_t from_ns, int64_t to_ns)
{
	struct row row;
	int r = 0, step = 1;

	while (!r && (step = statement_next(statement, scan->err)) == 1) {
		if (is_late(scan)) {
			r = -ETIME;
			break;
		}
		scan->scanned++;
		take_row(statement, &row);
		if (row.time_ns >= from_ns && row.time_ns < to_ns)
			r = look_at(scan, &row);
	}
	statement_reset(statement);
	return r ? r : step;
}

int scan_by_time(struct scan *scan, int64_t from_ns, int64_t to_ns)
{
	struct statement *statement = day_file_query(scan->open->file, QUERY_EVENTS_BY_TIME);

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
	struct statement *statement = day_file_query(scan->open->file, QUERY_BLOCK);
	struct text bits = { 0 };

	bind_number(statement, ":id", block->id * BLOCK_SLICES + slice);
	if (statement_next(statement, NULL) == 1)
		bits = column_bytes(statement, 2);
	if (bits.length == BLOCK_SLICE_BYTES) {
		block->oldest_ns = column_number(statement, 0);
		block->newest_ns = column_number(statement, 1);
		memcpy(block->bits[slice], bits.data, BLOCK_SLICE_BYTES);
		block->slices |= 1U << slice;
	} else {
		block->is_missing = true;
	}
	statement_reset(statement);
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
	struct statement *statement = day_file_query(scan->open->file, QUERY_EVENTS_AFTER);

	bind_number(statement, ":after", MAX_OF(scan->day->indexed, scan->day->first_id - 1));
	bind_number(statement, ":limit", INT64_MAX);
	return scan_rows(scan, statement, from_ns, to_ns);
}

static int scan_block(struct scan *scan, int64_t id, int64_t from_ns, int64_t to_ns)
{
	struct statement *statement = day_file_query(scan->open->file, QUERY_EVENTS_BETWEEN);

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
int scan_file(struct scan *scan, int64_t from_ns, int64_t to_ns)
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

void scan_done(struct scan *scan)
{
	/* scan_load_json() leaves its row open, and with it a snapshot of the file. */
	if (scan->open && scan->open->file)
		day_file_query(scan->open->file, QUERY_EVENT_BY_ID);
	for (size_t i = 0; i < FILTER_TERMS_MAX; i++)
		free(scan->fits[i]);
}

/* Reads over files. */

void walk_begin(struct walk *walk, struct store_reader *reader, const struct store_scope *scope,
	struct error *err)
{
	*walk = (struct walk){ .reader = reader, .scope = *scope, .err = err };
	walk->scope.from_ns = MAX_OF(scope->from_ns, store_oldest_shown_ns(reader->store));
	walk->days = days_copy(store_days(reader->store), &walk->count);
	walk->deadline_ns =
		scope->budget_ms ? clock_ns(CLOCK_MONOTONIC) + scope->budget_ms * 1000000 : 0;
	close_gone(reader, walk->days, walk->count);
}

void walk_end(struct walk *walk)
{
	days_copy_free(walk->days, walk->count);
}

/* A file that is damaged or was dropped meanwhile takes only its own alerts away. */
int walk_pass_damage(struct walk *walk, const struct day *day, int r)
{
	if (r == -EBADMSG)
		store_report_damage(walk->reader->store, day->path);
	if (r == -EBADMSG || r == -ENOENT)
		close_gone(walk->reader, NULL, 0);
	return r == -EBADMSG || r == -ENOENT ? 0 : r;
}

int scan_begin(struct scan *scan, struct walk *walk, const struct day *day)
{
	*scan = (struct scan){ .reader = walk->reader,
		.day = day,
		.filter = walk->scope.filter,
		.deadline_ns = walk->deadline_ns,
		.err = walk->err };
	return reader_use_day(walk->reader, day, &scan->open, walk->err);
}
