/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Intake: takes alerts over HTTP and answers when they are in the journal. One alert, an array of
 * them, or one a line; at any path that is not another's, as Falcosidekick does.
 */
#pragma once

#include "base/error.h"
#include "base/metrics.h"
#include "forwarder/delivery.h"
#include "forwarder/journal.h"
#include "forwarder/minder.h"
#include "forwarder/pipeline.h"
#include "forwarder/settings.h"
#include "forwarder/waiting-room.h"

/*
 * What it stands on; all of it must outlive the intake, or be changed by intake_change() before it
 * goes.
 */
struct intake_parts {
	const struct settings *settings;
	const char *token; /* NULL or "": none is known */
	const struct pipeline *pipeline;
	struct delivery *delivery;
	/* These stay as they are. */
	struct journal *journal;
	struct metrics *metrics;
	struct minder *minder;
	struct waiting_room *room;
};

struct intake;

/* Begins to listen. -EADDRINUSE and such with words. */
int intake_new(const struct intake_parts *parts, struct intake **ret_intake, struct error *err);
/*
 * Goes on with other parts; when this returns nobody uses the old ones any more. On failure (a
 * certificate) all stays as it was. Where it listens does not change: that is for a restart.
 */
int intake_change(struct intake *intake, const struct intake_parts *parts, struct error *err);
/* Stops listening, and waits until what was taken is answered. NULL is fine. */
void intake_free(struct intake *intake);

/* What came of a body. */
struct intake_result {
	struct journal_append
		*append; /* the alerts that are right; owned; NULL when there are none */
	size_t accepted, rejected;
	bool is_many;	    /* an array, or more than one line */
	struct error first; /* why the first one that was rejected was */
};

/*
 * Reads a body and runs every alert through the pipeline. `seen` is called for each that is right
 * (may be NULL). The caller takes over result.append.
 */
void intake_read(const struct pipeline *pipeline, struct text body, enum verified verified,
	void (*seen)(void *context, const struct alert *alert), void *context,
	struct intake_result *ret_result);
