/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events for rule tests, made from text: "proc.name=cat fd.num=3 fd.ip=[10.0.0.1,10.0.0.2]".
 * Values are read as the field's type; text may be quoted. `absent` and `waits` without quotes
 * are what they say.
 */
#pragma once

#include "base/error.h"
#include "sensor/event.h"

struct given;

struct given *given_new(void);
void given_free(struct given *given);
/* An event with these values, valid until the next call. Its type is evt.type's, else openat. */
int given_event(struct given *given, struct text text, struct event **ret_event, struct error *err);
