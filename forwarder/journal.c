/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The journal's owner: takes what waits from a queue, in order, so that a position that follows
 * a dead letter in the queue is stored after it.
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/queue.h"
#include "forwarder/journal.h"
#include "forwarder/recent.h"
#include "forwarder/segments.h"
#include "forwarder/syncer.h"

#define KEEP_MS_DEFAULT	      (7LL * 24 * 3600 * 1000)
#define KEEP_BYTES_DEFAULT    (1ULL << 30)
#define FILE_ALERTS_DEFAULT   100000
#define FILE_BYTES_DEFAULT    (128ULL << 20)
#define WAITING_BYTES_DEFAULT (64ULL << 20)
#define QUEUE_LENGTH	      65536
#define TAKE_MAX	      1024
#define GROUP_BYTES	      (4 << 20) /* a commit carries about as much at most */
#define SYNC_INTERVAL_MS      100
#define POSITIONS_INTERVAL_MS 200
#define LIMITS_INTERVAL_MS    60000
#define REQUEUED_INTERVAL_MS  1000
#define REQUEUED_AT_ONCE      100
#define CURSORS_MAX	      256
#define ROW_OVERHEAD	      64 /* bytes that SQLite adds to a body, about */

struct cursor {
	char *output;
	_Atomic int64_t position;
	_Atomic int64_t cut;
	bool is_wanted; /* by an output of this run */
	bool is_dirty;
	char *state; /* NULL: none */
	/* Letters that could not be stored yet, and the position that waits for them. */
	struct dead_letter *held;
	int64_t held_position;
	char *held_state;
};

struct advance {
	struct journal_work work;
	int cursor;
	int64_t position;
	struct dead_letter *letters;
	char *state;
};

/* Something that another thread waits for. */
struct call {
	struct journal_work work;
	void (*run)(struct journal *journal, void *context);
	void *context;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool is_done;
};

struct damaged {
	struct journal_work work;
	int64_t first;
	char why[ERROR_MESSAGE_MAX];
};

struct journal {
	struct journal_options options;
	struct queue *queue;
	_Atomic uint64_t waiting_bytes;
	pthread_t thread;
	bool is_started;
	int lock_fd;

	struct segments *segments;

	/* The owner's alone. */
	struct journal_file *file; /* of the last segment */
	int64_t next;		   /* sequence of the next alert */
	struct cursor cursors[CURSORS_MAX];
	int cursor_count;
	bool positions_are_dirty, letters_are_held;
	int64_t positions_stored_ms, limits_looked_ms, requeued_looked_ms; /* monotonic */
	int64_t boot_ms; /* time of day when the machine started */
	struct recent *recent;
	struct syncer *syncer;
	struct dead_letters *dead_letters;

	_Atomic int64_t head;
	_Atomic uint64_t folded;
	_Atomic int64_t dead_letter_count;
	_Atomic int error;
};

struct journal_append *journal_append_new(size_t count)
{
	struct journal_append *append = NEW(struct journal_append);

	append->alerts = NEW_ARRAY(struct journal_alert, count);
	append->count = count;
	return append;
}

void journal_append_free(struct journal_append *append)
{
	if (!append)
		return;
	for (size_t i = 0; i < append->count; i++)
		free(append->alerts[i].body);
	free(append->alerts);
	free(append);
}

/*
 * The time of day as it was when we started, and what has passed since: a clock that is set while
 * we run makes no alert old.
 */
static int64_t now_ms(const struct journal *journal)
{
	return clock_ms(CLOCK_BOOTTIME) + journal->boot_ms;
}

