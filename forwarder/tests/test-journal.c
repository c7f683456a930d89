/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/memory.h"
#include "forwarder/journal-reader.h"
#include "tests/test.h"

struct place {
	char folder[64];
	struct journal_options options;
	struct journal *journal;
	struct error err;
};

static void place_make(struct place *place)
{
	*place = (struct place){ .folder = "/tmp/test-journal-XXXXXX" };
	CHECK(mkdtemp(place->folder) != NULL);
	place->options.folder = place->folder;
}

static void place_remove(struct place *place)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -r %s", place->folder);
	CHECK_NUMBER(system(command), 0);
}

static int place_open(struct place *place, const char *output)
{
	int cursor = -1;

	CHECK_NUMBER(journal_open(&place->options, &place->journal, &place->err), 0);
	if (output)
		cursor = journal_add_cursor(place->journal, output);
	CHECK_NUMBER(journal_start(place->journal, &place->err), 0);
	return cursor;
}

/* Waits for the answers of `expected` appends. */
struct answers {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	int count, failed;
};

#define ANSWERS                                                           \
	{                                                                 \
		PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0, 0 \
	}

static void take_answer(struct journal_append *append, int error)
{
	struct answers *answers = append->context;

	journal_append_free(append);
	pthread_mutex_lock(&answers->lock);
	answers->count++;
	answers->failed += error < 0;
	pthread_cond_signal(&answers->changed);
	pthread_mutex_unlock(&answers->lock);
}

static void wait_for(struct answers *answers, int expected)
{
	pthread_mutex_lock(&answers->lock);
	while (answers->count < expected)
		pthread_cond_wait(&answers->changed, &answers->lock);
	pthread_mutex_unlock(&answers->lock);
}

static struct journal_append *append_of(int from, int count)
{
	struct journal_append *append = journal_append_new((size_t)count);

	for (int i = 0; i < count; i++) {
		append->alerts[i].body = string_printf("{\"n\":%d}", from + i);
		append->alerts[i].length = strlen(append->alerts[i].body);
	}
	return append;
}

static void append_wait(struct place *place, struct journal_append *append)
{
	struct answers answers = ANSWERS;

	append->done = take_answer;
	append->context = &answers;
	CHECK_NUMBER(journal_append(place->journal, append), 0);
	wait_for(&answers, 1);
	CHECK_NUMBER(answers.failed, 0);
}

/* Reads everything after `after`; checks that the bodies count up from `from`. Returns how many. */
static int read_all(struct place *place, int64_t after, int from)
{
	struct journal_reader *reader = journal_reader_new(place->journal);
	int count = 0;

	while (after < journal_head(place->journal)) {
		_cleanup_(journal_batch_freep) struct journal_batch *batch = NULL;

		CHECK_NUMBER(journal_read(reader, after, 100, 1 << 20, &batch, &place->err), 0);
		if (!batch)
			break;
		CHECK(batch->last > after);
		for (size_t i = 0; i < batch->count; i++) {
			char want[32];

			snprintf(want, sizeof(want), "{\"n\":%d}", from + count++);
			CHECK_TEXT(batch->entries[i].body.data, want);
		}
		after = batch->last;
	}
	journal_reader_free(reader);
	return count;
}

static int count_files(struct place *place, const char *part)
{
	DIR *folder = opendir(place->folder);
	struct dirent *entry;
	int count = 0;

	while ((entry = readdir(folder)))
		count += strstr(entry->d_name, part) != NULL && !strstr(entry->d_name, "-wal") &&
			 !strstr(entry->d_name, "-shm");
	closedir(folder);
	return count;
}

TEST(what_was_appended_is_read_in_order_also_after_a_restart)
{
	struct place place;

	place_make(&place);
	place_open(&place, "webhook");
	append_wait(&place, append_of(1, 1));
	append_wait(&place, append_of(2, 250));
	CHECK_NUMBER(read_all(&place, 0, 1), 251);
	journal_close(place.journal);

	place_open(&place, "webhook");
	append_wait(&place, append_of(252, 3));
	CHECK_NUMBER(read_all(&place, 0, 1), 254);
	CHECK_NUMBER(read_all(&place, 250, 251), 4);
	journal_close(place.journal);
	place_remove(&place);
}

