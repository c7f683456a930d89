/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Storing alerts: all that waits is one group, committed and then acknowledged.
 *
 * An alert goes into the file of the day on which it arrives, whatever time it claims: that a
 * sender's clock is wrong must not make files for the year 2200.
 */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "base/log.h"
#include "base/memory.h"
#include "dashboard/store-inside.h"

#define WORD_BYTES_MAX (16 * 1024 * 1024) /* of the current file's words, in memory */

struct word {
	int64_t id;
	UT_hash_handle hh;
	char text[];
};

/* Files. */

static bool read_flag(struct day_file *file, const char *key)
{
	struct statement *meta = day_file_query(file, QUERY_META_GET);
	bool flag;

	bind_text(meta, ":key", text_of(key));
	flag = statement_next(meta, NULL) == 1 && column_number(meta, 0);
	statement_reset(meta);
	return flag;
}

static int read_bounds(struct day_file *file, struct day *day, struct error *err)
{
	struct statement *bounds = day_file_query(file, QUERY_DAY_BOUNDS);
	struct statement *meta = day_file_query(file, QUERY_META_GET);
	int r;

	bind_text(meta, ":key", TEXT("indexed"));
	r = statement_next(bounds, err);
	if (r == 1)
		r = statement_next(meta, err);
	if (r != 1)
		return r == -EIO || !r ? -EBADMSG : r;
	if (!column_is_null(bounds, 0)) {
		day->first_id = column_number(bounds, 0);
		day->last_id = column_number(bounds, 1);
		day->oldest_ns = column_number(bounds, 2);
		day->newest_ns = column_number(bounds, 3);
	}
	day->indexed = column_number(meta, 0);
	statement_reset(bounds);
	statement_reset(meta);
	day->is_summed = read_flag(file, "summed");
	day->is_by_rule = read_flag(file, "by_rule");
	return 0;
}

void store_forget_words(struct store *store)
{
	struct word *word, *next;

	HASH_ITER (hh, store->words, word, next) {
		HASH_DEL(store->words, word);
		free(word);
	}
	store->word_bytes = 0;
}

int store_use_day(
	struct store *store, const char *path, const char *day, int part, struct error *err)
{
	struct day listed = { .first_id = store->last_id + 1, .last_id = store->last_id };
	_cleanup_(day_file_freep) struct day_file *file = NULL;
	int r;

	r = day_file_open(path, true, &file, err);
	if (!r)
		r = read_bounds(file, &listed, err);
	if (r < 0)
		return r;
	listed.path = string_copy(path);
	listed.bytes = day_bytes(path);
	days_add(&store->days, &listed);
	store->last_id = MAX_OF(store->last_id, listed.last_id);
	day_file_free(store->previous);
	store->previous = store->file;
	store->file = TAKE(file);
	snprintf(store->day, sizeof(store->day), "%s", day);
	store->part = part;
	store_forget_words(store);
	counts_forget(store->counts);
	return 0;
}

int store_start_day(struct store *store, struct error *err)
{
	char today[DAY_NAME_MAX];
	int part;

	day_of_time(store_now(store), today);
	part = store->file && !strcmp(today, store->day) ? store->part + 1 : 1;
	for (;; part++) {
		_cleanup_(freep) char *path = day_path(store->folder, today, part);

		if (access(path, F_OK))
			return store_use_day(store, path, today, part, err);
	}
}

