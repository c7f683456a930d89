/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A carrier is an output at work. It reads a stock of alerts ahead, cuts parcels from it, and has
 * up to `maxconcurrentrequests` of them under way. They may arrive in any order; the cursor follows
 * the oldest that has not. Back-off belongs to the carrier: after a failure one parcel asks, and
 * the others wait for its answer.
 */
#pragma once

#include <pthread.h>

#include "base/http-client.h"
#include "base/metrics.h"
#include "forwarder/journal.h"
#include "forwarder/output.h"
#include "forwarder/settings.h"

/* Of one alert, before it is given up. */
#define CARRIER_TRIES_MAX 20
#define CARRIER_AGE_MS	  (24LL * 3600 * 1000)

/* What all carriers share; it outlives them. */
struct carriage {
	const struct settings *settings;
	struct journal *journal;
	struct metrics *metrics;
	struct http_client *client;
	const char **titles; /* of all outputs that are on */
	size_t title_count;
	char *client_certificate, *client_key, *client_ca; /* of mutual TLS */
	struct output_trust trust;			   /* the same, for connections */
	unsigned random;
	_Atomic int64_t stop_ms; /* monotonic; 0: nobody wants us to stop */
	_Atomic bool is_resting; /* nothing new is sent, what is under way may arrive */
	pthread_mutex_t lock;	 /* what is reported about them */
};

/* The call of a request; `headers` has room for the request's and two more. */
void carriage_make_call(const struct carriage *carriage, const struct output_settings *settings,
	const struct request *request, const char **headers, struct http_call *ret_call);

struct carrier;

/* Opens its cursor, and goes on from there. -EINVAL for a wrong minimum priority or condition. */
int carrier_new(struct carriage *carriage, const struct instance *instance,
	struct carrier **ret_carrier, struct error *err);
void carrier_free(struct carrier *carrier);
DEFINE_CLEANUP(struct carrier *, carrier_free)

/*
 * Whether it keeps a connection (output.h). Such a one works in a thread of its own, because each
 * of its sends waits for the receiver; the others share the thread of carriage.client.
 */
bool carrier_has_connection(const struct carrier *carrier);
/*
 * Sends what may be sent now; over a connection, one parcel. Times are of CLOCK_MONOTONIC.
 */
void carrier_work(struct carrier *carrier, int64_t now_ms);
const char *carrier_id(const struct carrier *carrier);
int carrier_cursor(const struct carrier *carrier);
/* When it wants to work again if nothing happens before; 0: only when something does. */
int64_t carrier_due_ms(const struct carrier *carrier);
/* Closes its connection, if it has one that is open. */
void carrier_rest(struct carrier *carrier);
/* Whether it has nothing more that it could send now: all is sent, or it backs off. */
bool carrier_is_drained(const struct carrier *carrier);

/* From any thread: its state as a JSON object, and its gauges. */
void carrier_write(struct carrier *carrier, struct json_writer *json);
void carrier_measure(struct carrier *carrier);