TEST(a_batch_ends_at_its_limits_but_holds_at_least_one)
{
	_cleanup_(journal_batch_freep) struct journal_batch *batch = NULL;
	struct journal_reader *reader;
	struct place place;

	place_make(&place);
	place_open(&place, NULL);
	append_wait(&place, append_of(1, 10));
	reader = journal_reader_new(place.journal);
	CHECK_NUMBER(journal_read(reader, 0, 4, 1 << 20, &batch, &place.err), 0);
	CHECK_NUMBER(batch->count, 4);
	CHECK_NUMBER(batch->last, 4);
	journal_batch_free(TAKE(batch));
	CHECK_NUMBER(journal_read(reader, 4, 100, 1, &batch, &place.err), 0);
	CHECK_NUMBER(batch->count, 1);
	journal_batch_free(TAKE(batch));
	CHECK_NUMBER(journal_read(reader, 10, 100, 1, &batch, &place.err), 0);
	CHECK_NUMBER(batch->count, 0);
	CHECK_NUMBER(batch->last, 10);
	journal_reader_free(reader);
	journal_close(place.journal);
	place_remove(&place);
}

TEST(a_new_output_starts_at_the_head_and_a_known_one_where_it_was)
{
	struct place place;
	int old, new;

	place_make(&place);
	old = place_open(&place, "old");
	append_wait(&place, append_of(1, 10));
	journal_advance(place.journal, old, 4, NULL, NULL);
	journal_close(place.journal);

	CHECK_NUMBER(journal_open(&place.options, &place.journal, &place.err), 0);
	new = journal_add_cursor(place.journal, "new");
	old = journal_add_cursor(place.journal, "old");
	CHECK_NUMBER(journal_position(place.journal, new), 10);
	CHECK_NUMBER(journal_position(place.journal, old), 4);
	journal_close(place.journal);
	place_remove(&place);
}

TEST(files_that_every_output_has_read_are_dropped)
{
	struct place place;
	int cursor;

	place_make(&place);
	place.options.file_alerts = 10;
	cursor = place_open(&place, "webhook");
	for (int i = 0; i < 5; i++)
		append_wait(&place, append_of(1 + 10 * i, 10));
	CHECK_NUMBER(read_all(&place, 0, 1), 50);
	journal_advance(place.journal, cursor, 35, NULL, NULL);
	/* Dropped at the latest when the next file is full. */
	append_wait(&place, append_of(51, 10));
	journal_close(place.journal);
	CHECK_NUMBER(count_files(&place, "alerts-"), 4);

	place_open(&place, "webhook");
	CHECK_NUMBER(read_all(&place, 35, 36), 25);
	CHECK_NUMBER(journal_cut(place.journal, cursor), 0);
	journal_close(place.journal);
	place_remove(&place);
}

TEST(what_the_size_limit_cuts_is_counted_for_the_output_that_missed_it)
{
	struct place place;
	int slow, quick;

	place_make(&place);
	place.options.file_alerts = 100;
	place.options.keep_bytes = 1; /* less than any file: only the newest stays */
	CHECK_NUMBER(journal_open(&place.options, &place.journal, &place.err), 0);
	slow = journal_add_cursor(place.journal, "slow");
	quick = journal_add_cursor(place.journal, "quick");
	CHECK_NUMBER(journal_start(place.journal, &place.err), 0);
	append_wait(&place, append_of(1, 90));
	journal_advance(place.journal, quick, 90, NULL, NULL);
	journal_advance(place.journal, slow, 30, NULL, NULL);
	append_wait(&place, append_of(91, 10));
	append_wait(&place, append_of(101, 5));
	CHECK_NUMBER(journal_cut(place.journal, slow), 70);
	CHECK_NUMBER(journal_cut(place.journal, quick), 10);
	CHECK_NUMBER(read_all(&place, 30, 101), 5);
	journal_close(place.journal);

	/* The counts live as long as the journal. */
	CHECK_NUMBER(journal_open(&place.options, &place.journal, &place.err), 0);
	CHECK_NUMBER(journal_cut(place.journal, journal_add_cursor(place.journal, "slow")), 70);
	journal_close(place.journal);
	place_remove(&place);
}

static struct journal_append *with_uuid(struct journal_append *append, const char *uuid)
{
	snprintf(append->alerts[0].uuid, sizeof(append->alerts[0].uuid), "%s", uuid);
	return append;
}