static void sync_folder(const struct journal *journal)
{
	int fd = open(journal->options.folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return;
	fsync(fd);
	close(fd);
}

static int store_positions(struct journal *journal, bool all, struct error *err)
{
	for (int i = 0; i < journal->cursor_count; i++) {
		struct cursor *cursor = &journal->cursors[i];
		int r;

		if (!all && !cursor->is_dirty)
			continue;
		r = journal_file_set_cursor(
			journal->file, cursor->output, cursor->position, cursor->cut, err);
		if (!r && cursor->state)
			r = journal_file_set_state(
				journal->file, cursor->output, cursor->state, err);
		if (r < 0)
			return r;
	}
	return 0;
}

static void positions_are_stored(struct journal *journal)
{
	for (int i = 0; i < journal->cursor_count; i++)
		journal->cursors[i].is_dirty = false;
	journal->positions_are_dirty = false;
	journal->positions_stored_ms = clock_ms(CLOCK_MONOTONIC);
}

/* A file of its own for what begins at journal->next, with all positions in it. */
static int start_file(struct journal *journal, struct error *err)
{
	struct segment segment = { .first = journal->next };
	int r;

	segment.path = segment_path(journal->options.folder, segment.first);
	r = journal_file_open(segment.path, journal->options.durability, &journal->file, err);
	if (!r)
		r = journal_file_begin(journal->file, err);
	if (!r)
		r = store_positions(journal, true, err);
	if (!r)
		r = journal_file_commit(journal->file, err);
	if (r < 0) {
		journal_file_close(TAKE(journal->file));
		free(segment.path);
		return r;
	}
	positions_are_stored(journal);
	sync_folder(journal);
	segments_add(journal->segments, segment);
	return 0;
}

/* What an output had not sent of a segment that goes is counted as cut from it. */
static void count_cut(struct journal *journal, const struct segment *segment)
{
	for (int i = 0; i < journal->cursor_count; i++) {
		struct cursor *cursor = &journal->cursors[i];
		int64_t from = MAX_OF((int64_t)cursor->position, segment->first - 1);

		if (from >= segment->last)
			continue;
		cursor->cut += segment->last - from;
		cursor->is_dirty = true;
		journal->positions_are_dirty = true;
		if (cursor->is_wanted)
			log_warning(
				"%s: %lld alerts were cut from the journal before they were sent",
				cursor->output, (long long)(segment->last - from));
	}
}

static void cut_oldest(struct journal *journal)
{
	struct segment segment = segments_remove(journal->segments, 0);

	count_cut(journal, &segment);
	segment_unlink(&segment);
	free(segment.path);
}

static bool is_needed(const struct journal *journal, const struct segment *segment)
{
	for (int i = 0; i < journal->cursor_count; i++)
		if (journal->cursors[i].is_wanted && journal->cursors[i].position < segment->last)
			return true;
	return false;
}

/* The newest segment is never cut: it is written to. */
static void keep_limits(struct journal *journal)
{
	int64_t oldest_ms = now_ms(journal) - journal->options.keep_ms;

	while (segments_count(journal->segments) > 1) {
		const struct segment *oldest = segments_get(journal->segments, 0);

		if (is_needed(journal, oldest) && oldest->arrived_ms >= oldest_ms &&
			segments_bytes(journal->segments) <= journal->options.keep_bytes)
			break;
		cut_oldest(journal);
	}
	journal->limits_looked_ms = clock_ms(CLOCK_MONOTONIC);
}

static bool is_full(const struct journal *journal, const struct segment *segment)
{
	return journal->next - segment->first >= journal->options.file_alerts ||
	       segment->bytes >= journal->options.file_bytes;
}

static void remember_uuid(void *context, const char *uuid)
{
	if (uuid_is_valid(text_of(uuid)))
		recent_add(context, uuid);
}

static int add_alerts(struct journal *journal, struct journal_append *append, int64_t arrived_ms,
	struct error *err)
{
	for (size_t i = 0; i < append->count; i++) {
		struct journal_alert *alert = &append->alerts[i];
		struct journal_entry entry = { journal->next, arrived_ms,
			{ alert->body, alert->length } };
		int r;

		alert->is_remembered = alert->uuid[0] && recent_add(journal->recent, alert->uuid);
		if (alert->uuid[0] && !alert->is_remembered) {
			journal->folded++;
			continue;
		}
		r = journal_file_add(
			journal->file, &entry, alert->uuid[0] ? alert->uuid : NULL, err);
		if (r < 0)
			return r;
		journal->next++;
	}
	return 0;
}

static void hold_letters(struct cursor *cursor, struct dead_letter *letters)
{
	struct dead_letter **end = &cursor->held;

	while (*end)
		end = &(*end)->next;
	*end = letters;
}

/* Stores the letters first; while that fails the position waits for them. */
static void settle(struct journal *journal, struct cursor *cursor)
{
	struct error err;

	if (cursor->held) {
		if (dead_letters_add(journal->dead_letters, cursor->output, cursor->held, &err) <
			0) {
			log_error("%s: %s", cursor->output, err.message);
			journal->letters_are_held = true;
			return;
		}
		dead_letters_free(TAKE(cursor->held));
		journal->dead_letter_count = dead_letters_count(journal->dead_letters);
	}
	if (cursor->held_position <= cursor->position && !cursor->held_state)
		return;
	if (cursor->held_state) {
		free(cursor->state);
		cursor->state = TAKE(cursor->held_state);
	}
	cursor->position = MAX_OF((int64_t)cursor->position, cursor->held_position);
	cursor->is_dirty = true;
	journal->positions_are_dirty = true;
}

static void settle_all(struct journal *journal)
{
	journal->letters_are_held = false;
	for (int i = 0; i < journal->cursor_count; i++)
		settle(journal, &journal->cursors[i]);
}

static void take_position(struct journal *journal, struct advance *advance)
{
	struct cursor *cursor = &journal->cursors[advance->cursor];

	hold_letters(cursor, advance->letters);
	if (advance->state) {
		free(cursor->held_state);
		cursor->held_state = TAKE(advance->state);
	}
	cursor->held_position = MAX_OF(cursor->held_position, advance->position);
	settle(journal, cursor);
}

/* What was in a damaged segment is lost, and said. A new one is made where it was written to. */
static void drop_damaged(struct journal *journal, size_t at, const char *why)
{
	bool was_written = at + 1 == segments_count(journal->segments);
	struct segment segment;
	struct error err;

	if (was_written)
		journal_file_close(TAKE(journal->file));
	segment = segments_remove(journal->segments, at);
	count_cut(journal, &segment);
	database_set_aside(segment.path, why);
	free(segment.path);
	if (was_written && start_file(journal, &err) < 0)
		log_error("%s", err.message);
}

/* A reader found that a file cannot be read. */
static void take_damaged(struct journal *journal, const struct damaged *damaged)
{
	for (size_t i = 0; i < segments_count(journal->segments); i++) {
		if (segments_get(journal->segments, i)->first != damaged->first)
			continue;
		drop_damaged(journal, i, damaged->why);
		return;
	}
}

static void say_error(struct journal *journal, int r, const struct error *err)
{
	if (r < 0 && journal->error != r)
		log_error("nothing can be written: %s", err->message);
	else if (!r && journal->error)
		log_info("the journal can be written again");
	journal->error = r;
}

static void answer(struct journal *journal, struct journal_append *append, int r)
{
	journal->waiting_bytes -= append->bytes;
	append->done(append, r);
}

/* One transaction: alerts, and the positions that changed. */
static int commit(
	struct journal *journal, struct journal_append **appends, size_t count, struct error *err)
{
	int64_t arrived_ms = now_ms(journal);
	int r;

	/* The newest file was damaged and no new one could be made; perhaps now. */
	r = journal->file ? 0 : start_file(journal, err);
	if (!r)
		r = journal_file_begin(journal->file, err);
	for (size_t i = 0; i < count && !r; i++)
		r = add_alerts(journal, appends[i], arrived_ms, err);
	if (!r)
		r = store_positions(journal, false, err);
	if (!r)
		r = journal_file_commit(journal->file, err);
	if (r < 0)
		return r;
	positions_are_stored(journal);
	return 0;
}

static void take_back(
	struct journal *journal, struct journal_append **appends, size_t count, int64_t next)
{
	journal->next = next;
	if (journal->file)
		journal_file_rollback(journal->file);
	for (size_t i = 0; i < count; i++) {
		for (size_t j = 0; j < appends[i]->count; j++) {
			struct journal_alert *alert = &appends[i]->alerts[j];

			if (alert->is_remembered)
				recent_remove(journal->recent, alert->uuid);
			alert->is_remembered = false;
		}
	}
}

static void publish(struct journal *journal, uint64_t bytes)
{
	int64_t last = journal->next - 1;

	bytes += (uint64_t)(last - journal->head) * ROW_OVERHEAD;
	segments_grow(journal->segments, last, now_ms(journal), bytes);
	journal->head = last;
	if (journal->options.has_new)
		journal->options.has_new(journal->options.context);
}

static void touch_disk(struct journal *journal)
{
	if (journal->options.durability != DURABILITY_PROCESS)
		return;
	_cleanup_(freep) char *wal =
		string_printf("%s-wal", segments_newest(journal->segments)->path);

	syncer_touch(journal->syncer, wal);
}

static void turn_page(struct journal *journal)
{
	struct error err;

	if (!is_full(journal, segments_newest(journal->segments)))
		return;
	journal_file_close(TAKE(journal->file));
	if (start_file(journal, &err) < 0)
		log_error("%s", err.message);
	keep_limits(journal);
}

static int try_group(
	struct journal *journal, struct journal_append **appends, size_t count, struct error *err)
{
	int64_t next = journal->next;
	int r = commit(journal, appends, count, err);

	if (r < 0)
		take_back(journal, appends, count, next);
	return r;
}

/* Writes a group and answers it. */
static void write_group(struct journal *journal, struct journal_append **appends, size_t count)
{
	int64_t next = journal->next;
	struct error err = { 0 };
	uint64_t bytes = 0;
	int r;

	for (size_t i = 0; i < count; i++)
		bytes += appends[i]->bytes;
	r = try_group(journal, appends, count, &err);
	if (r == -EBADMSG && journal->file) {
		drop_damaged(journal, segments_count(journal->segments) - 1, err.message);
		r = try_group(journal, appends, count, &err);
	}
	say_error(journal, r, &err);
	if (!r && journal->next > next)
		publish(journal, bytes);
	if (!r)
		touch_disk(journal);
	for (size_t i = 0; i < count; i++)
		answer(journal, appends[i], r);
	if (journal->file)
		turn_page(journal);
}

static void take_call(struct journal *journal, struct call *call)
{
	call->run(journal, call->context);
	pthread_mutex_lock(&call->lock);
	call->is_done = true;
	pthread_cond_signal(&call->changed);
	pthread_mutex_unlock(&call->lock);
}

static void take_one(struct journal *journal, struct journal_work *work)
{
	if (work->kind == JOURNAL_CALL) {
		take_call(journal, (struct call *)work); /* on its caller's stack */
		return;
	}
	if (work->kind == JOURNAL_DAMAGED) {
		take_damaged(journal, (struct damaged *)work);
	} else {
		take_position(journal, (struct advance *)work);
	}
	free(work);
}

/* Works off what was taken, in its order, in groups of about GROUP_BYTES. */
static void work_off(struct journal *journal, struct journal_work **works, size_t count)
{
	struct journal_append *appends[TAKE_MAX];
	size_t bytes = 0, group = 0;

	for (size_t i = 0; i < count; i++) {
		if (works[i]->kind != JOURNAL_APPEND) {
			take_one(journal, works[i]);
			continue;
		}
		appends[group++] = (struct journal_append *)works[i];
		bytes += appends[group - 1]->bytes;
		if (bytes < GROUP_BYTES)
			continue;
		write_group(journal, appends, group);
		bytes = group = 0;
	}
	if (group)
		write_group(journal, appends, group);
}

static bool has_positions(const struct journal *journal)
{
	return journal->positions_are_dirty || journal->letters_are_held;
}

static int wait_ms(const struct journal *journal)
{
	int64_t now = clock_ms(CLOCK_MONOTONIC);
	int64_t until = journal->requeued_looked_ms + REQUEUED_INTERVAL_MS;

	if (has_positions(journal))
		until = MIN_OF(until, journal->positions_stored_ms + POSITIONS_INTERVAL_MS);
	return (int)MAX_OF(until - now, 0);
}

static void forget_append(struct journal_append *append, int error)
{
	(void)append;
	(void)error;
}

static bool is_wanted_output(const void *context, const char *output)
{
	const struct journal *journal = context;

	for (int i = 0; i < journal->cursor_count; i++)
		if (journal->cursors[i].is_wanted && !strcmp(journal->cursors[i].output, output))
			return true;
	return false;
}

static struct journal_append *append_of_letters(const struct requeued *letters, size_t count)
{
	struct journal_append *append = journal_append_new(count);

	append->done = forget_append;
	append->work.kind = JOURNAL_APPEND;
	for (size_t i = 0; i < count; i++) {
		append->alerts[i].body =
			string_printf("@%s\n%s", letters[i].output, letters[i].body);
		append->alerts[i].length = strlen(append->alerts[i].body);
		append->bytes += append->alerts[i].length;
	}
	return append;
}

/*
 * Dead letters that someone wants to be sent again go to the end of the journal, for their output
 * alone. They are taken out only after the commit: one may come twice, with the same uuid.
 */
static void take_requeued(struct journal *journal)
{
	struct requeued letters[REQUEUED_AT_ONCE];
	size_t count;
	int64_t next;

	journal->requeued_looked_ms = clock_ms(CLOCK_MONOTONIC);
	if (!dead_letters_have_changed(journal->dead_letters))
		return;
	do {
		struct journal_append *append;

		count = dead_letters_requeued(journal->dead_letters, is_wanted_output, journal,
			letters, REQUEUED_AT_ONCE);
		if (!count)
			break;
		append = append_of_letters(letters, count);
		next = journal->next;
		journal->waiting_bytes += append->bytes;
		write_group(journal, &append, 1);
		if (journal->next > next)
			dead_letters_remove(journal->dead_letters, letters, count);
		journal_append_free(append);
		requeued_done(letters, count);
	} while (journal->next > next && count == REQUEUED_AT_ONCE);
	journal->dead_letter_count = dead_letters_count(journal->dead_letters);
}

/* What is due without anything being handed over. */
static void tend(struct journal *journal)
{
	int64_t now = clock_ms(CLOCK_MONOTONIC);

	if (has_positions(journal) && now - journal->positions_stored_ms >= POSITIONS_INTERVAL_MS) {
		settle_all(journal);
		write_group(journal, NULL, 0);
		/* A disk that refuses is asked again after an interval, not at once. */
		journal->positions_stored_ms = now;
		keep_limits(journal);
	}
	if (now - journal->limits_looked_ms >= LIMITS_INTERVAL_MS)
		keep_limits(journal);
	if (now - journal->requeued_looked_ms >= REQUEUED_INTERVAL_MS)
		take_requeued(journal);
}

static void *own(void *context)
{
	struct journal *journal = context;
	void *works[TAKE_MAX];
	int count;

	while ((count = queue_pop_many(journal->queue, works, TAKE_MAX, wait_ms(journal))) >= 0) {
		work_off(journal, (struct journal_work **)works, (size_t)count);
		tend(journal);
	}
	settle_all(journal);
	if (journal->positions_are_dirty)
		write_group(journal, NULL, 0);
	return NULL;
}

static void set_defaults(struct journal_options *options)
{
	options->keep_ms = options->keep_ms ? options->keep_ms : KEEP_MS_DEFAULT;
	options->keep_bytes = options->keep_bytes ? options->keep_bytes : KEEP_BYTES_DEFAULT;
	options->file_alerts = options->file_alerts ? options->file_alerts : FILE_ALERTS_DEFAULT;
	options->file_bytes = options->file_bytes ? options->file_bytes : FILE_BYTES_DEFAULT;
	options->waiting_bytes =
		options->waiting_bytes ? options->waiting_bytes : WAITING_BYTES_DEFAULT;
}

static int take_folder(struct journal *journal, struct error *err)
{
	const char *folder = journal->options.folder;
	_cleanup_(freep) char *path = string_printf("%s/lock", folder);

	if (mkdir(folder, 0700) < 0 && errno != EEXIST)
		return error_set(err, -errno, "%s cannot be made: %s", folder, strerror(errno));
	journal->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (journal->lock_fd < 0)
		return error_set(err, -errno, "%s cannot be written: %s", path, strerror(errno));
	if (flock(journal->lock_fd, LOCK_EX | LOCK_NB) < 0)
		return error_set(err, -EBUSY,
			"%s is in use by another tercel-forwarder; give this one its own --state",
			folder);
	return 0;
}

static void see_cursor(void *context, const char *output, int64_t position, int64_t cut)
{
	struct journal *journal = context;
	struct cursor *cursor;

	if (!output || journal->cursor_count == CURSORS_MAX)
		return;
	cursor = &journal->cursors[journal->cursor_count++];
	cursor->output = string_copy(output);
	cursor->position = position;
	cursor->cut = cut;
}

static void forget_cursors(struct journal *journal)
{
	for (int i = 0; i < journal->cursor_count; i++) {
		dead_letters_free(journal->cursors[i].held);
		free(journal->cursors[i].state);
		free(journal->cursors[i].held_state);
		free(journal->cursors[i].output);
	}
	memset(journal->cursors, 0, sizeof(journal->cursors));
	journal->cursor_count = 0;
}

static void see_state(void *context, const char *output, const char *state)
{
	struct journal *journal = context;

	for (int i = 0; i < journal->cursor_count; i++)
		if (output && state && !strcmp(journal->cursors[i].output, output))
			journal->cursors[i].state = string_copy(state);
}

/* Each file knows the positions of its time; the newest that can be read is right. */
static int read_positions(struct journal *journal, struct journal_file *file, struct error *err)
{
	int r;

	forget_cursors(journal);
	r = journal_file_each_cursor(file, see_cursor, journal, err);
	return r < 0 ? r : journal_file_each_state(file, see_state, journal, err);
}

static uint64_t file_bytes(const char *path)
{
	struct stat status;

	return stat(path, &status) < 0 ? 0 : (uint64_t)status.st_size;
}

static int read_segment(struct journal *journal, struct journal_file *file, struct segment *segment,
	struct error *err)
{
	int64_t first;
	int r = journal_file_range(file, &first, &segment->last, &segment->arrived_ms, err);

	if (!r)
		r = read_positions(journal, file, err);
	if (!r)
		r = journal_file_each_uuid(file, RECENT_MAX, remember_uuid, journal->recent, err);
	return r;
}

/* -EBADMSG: damaged, and set aside. The newest one is looked at page by page and stays open. */
static int open_segment(struct journal *journal, int64_t first, bool is_newest, struct error *err)
{
	_cleanup_(journal_file_closep) struct journal_file *file = NULL;
	struct segment segment = { .first = first,
		.path = segment_path(journal->options.folder, first) };
	int r;

	r = journal_file_open(segment.path, journal->options.durability, &file, err);
	if (!r && is_newest)
		r = journal_file_check(file, err);
	if (!r)
		r = read_segment(journal, file, &segment, err);
	if (r < 0) {
		journal_file_close(TAKE(file));
		if (r == -EBADMSG)
			database_set_aside(segment.path, err->message);
		free(segment.path);
		return r;
	}
	segment.bytes = file_bytes(segment.path);
	segments_add(journal->segments, segment);
	journal->next = MAX_OF(segment.last + 1, segment.first);
	if (is_newest)
		journal->file = TAKE(file);
	return 0;
}

static int open_segments(
	struct journal *journal, const int64_t *firsts, int count, struct error *err)
{
	int64_t most = MAX_OF(journal->options.file_alerts, FILE_ALERTS_DEFAULT);

	journal->next = 1;
	for (int i = 0; i < count; i++) {
		int r = open_segment(journal, firsts[i], i == count - 1, err);

		/* Past all that it can have held, so that no position is used twice. */
		if (r == -EBADMSG)
			journal->next = firsts[i] + most + JOURNAL_APPEND_MAX;
		else if (r < 0)
			return r;
	}
	return 0;
}

static int open_files(struct journal *journal, struct error *err)
{
	_cleanup_(freep) int64_t *firsts = NULL;
	int count = segments_scan(journal->options.folder, &firsts, err);
	int r;

	if (count < 0)
		return count;
	r = open_segments(journal, firsts, count, err);
	if (!r && !journal->file)
		r = start_file(journal, err);
	return r;
}

static void journal_free(struct journal *journal)
{
	journal_file_close(journal->file);
	dead_letters_close(journal->dead_letters);
	forget_cursors(journal);
	segments_free(journal->segments);
	recent_free(journal->recent);
	queue_free(journal->queue);
	if (journal->lock_fd >= 0)
		close(journal->lock_fd);
	free((char *)journal->options.folder);
	free(journal);
}
DEFINE_CLEANUP(struct journal *, journal_free)

int journal_open(
	const struct journal_options *options, struct journal **ret_journal, struct error *err)
{
	_cleanup_(journal_freep) struct journal *journal = NEW(struct journal);
	int r;

	journal->options = *options;
	journal->options.folder = string_copy(options->folder);
	set_defaults(&journal->options);
	journal->lock_fd = -1;
	journal->boot_ms = clock_ms(CLOCK_REALTIME) - clock_ms(CLOCK_BOOTTIME);
	journal->segments = segments_new();
	journal->queue = queue_new(QUEUE_LENGTH);
	journal->recent = recent_new();

	r = take_folder(journal, err);
	if (!r)
		r = dead_letters_open(journal->options.folder, &journal->dead_letters, err);
	if (!r)
		r = open_files(journal, err);
	if (r < 0)
		return r;
	journal->head = journal->next - 1;
	journal->dead_letter_count = dead_letters_count(journal->dead_letters);
	*ret_journal = TAKE(journal);
	return 0;
}

/* Runs it in the owner's thread, after all that was handed over before, and waits. */
static void call(
	struct journal *journal, void (*run)(struct journal *journal, void *context), void *context)
{
	struct call call = { .work.kind = JOURNAL_CALL, .run = run, .context = context };

	if (!journal->is_started) {
		run(journal, context);
		return;
	}
	pthread_mutex_init(&call.lock, NULL);
	pthread_cond_init(&call.changed, NULL);
	if (queue_push_wait(journal->queue, &call) == 0) {
		pthread_mutex_lock(&call.lock);
		while (!call.is_done)
			pthread_cond_wait(&call.changed, &call.lock);
		pthread_mutex_unlock(&call.lock);
	}
	pthread_cond_destroy(&call.changed);
	pthread_mutex_destroy(&call.lock);
}

struct cursor_question {
	const char *output;
	int number;
	char *state;
};

static void add_cursor(struct journal *journal, void *context)
{
	struct cursor_question *question = context;
	int at = 0;

	while (at < journal->cursor_count && strcmp(journal->cursors[at].output, question->output))
		at++;
	if (at == journal->cursor_count)
		see_cursor(journal, question->output, journal->head, 0);
	if (at == journal->cursor_count)
		return;
	journal->cursors[at].position =
		MIN_OF((int64_t)journal->cursors[at].position, (int64_t)journal->head);
	journal->cursors[at].is_wanted = true;
	journal->cursors[at].is_dirty = true;
	journal->positions_are_dirty = true;
	question->number = at;
}

int journal_add_cursor(struct journal *journal, const char *output)
{
	struct cursor_question question = { output, -ENOSPC, NULL };

	call(journal, add_cursor, &question);
	return question.number;
}

static void release_cursor(struct journal *journal, void *context)
{
	const struct cursor_question *question = context;

	journal->cursors[question->number].is_wanted = false;
}

void journal_release_cursor(struct journal *journal, int cursor)
{
	struct cursor_question question = { .number = cursor };

	call(journal, release_cursor, &question);
}

static void copy_state(struct journal *journal, void *context)
{
	struct cursor_question *question = context;
	const struct cursor *cursor = &journal->cursors[question->number];

	question->state = string_copy(cursor->held_state ? cursor->held_state : cursor->state);
}

char *journal_state(struct journal *journal, int cursor)
{
	struct cursor_question question = { .number = cursor };

	call(journal, copy_state, &question);
	return question.state;
}

int journal_start(struct journal *journal, struct error *err)
{
	int r = commit(journal, NULL, 0, err);

	if (r < 0)
		return r;
	keep_limits(journal);
	if (journal->options.durability == DURABILITY_PROCESS)
		journal->syncer = syncer_new(SYNC_INTERVAL_MS);
	r = pthread_create(&journal->thread, NULL, own, journal);
	if (r)
		return error_set(err, -r, "no thread for the journal: %s", strerror(r));
	journal->is_started = true;
	return 0;
}

void journal_finish(struct journal *journal)
{
	if (!journal)
		return;
	queue_close(journal->queue);
	if (journal->is_started)
		pthread_join(journal->thread, NULL);
	journal->is_started = false;
	syncer_free(TAKE(journal->syncer));
}

void journal_close(struct journal *journal)
{
	if (!journal)
		return;
	journal_finish(journal);
	journal_free(journal);
}

int journal_append(struct journal *journal, struct journal_append *append)
{
	uint64_t waiting;
	int r;

	append->work.kind = JOURNAL_APPEND;
	append->bytes = 0;
	for (size_t i = 0; i < append->count; i++)
		append->bytes += append->alerts[i].length;
	waiting = atomic_fetch_add(&journal->waiting_bytes, append->bytes);
	r = waiting && waiting + append->bytes > journal->options.waiting_bytes
		    ? -EAGAIN
		    : queue_push(journal->queue, append);
	if (r < 0)
		journal->waiting_bytes -= append->bytes;
	return r;
}

void journal_advance(struct journal *journal, int cursor, int64_t position,
	struct dead_letter *letters, char *state)
{
	struct advance *advance = NEW(struct advance);

	*advance = (struct advance){ { JOURNAL_ADVANCE }, cursor, position, letters, state };
	if (queue_push_wait(journal->queue, advance) < 0) {
		dead_letters_free(letters);
		free(state);
		free(advance);
	}
}

int64_t journal_now_ms(const struct journal *journal)
{
	return now_ms(journal);
}

int64_t journal_head(const struct journal *journal)
{
	return journal->head;
}

int64_t journal_position(const struct journal *journal, int cursor)
{
	return journal->cursors[cursor].position;
}

int64_t journal_cut(const struct journal *journal, int cursor)
{
	return journal->cursors[cursor].cut;
}

uint64_t journal_bytes(const struct journal *journal)
{
	return segments_bytes(journal->segments);
}

uint64_t journal_folded(const struct journal *journal)
{
	return journal->folded;
}

int64_t journal_dead_letters(const struct journal *journal)
{
	return journal->dead_letter_count;
}

int journal_error(const struct journal *journal)
{
	return journal->error;
}

struct segments *journal_segments(struct journal *journal)
{
	return journal->segments;
}

void journal_report_damage(struct journal *journal, int64_t first, const struct error *why)
{
	struct damaged *damaged = NEW(struct damaged);

	damaged->work.kind = JOURNAL_DAMAGED;
	damaged->first = first;
	snprintf(damaged->why, sizeof(damaged->why), "%s", why->message);
	if (queue_push_wait(journal->queue, damaged) < 0)
		free(damaged);
}
