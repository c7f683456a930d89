/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A generation: rules with the settings that they came with, and all that belongs to just those. A
 * reload makes a new one beside the one that runs; between two events it takes its place. Events
 * that wait stay in the generation that parked them, which goes when the last of them went on.
 */
#pragma once

#include "base/metrics.h"
#include "sensor/drops.h"
#include "sensor/outputs/output.h"
#include "sensor/rules/parked.h"
#include "sensor/sensor.h"
#include "sensor/state/domains.h"

struct generation {
	struct sensor_settings *settings;
	bool owns_settings;
	struct rules *rules;
	struct text_list files; /* of rules */
	struct drop_settings drops;
	struct evaluation *evaluation;
	struct domains *domains; /* NULL in a replay */
	struct parked *parked;
	char *hostname;
	struct alert_format format;
	bool makes_json;
	_Atomic uint64_t *matches;	/* by rule; written by the hot thread */
	_Atomic uint64_t *lost;		/* events that a rule could have matched; as matches */
	struct outlets_change *outlets; /* what is to be handed over; NULL: it was */
};

/*
 * Loads and compiles the rules that the settings name, opens the outputs. Any thread; what it logs
 * are warnings of the files. The settings stay the caller's unless ->owns_settings is set.
 */
int generation_new(struct sensor_settings *settings, struct metrics *metrics,
	struct generation **ret_generation, struct error *err);
/* Events that it parked must have gone on. */
void generation_free(struct generation *generation);
/* A replay speaks for the host that was recorded. */
void generation_set_hostname(struct generation *generation, const char *hostname);
/* Starts looking up the names that its rules compare with. */
void generation_look_up(struct generation *generation);
/* Rules of the same name go on counting. */
void generation_take_matches(struct generation *generation, const struct generation *before);
