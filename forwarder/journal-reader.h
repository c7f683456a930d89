/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads the journal, with a connection of its own to one file at a time. A reader belongs to one
 * thread, and never waits for the journal's owner.
 */
#pragma once

#include "forwarder/journal.h"

struct journal_reader;

struct journal_reader *journal_reader_new(struct journal *journal);
void journal_reader_free(struct journal_reader *reader);
/*
 * The next alerts after `after`: at most `limit`, and about `bytes`. An empty batch at the head.
 * What was cut is skipped. batch.last tells where to read on. The caller owns the batch. A file
 * that is damaged is reported to the owner, who sets it aside: -EBADMSG once.
 */
int journal_read(struct journal_reader *reader, int64_t after, size_t limit, size_t bytes,
	struct journal_batch **ret_batch, struct error *err);
