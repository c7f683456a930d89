/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kinesis' PutRecord, which Yandex Data Streams speaks as well.
 */
#pragma once

#include "forwarder/output.h"

/* The raw event as a record; its uuid is the partition key, so that a repeat shares its shard. */
void kinesis_compose(struct request *request, const struct message *message, const char *stream);
