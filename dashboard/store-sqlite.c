/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store that writes: one thread owns the files. It takes all that waits as one group,
 * commits, and then acknowledges. The search index follows the alerts by whole blocks.
 *
 * An alert goes into the file of the day on which it arrives, whatever time it claims: that a
 * sender's clock is wrong must not make files for the year 2200.
 */
#include <dirent.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <fcntl.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/queue.h"
#include "dashboard/counts.h"
#include "dashboard/grams.h"
#include "dashboard/store-days.h"
#include "dashboard/values.h"

#define FILE_EVENTS_DEFAULT 400000
#define QUEUE_ADDS	    65536
#define QUEUE_BYTES_MAX	    (64 * 1024 * 1024)
#define GROUP_ADDS	    256
#define WORD_BYTES_MAX	    (16 * 1024 * 1024) /* of the current file's words, in memory */
#define INDEX_STEP	    16		       /* blocks per step of the search index */
#define QUIET_MS	    200 /* so long without an alert, then fewer are indexed too */
#define HOUSEKEEPING_MS	    60000

struct word {
	int64_t id;
	UT_hash_handle hh;
	char text[];
};

struct damage {
	char *path;
	struct damage *next;
};

struct store {
	struct store_options options;
	char *folder;
	int lock_fd;
	struct days days;
	struct queue *queue;
	_Atomic size_t queued_bytes;
	_Atomic int last_error;
	pthread_t thread;
	bool is_started;

	pthread_mutex_t lock; /* for the next three */
	pthread_cond_t has_indexed;
	bool is_all_indexed;
	struct damage *damages;

	/* The thread's own. */
	struct day_file *file;	   /* where new alerts go */
	struct day_file *previous; /* the file before it, for repeated uuids */
	char day[16];		   /* "2026-11-24", of `file` */
	int part;
	int64_t last_id;
	struct word *words; /* ids of the current file's words */
	size_t word_bytes;
	struct counts *counts;
	int64_t last_housekeeping_ns;
};

static int64_t store_now(const struct store *store)
{
	return store->options.now_ns ? store->options.now_ns() : clock_ns(CLOCK_REALTIME);
}

/* The list of files. */

static uint64_t file_bytes(const char *path)
{
	_cleanup_(freep) char *log = string_printf("%s-wal", path);
	struct stat status;
	uint64_t bytes = 0;

	if (!stat(path, &status))
		bytes += (uint64_t)status.st_size;
	if (!stat(log, &status))
		bytes += (uint64_t)status.st_size;
	return bytes;
}

struct day *days_copy(struct days *days, size_t *ret_count)
{
	struct day *copy;

	pthread_mutex_lock(&days->lock);
	copy = NEW_ARRAY(struct day, days->count);
	*ret_count = days->count;
	for (size_t i = 0; i < days->count; i++) {
		copy[i] = days->items[days->count - 1 - i];
		copy[i].path = string_copy(copy[i].path);
	}
	pthread_mutex_unlock(&days->lock);
	return copy;
}

void days_copy_free(struct day *copy, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(copy[i].path);
	free(copy);
}

struct days *store_days(struct store *store)
{
	return &store->days;
}

int64_t store_oldest_shown_ns(struct store *store)
{
	if (!store->options.keep_ms)
		return INT64_MIN;
	return store_now(store) - store->options.keep_ms * 1000000;
}

static void days_add(struct days *days, const struct day *day)
{
	pthread_mutex_lock(&days->lock);
	*ARRAY_ADD(days->items, days->count, days->capacity) = *day;
	pthread_mutex_unlock(&days->lock);
}

static void days_remove(struct days *days, const char *path)
{
	pthread_mutex_lock(&days->lock);
	for (size_t i = 0; i < days->count; i++) {
		if (strcmp(days->items[i].path, path))
			continue;
		free(days->items[i].path);
		memmove(&days->items[i], &days->items[i + 1],
			(--days->count - i) * sizeof(*days->items));
		break;
	}
	pthread_mutex_unlock(&days->lock);
}