bool store_is_day_full(struct store *store)
{
	struct day day = store_current_day(store);
	char today[DAY_NAME_MAX];

	day_of_time(store_now(store), today);
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
	struct statement *statement;
	struct word *word;
	int r;

	HASH_FIND(hh, store->words, text.data, text.length, word);
	if (word) {
		*ret_id = word->id;
		return 0;
	}
	if (store->word_bytes > WORD_BYTES_MAX)
		store_forget_words(store);
	word = memory_new(1, sizeof(*word) + text.length + 1);
	memcpy(word->text, text.data, text.length);

	statement = day_file_query(store->file, QUERY_WORD_FIND);
	bind_text(statement, ":text", text);
	if (statement_next(statement, NULL) == 1) {
		word->id = column_number(statement, 0);
		statement_reset(statement);
	} else {
		statement = day_file_query(store->file, QUERY_WORD_ADD);
		bind_text(statement, ":text", text);
		r = statement_run(statement, err);
		if (r < 0) {
			free(word);
			return r;
		}
		word->id = day_file_last_id(store->file);
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
	struct statement *statement;
	bool is_there;

	if (!store->previous)
		return false;
	statement = day_file_query(store->previous, QUERY_EVENT_BY_UUID);
	bind_bytes(statement, ":uuid", uuid, 16);
	is_there = statement_next(statement, NULL) == 1;
	statement_reset(statement);
	return is_there;
}

static int count_event(struct store *store, const struct store_event *event, const int64_t words[3],
	struct error *err)
{
	struct counted counted = { event->priority, words[WORD_RULE] };
	struct text tags = text_of(event->tags), tag;
	int64_t value;
	int r;

	counts_add_minute(store->counts, event->time_ns, &counted);
	counts_add_facet(store->counts, FACET_SOURCE, event->time_ns, words[WORD_SOURCE], &counted);
	counts_add_facet(
		store->counts, FACET_HOSTNAME, event->time_ns, words[WORD_HOSTNAME], &counted);
	while (text_split(&tags, '\n', &tag)) {
		if (!tag.length)
			continue;
		if ((r = word_id(store, tag, &value, err)) < 0)
			return r;
		counts_add_facet(store->counts, FACET_TAG, event->time_ns, value, &counted);
	}
	for (int facet = 1; facet < FACET_END; facet++) {
		struct text text = text_of(event->facets[facet]);

		if (!text.data)
			continue;
		value = 0;
		if (text.length && (r = word_id(store, text, &value, err)) < 0)
			return r;
		counts_add_facet(store->counts, (enum facet)facet, event->time_ns, value, &counted);
	}
	return 0;
}

static int insert_event(struct store *store, const struct store_event *event, int64_t id,
	const unsigned char uuid[16], const int64_t words[3], int64_t tags, struct error *err)
{
	struct statement *statement = day_file_query(store->file, QUERY_EVENT_ADD);

	bind_number(statement, ":id", id);
	bind_number(statement, ":time", event->time_ns);
	bind_bytes(statement, ":uuid", uuid, 16);
	bind_number(statement, ":priority", event->priority);
	bind_number(statement, ":rule", words[WORD_RULE]);
	bind_number(statement, ":source", words[WORD_SOURCE]);
	bind_number(statement, ":hostname", words[WORD_HOSTNAME]);
	bind_number(statement, ":tags", tags);
	bind_text(statement, ":json", (struct text){ event->json, event->json_length });
	return statement_run(statement, err);
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
	if (!day_file_has_changed(store->file))
		return 0;
	event->id = (*next_id)++;
	return count_event(store, event, words, err);
}

static int write_group(struct store *store, struct store_add **adds, int count, int64_t *next_id,
	struct error *err)
{
	int r;

	r = day_file_begin(store->file, err);
	for (int i = 0; i < count && !r; i++)
		for (size_t j = 0; j < adds[i]->count && !r; j++)
			r = store_event(store, &adds[i]->events[j], next_id, err);
	if (!r)
		r = counts_write(store->counts, store->file, err);
	if (!r)
		r = day_file_commit(store->file, err);
	if (r < 0) {
		day_file_rollback(store->file);
		store_forget_words(store);
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
	day->bytes = day_bytes(day->path);
	pthread_mutex_unlock(&store->days.lock);
	store->last_id = last_id;
}

static int try_group(struct store *store, struct store_add **adds, int count, struct error *err)
{
	int64_t next_id = store->last_id + 1;
	int r = 0;

	if (store_is_day_full(store))
		r = store_start_day(store, err);
	if (!r)
		r = write_group(store, adds, count, &next_id, err);
	if (!r)
		note_group(store, adds, count, next_id - 1);
	return r;
}

size_t store_add_bytes(const struct store_add *add)
{
	size_t bytes = 0;

	for (size_t i = 0; i < add->count; i++)
		bytes += add->events[i].json_length;
	return bytes;
}

void store_write(struct store *store, struct store_add **adds, int count)
{
	struct error err = { 0 };
	int r;

	r = try_group(store, adds, count, &err);
	if (r == -EBADMSG && store->file) {
		store_set_current_aside(store);
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
		store->queued_bytes -= store_add_bytes(adds[i]);
		adds[i]->done(adds[i], r);
	}
}
