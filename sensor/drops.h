/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is done about lost events, as falco.yaml's syscall_event_drops says: once a second the part
 * that was lost is compared with a threshold; a token bucket keeps the actions apart.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "sensor/sources/source.h"

enum drop_action { DROP_LOG = 1 << 0, DROP_ALERT = 1 << 1, DROP_EXIT = 1 << 2 };

struct drop_settings {
	double threshold; /* 0 … 1; exceeded by more than it */
	double rate;	  /* actions a second */
	double burst;
	unsigned actions; /* enum drop_action; 0: ignore */
	bool simulates;
};

struct sensor_options;
int drop_settings_parse(const struct sensor_options *options, struct drop_settings *ret_settings,
	struct error *err);

/* All zero at the start. */
struct drop_watch {
	struct source_counters before;
	double tokens;
	bool has_begun;
	int64_t filled_ms;
	uint64_t detected, acted;
};

/*
 * To be called once a second. Returns the actions to take now; *ret_lost has what was counted since
 * the last call: events (lost ones too), and the lost ones in all and by class.
 */
unsigned drop_watch_look(struct drop_watch *watch, const struct drop_settings *settings,
	const struct source_counters *now, int64_t now_ms, struct source_counters *ret_lost);
