/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What stores of objects share: the key under which an alert is kept.
 */
#pragma once

#include "forwarder/output.h"

/*
 * PREFIX/YYYY-MM-DD/TIME-UUID.json of the alert's own time, so that no two share one, and one that
 * is sent again replaces itself.
 */
void object_key_write(struct buffer *out, const struct alert *alert, const char *prefix);
/* Adds a path to a URL, escaped but for its slashes. */
void object_url_write(struct buffer *url, struct text path);
/* An object of S3's language at an address that ends in its bucket and a slash: PUT, CRC-32. */
void object_compose(struct request *request, const struct message *message, const char *prefix);