TEST(an_alert_that_is_sent_again_is_written_once)
{
	static const char uuid[] = "6ba7b810-9dad-41d1-80b4-00c04fd430c8";
	struct place place;

	place_make(&place);
	place.options.file_alerts = 2;
	place_open(&place, "webhook");
	append_wait(&place, with_uuid(append_of(1, 1), uuid));
	append_wait(&place, with_uuid(append_of(1, 1), uuid));
	CHECK_NUMBER(journal_folded(place.journal), 1);
	append_wait(&place, append_of(2, 3));
	journal_close(place.journal);

	/* Also when the answer was lost with the process, and the file is no longer the newest. */
	place_open(&place, "webhook");
	append_wait(&place, with_uuid(append_of(1, 1), uuid));
	CHECK_NUMBER(journal_folded(place.journal), 1);
	CHECK_NUMBER(read_all(&place, 0, 1), 4);
	journal_close(place.journal);
	place_remove(&place);
}

TEST(an_append_is_refused_when_too_much_waits)
{
	struct answers answers = ANSWERS;
	struct journal_append *append = append_of(1, 3);
	struct place place;

	place_make(&place);
	place.options.waiting_bytes = 10;
	CHECK_NUMBER(journal_open(&place.options, &place.journal, &place.err), 0);
	/* One that is larger than the ceiling still comes through when nothing else waits. */
	append->done = take_answer;
	append->context = &answers;
	CHECK_NUMBER(journal_append(place.journal, append), 0);
	append = append_of(4, 1);
	CHECK_NUMBER(journal_append(place.journal, append), -EAGAIN);
	journal_append_free(append);
	CHECK_NUMBER(journal_start(place.journal, &place.err), 0);
	wait_for(&answers, 1);
	append_wait(&place, append_of(4, 1));
	journal_close(place.journal);
	place_remove(&place);
}

TEST(a_journal_has_one_owner)
{
	struct journal *second = NULL;
	struct place place;

	place_make(&place);
	place_open(&place, NULL);
	CHECK_NUMBER(journal_open(&place.options, &second, &place.err), -EBUSY);
	CHECK(strstr(place.err.message, "in use by another") != NULL);
	journal_close(place.journal);
	place_remove(&place);
}

static void spoil(struct place *place, const char *name)
{
	char path[128];
	char garbage[64 * 1024];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", place->folder, name);
	memset(garbage, 0x5a, sizeof(garbage));
	fd = open(path, O_WRONLY);
	CHECK(fd >= 0);
	CHECK_NUMBER(pwrite(fd, garbage, sizeof(garbage), 0), sizeof(garbage));
	close(fd);
}

TEST(a_damaged_file_is_set_aside_and_the_others_are_read)
{
	struct place place;
	int cursor;

	place_make(&place);
	place.options.file_alerts = 10;
	place_open(&place, "webhook");
	append_wait(&place, append_of(1, 10));
	append_wait(&place, append_of(11, 5));
	journal_close(place.journal);
	spoil(&place, "alerts-0000000000000011.db");

	cursor = place_open(&place, "webhook");
	CHECK_NUMBER(count_files(&place, "damaged"), 1);
	append_wait(&place, append_of(11, 5));
	CHECK_NUMBER(journal_position(place.journal, cursor), 0);
	CHECK_NUMBER(read_all(&place, 0, 1), 15);
	journal_close(place.journal);
	place_remove(&place);
}

TEST(damage_that_shows_while_reading_is_cut_and_counted)
{
	struct journal_reader *reader;
	struct journal_batch *batch = NULL;
	struct place place;
	int cursor;

	place_make(&place);
	place.options.file_alerts = 1000;
	cursor = place_open(&place, "webhook");
	append_wait(&place, append_of(1, 1000));
	append_wait(&place, append_of(1001, 5));
	spoil(&place, "alerts-0000000000000001.db");
	reader = journal_reader_new(place.journal);
	CHECK_NUMBER(journal_read(reader, 0, 100, 1 << 20, &batch, &place.err), -EBADMSG);
	append_wait(&place, append_of(1006, 1)); /* behind the report in the owner's queue */
	CHECK_NUMBER(journal_cut(place.journal, cursor), 1000);
	CHECK_NUMBER(count_files(&place, "damaged"), 1);
	journal_reader_free(reader);
	CHECK_NUMBER(read_all(&place, 0, 1001), 6);
	journal_close(place.journal);
	place_remove(&place);
}