/* "events-2026-11-24.db" and "events-2026-11-24.2.db". */
static bool parse_name(const char *name, char day[16], int *ret_part)
{
	int year, month, date, length = 0;

	*ret_part = 1;
	if (sscanf(name, "events-%4d-%2d-%2d%n", &year, &month, &date, &length) != 3 ||
		length != 17)
		return false;
	snprintf(day, 16, "%.10s", name + 7);
	if (!strcmp(name + length, ".db"))
		return true;
	return sscanf(name + length, ".%d%n", ret_part, &date) == 1 && *ret_part > 1 &&
	       !strcmp(name + length + date, ".db");
}

static char *make_path(const struct store *store, const char *day, int part)
{
	return part == 1 ? string_printf("%s/events-%s.db", store->folder, day)
			 : string_printf("%s/events-%s.%d.db", store->folder, day, part);
}

static void write_day(int64_t time_ns, char day[16])
{
	time_t seconds = (time_t)time_unit(time_ns, NS_PER_SECOND);
	struct tm utc;

	gmtime_r(&seconds, &utc);
	strftime(day, 16, "%Y-%m-%d", &utc);
}

/* Files move together with their log. */
static void for_each_part(const char *path, const char *target)
{
	static const char *const endings[] = { "", "-wal", "-shm" };

	for (size_t i = 0; i < COUNT_OF(endings); i++) {
		_cleanup_(freep) char *from = string_printf("%s%s", path, endings[i]);
		_cleanup_(freep) char *to =
			target ? string_printf("%s%s", target, endings[i]) : NULL;

		if (to)
			(void)rename(from, to);
		else
			unlink(from);
	}
}

static void set_aside(struct store *store, const char *path)
{
	_cleanup_(freep) char *target = string_printf("%s.damaged", path);

	for (int i = 2; access(target, F_OK) == 0; i++) {
		free(target);
		target = string_printf("%s.damaged-%d", path, i);
	}
	for_each_part(path, target);
	days_remove(&store->days, path);
	log_error("%s is damaged and was set aside as %s; its alerts are not shown", path, target);
}

static int read_bounds(struct day_file *file, struct day *day, struct error *err)
{
	sqlite3_stmt *bounds = day_file_query(file, QUERY_DAY_BOUNDS);
	sqlite3_stmt *meta = day_file_query(file, QUERY_META_GET);

	bind_text(meta, ":key", TEXT("indexed"));
	if (!bounds || !meta || sqlite3_step(bounds) != SQLITE_ROW ||
		sqlite3_step(meta) != SQLITE_ROW) {
		int r = day_file_error(file, err);

		return r == -EIO ? -EBADMSG : r;
	}
	if (sqlite3_column_type(bounds, 0) != SQLITE_NULL) {
		day->first_id = sqlite3_column_int64(bounds, 0);
		day->last_id = sqlite3_column_int64(bounds, 1);
		day->oldest_ns = sqlite3_column_int64(bounds, 2);
		day->newest_ns = sqlite3_column_int64(bounds, 3);
	}
	day->indexed = sqlite3_column_int64(meta, 0);
	sqlite3_reset(bounds);
	meta = day_file_query(file, QUERY_META_GET);
	bind_text(meta, ":key", TEXT("summed"));
	day->is_summed = sqlite3_step(meta) == SQLITE_ROW && sqlite3_column_int64(meta, 0);
	sqlite3_reset(meta);
	return 0;
}

/* Opens a file and puts it at the end of the list. */
static int open_day(
	struct store *store, const char *path, struct day_file **ret_file, struct error *err)
{
	_cleanup_(day_file_freep) struct day_file *file = NULL;
	struct day day = { .first_id = store->last_id + 1, .last_id = store->last_id };
	int r;

	r = day_file_open(path, true, &file, err);
	if (!r)
		r = read_bounds(file, &day, err);
	if (r < 0)
		return r;
	day.path = string_copy(path);
	day.bytes = file_bytes(path);
	days_add(&store->days, &day);
	store->last_id = MAX_OF(store->last_id, day.last_id);
	*ret_file = TAKE(file);
	return 0;
}

