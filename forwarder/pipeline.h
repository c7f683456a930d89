/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What happens to an alert between its arrival and the journal: the steps of spec/forwarder.md 2,
 * in their order.
 */
#pragma once

#include "alert/alert.h"
#include "base/error.h"
#include "forwarder/settings.h"

/* Above this length, long fields are shortened. */
#define EVENT_LENGTH_MAX 4096
#define FIELD_LENGTH_MAX 512

struct pipeline;

/*
 * Prepares the steps, with % values taken from the environment; a variable that is missing is told
 * through `warn` and its field left out. -EINVAL with the key when a template is wrong.
 * `settings` must outlive the pipeline.
 */
int pipeline_new(const struct settings *settings, settings_warning *warn, void *context,
	struct pipeline **ret_pipeline, struct error *err);
void pipeline_free(struct pipeline *pipeline);
DEFINE_CLEANUP(struct pipeline *, pipeline_free)

/*
 * Enriches the alert, checks it, and appends its JSON to `out`. A verified alert keeps its uuid,
 * all others get a new one. -EINVAL with what is wrong. Safe from several threads.
 */
int pipeline_run(const struct pipeline *pipeline, struct alert *alert, struct buffer *out,
	struct error *err);
/* The custom fields as they are set on every alert. */
const struct text_map *pipeline_custom_fields(const struct pipeline *pipeline);