TEST(dead_letters_are_stored_before_the_position_moves_on)
{
	struct place place;
	sqlite3 *database;
	sqlite3_stmt *row;
	char path[128];
	int cursor;

	place_make(&place);
	cursor = place_open(&place, "webhook");
	append_wait(&place, append_of(1, 3));
	journal_advance(place.journal, cursor, 2,
		dead_letter_new(2, "400: \"bad\" request", TEXT("{\"n\":2}")), NULL);
	append_wait(&place, append_of(4, 1));
	CHECK_NUMBER(journal_dead_letters(place.journal), 1);
	CHECK_NUMBER(journal_position(place.journal, cursor), 2);
	journal_close(place.journal);

	snprintf(path, sizeof(path), "%s/dead-letters.db", place.folder);
	CHECK_NUMBER(sqlite3_open(path, &database), SQLITE_OK);
	CHECK_NUMBER(
		sqlite3_prepare_v2(database,
			"SELECT output, sequence, reason, body FROM dead_letters", -1, &row, NULL),
		SQLITE_OK);
	CHECK_NUMBER(sqlite3_step(row), SQLITE_ROW);
	CHECK_TEXT((const char *)sqlite3_column_text(row, 0), "webhook");
	CHECK_NUMBER(sqlite3_column_int64(row, 1), 2);
	CHECK_TEXT((const char *)sqlite3_column_text(row, 2), "400: \"bad\" request");
	CHECK_TEXT((const char *)sqlite3_column_text(row, 3), "{\"n\":2}");
	sqlite3_finalize(row);
	sqlite3_close(database);
	place_remove(&place);
}

