/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counts alerts by where they came from, with the labels of Falcosidekick (spec/forwarder.md 6).
 */
#pragma once

#include "alert/alert.h"
#include "base/metrics.h"
#include "base/settings.h"

/* Fields that are labels too; '.' in a name becomes '_', names that Prometheus refuses are left
 * out. */
struct alert_labels {
	const struct text_map *custom, *templated; /* keys are fields */
	const struct text_list *extra;
};

/* From any thread. The number of series has the ceiling of metrics.h. */
void alert_count(
	const struct alert_labels *also, struct metrics *metrics, const struct alert *alert);
