/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads the journal. A file may be cut between its look-up and its opening, or while it is read:
 * then reading goes on in the next one.
 */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/memory.h"
#include "forwarder/journal-reader.h"
#include "forwarder/segments.h"

struct journal_reader {
	struct journal *journal;
	struct journal_file *file;
	int64_t first;	 /* of the segment that is open; 0: none is */
	int64_t damaged; /* first of the segment that was reported last */
};

struct journal_reader *journal_reader_new(struct journal *journal)
{
	struct journal_reader *reader = NEW(struct journal_reader);

	reader->journal = journal;
	return reader;
}

void journal_reader_free(struct journal_reader *reader)
{
	if (!reader)
		return;
	journal_file_close(reader->file);
	free(reader);
}

static void report_damage(struct journal_reader *reader, int64_t first, const struct error *why)
{
	if (reader->damaged == first)
		return;
	reader->damaged = first;
	journal_report_damage(reader->journal, first, why);
}

static int open_for(struct journal_reader *reader, const struct segment *segment, struct error *err)
{
	int r;

	if (reader->first == segment->first)
		return 0;
	journal_file_close(TAKE(reader->file));
	reader->first = 0;
	r = journal_file_open_reader(segment->path, &reader->file, err);
	if (!r)
		reader->first = segment->first;
	return r;
}

/* 0 also where the file is gone: the batch is empty then. */
static int read_segment(struct journal_reader *reader, const struct segment *segment, int64_t after,
	size_t limit, size_t bytes, struct journal_batch *batch, struct error *err)
{
	int r = open_for(reader, segment, err);

	if (r < 0 && access(segment->path, F_OK) < 0)
		return 0;
	if (!r)
		r = journal_file_read(reader->file, after, limit, bytes, batch, err);
	if (r == -EBADMSG)
		report_damage(reader, segment->first, err);
	return r;
}

int journal_read(struct journal_reader *reader, int64_t after, size_t limit, size_t bytes,
	struct journal_batch **ret_batch, struct error *err)
{
	_cleanup_(journal_batch_freep) struct journal_batch *batch = NEW(struct journal_batch);
	/* Before the look-up: what is not there then is gone. */
	int64_t head = journal_head(reader->journal);
	struct segment segment;
	int r = 0;

	while (!r && !batch->count &&
		segments_find(journal_segments(reader->journal), after, &segment)) {
		r = read_segment(reader, &segment, after, limit, bytes, batch, err);
		after = MAX_OF(after, segment.last);
		free(segment.path);
	}
	if (r < 0)
		return r;
	batch->last =
		batch->count ? batch->entries[batch->count - 1].sequence : MAX_OF(after, head);
	*ret_batch = TAKE(batch);
	return 0;
}