static void forget_words(struct store *store)
{
	struct word *word, *next;

	HASH_ITER (hh, store->words, word, next) {
		HASH_DEL(store->words, word);
		free(word);
	}
	store->word_bytes = 0;
}

static void use_file(struct store *store, struct day_file *file, const char *day, int part)
{
	day_file_free(store->previous);
	store->previous = store->file;
	store->file = file;
	snprintf(store->day, sizeof(store->day), "%s", day);
	store->part = part;
	forget_words(store);
	counts_forget(store->counts);
}

/* The next file for new alerts: today's, or today's next part. */
static int start_file(struct store *store, struct error *err)
{
	char today[16];
	int r, part;

	write_day(store_now(store), today);
	part = store->file && !strcmp(today, store->day) ? store->part + 1 : 1;
	for (;; part++) {
		_cleanup_(freep) char *path = make_path(store, today, part);
		struct day_file *file = NULL;

		if (access(path, F_OK) == 0)
			continue;
		r = open_day(store, path, &file, err);
		if (!r)
			use_file(store, file, today, part);
		return r;
	}
}

static struct day current_day(struct store *store)
{
	struct day day = { 0 };

	pthread_mutex_lock(&store->days.lock);
	if (store->days.count)
		day = store->days.items[store->days.count - 1];
	pthread_mutex_unlock(&store->days.lock);
	return day;
}

static bool is_file_full(struct store *store)
{
	struct day day = current_day(store);
	char today[16];

	write_day(store_now(store), today);
	if (!store->file || day_events(&day) >= store->options.file_events)
		return true;
	/* Retention by size drops whole files, so they must be some parts of it. */
	if (store->options.keep_bytes && day.bytes > store->options.keep_bytes / 4)
		return true;
	return strcmp(today, store->day) > 0;
}

/* Storing. */

static int word_id(struct store *store, struct text text, int64_t *ret_id, struct error *err)
{
	sqlite3_stmt *statement;
	struct word *word;
	int r;

	HASH_FIND(hh, store->words, text.data, text.length, word);
	if (word) {
		*ret_id = word->id;
		return 0;
	}
	if (store->word_bytes > WORD_BYTES_MAX)
		forget_words(store);
	word = memory_new(1, sizeof(*word) + text.length + 1);
	memcpy(word->text, text.data, text.length);

	statement = day_file_query(store->file, QUERY_WORD_FIND);
	bind_text(statement, ":text", text);
	if (statement && sqlite3_step(statement) == SQLITE_ROW) {
		word->id = sqlite3_column_int64(statement, 0);
		sqlite3_reset(statement);
	} else {
		statement = day_file_query(store->file, QUERY_WORD_ADD);
		bind_text(statement, ":text", text);
		r = day_file_run(store->file, statement, err);
		if (r < 0) {
			free(word);
			return r;
		}
		word->id = sqlite3_last_insert_rowid(store->file->db);
	}
	*ret_id = word->id;
	store->word_bytes += sizeof(*word) + text.length;
	HASH_ADD_KEYPTR(hh, store->words, word->text, text.length, word);
	return 0;
}

static void uuid_bytes(const char *uuid, unsigned char bytes[16])
{
	size_t at = 0;

	for (const char *c = uuid; *c && at < 32; c++) {
		unsigned digit = *c >= 'a' ? (unsigned)(*c - 'a' + 10) : (unsigned)(*c - '0');

		if (*c == '-')
			continue;
		bytes[at / 2] = (unsigned char)(at % 2 ? bytes[at / 2] | digit : digit << 4);
		at++;
	}
}

/* A repeat may come after midnight. */
static bool is_in_previous(struct store *store, const unsigned char uuid[16])
{
	sqlite3_stmt *statement;
	bool is_there;

	if (!store->previous)
		return false;
	statement = day_file_query(store->previous, QUERY_EVENT_BY_UUID);
	bind_bytes(statement, ":uuid", uuid, 16);
	is_there = statement && sqlite3_step(statement) == SQLITE_ROW;
	sqlite3_reset(statement);
	return is_there;
}

