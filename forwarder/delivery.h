/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Delivery: carries alerts from the journal to the outputs. One thread runs all
 * that speak HTTP on one libcurl multi handle, and each of the others (output.h: .open) has a
 * thread of its own; each output reads at its own pace from its own cursor, so that one that
 * is slow or dead delays only itself and keeps no more than a batch in memory.
 *
 * An answer is a verdict (output.h):
 *   sent            the cursor moves on
 *   alert refused   a request of many is sent again one by one; a single one is a dead letter with
 *                   the receiver's words
 *   later           again after a back-off of the output (0.25 s doubling to 60 s, a quarter of
 *                   jitter, or the receiver's Retry-After); a dead letter after 20 tries or 24 h
 *   output refused  the cursor stays where it is, and one request a back-off asks again
 */
#pragma once

#include "base/error.h"
#include "base/metrics.h"
#include "forwarder/journal.h"
#include "forwarder/settings.h"

struct delivery;

/*
 * Looks which outputs are switched on, and gives each a cursor; before journal_start(). An output
 * whose settings are wrong is told through `warn` and left out. -EINVAL for a wrong priority.
 */
int delivery_new(const struct configuration *configuration, struct journal *journal,
	struct metrics *metrics, settings_warning *warn, void *context,
	struct delivery **ret_delivery, struct error *err);
int delivery_start(struct delivery *delivery, struct error *err);
/* There is something new in the journal; from any thread. */
void delivery_wake(struct delivery *delivery);
/*
 * Goes on sending for at most `drain_ms`, or until all that can be sent is; then gives up what is
 * under way and ends the threads. A receiver that hangs over a connection may hold this up until
 * its call's 5 s are over. The journal must still be open.
 */
void delivery_stop(struct delivery *delivery, int64_t drain_ms);
void delivery_free(struct delivery *delivery);
DEFINE_CLEANUP(struct delivery *, delivery_free)

/* Titles of the outputs that are on, for the log: "Webhook WebUI". */
void delivery_titles(const struct delivery *delivery, struct buffer *out);
/* The state of each output as JSON; from any thread. */
void delivery_write(struct delivery *delivery, struct buffer *out);
/* Sets the gauges of each output; from any thread. */
void delivery_measure(struct delivery *delivery);
