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
 * Looks which outputs are switched on, and opens the cursor of each. An output whose settings are
 * wrong is told through `warn` and left out. -EINVAL for a wrong priority or condition.
 */
int delivery_new(const struct configuration *configuration, struct journal *journal,
	struct metrics *metrics, settings_warning *warn, void *context,
	struct delivery **ret_delivery, struct error *err);
int delivery_start(struct delivery *delivery, struct error *err);
/* There is something new in the journal; from any thread. */
void delivery_wake(struct delivery *delivery);
/*
 * Goes on sending for at most `drain_ms`, or until all that can be sent is; then gives up what is
 * under way and ends the threads. The journal must still be open. False when an output hangs in a
 * call over its connection: then its thread is left behind, and neither this nor the journal may
 * be freed.
 */
bool delivery_stop(struct delivery *delivery, int64_t drain_ms);
/*
 * Sends nothing new, and waits at most `timeout_ms` for what is under way. What has not arrived
 * until then will be sent by who comes after us: another delivery, on the same journal. False as
 * for delivery_stop().
 */
bool delivery_rest(struct delivery *delivery, int64_t timeout_ms);
/* Lets go of the cursors of outputs that `successor` does not have. */
void delivery_release(const struct delivery *delivery, const struct delivery *successor);
/* The ids of the outputs that are on and have this name ("slack": all of them). How many. */
size_t delivery_find(const struct delivery *delivery, const char *name, struct text_list *ret_ids);
void delivery_free(struct delivery *delivery);
DEFINE_CLEANUP(struct delivery *, delivery_free)

/* Titles of the outputs that are on, for the log: "Webhook WebUI". */
void delivery_titles(const struct delivery *delivery, struct buffer *out);
/* Their ids: "webhook slack.team-a". */
void delivery_ids(const struct delivery *delivery, struct buffer *out);
/* The state of each output as JSON; from any thread. */
void delivery_write(struct delivery *delivery, struct buffer *out);
/* Sets the gauges of each output; from any thread. */
void delivery_measure(struct delivery *delivery);
