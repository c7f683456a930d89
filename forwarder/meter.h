/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A meter is an output that sends counters of the forwarder in place of alerts (output.h, .tell):
 * it has no cursor, and a thread of its own that sends what has changed every interval. What could
 * not be sent is part of the next.
 */
#pragma once

#include "forwarder/carrier.h"

struct meter;

/* All must outlive it. */
struct meter *meter_new(struct carriage *carriage, const struct instance *instance);
void meter_free(struct meter *meter);
int meter_start(struct meter *meter, struct error *err);
/* Sends once more, and ends the thread. One that was not started is fine. */
void meter_stop(struct meter *meter);
/* Its state, as carrier_write() writes it; from any thread. */
void meter_write(struct meter *meter, struct json_writer *json);