TEST(a_file_of_a_later_version_is_refused_with_words)
{
	struct place place;
	sqlite3 *database;
	char path[128];

	place_make(&place);
	snprintf(path, sizeof(path), "%s/alerts-0000000000000001.db", place.folder);
	CHECK_NUMBER(sqlite3_open(path, &database), SQLITE_OK);
	CHECK_NUMBER(
		sqlite3_exec(database, "PRAGMA user_version = 99", NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(database);
	CHECK_NUMBER(journal_open(&place.options, &place.journal, &place.err), -ENOTSUP);
	CHECK(strstr(place.err.message, "later version") != NULL);
	place_remove(&place);
}

struct reading {
	struct place *place;
	int count;
};

static void *read_to_the_end(void *context)
{
	struct reading *reading = context;
	struct journal_reader *reader = journal_reader_new(reading->place->journal);
	int64_t after = 0;

	while (reading->count < 5000) {
		struct journal_batch *batch = NULL;
		struct error err;

		CHECK_NUMBER(journal_read(reader, after, 64, 1 << 20, &batch, &err), 0);
		if (!batch)
			break;
		for (size_t i = 0; i < batch->count; i++)
			CHECK_NUMBER(batch->entries[i].sequence, ++reading->count);
		after = batch->last;
		journal_batch_free(batch);
	}
	journal_reader_free(reader);
	return NULL;
}

TEST(reading_goes_on_while_it_is_written_over_many_files)
{
	struct answers answers = ANSWERS;
	struct place place;
	struct reading readings[2] = { { &place, 0 }, { &place, 0 } };
	pthread_t threads[2];

	place_make(&place);
	place.options.file_alerts = 300;
	place_open(&place, "webhook");
	for (int i = 0; i < 2; i++)
		pthread_create(&threads[i], NULL, read_to_the_end, &readings[i]);
	for (int i = 0; i < 500; i++) {
		struct journal_append *append = append_of(1 + 10 * i, 10);

		append->done = take_answer;
		append->context = &answers;
		CHECK_NUMBER(journal_append(place.journal, append), 0);
	}
	wait_for(&answers, 500);
	for (int i = 0; i < 2; i++) {
		pthread_join(threads[i], NULL);
		CHECK_NUMBER(readings[i].count, 5000);
	}
	journal_close(place.journal);
	place_remove(&place);
}

struct child_append {
	int pipe, number;
};

static void say_answer(struct journal_append *append, int error)
{
	struct child_append *context = append->context;

	if (!error)
		(void)!write(context->pipe, &context->number, sizeof(context->number));
	free(context);
	journal_append_free(append);
}

/* Appends numbered alerts for ever, keeping 64 under way, and moves a cursor. */
static void child_run(struct place *place, int pipe, int from)
{
	int cursor = place_open(place, "webhook");

	for (int number = from;; number++) {
		struct journal_append *append = append_of(number, 1);
		struct child_append *context = NEW(struct child_append);

		*context = (struct child_append){ pipe, number };
		append->done = say_answer;
		append->context = context;
		while (journal_append(place->journal, append) < 0)
			;
		if (number % 100 == 0)
			journal_advance(place->journal, cursor, journal_head(place->journal) / 2,
				NULL, NULL);
		while (journal_head(place->journal) + 64 < number)
			;
	}
}

/* Lets a child run until it has acknowledged `wanted` alerts, kills it; the last acknowledged. */
static int run_and_kill(struct place *place, int from, int wanted)
{
	int pipes[2], number, last = from - 1, count = 0, status;
	pid_t child;

	CHECK_NUMBER(pipe(pipes), 0);
	fflush(stdout);
	child = fork();
	if (!child) {
		close(pipes[0]);
		child_run(place, pipes[1], from);
		_exit(1);
	}
	close(pipes[1]);
	while (read(pipes[0], &number, sizeof(number)) == (ssize_t)sizeof(number)) {
		last = number;
		if (++count == wanted)
			kill(child, SIGKILL);
	}
	waitpid(child, &status, 0);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	close(pipes[0]);
	return last;
}

TEST(kill_9_at_any_point_loses_no_acknowledged_alert)
{
	struct place place;
	int64_t position = 0;
	int next = 1;

	place_make(&place);
	place.options.file_alerts = 150; /* so that kills fall on new files too */
	place.options.keep_bytes = 1ULL << 40;
	srand(1);
	for (int round = 0; round < 40; round++) {
		int last = run_and_kill(&place, next, 1 + rand() % 400);
		int cursor = place_open(&place, "webhook");
		int64_t head = journal_head(place.journal);

		CHECK(head >= last);
		CHECK(journal_position(place.journal, cursor) >= position);
		position = journal_position(place.journal, cursor);
		/* The numbers are the sequence, so nothing was written twice or left out. */
		CHECK_NUMBER(read_all(&place, position, (int)position + 1), head - position);
		CHECK_NUMBER(journal_cut(place.journal, cursor), 0);
		next = (int)head + 1;
		journal_close(place.journal);
	}
	place_remove(&place);
}

TEST(dead_letters_that_are_busy_are_not_taken_for_damaged)
{
	struct dead_letters *letters = NULL, *other = NULL;
	struct error err = { 0 };
	struct place place;

	place_make(&place);
	CHECK_NUMBER(dead_letters_open(place.folder, &letters, &err), 0);
	CHECK_NUMBER(dead_letters_begin(letters, &err), 0);
	CHECK(dead_letters_open(place.folder, &other, &err) < 0 || other);
	dead_letters_close(other);
	CHECK_NUMBER(count_files(&place, "damaged"), 0);
	CHECK_NUMBER(dead_letters_commit(letters, &err), 0);
	dead_letters_close(letters);
	place_remove(&place);
}

TEST(what_an_output_keeps_beside_its_position_is_there_after_a_restart)
{
	_cleanup_(freep) char *state = NULL;
	struct place place;
	int cursor;

	place_make(&place);
	cursor = place_open(&place, "slack");
	append_wait(&place, append_of(1, 3));
	journal_advance(place.journal, cursor, 2, NULL, string_copy("{\"folds\":1}"));
	journal_close(place.journal);
	cursor = place_open(&place, "slack");
	CHECK_NUMBER(journal_position(place.journal, cursor), 2);
	state = journal_state(place.journal, cursor);
	CHECK_TEXT(state, "{\"folds\":1}");
	CHECK_NUMBER(journal_add_cursor(place.journal, "slack"), cursor);
	CHECK(journal_add_cursor(place.journal, "another") != cursor);
	journal_release_cursor(place.journal, cursor);
	journal_close(place.journal);
	place_remove(&place);
}
