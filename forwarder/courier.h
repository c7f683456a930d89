/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A courier is the thread of a carrier that keeps a connection: it lets it work while there is
 * something to send, waits when there is not, and closes a connection that rests too long.
 */
#pragma once

#include "forwarder/carrier.h"

struct courier;

/* `stop_ms`: when to stop at the latest, of CLOCK_MONOTONIC; 0: go on. Both must outlive it. */
struct courier *courier_new(struct carrier *carrier, const _Atomic int64_t *stop_ms);
/* Joined before. NULL is fine. */
void courier_free(struct courier *courier);
int courier_start(struct courier *courier, struct error *err);
/* There is something new, to send or in *stop_ms; from any thread. */
void courier_wake(struct courier *courier);
/*
 * Waits for its end, which *stop_ms has told it, until `until_ms` at the latest. False: it is in a
 * call that does not return, and nothing that it uses may be freed. One that was not started is
 * fine.
 */
bool courier_join(struct courier *courier, int64_t until_ms);