static int count_facets(struct store *store, const struct store_event *event,
	const int64_t words[3], struct error *err)
{
	struct text tags = text_of(event->tags), tag;
	int64_t value;
	int r;

	counts_add_facet(store->counts, FACET_SOURCE, event->time_ns, words[WORD_SOURCE]);
	counts_add_facet(store->counts, FACET_HOSTNAME, event->time_ns, words[WORD_HOSTNAME]);
	while (text_split(&tags, '\n', &tag)) {
		if (!tag.length)
			continue;
		if ((r = word_id(store, tag, &value, err)) < 0)
			return r;
		counts_add_facet(store->counts, FACET_TAG, event->time_ns, value);
	}
	for (int facet = 1; facet < FACET_END; facet++) {
		struct text text = text_of(event->facets[facet]);

		if (!text.data)
			continue;
		value = 0;
		if (text.length && (r = word_id(store, text, &value, err)) < 0)
			return r;
		counts_add_facet(store->counts, (enum facet)facet, event->time_ns, value);
	}
	return 0;
}

static int insert_event(struct store *store, const struct store_event *event, int64_t id,
	const unsigned char uuid[16], const int64_t words[3], int64_t tags, struct error *err)
{
	sqlite3_stmt *statement = day_file_query(store->file, QUERY_EVENT_ADD);

	bind_number(statement, ":id", id);
	bind_number(statement, ":time", event->time_ns);
	bind_bytes(statement, ":uuid", uuid, 16);
	bind_number(statement, ":priority", event->priority);
	bind_number(statement, ":rule", words[WORD_RULE]);
	bind_number(statement, ":source", words[WORD_SOURCE]);
	bind_number(statement, ":hostname", words[WORD_HOSTNAME]);
	bind_number(statement, ":tags", tags);
	bind_text(statement, ":json", (struct text){ event->json, event->json_length });
	return day_file_run(store->file, statement, err);
}

static int store_event(
	struct store *store, struct store_event *event, int64_t *next_id, struct error *err)
{
	unsigned char uuid[16] = { 0 };
	int64_t words[3], tags;
	int r;

	event->id = 0;
	uuid_bytes(event->uuid, uuid);
	if (is_in_previous(store, uuid))
		return 0;
	for (int i = 0; i < 3; i++)
		if ((r = word_id(store, text_of(event->words[i]), &words[i], err)) < 0)
			return r;
	if ((r = word_id(store, text_of(event->tags), &tags, err)) < 0 ||
		(r = insert_event(store, event, *next_id, uuid, words, tags, err)) < 0)
		return r;
	if (!sqlite3_changes(store->file->db))
		return 0;
	event->id = (*next_id)++;
	counts_add_minute(store->counts, event->time_ns, event->priority, words[WORD_RULE]);
	return count_facets(store, event, words, err);
}

static int write_group(struct store *store, struct store_add **adds, int count, int64_t *next_id,
	struct error *err)
{
	int r;

	r = day_file_script(store->file, "BEGIN IMMEDIATE", err);
	for (int i = 0; i < count && !r; i++)
		for (size_t j = 0; j < adds[i]->count && !r; j++)
			r = store_event(store, &adds[i]->events[j], next_id, err);
	if (!r)
		r = counts_write(store->counts, store->file, err);
	if (!r)
		r = day_file_script(store->file, "COMMIT", err);
	if (r < 0) {
		sqlite3_exec(store->file->db, "ROLLBACK", NULL, NULL, NULL);
		forget_words(store);
		counts_forget(store->counts);
	}
	return r;
}

static void note_group(struct store *store, struct store_add **adds, int count, int64_t last_id)
{
	struct day *day;

	pthread_mutex_lock(&store->days.lock);
	day = &store->days.items[store->days.count - 1];
	for (int i = 0; i < count; i++)
		for (size_t j = 0; j < adds[i]->count; j++) {
			const struct store_event *event = &adds[i]->events[j];
			bool is_first = !day_events(day);

			if (!event->id)
				continue;
			day->oldest_ns =
				is_first ? event->time_ns : MIN_OF(day->oldest_ns, event->time_ns);
			day->newest_ns =
				is_first ? event->time_ns : MAX_OF(day->newest_ns, event->time_ns);
			day->last_id = event->id;
		}
	day->bytes = file_bytes(day->path);
	pthread_mutex_unlock(&store->days.lock);
	store->last_id = last_id;
}

