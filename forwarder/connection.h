/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The connection of an output that does not speak HTTP: opened when there is something to send,
 * closed when it failed or nothing was sent for a while. Belongs to one thread.
 */
#pragma once

#include "forwarder/parcel.h"

/* Servers and what is between close what is silent for longer. */
#define CONNECTION_REST_MS 30000

struct connection;

/* All must outlive it. */
struct connection *connection_new(
	const struct output *output, const void *settings, const struct output_trust *trust);
/* Closes it. NULL is fine. */
void connection_free(struct connection *connection);
/*
 * Sends a parcel, in at most twice `timeout_ms`: once to open, once to send. A verdict other than
 * VERDICT_SENT comes with words.
 */
enum verdict connection_send(struct connection *connection, const struct parcel *parcel,
	int timeout_ms, struct error *err);
bool connection_is_open(const struct connection *connection);
void connection_close(struct connection *connection);
