/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The uuids that came in lately, so that an alert that its sender had to send again is not
 * written twice. Two generations: when the young one is full it becomes the old one, so between
 * RECENT_MAX and twice as many are remembered, in 8 MiB.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define RECENT_MAX 131072

struct recent;

struct recent *recent_new(void);
void recent_free(struct recent *recent);
/* `uuid` is a valid one (uuid_is_valid). False when it was there already. */
bool recent_add(struct recent *recent, const char *uuid);
/* Forgets one that was added and in the end not written. */
void recent_remove(struct recent *recent, const char *uuid);