static int try_group(struct store *store, struct store_add **adds, int count, struct error *err)
{
	int64_t next_id = store->last_id + 1;
	int r = 0;

	if (is_file_full(store))
		r = start_file(store, err);
	if (!r)
		r = write_group(store, adds, count, &next_id, err);
	if (!r)
		note_group(store, adds, count, next_id - 1);
	return r;
}

static size_t add_bytes(const struct store_add *add)
{
	size_t bytes = 0;

	for (size_t i = 0; i < add->count; i++)
		bytes += add->events[i].json_length;
	return bytes;
}

static void set_current_aside(struct store *store)
{
	_cleanup_(freep) char *path = string_copy(store->file->path);

	day_file_free(TAKE(store->file));
	set_aside(store, path);
}

static void store_group(struct store *store, struct store_add **adds, int count)
{
	struct error err = { 0 };
	int r;

	r = try_group(store, adds, count, &err);
	if (r == -EBADMSG && store->file) {
		set_current_aside(store);
		r = try_group(store, adds, count, &err);
	}
	if (r < 0 && r != store->last_error)
		log_error("alerts are not stored: %s", err.message);
	if (!r && store->last_error)
		log_info("alerts are stored again");
	store->last_error = r;

	pthread_mutex_lock(&store->lock);
	store->is_all_indexed = false;
	pthread_mutex_unlock(&store->lock);
	for (int i = 0; i < count; i++) {
		if (!r && store->options.stored)
			store->options.stored(
				store->options.context, adds[i]->events, adds[i]->count);
		store->queued_bytes -= add_bytes(adds[i]);
		adds[i]->done(adds[i], r);
	}
}

/* The search index. */

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
	sqlite3_stmt *rows = day_file_query(file, QUERY_EVENTS_BETWEEN);
	int code = SQLITE_ERROR;

	block->oldest_ns = INT64_MAX;
	block->newest_ns = INT64_MIN;
	memset(block->bits, 0, sizeof(block->bits));
	bind_number(rows, ":first", block->first_id);
	bind_number(rows, ":last", block->last_id);
	while (rows && (code = sqlite3_step(rows)) == SQLITE_ROW) {
		int64_t time_ns = sqlite3_column_int64(rows, 1);

		block->oldest_ns = MIN_OF(block->oldest_ns, time_ns);
		block->newest_ns = MAX_OF(block->newest_ns, time_ns);
		add_to_block(column_text(rows, 7), block->bits);
	}
	sqlite3_reset(rows);
	return code == SQLITE_DONE ? 0 : day_file_error(file, err);
}

