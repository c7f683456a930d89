/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <unistd.h>

#include "base/log.h"
#include "base/memory.h"
#include "forwarder/journal-reader.h"
#include "forwarder/minder.h"
#include "tests/test.h"

struct place {
	char folder[64];
	struct metrics *metrics;
	struct journal *journal;
	struct minder *minder;
	struct journal_reader *reader;
	int64_t at;
};

static void place_open(struct place *place)
{
	struct journal_options options = { 0 };
	struct error err;

	log_set_level(LOG_LEVEL_ERROR);
	*place = (struct place){ .folder = "/tmp/test-minder-XXXXXX", .metrics = metrics_new() };
	options.folder = mkdtemp(place->folder);
	CHECK_NUMBER(journal_open(&options, &place->journal, &err), 0);
	CHECK(journal_add_cursor(place->journal, "webhook") >= 0);
	CHECK_NUMBER(journal_start(place->journal, &err), 0);
	place->minder = minder_new(place->journal, place->metrics);
	place->reader = journal_reader_new(place->journal);
	CHECK_NUMBER(minder_start(place->minder, &err), 0);
}

static void place_close(struct place *place)
{
	_cleanup_(freep) char *command = string_printf("rm -r %s", place->folder);

	journal_reader_free(place->reader);
	minder_free(place->minder);
	journal_close(place->journal);
	metrics_free(place->metrics);
	CHECK_NUMBER(system(command), 0);
}

/* Waits for the next alert of the minder's, whose text must hold both. */
static void check_next(struct place *place, const char *one, const char *two)
{
	_cleanup_(journal_batch_freep) struct journal_batch *batch = NULL;
	struct error err;

	for (int i = 0; i < 2000 && journal_head(place->journal) <= place->at; i++)
		usleep(10000);
	CHECK_NUMBER(journal_read(place->reader, place->at, 1, 1 << 20, &batch, &err), 0);
	CHECK_NUMBER(batch->count, 1);
	if (!batch->count)
		return;
	place->at = batch->last;
	CHECK(strstr(batch->entries[0].body.data, one) != NULL);
	CHECK(strstr(batch->entries[0].body.data, two) != NULL);
}

TEST(a_node_that_falls_silent_is_told_and_that_it_came_back)
{
	struct place place;

	place_open(&place);
	minder_set_silence(place.minder, 1);
	CHECK_NUMBER(minder_beat(place.minder, TEXT("node-1"), VERIFIED_TOKEN), 0);
	check_next(&place, "\"rule\":\"Node silent\"", "\"hostname\":\"node-1\"");
	minder_set_silence(place.minder, 60000);
	CHECK_NUMBER(minder_beat(place.minder, TEXT("node-1"), VERIFIED_TOKEN), 0);
	check_next(&place, "\"rule\":\"Node back\"", "The sensor of node-1 sends again");
	place_close(&place);
}

TEST(who_does_not_show_who_it_is_cannot_speak_for_a_node_that_does)
{
	struct place place;

	place_open(&place);
	CHECK_NUMBER(minder_beat(place.minder, TEXT("a"), VERIFIED_NONE), 0);
	CHECK_NUMBER(minder_beat(place.minder, TEXT("a"), VERIFIED_MTLS), 0);
	CHECK_NUMBER(minder_beat(place.minder, TEXT("a"), VERIFIED_NONE), -EACCES);
	CHECK_NUMBER(minder_beat(place.minder, TEXT(""), VERIFIED_MTLS), -EINVAL);
	place_close(&place);
}

TEST(refusals_are_told_with_how_many)
{
	struct place place;

	place_open(&place);
	minder_refused(place.minder, 3);
	check_next(&place, "\"rule\":\"Alerts refused\"", "\"refused.count\":3");
	place_close(&place);
}
