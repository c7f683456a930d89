/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Parcels: alerts that travel to an output together, in one request.
 */
#pragma once

#include <stdbool.h>

#include "forwarder/calm.h"
#include "forwarder/dead-letters.h"
#include "forwarder/journal-file.h"
#include "alert/match.h"
#include "forwarder/output.h"

enum parcel_state { PARCEL_WAITS, PARCEL_FLIES, PARCEL_ARRIVED };

struct parcel {
	struct parcel *next; /* in the order of the sequence */
	void *context;	     /* who carries it */
	enum parcel_state state;
	struct journal_entry *entries;
	size_t count;
	int64_t last; /* the cursor may go here when all before has arrived */
	struct request request;
	struct dead_letter *letters;
	char *calm_state; /* of the rule's calm, when all of it has arrived; NULL: as before */
	int tries;
	int64_t first_try_ms; /* monotonic; 0: not tried */
};

/* With room for so many alerts. */
struct parcel *parcel_new(size_t room);
void parcel_free(struct parcel *parcel);

/* Alerts that were read ahead, and how many of them are in parcels already. */
struct stock {
	struct journal_batch *batch; /* NULL: none yet */
	size_t at;
};

bool stock_is_empty(const struct stock *stock);

struct parcel_rule {
	const char *id; /* of the output: alerts for another one are left out */
	size_t most;	/* alerts in a parcel */
	enum priority minimum;
	bool (*takes)(const struct alert *alert); /* the output's; NULL: all */
	struct match *match;			  /* NULL: all */
	struct calm *calm;			  /* NULL: all are sent */
	int64_t single_until; /* up to here in the sequence, alerts travel alone */
};

/*
 * The next parcel out of a stock that is not empty, without the alerts that the rule keeps out.
 * One that has none left has arrived already. `now_ms` is monotonic.
 */
struct parcel *parcel_cut(struct stock *stock, const struct parcel_rule *rule, int64_t now_ms);
/* A parcel of one summary (owned), behind all that was cut up to `last`. */
struct parcel *parcel_of_summary(
	char *summary, const struct parcel_rule *rule, int64_t last, int64_t arrived_ms);
/*
 * Leaves the first alert in the parcel and puts each of the others into one of its own, behind it.
 * Returns the last of them.
 */
struct parcel *parcel_split(struct parcel *parcel);
/* All its alerts become dead letters, and it counts as arrived. */
void parcel_give_up(struct parcel *parcel, const char *words);
/* Makes the request. `enabled`: titles of all outputs that are on. */
void parcel_compose(struct parcel *parcel, const struct output *output, const void *settings,
	const char *const *enabled, size_t enabled_count);
/* Makes the request of one of its alerts alone, for outputs that keep a connection. */
void parcel_compose_one(const struct parcel *parcel, size_t i, const struct output *output,
	const void *settings, struct request *request);
