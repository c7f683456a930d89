/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The JSON that Docker and Podman give of one container: Podman's is Docker's with more in it.
 */
#pragma once

#include "base/json.h"
#include "sensor/state/runtimes/runtime.h"

/* 0, -ENOENT or answer_error()'s by the status of a REST answer, and the JSON in it (the caller's).
 */
int rest_take(const struct http_answer *answer, struct json_object **ret_object, struct error *err);
/*
 * Fills fetch->metadata from `inspect`, and fetch->image with the image's id. -EPROTO when it is
 * about another container than the one that was asked for.
 */
int inspect_read(struct fetch *fetch, struct json_object *inspect, struct error *err);
/*
 * As inspect_read(), from the files below Docker's root folder. Without what is known only when a
 * container has started. -ENOENT … with words: they cannot be read from here.
 */
int docker_files_read(const char *root, struct fetch *fetch, struct error *err);
/* "sha256:…" without the algorithm. */
struct text id_without_algorithm(struct text id);
/* Up to IMAGE_NAMES_MAX texts of a JSON array. */
size_t texts_of_array(struct kept *kept, struct json_object *array, struct text *ret_texts);