static int write_block(struct day_file *file, const struct block *block, struct error *err)
{
	int r = 0;

	for (int slice = 0; slice < BLOCK_SLICES && !r; slice++) {
		sqlite3_stmt *statement = day_file_query(file, QUERY_BLOCK_ADD);

		bind_number(
			statement, ":id", block->first_id / BLOCK_EVENTS * BLOCK_SLICES + slice);
		bind_number(statement, ":oldest", block->oldest_ns);
		bind_number(statement, ":newest", block->newest_ns);
		bind_bytes(statement, ":bits", block->bits + slice * BLOCK_SLICE_BYTES,
			BLOCK_SLICE_BYTES);
		r = day_file_run(file, statement, err);
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

static bool is_current(const struct store *store, const char *path)
{
	return store->file && !strcmp(store->file->path, path);
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
	sqlite3_stmt *statement = day_file_query(file, QUERY_META_SET);

	bind_text(statement, ":key", text_of(key));
	bind_number(statement, ":value", value);
	return day_file_run(file, statement, err);
}

static int make_sums(struct day_file *file, struct error *err)
{
	int r;

	r = day_file_run(file, day_file_query(file, QUERY_HOUR_SUMS_MAKE), err);
	if (!r)
		r = day_file_run(file, day_file_query(file, QUERY_DAY_SUMS_MAKE), err);
	return r < 0 ? r : set_meta(file, "summed", 1, err);
}

/* Some blocks; and the sums, once there is no block left in a file that gets no more alerts. */
static int index_step(struct day_file *file, struct day *day, bool is_now, struct error *err)
{
	int64_t last = day->indexed, ignored;
	bool sums = false;
	int r;

	r = day_file_script(file, "BEGIN IMMEDIATE", err);
	if (!r)
		r = index_blocks(file, day, is_now, &last, err);
	if (!r)
		r = set_meta(file, "indexed", last, err);
	sums = !is_now && !day->is_summed && !next_block(day, is_now, last, &ignored, &ignored);
	if (!r && sums)
		r = make_sums(file, err);
	if (!r)
		r = day_file_script(file, "COMMIT", err);
	if (r < 0) {
		sqlite3_exec(file->db, "ROLLBACK", NULL, NULL, NULL);
		return r;
	}
	day->indexed = last;
	day->is_summed |= sums;
	return 0;
}

static bool has_work(const struct store *store, const struct day *day)
{
	bool is_now = is_current(store, day->path);
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

	if (store->file && !strcmp(store->file->path, day->path))
		file = store->file;
	else if (store->previous && !strcmp(store->previous->path, day->path))
		file = store->previous;
	if (file)
		return index_step(file, day, is_current(store, day->path), err);
	r = day_file_open(day->path, true, &opened, err);
	return r < 0 ? r : index_step(opened, day, false, err);
}

/* One step of the index. False when there is nothing to do, or it did not work. */
static bool index_some(struct store *store)
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
	struct day day = current_day(store);

	return day_events(&day) ? day.last_id - MAX_OF(day.indexed, day.first_id - 1) : 0;
}

/* Retention and damage. */

void store_report_damage(struct store *store, const char *path)
{
	struct damage *damage;
	bool is_known = false;

	pthread_mutex_lock(&store->lock);
	for (damage = store->damages; damage; damage = damage->next)
		is_known |= !strcmp(damage->path, path);
	if (!is_known) {
		damage = NEW(struct damage);
		damage->path = string_copy(path);
		damage->next = store->damages;
		store->damages = damage;
	}
	pthread_mutex_unlock(&store->lock);
}

static bool has_damage(struct store *store)
{
	bool has;

	pthread_mutex_lock(&store->lock);
	has = store->damages != NULL;
	pthread_mutex_unlock(&store->lock);
	return has;
}

static void drop_file(struct store *store, const char *path, const char *why)
{
	if (store->previous && !strcmp(store->previous->path, path))
		day_file_free(TAKE(store->previous));
	for_each_part(path, NULL);
	log_info("%s was dropped: %s", path, why);
	days_remove(&store->days, path);
}

static void set_damaged_aside(struct store *store)
{
	struct damage *damage, *next;

	pthread_mutex_lock(&store->lock);
	damage = TAKE(store->damages);
	pthread_mutex_unlock(&store->lock);
	for (; damage; damage = next) {
		next = damage->next;
		if (store->file && !strcmp(store->file->path, damage->path)) {
			set_current_aside(store);
		} else if (access(damage->path, F_OK) == 0) {
			if (store->previous && !strcmp(store->previous->path, damage->path))
				day_file_free(TAKE(store->previous));
			set_aside(store, damage->path);
		}
		free(damage->path);
		free(damage);
	}
}

/* The end of the day on which the file's last alert can have arrived. */
static int64_t file_end_ns(const char *path)
{
	const char *name = strrchr(path, '/');
	struct tm utc = { 0 };
	char day[16];
	int part;

	if (!parse_name(name ? name + 1 : path, day, &part) || !strptime(day, "%Y-%m-%d", &utc))
		return INT64_MAX;
	return (timegm(&utc) + 86400) * NS_PER_SECOND;
}

/* Files also grow when they are indexed, and shrink with their log. */
static void measure_files(struct store *store)
{
	pthread_mutex_lock(&store->days.lock);
	for (size_t i = 0; i < store->days.count; i++)
		store->days.items[i].bytes = file_bytes(store->days.items[i].path);
	pthread_mutex_unlock(&store->days.lock);
}

static void drop_old(struct store *store)
{
	int64_t oldest_ns = store_oldest_shown_ns(store);
	size_t count;
	struct day *days = days_copy(&store->days, &count);
	uint64_t bytes = 0;

	/* Newest first; the one that is written to stays. */
	for (size_t i = 0; i < count; i++) {
		bytes += days[i].bytes;
		if (is_current(store, days[i].path))
			continue;
		if (file_end_ns(days[i].path) < oldest_ns)
			drop_file(
				store, days[i].path, "its alerts are older than the time to live");
		else if (store->options.keep_bytes && bytes > store->options.keep_bytes)
			drop_file(store, days[i].path, "the store is larger than its limit");
	}
	days_copy_free(days, count);
}

static void keep_house(struct store *store)
{
	store->last_housekeeping_ns = clock_ns(CLOCK_REALTIME);
	set_damaged_aside(store);
	measure_files(store);
	drop_old(store);
	if (store->file)
		sqlite3_wal_checkpoint_v2(
			store->file->db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
}

/* Whole steps only: a transaction has its price. */
static void index_in_passing(struct store *store)
{
	while (behind(store) >= INDEX_STEP * BLOCK_EVENTS && index_some(store))
		;
}

static void *run_store(void *context)
{
	struct store *store = context;
	void *items[GROUP_ADDS];
	int count, wait_ms = 0;

	while ((count = queue_pop_many(store->queue, items, GROUP_ADDS, wait_ms)) >= 0) {
		if (count) {
			store_group(store, (struct store_add **)items, count);
			index_in_passing(store);
			wait_ms = QUIET_MS;
		} else {
			wait_ms = index_some(store) ? 0 : 1000;
		}
		if (clock_ns(CLOCK_REALTIME) - store->last_housekeeping_ns >
				HOUSEKEEPING_MS * INT64_C(1000000) ||
			has_damage(store) ||
			(store->options.keep_bytes && count && is_file_full(store)))
			keep_house(store);
	}
	return NULL;
}

/* Opening and closing. */

static int by_name(const struct dirent **a, const struct dirent **b)
{
	char day_a[16], day_b[16];
	int part_a, part_b, order;

	parse_name((*a)->d_name, day_a, &part_a);
	parse_name((*b)->d_name, day_b, &part_b);
	order = strcmp(day_a, day_b);
	return order ? order : part_a - part_b;
}

static int is_day_file(const struct dirent *entry)
{
	char day[16];
	int part;

	return parse_name(entry->d_name, day, &part);
}

static int open_found(struct store *store, const char *name, struct error *err)
{
	_cleanup_(freep) char *path = string_printf("%s/%s", store->folder, name);
	struct day_file *file = NULL;
	char day[16];
	int part, r;

	r = open_day(store, path, &file, err);
	if (r == -EBADMSG) {
		set_aside(store, path);
		return 0;
	}
	if (r < 0)
		return r;
	parse_name(name, day, &part);
	use_file(store, file, day, part);
	return 0;
}

static int open_files(struct store *store, struct error *err)
{
	struct dirent **entries = NULL;
	int count = scandir(store->folder, &entries, is_day_file, by_name), r = 0;

	if (count < 0)
		return error_set(err, -errno, "%s: %s", store->folder, strerror(errno));
	for (int i = 0; i < count; i++) {
		if (!r)
			r = open_found(store, entries[i]->d_name, err);
		free(entries[i]);
	}
	free(entries);
	return r;
}

static int make_folder(const char *path, struct error *err)
{
	_cleanup_(freep) char *copy = string_copy(path);

	for (char *at = strchr(copy + 1, '/'); at; at = strchr(at + 1, '/')) {
		*at = '\0';
		(void)mkdir(copy, 0755);
		*at = '/';
	}
	if (mkdir(path, 0700) && errno != EEXIST)
		return error_set(
			err, -errno, "cannot make the folder %s: %s", path, strerror(errno));
	return 0;
}

static int lock_folder(struct store *store, struct error *err)
{
	_cleanup_(freep) char *path = string_printf("%s/lock", store->folder);

	store->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (store->lock_fd < 0)
		return error_set(err, -errno, "%s: %s", path, strerror(errno));
	if (flock(store->lock_fd, LOCK_EX | LOCK_NB))
		return error_set(err, -EBUSY, "%s is in use by another dashboard", store->folder);
	return 0;
}

static struct store *store_make(const struct store_options *options)
{
	struct store *store = NEW(struct store);

	store->options = *options;
	if (!store->options.file_events)
		store->options.file_events = FILE_EVENTS_DEFAULT;
	store->folder = string_copy(options->folder);
	store->options.folder = NULL;
	store->lock_fd = -1;
	store->queue = queue_new(QUEUE_ADDS);
	store->counts = counts_new();
	pthread_mutex_init(&store->days.lock, NULL);
	pthread_mutex_init(&store->lock, NULL);
	pthread_cond_init(&store->has_indexed, NULL);
	return store;
}

int store_open(const struct store_options *options, struct store **ret_store, struct error *err)
{
	struct store *store = store_make(options);
	int r;

	r = make_folder(store->folder, err);
	if (!r)
		r = lock_folder(store, err);
	if (!r)
		r = open_files(store, err);
	if (!r && is_file_full(store))
		r = start_file(store, err);
	if (!r) {
		keep_house(store);
		r = -pthread_create(&store->thread, NULL, run_store, store);
		store->is_started = !r;
	}
	if (r < 0) {
		store_close(store);
		return r;
	}
	*ret_store = store;
	return 0;
}

void store_close(struct store *store)
{
	if (!store)
		return;
	queue_close(store->queue);
	if (store->is_started)
		pthread_join(store->thread, NULL);
	set_damaged_aside(store);
	day_file_free(store->file);
	day_file_free(store->previous);
	forget_words(store);
	counts_free(store->counts);
	for (size_t i = 0; i < store->days.count; i++)
		free(store->days.items[i].path);
	free(store->days.items);
	queue_free(store->queue);
	if (store->lock_fd >= 0)
		close(store->lock_fd);
	pthread_mutex_destroy(&store->days.lock);
	pthread_mutex_destroy(&store->lock);
	pthread_cond_destroy(&store->has_indexed);
	free(store->folder);
	free(store);
}

int store_add(struct store *store, struct store_add *add)
{
	size_t bytes = add_bytes(add);
	int r;

	if (store->queued_bytes + bytes > QUEUE_BYTES_MAX)
		return -EAGAIN;
	store->queued_bytes += bytes;
	r = queue_push(store->queue, add);
	if (r < 0)
		store->queued_bytes -= bytes;
	return r;
}

void store_wait_indexed(struct store *store)
{
	pthread_mutex_lock(&store->lock);
	while (!store->is_all_indexed)
		pthread_cond_wait(&store->has_indexed, &store->lock);
	pthread_mutex_unlock(&store->lock);
}

void store_status(struct store *store, struct store_status *ret_status)
{
	*ret_status = (struct store_status){ .error = store->last_error };
	pthread_mutex_lock(&store->days.lock);
	for (size_t i = 0; i < store->days.count; i++) {
		const struct day *day = &store->days.items[i];

		ret_status->bytes += day->bytes;
		if (!day_events(day))
			continue;
		ret_status->oldest_ns = ret_status->events
						? MIN_OF(ret_status->oldest_ns, day->oldest_ns)
						: day->oldest_ns;
		ret_status->newest_ns = MAX_OF(ret_status->newest_ns, day->newest_ns);
		ret_status->events += day_events(day);
		ret_status->last_id = MAX_OF(ret_status->last_id, day->last_id);
	}
	pthread_mutex_unlock(&store->days.lock);
}
